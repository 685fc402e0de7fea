/*
 * cli/console_run.c - see console_run.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/store/store.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/console_run.h"

#define DRAFT_KEY_MAX  128u
#define DRAFT_TEXT_MAX (256u << 10)
#define DRAFTS_MAX     256u

/* ---- where a command writes ---- */

struct sink {
    struct cli_front front;
    char *out, *err;
    size_t out_n, err_n;
    struct dt_console_work *work;
};

static void
show(void *ctx, const char *what, uint64_t done, uint64_t of)
{
    const struct sink *s = ctx;

    dt_console_progress(s->work, what, done, of);
}

static bool
stopped(void *ctx)
{
    const struct sink *s = ctx;

    return dt_console_stopped(s->work);
}

static void
sink_done(struct sink *s)
{
    cli_front_set(NULL);
    if (s->front.out != NULL)
        (void)fclose(s->front.out);
    if (s->front.err != NULL)
        (void)fclose(s->front.err);
    dt_wipe(s->out, s->out != NULL ? s->out_n : 0);
    free(s->out);
    free(s->err);
    *s = (struct sink){0};
}

static enum dt_err
sink_begin(struct sink *s, struct dt_console_work *work)
{
    s->work = work;
    s->front.out = open_memstream(&s->out, &s->out_n);
    s->front.err = open_memstream(&s->err, &s->err_n);
    if (s->front.out == NULL || s->front.err == NULL)
        return dt_nomem();
    s->front.progress = show;
    s->front.stopped = stopped;
    s->front.ctx = s;
    cli_front_set(&s->front);
    return DT_OK;
}

/* What was written, into the answer. */
static enum dt_err
sink_take(struct sink *s, struct dt_console_answer *answer)
{
    enum dt_err err;

    if (fflush(s->front.out) != 0 || fflush(s->front.err) != 0)
        return dt_nomem();
    if ((err = dt_buf_append(&answer->out, dt_view((const uint8_t *)s->out, s->out_n))) != DT_OK)
        return err;
    return dt_buf_append(&answer->notes, dt_view((const uint8_t *)s->err, s->err_n));
}

/* ---- passphrases ---- */

enum dt_err
console_passphrase(void *ctx, const struct dt_secret *passphrase)
{
    const struct console_home *h = ctx;
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;

    dt_err_forget();
    return dt_store_open(h->home, dt_secret_view(passphrase), &s);
}

static enum dt_err
ask_again(struct console_home *h, const struct dt_console_call *call,
          struct dt_console_answer *answer)
{
    enum dt_err err;

    if (call->passphrase.n == 0) {
        answer->passphrase = true;
        return dt_fail(DT_ERR_LOCKED, "this act asks the passphrase again");
    }
    err = console_passphrase(h, &call->passphrase);
    if (err == DT_ERR_LOCKED)
        answer->passphrase = answer->wrong = true;
    return err;
}

/* A descriptor from which the passphrase can be read once; -1 without one. */
static enum dt_err
hand_on(struct cli *c, const struct dt_console_call *call, int fds[static 2],
        char number[static 16])
{
    const struct dt_view v = dt_secret_view(&call->passphrase);

    if (pipe2(fds, O_CLOEXEC) != 0)
        return dt_fail(DT_ERR_IO, "a pipe cannot be had: %s", strerror(errno));
    if (write(fds[1], v.p, v.n) != (ssize_t)v.n || write(fds[1], "\n", 1) != 1)
        return dt_fail(DT_ERR_IO, "a pipe cannot be written");
    (void)snprintf(number, 16, "%d", fds[0]);
    if (c->n_options == DT_CLI_VALUES)
        return dt_fail(DT_ERR_USAGE, "more than %d options", DT_CLI_VALUES);
    c->option_name[c->n_options] = "passphrase-fd";
    c->option_value[c->n_options++] = number;
    return DT_OK;
}

static void
close_both(int (*fds)[2])
{
    for (int i = 0; i < 2; i++)
        if ((*fds)[i] >= 0)
            (void)close((*fds)[i]);
}

/* ---- a call of the table ---- */

