/*
 * cli/form_ask.c - a record asked for on the terminal, one field after the other.
 *
 * Questions go to standard error: standard output has the result alone. Ctrl-C ends the question;
 * then, and when the record is not made, what was typed is offered to be kept.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/records/records.h"
#include "base/mem.h"

#include "cli/form.h"
#include "cli/record_io.h"

#define V(view) (int)(view).n, (view).n > 0 ? (const char *)(view).p : ""

enum answer { ANSWER_TEXT, ANSWER_BACK, ANSWER_SKIP, ANSWER_HELP, ANSWER_CANCEL };

static void
interrupted(int sig)
{
    (void)sig; /* that read(2) ends with EINTR is what is wanted */
}

enum dt_err
cli_form_catch(void)
{
    struct sigaction sa = {.sa_handler = interrupted};

    (void)sigemptyset(&sa.sa_mask);
    if (sigaction(SIGINT, &sa, NULL) != 0)
        return dt_fail(DT_ERR_IO, "Ctrl-C could not be caught");
    return DT_OK;
}

/* One line without its end; false at Ctrl-C, Ctrl-D or an error. */
static bool
read_line(struct dt_buf *out)
{
    char part[512];
    bool any = false;

    out->n = 0;
    while (fgets(part, sizeof part, stdin) != NULL) {
        size_t n = strlen(part);
        bool end = n > 0 && part[n - 1] == '\n';

        any = true;
        if (dt_buf_append(out, dt_view((const uint8_t *)part, end ? n - 1 : n)) != DT_OK)
            return false;
        if (end)
            break;
    }
    dt_wipe(part, sizeof part);
    if (!any) {
        clearerr(stdin);
        (void)fputs("\n", stderr);
    }
    return any;
}

static void
help(const struct dt_field *f, const struct dt_charter *charter, size_t i, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    char type[32];

    dt_type_str(f->type, type);
    dt_ignore(cli_field_example(f, charter, &example), "help without an example is help");
    cli_complain("\n[%zu/%zu] %.*s (%s%s%.*s, %s)\n", i + 1, n, V(f->name), type,
                 f->unit.n > 0 ? ", in " : "", V(f->unit),
                 f->required ? "required" : "may be left out");
    if (f->doc.n > 0)
        cli_complain("  %.*s\n", V(f->doc));
    for (size_t k = 0; k < f->n_values; k++)
        cli_complain("%s%.*s%s", k == 0 ? "  one of: " : ", ", V(f->values[k]),
                     k + 1 == f->n_values ? "\n" : "");
    cli_complain("  for example: %.*s\n", V(dt_buf_view(&example)));
    if (f->type == DT_TYPE_LTEXT)
        cli_complain("  several lines are fine; a line with a single . ends it\n");
}

