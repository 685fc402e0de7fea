/*
 * net/json.h - JSON from outside, parsed in one way.
 *
 * Layer: net. For the readers of grant files, of a relay's answers, and of what users write.
 */
#ifndef DT_NET_JSON_H
#define DT_NET_JSON_H

#include <jansson.h>

#include "base/bytes.h"

/* Parse the whole of ${json}, in which no object has a key twice; the caller has bounded its bytes.
 * ${out} is the caller's, for json_decref(). FORMAT with the line, NOMEM. */
DT_MUST_CHECK enum dt_err dt_json_parse(struct dt_view json, json_t **out);

#endif
