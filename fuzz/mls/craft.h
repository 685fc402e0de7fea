/*
 * fuzz/mls/craft.h - any content, good or bad, signed, encrypted and tagged with a member's real
 * keys, so that what lies behind decryption, signature and confirmation tag is reached.
 */
#ifndef DT_FUZZ_CRAFT_H
#define DT_FUZZ_CRAFT_H

#include "mls/group_internal.h"

#include "fuzz_mls.h"

/**
 * craft_message(from, to, wire_format, type, inner, out):
 * The content ${inner} of content type ${type} as a message by ${from}. A Commit has the
 * confirmation tag that ${to} will ask for, as far as ${to} can follow it; else zeros. A
 * PrivateMessage uses up one generation of ${from}. False when it cannot be said at all (it is too
 * large).
 */
bool craft_message(struct mls_group *from, const struct mls_group *to, uint16_t wire_format,
                   uint8_t type, struct dt_view inner, struct dt_buf *out);

/* The same of ${type}, said by one who is no member of ${to}: a sender of ${by}, who signs with
 * ${sig_priv}. A Commit has a confirmation tag of zeros. */
bool craft_outside(const struct mls_group *to, struct dt_view sig_priv, struct mls_sender by,
                   uint8_t type, struct dt_view inner, struct dt_buf *out);

#endif
