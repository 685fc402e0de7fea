/*
 * relay/signer/memory.h - what a relay's signer remembers: of each register the largest checkpoint
 * that came into the store, so that none is signed below it or beside it.
 *
 * Layer: relay. One file of records of 64 bytes, each written in its place in one call:
 *
 *     struct { opaque register[16]; uint64 size; opaque root[32]; opaque check[8]; } record;
 *
 * check being the beginning of the SHA-256 of the rest. A record is in the file before anybody is
 * told, so it outlives the process; it is on the disk within a second, or when
 * signer_memory_sync() is called.
 */
#ifndef DT_RELAY_SIGNER_MEMORY_H
#define DT_RELAY_SIGNER_MEMORY_H

#include "log/tree.h"
#include "net/limits.h"

#define SIGNER_RECORD      64u
#define SIGNER_RECORDS_MAX (1u << 20)

struct signer_memory;

/* Open ${path}, or make it, mode 0600. FORMAT (a record is damaged, or there twice), LIMIT, IO,
 * BUSY (another process has it), NOMEM. */
DT_MUST_CHECK enum dt_err signer_memory_open(const char *path, struct signer_memory **out);
void signer_memory_close(struct signer_memory *m);

/* May a checkpoint of ${size} and ${root} be signed for ${reg}? REFUSED: a larger one, or one of
 * this size with another root, was. */
DT_MUST_CHECK enum dt_err signer_memory_check(const struct signer_memory *m,
                                              const uint8_t reg[static DT_REGISTER_ID],
                                              uint64_t size, const struct tlog_hash *root);

/* It was, and is in the store. REFUSED as above, LIMIT, NOMEM; IO: it is remembered, and not in the
 * file yet. */
DT_MUST_CHECK enum dt_err signer_memory_set(struct signer_memory *m,
                                            const uint8_t reg[static DT_REGISTER_ID], uint64_t size,
                                            const struct tlog_hash *root);

/* Write what could not be written. IO. */
DT_MUST_CHECK enum dt_err signer_memory_flush(struct signer_memory *m);

/* Is there something that is not on the disk yet? And put it there. IO. */
bool signer_memory_dirty(const struct signer_memory *m);
DT_MUST_CHECK enum dt_err signer_memory_sync(struct signer_memory *m);

/* ---- the records by themselves ---- */
struct signer_record {
    uint8_t reg[DT_REGISTER_ID];
    uint64_t size;
    struct tlog_hash root;
};

/* FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err signer_record_read(struct dt_view bytes, struct signer_record *out);
DT_MUST_CHECK enum dt_err signer_record_write(const struct signer_record *r, struct dt_buf *out);

#endif
