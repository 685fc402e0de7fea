/*
 * log/limits.h - every maximum of the log library in one place.
 *
 * Layer: log. The C2SP texts ask for at least 16 signatures in a note, and 32 logs, witnesses and
 * groups in a policy; our numbers lie above these and are still small.
 */
#ifndef DT_LOG_LIMITS_H
#define DT_LOG_LIMITS_H

#include <stdint.h>

#define TLOG_SIZE_MAX                                                                              \
    ((uint64_t)INT64_MAX)                   /* largest tree size, as in the Go programs: 2^63 - 1  \
                                             */
#define TLOG_TIME_MAX ((uint64_t)INT64_MAX) /* largest cosignature time, in seconds */
#define TLOG_TIME_COUNTS_MAX                                                                       \
    UINT64_C(253402300799)      /* largest that vouches for anything: 9999-12-31T23:59:59Z */
#define TLOG_PATH_MAX        64 /* hashes in one proof: 63 levels and the old subtree */
#define TLOG_PROOF_LINES_MAX 63 /* hashes in a request or proof file (c2sp.org/tlog-witness) */

#define TLOG_NAME_MAX      255          /* bytes of a key name or an origin, as in type 0x06 */
#define TLOG_NOTE_MAX      (256u << 10) /* bytes of a whole signed note */
#define TLOG_NOTE_SIGS_MAX 100          /* signature lines in a note */
#define TLOG_VKEY_MAX      512          /* bytes of a verifier key as text (Ed25519 only) */

#define TLOG_POLICY_MAX       (128u << 10) /* bytes of a policy file */
#define TLOG_POLICY_LOGS_MAX  64
#define TLOG_POLICY_NODES_MAX 128 /* witnesses and groups together */
#define TLOG_POLICY_NAME_MAX  255 /* bytes of a witness's or group's name */
#define TLOG_POLICY_URL_MAX   2048

#define TLOG_PROOF_EXTRA_MAX (64u << 10) /* bytes of the extra data of a proof file */
#define TLOG_PROOF_FILE_MAX  (TLOG_NOTE_MAX + TLOG_PROOF_EXTRA_MAX / 3 * 4 + 4096)

#define TLOG_TILE_WIDTH   256                    /* hashes in a full tile */
#define TLOG_TILE_BYTES   (TLOG_TILE_WIDTH * 32) /* bytes of a full tile */
#define TLOG_TILE_LEVELS  8     /* levels of tiles that a tree of 2^63 leaves has */
#define TLOG_ENTRY_MAX    65535 /* bytes of an entry in a bundle */
#define TLOG_BUNDLE_MAX   (TLOG_TILE_WIDTH * (TLOG_ENTRY_MAX + 2)) /* bytes of a full bundle */
#define TLOG_PATH_STR_MAX 64 /* bytes of a tile's path as text */

#define TLOG_REQUEST_MAX  (TLOG_NOTE_MAX + 4096) /* bytes of an add-checkpoint body */
#define TLOG_EVIDENCE_MAX (2 * TLOG_NOTE_MAX + 8192)

#endif
