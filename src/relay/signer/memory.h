/*
 * relay/signer/memory.h - what a relay's signer remembers: of each register the largest checkpoint
 * that came into the store, so that none is signed below it or beside it.
 *
 * Layer: relay. One file, of the form of signer/record.h. A record is in the file before anybody is
 * told, so it outlives the process; it is on the disk within a second, or when
 * signer_memory_sync() is called. A register's first is on the disk at once, so that of each slot
 * that anybody was told of one record is whole, wherever a kill or a power cut comes. After a sync
 * that failed everything since the last good one is written again, and nothing is signed before
 * that is on the disk.
 */
#ifndef DT_RELAY_SIGNER_MEMORY_H
#define DT_RELAY_SIGNER_MEMORY_H

#include "relay/signer/record.h"

#define SIGNER_RECORDS_MAX (1u << 20)

struct signer_memory;

/* Open ${path}, or make it, mode 0600. A file of the form before is replaced by one of today's in
 * one step. FORMAT (a record is damaged, or a register is there twice), UNSUPPORTED (the form of a
 * later version), LIMIT, IO, BUSY (another process has it), NOMEM. */
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

/* Write what could not be written; after a sync that failed, with a sync. IO. */
DT_MUST_CHECK enum dt_err signer_memory_flush(struct signer_memory *m);

/* Is there something that is not on the disk yet? And put it there. IO. */
bool signer_memory_dirty(const struct signer_memory *m);
DT_MUST_CHECK enum dt_err signer_memory_sync(struct signer_memory *m);

#endif
