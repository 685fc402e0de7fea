/*
 * cli/cli.h - what every command of the program `detente` is given, and how it answers.
 *
 * Layer: cli. Results go to standard output, everything else to standard error. One table of
 * commands; each command's options are a table from which parsing and --help are made.
 */
#ifndef DT_CLI_CLI_H
#define DT_CLI_CLI_H

#include <stdio.h>

#include <jansson.h>

#include "agent/agent.h"
#include "base/bytes.h"
#include "base/time.h"

/* Exit codes, the same in every command and in the man page. */
enum dt_exit {
    DT_EXIT_OK = 0, /* yes, done */
    DT_EXIT_NO =
        1, /* no: a proof fails, nothing matches, not found, a file is not what it should be */
    DT_EXIT_USAGE = 2,   /* the command line */
    DT_EXIT_IO = 3,      /* files, memory, network */
    DT_EXIT_REFUSED = 4, /* locked, or a rule forbids it */
    DT_EXIT_SPLIT = 5    /* observe alone: the register's key signed two registers */
};

#define DT_CLI_VALUES 128 /* options and operands of one call */

struct cli_option {
    const char *name; /* without the two dashes */
    const char *arg;  /* NULL: a flag; else the argument's name in --help */
    const char *help;
};

struct cli;

struct cli_command {
    const char *name; /* one or two words: "sync", "charter draft" */
    const char *operands;
    const char *help;                 /* one line */
    const char *more;                 /* further paragraphs of --help, or NULL */
    const struct cli_option *options; /* ends with a NULL name; may be NULL */
    enum dt_err (*run)(struct cli *c);
    bool home; /* works on a home: opened before, closed after */
    size_t min_operands;
    size_t max_operands;
};

/* One call of the program. */
struct cli {
    const struct cli_command *command;
    const char *home;
    bool json;
    bool quiet;
    bool verbose;
    struct dt_clock clock;
    struct dt_agent *agent; /* with command->home */
    const char *option_name[DT_CLI_VALUES];
    const char *option_value[DT_CLI_VALUES];
    size_t n_options;
    const char *operand[DT_CLI_VALUES];
    size_t n_operands;
    enum dt_exit
        verdict; /* what to exit with when run() gives DT_OK; a "no" that is not an error */
};

/* All commands, group by group; ends with a NULL name. */
extern const struct cli_command cli_commands[];

/* A group of commands: from ${first} on, in the table's order, to the next group. */
struct cli_group {
    const char *first;
    const char *page; /* its manual page is detente-PAGE(1) */
    const char *title;
};

/* Ends with a NULL first. */
extern const struct cli_group cli_groups[];

/* ---- options.c ---- */

/* Parse argv into ${c}: finds the command and checks its options. USAGE with what is wrong. */
DT_MUST_CHECK enum dt_err cli_parse(struct cli *c, int argc, char *const argv[]);

/* Print help for ${command}, or for the whole program with NULL, to standard output. */
void cli_help(const struct cli_command *command);

/* The last value given for an option, or NULL; whether a flag was given. */
const char *cli_get(const struct cli *c, const char *name);
bool cli_has(const struct cli *c, const char *name);

/* --relay, else $DETENTE_RELAY, else NULL. */
const char *cli_relay(const struct cli *c);

/* --ca, else $DETENTE_CA, else NULL: the system's authorities. */
const char *cli_ca(const struct cli *c);

/* Walk all values of a repeated option: start with *${at} = 0; NULL at the end. */
const char *cli_next(const struct cli *c, const char *name, size_t *at);

/* The value of an option that must be given. USAGE. */
DT_MUST_CHECK enum dt_err cli_need(const struct cli *c, const char *name, const char **out);

/* A number option with a default. USAGE. */
DT_MUST_CHECK enum dt_err cli_number(const struct cli *c, const char *name, uint64_t standard,
                                     uint64_t max, uint64_t *out);

/* ---- passphrase.c ---- */

/**
 * cli_passphrase(c, what, fresh, out):
 * The passphrase for ${what}: from --passphrase-file, --passphrase-fd, $DETENTE_PASSPHRASE_FILE, or
 * asked on the terminal with echo off (twice when ${fresh}). Never from the command line. LOCKED
 * when there is no way to ask, or the two differ, or it is empty.
 */
DT_MUST_CHECK enum dt_err cli_passphrase(const struct cli *c, const char *what, bool fresh,
                                         struct dt_secret *out);