static enum answer
command_of(struct dt_view line)
{
    static const struct {
        const char *word;
        enum answer is;
    } words[] = {{":back", ANSWER_BACK},
                 {":skip", ANSWER_SKIP},
                 {":help", ANSWER_HELP},
                 {":cancel", ANSWER_CANCEL}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (dt_view_equal(line, dt_view_str(words[i].word)))
            return words[i].is;
    return ANSWER_TEXT;
}

/* What is typed for ${f}: nothing keeps what stands there. */
static enum answer
ask(const struct dt_field *f, struct dt_buf *text)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf line = DT_BUF_INIT(CLI_FORM_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf more = DT_BUF_INIT(CLI_FORM_MAX);
    enum answer what;

    if (text->n > 0)
        cli_complain("%.*s [%.*s]> ", V(f->name), V(dt_buf_view(text)));
    else
        cli_complain("%.*s> ", V(f->name));
    if (!read_line(&line))
        return ANSWER_CANCEL;
    what = command_of(dt_buf_view(&line));
    if (what != ANSWER_TEXT || line.n == 0)
        return what;
    while (f->type == DT_TYPE_LTEXT) {
        if (!read_line(&more)) {
            /* Not even half a text is lost. */
            dt_ignore(dt_buf_set(text, dt_buf_view(&line)), "no memory: then there is none");
            return ANSWER_CANCEL;
        }
        if (dt_view_equal(dt_buf_view(&more), dt_view_str(".")))
            break;
        if (dt_buf_append(&line, dt_view_str("\n")) != DT_OK ||
            dt_buf_append(&line, dt_buf_view(&more)) != DT_OK)
            return ANSWER_CANCEL;
    }
    return dt_buf_set(text, dt_buf_view(&line)) == DT_OK ? ANSWER_TEXT : ANSWER_CANCEL;
}

/* Is what stands in field ${i} right? Else it is said why, and it goes. */
static bool
right(struct cli_form *f, size_t i, const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_VALUE_MAX);
    const struct dt_field *field = dt_template_field(f->tmpl, i);
    char name[DT_FIELD_NAME_MAX + 1];
    size_t slot = 0;

    (void)snprintf(name, sizeof name, "%.*s", V(field->name));
    if (f->text[i].n == 0 && !field->required)
        return true;
    if (f->text[i].n == 0) {
        cli_complain("  %s is required\n", name);
        return false;
    }
    if (dt_slot_from_text(f->tmpl, name, dt_buf_view(&f->text[i]), charter, &slot, &value) == DT_OK)
        return true;
    cli_complain("  %s\n", dt_err_message());
    f->text[i].n = 0;
    return false;
}

void
cli_form_offer(struct cli *c, const struct cli_form *f)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf line = DT_BUF_INIT(64);
    bool any = false;

    for (size_t i = 0; i < dt_template_n_fields(f->tmpl); i++)
        any = any || f->text[i].n > 0;
    if (!any)
        return;
    cli_complain("Keep what you typed in a file of this folder, in clear? [yes/no] ");
    /* Only a plain no throws it away. */
    if (read_line(&line) && dt_view_equal(dt_buf_view(&line), dt_view_str("no")))
        return;
    if (cli_form_keep(c, f) != DT_OK)
        cli_complain("It could not be kept: %s\n", dt_err_message());
}

enum dt_err
cli_form_ask(struct cli *c, struct cli_form *f, struct dt_record_draft *d)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf errors = DT_BUF_INIT(256u << 10);
    const struct dt_charter *charter = dt_agent_charter(c->agent);
    const size_t n = dt_template_n_fields(f->tmpl);
    size_t wrong = 0, i = 0;
    enum dt_err err;

    if ((err = cli_form_catch()) != DT_OK)
        return err;
    cli_complain("%.*s. An empty line keeps what stands in brackets. :back, :skip, :help, :cancel; "
                 "Ctrl-C ends it, and nothing is lost.\n",
                 V(dt_template_title(f->tmpl)));
    help(dt_template_field(f->tmpl, 0), charter, 0, n);
    while (i < n) {
        const size_t was = i;

        switch (ask(dt_template_field(f->tmpl, i), &f->text[i])) {
        case ANSWER_TEXT:
            i += right(f, i, charter) ? 1 : 0;
            break;
        case ANSWER_BACK:
            i -= i > 0 ? 1 : 0;
            break;
        case ANSWER_SKIP:
            f->text[i].n = 0;
            i += right(f, i, charter) ? 1 : 0;
            break;
        case ANSWER_HELP:
            help(dt_template_field(f->tmpl, i), charter, i, n);
            break;
        case ANSWER_CANCEL:
            cli_form_offer(c, f);
            return dt_fail(DT_ERR_REFUSED, "no record was made");
        }
        if (i != was && i < n)
            help(dt_template_field(f->tmpl, i), charter, i, n);
    }
    if ((err = cli_form_fill(f, charter, d, &errors, &wrong)) == DT_OK && wrong > 0)
        err = dt_fail(DT_ERR_FORMAT, "%.*s", (int)errors.n, (const char *)errors.p);
    return err;
}
