/*
 * console/call.h - a call as a page sends it: a command, its operands and options.
 *
 * Source: docs/console-api.md "Calls". Layer: console.
 */
#ifndef DT_CONSOLE_CALL_H
#define DT_CONSOLE_CALL_H

#include "base/bytes.h"
#include "console/limits.h"
#include "crypto/secret.h"

/* Where a value comes from or goes to. */
enum dt_console_value_kind {
    DT_CONSOLE_TEXT = 1, /* the value itself; of a flag "" */
    DT_CONSOLE_UPLOAD,   /* a file that the page sent before, by its id */
    DT_CONSOLE_DOWNLOAD  /* a file that the command writes, by the name that it gets */
};

struct dt_console_value {
    enum dt_console_value_kind kind;
    char *text; /* the text, the id in hex, or the name; once it is known, the path */
    char *name; /* of an option; NULL of an operand */
    char file[DT_CONSOLE_FILE_NAME + 1]; /* UPLOAD, DOWNLOAD: the name that people see */
    uint8_t id[DT_CONSOLE_ID];           /* of the file */
};

/* All zero is empty; release with dt_console_call_clear(). */
struct dt_console_call {
    char command[DT_CONSOLE_NAME_MAX + 1];
    bool has_id;
    uint8_t id[DT_CONSOLE_ID]; /* that the page gave it, to cancel it by */
    size_t n_operands, n_options;
    struct dt_console_value operands[DT_CONSOLE_OPERANDS];
    struct dt_console_value options[DT_CONSOLE_OPTIONS];
    struct dt_secret passphrase; /* empty: none came */
};

/**
 * dt_console_call_parse(body, out):
 * Read the JSON ${body} of a call into ${out}, which is empty. Unknown members, values of other
 * types, names outside [a-z0-9 -] and values with a NUL are refused. FORMAT and LIMIT, with a
 * message that says where; NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_console_call_parse(struct dt_view body, struct dt_console_call *out);

/* Read the JSON ${body} of what unlocks a page, a passphrase and nothing else, into ${out}: a call
 * of no command. FORMAT, NOMEM. */
DT_MUST_CHECK enum dt_err dt_console_unlock_parse(struct dt_view body, struct dt_console_call *out);
void dt_console_call_clear(struct dt_console_call *call);

/* A file's name as people see it: not empty, no more than DT_CONSOLE_FILE_NAME bytes of UTF-8, none
 * of them a slash, a backslash or a control character, and not "." or "..". */
bool dt_console_file_name_ok(struct dt_view name);

#endif