/* Open the home into ${c}->agent: by a passphrase that is given; else by the key that the kernel
 * keeps, where it is unlocked; else by a passphrase that is asked for. */
DT_MUST_CHECK enum dt_err cli_open_home(struct cli *c);

/* As cli_passphrase(), for another passphrase than the home's: from the file that --${option}
 * names, or asked on the terminal. */
DT_MUST_CHECK enum dt_err cli_passphrase_of(const struct cli *c, const char *option,
                                            const char *what, bool fresh, struct dt_secret *out);

/* ---- advice.c ---- */

/**
 * cli_advice(message, out):
 * Append what to do about an error message of this program, which may have a context before it
 * ("inbox: ..."): the advice of the table's row that has most of its text, as one line. NOT_FOUND
 * when there is none.
 */
DT_MUST_CHECK enum dt_err cli_advice(struct dt_view message, struct dt_buf *out);

/* ---- front.c ---- */

/* Where a command's results and remarks go, and how far it is: the terminal's, or the console's, in
 * whose threads nobody can be asked anything. */
struct cli_front {
    FILE *out, *err;
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t of);
    bool (*stopped)(void *ctx); /* the user wants no more of it */
    void *ctx;
};

/* From now on this thread's commands write to ${front}, which is borrowed; NULL: to the terminal.
 */
void cli_front_set(const struct cli_front *front);

FILE *cli_out(void);
FILE *cli_err(void);

/* Is there somebody at the terminal who can be asked; is there a terminal on which it is seen that
 * it goes on? Both false in the console. */
bool cli_can_ask(void);
bool cli_is_watched(void);

/* The console's front, or NULL. */
const struct cli_front *cli_front(void);

/* ---- output.c ---- */

/* Before anything else: JSON goes through base/mem.h, so that what was lost there is known. */
void cli_output_begin(void);
/* What was lost in this thread's earlier calls is theirs alone. */
void cli_output_again(void);

/* Is all that was printed really out? IO. */
DT_MUST_CHECK enum dt_err cli_output_end(void);

/* Print ${root} (given: its reference is taken) with "format": 1 as one JSON document. */
DT_MUST_CHECK enum dt_err cli_json(json_t *root);

/* Put a string, a number or the hex of bytes into a JSON object; errors are found by cli_json(). */
void cli_put(json_t *o, const char *key, const char *value);
void cli_put_view(json_t *o, const char *key, struct dt_view value);
void cli_put_hex(json_t *o, const char *key, struct dt_view bytes);
void cli_put_u64(json_t *o, const char *key, uint64_t value);
void cli_put_bool(json_t *o, const char *key, bool value);
void cli_put_time(json_t *o, const char *key, uint64_t ms); /* null for 0 */
void cli_put_person(json_t *o, const char *key, const struct dt_person *p);

/* Print to standard output. Text of peers is made harmless: what acts on a terminal or turns the
 * direction of writing comes out as '?'; line feeds and tabs pass. */
void cli_print(const char *fmt, ...) DT_PRINTF(1, 2);
void cli_print_view(struct dt_view text);

/* As cli_print_view(), each line behind ${indent} and with a line feed at the end: so no text of a
 * peer can look like a line of ours. */
void cli_print_lines(const char *indent, struct dt_view text);

/* "  name             text", further lines of the text below its first. */
void cli_print_field(struct dt_view name, struct dt_view text);

/* A line to standard error unless --quiet. */
void cli_note(const struct cli *c, const char *fmt, ...) DT_PRINTF(2, 3);

/* To standard error, whatever --quiet says. */
void cli_complain(const char *fmt, ...) DT_PRINTF(1, 2);

/* dt_file_read() of a file that the user named: that it is not there is IO (exit 3), never a "no"
 * (exit 1). */
DT_MUST_CHECK enum dt_err cli_file(const char *path, struct dt_buf *out);

/* First 12 hex digits of ${hash}, the short form for people. */
void cli_short(char out[static 13], struct dt_view hash);

/* ---- text.c ---- */

/* ${text} in Unicode Normalization Form C, appended to ${out}. FORMAT: not UTF-8. */
DT_MUST_CHECK enum dt_err cli_nfc(struct dt_view text, struct dt_buf *out);

/* As a new C string. Owner: dt_free(). */
DT_MUST_CHECK enum dt_err cli_nfc_str(const char *text, char **out);

