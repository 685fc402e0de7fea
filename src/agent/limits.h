/*
 * agent/limits.h - the maxima of what the agent parses and keeps.
 *
 * Layer: agent.
 */
#ifndef DT_AGENT_LIMITS_H
#define DT_AGENT_LIMITS_H

#include "record/limits.h" /* DT_LANG_MAX, DT_FILE_MAX_MIB */

#define DT_LETTER_MAX 4096u /* an encoded letter of credence */

#define DT_VOUCHER_MAX       512u       /* an encoded voucher */
#define DT_FOUNDING_MAX      16384u     /* a founding list with its signatures */
#define DT_FOUNDING_MEMBERS  32u        /* first delegates of a channel */
#define DT_FOUNDING_PARTIES  16u        /* parties of a channel */
#define DT_CHANNEL_NAME_MAX  128u       /* bytes of a channel's name */
#define DT_APPROVALS_MAX     16u        /* approvals in one ground */
#define DT_GROUNDS_MAX       16u        /* grounds in one warrant */
#define DT_WARRANT_MAX       131072u    /* an encoded warrant */
#define DT_HISTORY_WARRANTS  4096u      /* warrants in a channel's history */
#define DT_HISTORY_MAX       (8u << 20) /* an encoded history */
#define DT_KEY_PACKAGE_MAX   16384u
#define DT_WELCOME_MAX       (400u << 10)
#define DT_INBOX_MESSAGE_MAX (500u << 10)
#define DT_PAYLOAD_MAX       (500u << 10)            /* an application payload */
#define DT_CELL_MAX          (512u << 10)            /* a sealed cell */
#define DT_CHUNK             (480u << 10)            /* every piece of a file but the last */
#define DT_FILE_MAX          (DT_FILE_MAX_MIB << 20) /* a file in pieces, whatever a charter says */
#define DT_MEDIA_TYPE_MAX    128u
#define DT_LINE_TEXT_MAX     500u /* what an outage is announced with */
#define DT_FILE_NAME_MAX     255u
#define DT_AUTHENTICATOR_MAX 64u

/* An honest register holds what it acknowledged at once; what stands before it may be behind. */
#define DT_REGISTER_LAG_MS    (UINT64_C(60) * 1000)
#define DT_REGISTER_SILENT_MS (60 * DT_REGISTER_LAG_MS) /* the same while it gives no answer */
#define DT_REGISTER_RECORD_MS (UINT64_C(3600) * 1000)   /* for another's record to be handed in */

#define DT_SHOWN_UNREAD_MAX 1024u /* cells of a queue that could not be read, remembered */
#define DT_SHOWN_INBOX_MAX  4096u /* cells of the inbox that were taken in, remembered */
#define DT_REVIEWS_PER_SYNC 8u    /* readings of queues from their beginning */
#define DT_INBOX_PER_SYNC   8192u /* cells of the inbox that one read goes through */
#define DT_UNREAD_PER_SYNC  256u  /* of them one read of a queue goes through */

/* Receipts (docs/protocol-agent.md "Receipts"). */
#define DT_COPY_MAX             2048u /* a message in a copy */
#define DT_COPIES_KEPT          8u    /* copies of a coming epoch, a channel */
#define DT_COPY_LIFE_MS         DT_VOUCHER_LIFE_MAX_MS
#define DT_TRANSCRIPT_POSITIONS 1024u /* positions kept, a channel */
#define DT_TRANSCRIPT_EPOCHS    16u   /* epochs kept, a channel */
#define DT_AWAITED_KEPT         256u  /* own messages whose receipts are looked at, a channel */
#define DT_ARRIVED_MAX          256u  /* members whose receipt for one message is noted */
#define DT_RECEIPT_WITHIN_MS    (UINT64_C(3600) * 1000)

/* Rules of time (docs/protocol.md, Channels). */
#define DT_VOUCHER_LIFE_MAX_MS (UINT64_C(4) * 24 * 3600 * 1000)
#define DT_CLOCK_SKEW_MS       (UINT64_C(3600) * 1000) /* one clock may be behind another */
#define DT_QUEUE_LIFE_MS       (UINT64_C(30) * 24 * 3600 * 1000)
#define DT_REJOIN_PAUSE_MS     DT_VOUCHER_LIFE_MAX_MS /* between two re-joins without the user */
#define DT_REJOIN_ASKS         3u                     /* requests of one lapse */
#define DT_INVITATION_SEATS    8u                     /* seats that requests of ours may have got */
#define DT_LAPSE_HINTS         4u                     /* seats that a copy of us may have */
#define DT_REJOINS_SENDER      16u                    /* one delegate's requests to re-join */
#define DT_REJOINS_KEPT        256u                   /* others' requests to re-join, in all */
#define DT_APPROVAL_EPOCHS     64u

/* Session keys (docs/protocol-channel.md "Session keys"). */
#define DT_ROTATE_EVERY_MS     (UINT64_C(24) * 3600 * 1000)
#define DT_ROTATE_EVERY_MIN_MS (UINT64_C(3600) * 1000)
#define DT_ROTATE_EVERY_MAX_MS (UINT64_C(3) * 24 * 3600 * 1000)
#define DT_CLOSE_AFTER_MS      (UINT64_C(3600) * 1000) /* from a key's replacement to the call */
#define DT_CALL_AGAIN_MS       DT_VOUCHER_LIFE_MAX_MS  /* to the next, while it is not released */
#define DT_RELEASE_AFTER_MS    DT_CLOCK_SKEW_MS        /* behind the end of its voucher */
#define DT_UNRELEASED_WAITS    8u                      /* members named who have not closed */

/* Keep or destroy (docs/protocol-channel.md). */
#define DT_DESTROYED_ITEMS 64u /* destroyed in one transaction, and named in one message */

#endif
