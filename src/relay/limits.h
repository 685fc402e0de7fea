/*
 * relay/limits.h - what the relay takes at most.
 *
 * Layer: relay.
 */
#ifndef DT_RELAY_LIMITS_H
#define DT_RELAY_LIMITS_H

#include "net/limits.h"

#define DT_RELAY_BATCH_MAX        1024u  /* jobs in one transaction */
#define DT_RELAY_BATCH_CELLS      4096u  /* cells in one transaction, and those of one more job */
#define DT_RELAY_BATCH_EARLY      8u     /* jobs for which a writer that rests begins, where */
#define DT_RELAY_EARLY_US         300u   /* its batches wait for the disk less than this */
#define DT_RELAY_RECENT_QUEUES    16384u /* queues that are kept in memory, */
#define DT_RELAY_RECENT_BYTES     (4u << 20) /* their newest cells, */
#define DT_RELAY_RECENT_SHARE     32u        /* all of it is at most this part of the memory */
#define DT_RELAY_RECENT_MS        2000u /* and how long what the store said of one is not asked again */
#define DT_RELAY_PENDING_MAX      8192u  /* jobs waiting for the writer; past it 503 */
#define DT_RELAY_QUEUES_MAX       10000u /* queues of one grant */
#define DT_RELAY_QUEUE_CELLS_MAX  UINT64_C(1000000)
#define DT_RELAY_QUEUE_BYTES_MAX  (UINT64_C(4) << 30)
#define DT_RELAY_RATE_BYTES       (16u << 10) /* a cell is so many appends as it begins of these */
#define DT_RELAY_OPENINGS_MAX     1024u /* published beside a register, in equal shares by party */
#define DT_RELAY_DAILY_OPENINGS   32u   /* of one party */
#define DT_RELAY_DAILY_ENTRIES    1000u
#define DT_RELAY_READERS_MAX      128u /* of one queue, that acknowledge what they read */
#define DT_RELAY_IDS_KEPT_S       (30u * 24 * 3600)    /* append ids, after their cells expired */
#define DT_RELAY_EXPIRY_LOOK      64u                  /* queues looked at in one go */
#define DT_RELAY_RESERVE_MAX      (UINT64_C(64) << 20) /* of the disk, kept for registers */
#define DT_RELAY_RESERVE_SHARE    20u                  /* and no more than this part of it */
#define DT_RELAY_RESERVE_STANDARD UINT64_MAX
#define DT_RELAY_WATCHES_MAX      65536u
#define DT_RELAY_CHECKPOINTS_KEPT                                                                  \
    65536u /* entries back to which every signed checkpoint is kept; further back: the cosigned */

#endif
