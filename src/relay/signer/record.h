/*
 * relay/signer/record.h - the bytes of the file in which a relay's signer remembers.
 *
 * Layer: relay, internal. A header, and for each register a slot of three places of 64 bytes:
 *
 *     struct { opaque name[14] = "detente signed"; uint16 version = 2; uint8 fill[40] = {255, ...};
 *              opaque check[8]; } header;
 *     struct { opaque register[16]; uint64 size; opaque root[32]; opaque check[8]; } record;
 *     struct { record or uint8 zero[64] = {0}; } place;
 *     struct { place places[3]; } slot;
 *
 * check being the beginning of the SHA-256 of the rest. Of a slot's intact records the one of the
 * largest size counts. A write goes into a place that is neither that one nor the one that was last
 * on the disk for sure, so what a kill or a power cut tears was never a record that counts: nobody
 * was told of it yet. The form before, version 1, was records alone, each written over in place; a
 * program that knows no other takes the header for a record of a size that no register has, and
 * opens nothing.
 */
#ifndef DT_RELAY_SIGNER_RECORD_H
#define DT_RELAY_SIGNER_RECORD_H

#include "log/tree.h"
#include "net/limits.h"

#define SIGNER_RECORD 64u
#define SIGNER_PLACES 3u
#define SIGNER_SLOT   (SIGNER_PLACES * SIGNER_RECORD)
#define SIGNER_HEADER 64u

struct signer_record {
    uint8_t reg[DT_REGISTER_ID];
    uint64_t size;
    struct tlog_hash root;
};

/* FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err signer_record_read(struct dt_view bytes, struct signer_record *out);
DT_MUST_CHECK enum dt_err signer_record_write(const struct signer_record *r, struct dt_buf *out);

/**
 * signer_slot_read(bytes, out, out_place):
 * The record that counts in a slot, and in which of its places it is. ${bytes} is what the file has
 * of the slot, at most SIGNER_SLOT: one at the end may be short. NOT_FOUND: it ends with its first
 * record or before, and that is not intact: nobody was told of it, for before that a second is
 * there. FORMAT: no record is intact, or two contradict each other.
 */
DT_MUST_CHECK enum dt_err signer_slot_read(struct dt_view bytes, struct signer_record *out,
                                           size_t *out_place);

/* A slot with ${r} in its first place. */
DT_MUST_CHECK enum dt_err signer_slot_write(const struct signer_record *r, struct dt_buf *out);

/* Is ${bytes}, the beginning of a file, a header? NOT_FOUND: it is of the form before, or of none.
 * UNSUPPORTED (of a later version), FORMAT (damaged). */
DT_MUST_CHECK enum dt_err signer_header_read(struct dt_view bytes);
DT_MUST_CHECK enum dt_err signer_header_write(struct dt_buf *out);

#endif
