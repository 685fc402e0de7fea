/*
 * net/limits.h - maxima of what goes over HTTP, on both ends.
 *
 * Layer: net.
 */
#ifndef DT_NET_LIMITS_H
#define DT_NET_LIMITS_H

#define DT_NET_BODY_MAX      (1u << 20)  /* request body */
#define DT_NET_BODY_OPEN_MAX (64u << 10) /* request body from who has shown no token */
#define DT_NET_DRAIN_MAX     (4u << 20) /* of a body too large: read and thrown away, then refused */
#define DT_NET_HELD_MAX      (256u << 20) /* all that requests have in memory */
#define DT_NET_TRANSFER_S    30u          /* a body or an answer has this time, and */
#define DT_NET_RATE_MIN      4096u        /* a second more for each so many bytes */
#define DT_NET_ANSWER_MAX    (4u << 20)   /* answer body that a client takes */
#define DT_NET_HEADER_MAX    (64u << 10)  /* header of an answer, interim answers included */
#define DT_NET_SILENCE_S     20u  /* a client gives up after so long without DT_NET_SPEED_MIN */
#define DT_NET_SPEED_MIN     100u /* bytes a second */
#define DT_NET_TIMEOUT_S     300u /* and after so long in all */
#define DT_NET_URL_MAX       2048u
#define DT_NET_HEADERS_MAX   32u         /* header lines of one request */
#define DT_NET_WAIT_MAX_S    60u         /* longest long poll */
#define DT_NET_GRANT_MAX     (64u << 10) /* a grant file */

#define DT_CELL_STEP        512u
#define DT_CELL_STEP_END    4096u
#define DT_CELL_MAX         (512u << 10)
#define DT_RELAY_ADDRESS    32u
#define DT_RELAY_TOKEN      32u
#define DT_RELAY_APPEND_ID  16u
#define DT_RELAY_READER     16u
#define DT_RELAY_READ_MAX   (1u << 20) /* bytes of cells in one read answer */
#define DT_RELAY_READ_COUNT 1024u      /* cells in one read answer */
#define DT_RELAY_POLL_MAX   64u        /* queues in one poll */
#define DT_RELAY_APPEND_MAX 256u       /* cells in one request */
#define DT_REGISTER_ENTRY                                                                          \
    33u /* version byte and seal; record/fields.h has it in the same words                         \
         */
#define DT_REGISTER_ID       16u
#define DT_REGISTER_NOTE_MAX (64u << 10)          /* a checkpoint with its cosignatures */
#define DT_NET_OPENING_MAX   DT_NET_BODY_OPEN_MAX /* a file published beside a register */
#define DT_RELAY_DISK_FULL   "disk-full"          /* the code of an error, docs/protocol-relay.md */
#define DT_GRANT_NAME_MAX    64u
#define DT_GRANT_VKEY_MAX    256u
#define DT_GRANT_PARTIES_MAX 16u
#define DT_GRANT_WITNESS_MAX 32u

#endif
