/*
 * relay/signer/core.h - what the signer does, without process and messages; see signer.h.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_SIGNER_CORE_H
#define DT_RELAY_SIGNER_CORE_H

#include "relay/signer/memory.h"
#include "relay/signer/signer.h"

struct signer_core;

/* ${memory} is borrowed; NULL: nothing is remembered. NOMEM. */
DT_MUST_CHECK enum dt_err signer_core_new(struct dt_view key, struct signer_memory *memory,
                                          struct signer_core **out);
void signer_core_free(struct signer_core *c);

DT_MUST_CHECK enum dt_err signer_core_sign(struct signer_core *c, struct relay_signing *v,
                                           size_t n);
DT_MUST_CHECK enum dt_err signer_core_confirm(struct signer_core *c, struct relay_signing *v,
                                              size_t n);
DT_MUST_CHECK enum dt_err signer_core_seal(struct signer_core *c,
                                           const uint8_t reg[static DT_REGISTER_ID],
                                           struct dt_view seed, struct dt_buf *out);

#endif
