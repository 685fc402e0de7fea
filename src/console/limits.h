/*
 * console/limits.h - maxima of what a page may ask of the console.
 *
 * Layer: console.
 */
#ifndef DT_CONSOLE_LIMITS_H
#define DT_CONSOLE_LIMITS_H

#define DT_CONSOLE_BODY_MAX   (1u << 20)    /* of any request; a file comes in pieces of it */
#define DT_CONSOLE_HEADER_MAX (32u << 10)   /* header lines of a request and its answer */
#define DT_CONSOLE_ANSWER_MAX (64u << 20)   /* what a command may print */
#define DT_CONSOLE_NOTES_MAX  (256u << 10)  /* and remark */
#define DT_CONSOLE_OPERANDS   64u           /* of a call */
#define DT_CONSOLE_OPTIONS    64u           /* of a call, each value of a repeated one counted */
#define DT_CONSOLE_NAME_MAX   64u           /* bytes of the name of a command or an option */
#define DT_CONSOLE_FILE_NAME  128u          /* bytes of the name of a file, as the page gives it */
#define DT_CONSOLE_ID         16u           /* random bytes of a file's or a call's id */
#define DT_CONSOLE_KEY        16u           /* of a key that opens a session */
#define DT_CONSOLE_TOKEN      32u           /* of a session's token */
#define DT_CONSOLE_KEYS       8u            /* keys not yet used at one time */
#define DT_CONSOLE_SESSIONS   8u            /* open at one time; the oldest gives way */
#define DT_CONSOLE_KEY_MS     (10u * 60000) /* a printed key not used so long is no key */
#define DT_CONSOLE_RESUME_MS  20000u        /* a key that a page leaves behind while it reloads */
#define DT_CONSOLE_IDLE_MS    (12ull * 3600000) /* a session without a request so long is over */
#define DT_CONSOLE_LOCK_MIN   15u /* minutes without anybody at a page until it is locked */
#define DT_CONSOLE_WRONG_MAX  5u  /* wrong passphrases in a row; then all sessions end */
#define DT_CONSOLE_CALLS      64u /* calls that wait or run */
#define DT_CONSOLE_FILES      64u /* files of pages at one time */
#define DT_CONSOLE_FILE_MAX   (64ull << 20) /* bytes of one of them */
#define DT_CONSOLE_POLL_MS    25000u        /* longest wait for news */

#endif