static const struct cli_command *
command_of(const char *name)
{
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

static enum dt_err
take_values(struct cli *c, const struct dt_console_call *call)
{
    for (size_t i = 0; i < call->n_options; i++) {
        c->option_name[c->n_options] = call->options[i].name;
        c->option_value[c->n_options++] = call->options[i].text;
    }
    for (size_t i = 0; i < call->n_operands; i++)
        c->operand[c->n_operands++] = call->operands[i].text;
    if (c->n_operands < c->command->min_operands)
        return dt_fail(DT_ERR_USAGE, "detente %s needs: %s", c->command->name,
                       c->command->operands);
    if (c->n_operands > c->command->max_operands)
        return dt_fail(DT_ERR_USAGE, "detente %s takes %zu arguments at most", c->command->name,
                       c->command->max_operands);
    return DT_OK;
}

static enum dt_err
run_command(struct console_home *h, const struct dt_console_call *call,
            struct dt_console_answer *answer)
{
    const struct console_rule *rule = console_rule_of(call);
    struct cli c = {.command = command_of(call->command),
                    .home = h->home,
                    .json = true,
                    .clock = h->clock,
                    .agent = h->agent,
                    .verdict = DT_EXIT_OK};
    DT_CLEANUP(close_both) int fds[2] = {-1, -1};
    char number[16];
    enum dt_err err;

    if (rule == NULL || c.command == NULL)
        return dt_fail(DT_ERR_USAGE, "pages cannot call '%s': use it in a terminal", call->command);
    if ((err = console_rule_check(rule, c.command, call)) != DT_OK ||
        (err = take_values(&c, call)) != DT_OK)
        return err;
    if ((rule->flags & RULE_PASSPHRASE) != 0 && (err = ask_again(h, call, answer)) != DT_OK)
        return err;
    if ((rule->flags & RULE_HAND_ON) != 0) {
        if (call->passphrase.n == 0) {
            answer->passphrase = true;
            return dt_fail(DT_ERR_LOCKED, "this act asks a passphrase");
        }
    }
    if ((rule->flags & (RULE_HAND_ON | RULE_IF_LOCKED)) != 0 && call->passphrase.n > 0 &&
        (err = hand_on(&c, call, fds, number)) != DT_OK)
        return err;
    err = c.command->run(&c);
    if (err == DT_ERR_LOCKED && (rule->flags & (RULE_HAND_ON | RULE_IF_LOCKED)) != 0) {
        answer->passphrase = true;
        answer->wrong = call->passphrase.n > 0;
    }
    answer->status = (int)c.verdict;
    return err;
}

/* ---- drafts: what was typed and not sent, which a page that is loaded again finds ---- */

static enum dt_err
draft_put(struct dt_store *s, const struct dt_console_call *call)
{
    const struct dt_view key = dt_view_str(call->operands[0].text);
    const struct dt_view text = dt_view_str(call->operands[1].text);
    uint64_t n = 0;
    bool is_there = false;
    enum dt_err err;

    if (key.n == 0 || key.n > DRAFT_KEY_MAX || text.n > DRAFT_TEXT_MAX)
        return dt_fail(DT_ERR_LIMIT, "a draft's name has 1 to %u bytes, and its text %u at most",
                       DRAFT_KEY_MAX, DRAFT_TEXT_MAX);
    if (text.n == 0) {
        err = dt_store_del(s, "draft", key);
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    }
    if ((err = dt_store_has(s, "draft", key, &is_there)) != DT_OK ||
        (err = dt_store_next_seq(s, "draft", dt_view_str("all"), &n)) != DT_OK)
        return err;
    if (!is_there) {
        uint64_t count = 0;

        if ((err = dt_store_count(s, "draft", dt_view_str("all"), &count)) != DT_OK)
            return err;
        if (count >= DRAFTS_MAX)
            return dt_fail(DT_ERR_LIMIT, "there are %u drafts: send or empty some", DRAFTS_MAX);
    }
    return dt_store_put(s, "draft", key, dt_view_str("all"), n, text);
}

static enum dt_err
draft_list(struct dt_store *s)
{
    struct dt_store_row row = {0};
    json_t *root = json_object();
    json_t *list = json_object();
    enum dt_err err;

    dt_buf_init(&row.key, DT_STORE_KEY_MAX);
    dt_buf_init(&row.value, DRAFT_TEXT_MAX);
    for (uint64_t at = 0; (err = dt_store_next(s, "draft", dt_view_str("all"), at, &row)) == DT_OK;
         at = row.seq + 1) {
        char key[DRAFT_KEY_MAX + 1];

        (void)snprintf(key, sizeof key, "%.*s", (int)row.key.n, (const char *)row.key.p);
        cli_put_view(list, key, dt_buf_view(&row.value));
    }
    dt_store_row_clear(&row);
    (void)json_object_set_new(root, "drafts", list);
    if (err != DT_ERR_NOT_FOUND) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

/* True: ${call} is one of drafts, and *${out_err} came of it. */
static bool
run_draft(const struct console_home *h, const struct dt_console_call *call, enum dt_err *out_err)
{
    struct dt_store *s = dt_agent_store(h->agent);
    const bool put = strcmp(call->command, "draft put") == 0;

    if (!put && strcmp(call->command, "draft list") != 0)
        return false;
    if (call->n_operands != (put ? 2u : 0u) || call->n_options != 0)
        *out_err = dt_fail(DT_ERR_USAGE, "a draft has a name and a text");
    else
        *out_err = put ? draft_put(s, call) : draft_list(s);
    return true;
}

/* ---- all of it ---- */

static void
explain(struct dt_console_answer *answer, enum dt_err err)
{
    const char *message = dt_err_message()[0] != '\0' ? dt_err_message() : dt_err_name(err);

    answer->err = err;
    dt_ignore(dt_buf_append(&answer->message, dt_view_str(message)),
              "the class of the error says it, too");
    if (!answer->passphrase)
        dt_ignore(cli_advice(dt_view_str(message), &answer->advice), "there may be no advice");
}

void
console_run(void *ctx, const struct dt_console_call *call, struct dt_console_work *work,
            struct dt_console_answer *answer)
{
    struct console_home *h = ctx;
    DT_CLEANUP(sink_done) struct sink sink = {0};
    struct dt_store *store = dt_agent_store(h->agent);
    uint64_t before = 0, after = 0;
    enum dt_err err, taken;

    dt_err_forget();
    cli_output_again();
    err = dt_store_number(store, &before);
    if (err == DT_OK)
        err = sink_begin(&sink, work);
    if (err == DT_OK && !run_draft(h, call, &err))
        err = run_command(h, call, answer);
    if (err != DT_OK)
        explain(answer, err);
    if (sink.front.out != NULL && sink.front.err != NULL &&
        (taken = sink_take(&sink, answer)) != DT_OK && err == DT_OK)
        explain(answer, taken);
    if (dt_store_number(store, &after) == DT_OK && after != before)
        h->changed(h->ctx);
}
