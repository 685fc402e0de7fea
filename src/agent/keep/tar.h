/*
 * agent/keep/tar.h - headers of plain tar members, in the one form that archives have.
 *
 * Source: POSIX.1-1988 ustar; docs/archive.md "The archive". Layer: agent; pure.
 */
#ifndef DT_AGENT_KEEP_TAR_H
#define DT_AGENT_KEEP_TAR_H

#include "base/bytes.h"

#define DT_TAR_BLOCK    512u
#define DT_TAR_NAME_MAX 99u
#define DT_TAR_SIZE_MAX (64u << 20) /* of one member */

/* May a member be called so? Parts of a-z 0-9 . _ - between slashes, none of them beginning with a
 * full stop: such a name stays below the folder that it is unpacked in. */
bool dt_tar_name_ok(const char *name);

/* The header of a member. RANGE: the name, the size. */
DT_MUST_CHECK enum dt_err dt_tar_head_encode(const char *name, uint64_t size, uint64_t time_s,
                                             uint8_t out[static DT_TAR_BLOCK]);

/* Read one; FORMAT unless it is, byte for byte, what dt_tar_head_encode() writes for what it says.
 * ${name} has DT_TAR_NAME_MAX + 1 bytes. */
DT_MUST_CHECK enum dt_err dt_tar_head_decode(const uint8_t block[static DT_TAR_BLOCK], char *name,
                                             uint64_t *out_size, uint64_t *out_time_s);

#endif