/* "RFC 3339 time", "YYYY-MM-DD" or "in 30 days" as +30d, +12h: a time from now. USAGE. */
DT_MUST_CHECK enum dt_err cli_time(const struct cli *c, const char *text, uint64_t *out_ms);

/* "90s", "30m", "2h", "1d": at most a year. USAGE. */
DT_MUST_CHECK enum dt_err cli_span(const char *text, uint64_t *out_ms);

/* ---- stick.c ---- */

/* Relays that are files are used from here on; and what is seen of them is remembered in the home.
 */
void cli_stick_begin(const struct cli *c);
void cli_stick_remember(struct cli *c);

/* ---- receipts.c ---- */

/* --receipt-within, if it was given, becomes the agent's. USAGE. */
DT_MUST_CHECK enum dt_err cli_receipt_within(struct cli *c);

/* What is overdue or does not fit in a channel, one line each; *${out_said} becomes true when there
 * was any. Then, once: what a receipt means. */
DT_MUST_CHECK enum dt_err cli_receipts_print(struct cli *c, const uint8_t group_id[static 32],
                                             bool *out_said);
void cli_receipts_meaning(void);

/* What of a channel's session keys is released, what is not, and for whom it waits; *${out_said}
 * becomes true when there was any. Then, once: what that means. And as JSON, into ${o}. */
DT_MUST_CHECK enum dt_err cli_unreleased_print(struct cli *c, const uint8_t group_id[static 32],
                                               bool *out_said);
void cli_unreleased_meaning(void);
DT_MUST_CHECK enum dt_err cli_put_unreleased(struct cli *c, json_t *o,
                                             const uint8_t group_id[static 32]);

/* Put "receipts" of a channel into ${o}. */
DT_MUST_CHECK enum dt_err cli_put_receipts(struct cli *c, json_t *o,
                                           const uint8_t group_id[static 32]);

/* Append ", arrived at 1 of 2", by the receipts of the others' agents, and who should have sent one
 * and did not; nothing where nothing is awaited. */
DT_MUST_CHECK enum dt_err cli_arrivals(struct cli *c, const uint8_t group_id[static 32],
                                       struct dt_view id, struct dt_buf *out);
/* Whose receipt is overdue in the channel named ${channel}: a line each, or into ${list}. */
DT_MUST_CHECK enum dt_err cli_missing_print(struct cli *c, const uint8_t group_id[static 32],
                                            const char *channel);
DT_MUST_CHECK enum dt_err cli_missing_put(struct cli *c, const uint8_t group_id[static 32],
                                          const char *channel, json_t *list);

/* Put "arrivals" of such a message into ${o}; nothing when that is not known. */
DT_MUST_CHECK enum dt_err cli_put_arrivals(struct cli *c, json_t *o,
                                           const uint8_t group_id[static 32], struct dt_view id);

/* ---- cmd_courier.c ---- */

/* How far the channel is closed to a later quantum reader: lines behind ${indent}; as the member
 * "courier_key" of ${o}. */
DT_MUST_CHECK enum dt_err cli_courier_print(struct cli *c, const uint8_t group_id[static 32],
                                            const char *indent);
DT_MUST_CHECK enum dt_err cli_courier_put(struct cli *c, json_t *o,
                                          const uint8_t group_id[static 32]);

/* ---- cmd_line.c ---- */

/* The state of the line to every other member, a line each behind ${indent}; as the member "lines"
 * of ${o}. Nothing where the charter has no line tests. */
DT_MUST_CHECK enum dt_err cli_line_print(struct cli *c, const uint8_t group_id[static 32],
                                         const char *indent);
DT_MUST_CHECK enum dt_err cli_line_put(struct cli *c, json_t *o, const uint8_t group_id[static 32]);

/* ---- lookup.c ---- */

/* The channel named by operand or option ${text}; the only live one when ${text} is NULL. */
DT_MUST_CHECK enum dt_err cli_channel(struct cli *c, const char *text,
                                      uint8_t out_group_id[static 32]);

/* The person named ${text}: name, party name (when it has one delegate), or hex prefix of the
 * letter hash. */
DT_MUST_CHECK enum dt_err cli_person(struct cli *c, const char *text, struct dt_person *out);

/* 16 bytes by their hex prefix among ${ids}. NOT_FOUND, CONFLICT. */
DT_MUST_CHECK enum dt_err cli_pick(const char *what, const char *hex, const uint8_t *ids, size_t n,
                                   size_t stride, size_t *out);

/* The exit code for an error class. */
enum dt_exit cli_exit(enum dt_err err);

#endif
