/*
 * net/trouble.h - what a relay says of witnesses that it asks and that do not cosign.
 *
 * Source: docs/protocol-relay.md "Registers", GET witnesses. Layer: net. It is the relay's word
 * alone: nothing in it is signed. Of its answer nothing is taken but key ids, numbers and words
 * known here, so that no text of a relay's choosing gets any further.
 */
#ifndef DT_NET_TROUBLE_H
#define DT_NET_TROUBLE_H

#include "net/client.h"

#define DT_TROUBLES_MAX    128u         /* witnesses in one answer */
#define DT_TROUBLES_ANSWER (256u << 10) /* bytes of one */
#define DT_TROUBLES_DEPTH  4u           /* of what is nested in one */

enum dt_trouble {
    DT_TROUBLE_OTHER = 0, /* a word not known here */
    DT_TROUBLE_UNREACHED, /* no answer, or none of the protocol's */
    DT_TROUBLE_REFUSES,   /* a 4xx */
    DT_TROUBLE_AHEAD,     /* a 409 with a larger size than the relay holds */
    DT_TROUBLE_UNSIGNED   /* a 200 without its cosignature */
};

/* Of one witness. */
struct dt_relay_trouble {
    uint32_t key_id;
    enum dt_trouble what;
    unsigned int status; /* the latest HTTP status; 0: none */
    uint64_t since_s;    /* since 1970 */
};

struct dt_relay_troubles {
    struct dt_relay_trouble v[DT_TROUBLES_MAX]; /* in the answer's order */
    size_t n;
};

/* Read an answer to GET witnesses. FORMAT, LIMIT, UNSUPPORTED (another format), NOMEM; ${out} as it
 * was on error. */
DT_MUST_CHECK enum dt_err dt_relay_troubles_read(struct dt_view json,
                                                 struct dt_relay_troubles *out);

/* Ask the relay that serves the register ${register_url}: the above, and the errors of
 * dt_http_call() and dt_http_answer_err(). */
DT_MUST_CHECK enum dt_err dt_register_troubles(struct dt_http_client *c, const char *register_url,
                                               struct dt_relay_troubles *out);

/* "unreached", "refuses", "ahead", "unsigned"; "other". Static. */
const char *dt_trouble_name(enum dt_trouble what);

#endif
