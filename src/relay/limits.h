/*
 * relay/limits.h - what the relay takes at most.
 *
 * Layer: relay.
 */
#ifndef DT_RELAY_LIMITS_H
#define DT_RELAY_LIMITS_H

#include "net/limits.h"

#define DT_RELAY_BATCH_MAX       1024u  /* jobs in one transaction */
#define DT_RELAY_PENDING_MAX     8192u  /* jobs waiting for the writer; past it 503 */
#define DT_RELAY_QUEUES_MAX      10000u /* queues of one grant */
#define DT_RELAY_QUEUE_CELLS_MAX UINT64_C(1000000)
#define DT_RELAY_QUEUE_BYTES_MAX (UINT64_C(4) << 30)
#define DT_RELAY_OPENINGS_MAX    1024u /* published beside a register, in equal shares by party */
#define DT_RELAY_DAILY_OPENINGS  32u   /* of one party */
#define DT_RELAY_DAILY_ENTRIES   1000u
#define DT_RELAY_WATCHES_MAX     65536u
#define DT_RELAY_CHECKPOINTS_KEPT                                                                  \
    65536u /* entries back to which every signed checkpoint is kept; further back: the cosigned */

#endif
