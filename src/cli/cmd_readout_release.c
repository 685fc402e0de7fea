/*
 * cli/cmd_readout_release.c - detente readout release | verify: all agreed lines together, at their
 * time, as proof files; and what was published held against what was sealed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/records/opening.h"
#include "base/file.h"
#include "base/mem.h"

#include "cli/commands.h"
#include "cli/readout_io.h"
#include "cli/record_io.h"
#include "cli/verify_io.h"

#define LINES_MAX (DT_CLI_VALUES - 1) /* and the head: as many files as one call may name */

bool
cli_readout_is_time(const struct cli_readout *x)
{
    return x->now_ms >= x->r.release_ms;
}

/* ---- consents ---- */

/* Does the charter ask for the consent of ${party} to open a record of ${r}'s kind by ${author}? */
static bool
is_asked(struct cli *c, const struct cli_readout *x, const struct dt_record *r, size_t author,
         size_t party)
{
    struct dt_open_rule rule;

    dt_open_rule(dt_agent_charter(c->agent), dt_template_id(r->tmpl), author, x->now_ms, &rule);
    return rule.asked[party];
}

static enum dt_err
add_consent(struct cli *c, const struct dt_record *r, uint64_t slots, uint64_t expires_ms,
            enum dt_consent_standing standing, struct dt_record_draft *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    enum dt_err err =
        dt_agent_answer_draft(c->agent, r->commitment, DT_ANSWER_CONSENT, out, &subject);

    return err != DT_OK
               ? err
               : dt_consent_set(out, slots, dt_view_str(DT_AUDIENCE_PUBLIC), expires_ms, standing);
}

struct consents {
    struct dt_record_draft draft[LINES_MAX + 1];
    size_t n;
};

static void
consents_free(struct consents **bp)
{
    for (size_t i = 0; *bp != NULL && i < (*bp)->n; i++)
        dt_record_draft_clear(&(*bp)->draft[i]);
    dt_free(*bp);
}

static enum dt_consent_standing
standing_of(const struct cli_readout *x, size_t author)
{
    return author == x->self ? DT_CONSENT_NONE : DT_CONSENT_COUNTERSIGNED;
}

/* Ours that lack: to the head, and to each line that all sides agreed on. */
static enum dt_err
gather_consents(struct cli *c, const struct cli_readout *x, uint64_t expires_ms, struct consents *b)
{
    enum dt_err err = DT_OK;

    if (!x->r.party[x->self].consents && is_asked(c, x, x->head, x->r.author, x->self)) {
        err = add_consent(c, x->head, dt_readout_head_slots(x->head->tmpl), expires_ms,
                          standing_of(x, x->r.author), &b->draft[b->n]);
        b->n += err == DT_OK;
    }
    for (size_t i = 0; i < x->r.n && err == DT_OK; i++) {
        const struct dt_readout_line *l = &x->r.lines[i];
        const struct dt_record *r = x->facts.facts[l->fact].record;

        if (!dt_readout_line_ready(l) || l->party[x->self].consents ||
            !is_asked(c, x, r, l->author, x->self))
            continue;
        if (b->n == LINES_MAX + 1)
            return dt_fail(DT_ERR_LIMIT, "a readout of more than %d lines is not released",
                           LINES_MAX);
        err = add_consent(c, r, dt_readout_line_slots(), expires_ms, standing_of(x, l->author),
                          &b->draft[b->n]);
        b->n += err == DT_OK;
    }
    return err;
}

/* What has to hold before anything is released or consented to. */
static enum dt_err
check_ready(const struct cli_readout *x, bool ahead)
{
    char when[DT_TIME_STR];
    size_t n = 0;

    if (!x->r.agreed)
        return dt_fail(DT_ERR_REFUSED, "not all sides have agreed on how and when it is released: "
                                       "detente readout agree --head");
    for (size_t i = 0; i < x->r.n; i++)
        n += dt_readout_line_ready(&x->r.lines[i]);
    if (n == 0)
        return dt_fail(DT_ERR_REFUSED, "there is no line on which all sides have agreed");
    if (n > LINES_MAX)
        return dt_fail(DT_ERR_LIMIT, "a readout of more than %d lines is not released", LINES_MAX);
    dt_time_str(when, x->r.release_ms);
    if (!cli_readout_is_time(x) && !ahead)
        return dt_fail(DT_ERR_REFUSED,
                       "it is not released before %s, as was agreed; consents may be given ahead "
                       "(--ahead)",
                       when);
    return DT_OK;
}

/* ---- the files ---- */

struct files {
    struct dt_buf proof[LINES_MAX + 1]; /* [0] is the head's */
    uint64_t number[LINES_MAX + 1];
    size_t n;
    struct dt_buf text;
};

static void
files_free(struct files **fp)
{
    if (*fp == NULL)
        return;
    for (size_t i = 0; i <= LINES_MAX; i++)
        dt_buf_clear(&(*fp)->proof[i]);
    dt_buf_clear(&(*fp)->text);
    dt_free(*fp);
}

static enum dt_err
add_file(struct cli *c, struct files *f, const struct dt_record *r, uint64_t slots, uint64_t number)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(4u << 20);
    struct dt_opening_params p = {.slots = slots, .audience = DT_AUDIENCE_PUBLIC};
    struct dt_buf *out = &f->proof[f->n];
    enum dt_err err;

    memcpy(p.commitment, r->commitment, sizeof p.commitment);
    dt_buf_init(out, DT_PROOF_FILE_MAX);
    f->number[f->n++] = number;
    err = dt_agent_open_record(c->agent, &p, &report, out);
    return dt_fail_context(err, "line %llu", (unsigned long long)number);
}

/* One language after the other, as the head names them, else as the first line has them. */
static enum dt_err
write_text(const struct cli_readout *x, struct dt_buf *out)
{
    const struct dt_readout_line *first = NULL;
    enum dt_err err = DT_OK;

    for (size_t i = x->r.n; i > 0; i--)
        first = dt_readout_line_ready(&x->r.lines[i - 1]) ? &x->r.lines[i - 1] : first;
    for (size_t k = 0; first != NULL && k < first->texts.n; k++) {
        if ((err = dt_buf_printf(out, "%s[", k > 0 ? "\n" : "")) != DT_OK ||
            (err = dt_buf_append(out, first->texts.language[k])) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("]\n"))) != DT_OK)
            return err;
        for (size_t i = 0; i < x->r.n && err == DT_OK; i++) {
            const struct dt_readout_line *l = &x->r.lines[i];

            for (size_t j = 0; j < l->texts.n && dt_readout_line_ready(l) && err == DT_OK; j++)
                if (dt_view_equal(l->texts.language[j], first->texts.language[k]) &&
                    (err = dt_buf_append(out, l->texts.text[j])) == DT_OK)
                    err = dt_buf_append(out, dt_view_str("\n"));
        }
    }
    return err;
}

/* All of them, before any is written: together, or none. */
static enum dt_err
build(struct cli *c, const struct cli_readout *x, struct files *f)
{
    enum dt_err err = add_file(c, f, x->head, dt_readout_head_slots(x->head->tmpl), 0);

    for (size_t i = 0; i < x->r.n && err == DT_OK; i++)
        if (dt_readout_line_ready(&x->r.lines[i]))
            err = add_file(c, f, x->facts.facts[x->r.lines[i].fact].record, dt_readout_line_slots(),
                           x->r.lines[i].texts.number);
    dt_buf_init(&f->text, DT_PROOF_FILE_MAX);
    return err != DT_OK ? err : write_text(x, &f->text);
}

static enum dt_err
put_file(const char *dir, const char *name, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    enum dt_err err = dt_buf_printf(&path, "%s/%s%c", dir, name, '\0');

    return err != DT_OK ? err : dt_file_write((const char *)path.p, bytes, 0644);
}

static enum dt_err
put_files(const char *dir, const struct files *f)
{
    enum dt_err err = dt_dir_make(dir, 0755);

    for (size_t i = 0; i < f->n && err == DT_OK; i++) {
        char name[48] = "head.proof";

        if (i > 0)
            (void)snprintf(name, sizeof name, "line-%03llu.proof",
                           (unsigned long long)f->number[i]);
        err = put_file(dir, name, dt_buf_view(&f->proof[i]));
    }
    return err != DT_OK ? err : put_file(dir, "readout.txt", dt_buf_view(&f->text));
}

/* Whose consents lack; the answer is then no. With --json they are put into ${o}. */
static void
say_missing(struct cli *c, const struct cli_readout *x, json_t *o)
{
    const struct dt_charter *charter = dt_agent_charter(c->agent);
    json_t *list = c->json ? json_array() : NULL;

    for (size_t p = 0; p < charter->n_parties; p++) {
        size_t lack = is_asked(c, x, x->head, x->r.author, p) && !x->r.party[p].consent_entered;

        for (size_t i = 0; i < x->r.n; i++) {
            const struct dt_readout_line *l = &x->r.lines[i];

            lack += dt_readout_line_ready(l) && !l->party[p].consent_entered &&
                    is_asked(c, x, x->facts.facts[l->fact].record, l->author, p);
        }
        if (lack > 0 && c->json) {
            json_t *one = json_object();

            cli_put_view(one, "party", charter->parties[p].name);
            cli_put_u64(one, "consents", lack);
            (void)json_array_append_new(list, one);
        } else if (lack > 0)
            cli_print("%.*s: %zu consents lack, or are not in the register yet\n",
                      (int)charter->parties[p].name.n, (const char *)charter->parties[p].name.p,
                      lack);
    }
    if (c->json)
        (void)json_object_set_new(o, "lacking", list);
    c->verdict = DT_EXIT_NO;
}

static enum dt_err
write_out(struct cli *c, const struct cli_readout *x, json_t *o)
{
    DT_CLEANUP(files_free) struct files *f = dt_alloc(1, sizeof *f);
    const char *dir = cli_get(c, "out");
    uint8_t name[32];
    enum dt_err err;

    if (f == NULL)
        return dt_nomem();
    if (x->r.releaser == DT_RELEASE_MEDIATOR &&
        dt_agent_charter(c->agent)->parties[x->self].kind != DT_PARTY_MEDIATOR)
        return dt_fail(DT_ERR_REFUSED, "by what all sides agreed the mediator releases it");
    if (!dt_readout_released(&x->r)) {
        say_missing(c, x, o);
        return DT_OK;
    }
    if ((err = build(c, x, f)) != DT_OK ||
        (cli_has(c, "publish") && (err = cli_confirm_publishing(c)) != DT_OK) ||
        (dir != NULL && (err = put_files(dir, f)) != DT_OK))
        return err;
    for (size_t i = 0; i < f->n && cli_has(c, "publish"); i++)
        if ((err = dt_agent_opening_publish(c->agent, dt_buf_view(&f->proof[i]), name)) != DT_OK)
            return err;
    cli_note(c, "%zu lines%s%s; anyone checks them with: detente readout verify FILE... --forum ID",
             f->n - 1, dir != NULL ? " in " : "", dir != NULL ? dir : "");
    if (c->json)
        cli_put_view(o, "text", dt_buf_view(&f->text));
    else
        cli_print_view(dt_buf_view(&f->text));
    return DT_OK;
}

enum dt_err
cmd_readout_release(struct cli *c)
{
    DT_CLEANUP(cli_readout_clear) struct cli_readout x = {0};
    DT_CLEANUP(consents_free) struct consents *b = dt_alloc(1, sizeof *b);
    uint64_t now = dt_clock_now(&c->clock);
    uint64_t expires = now - now % 1000 + 30 * DT_MS_DAY;
    const bool write = cli_has(c, "out") || cli_has(c, "publish");
    json_t *o;
    enum dt_err err;

    if (b == NULL)
        return dt_nomem();
    if (write && cli_has(c, "ahead"))
        return dt_fail(DT_ERR_USAGE, "--ahead gives consents alone: it goes with neither --out nor "
                                     "--publish");
    if ((cli_has(c, "expires") && (err = cli_time(c, cli_get(c, "expires"), &expires)) != DT_OK) ||
        (err = cli_readout_load(c, &x)) != DT_OK ||
        (err = check_ready(&x, cli_has(c, "ahead"))) != DT_OK ||
        (err = gather_consents(c, &x, expires, b)) != DT_OK)
        return err;
    if (b->n > 0) {
        cli_complain("release: your consent to open %zu records to everyone: those lines on which "
                     "all sides agreed, and when. Lines without agreement stay sealed.\n",
                     b->n);
        return cli_send_records(c, x.head->channel, b->draft, b->n);
    }
    o = json_object();
    if (write)
        err = write_out(c, &x, o);
    else
        cli_note(c, "Your consents are all there. When those of all sides are: --out DIR.");
    if (err != DT_OK || !c->json) {
        json_decref(o);
        return err;
    }
    cli_put_bool(o, "released", write && c->verdict == DT_EXIT_OK);
    cli_put_bool(o, "may_be_released", dt_readout_released(&x.r) && cli_readout_is_time(&x));
    return cli_json(o);
}

/* ---- verify ---- */

/* The proof files of a readout, checked. */
struct published {
    struct dt_verdict verdict[DT_CLI_VALUES];
    size_t n;
    const struct dt_verdict *head;
    struct dt_line_texts line[DT_CLI_VALUES];
    size_t n_lines;
    struct dt_buf problems; /* lines */
};

static void
published_free(struct published **pp)
{
    if (*pp == NULL)
        return;
    for (size_t i = 0; i < (*pp)->n; i++)
        dt_verdict_clear(&(*pp)->verdict[i]);
    dt_buf_clear(&(*pp)->problems);
    dt_free(*pp);
}

static enum dt_err
problem(struct published *p, const char *path, const char *what)
{
    return dt_buf_printf(&p->problems, "%s: %s\n", path, what);
}

/* One file: a head, or a line. */
static enum dt_err
take(struct published *p, const char *path, const struct dt_verdict *v)
{
    const struct dt_proof_record *r;

    if (v->code != DT_VERDICT_VERIFIED)
        return problem(p, path, dt_verdict_name(v->code));
    r = &v->records[0];
    if (dt_view_equal(r->header.template_id, dt_view_str(DT_READOUT_TEMPLATE)) &&
        r->template_known) {
        if (p->head != NULL)
            return problem(p, path, "a second head");
        p->head = v;
        return DT_OK;
    }
    if (!dt_view_equal(r->header.template_id, dt_view_str(DT_READOUT_LINE_TEMPLATE)) ||
        (dt_readout_line_slots() & ~r->opened) != 0)
        return problem(p, path, "no line of a readout, or not all of one");
    if (dt_line_texts_read(r->slots, &p->line[p->n_lines]) != DT_OK)
        return problem(p, path, dt_err_message());
    p->n_lines++;
    return DT_OK;
}

static int
line_cmp(const void *x, const void *y)
{
    const struct dt_line_texts *a = x, *b = y;

    return a->number < b->number ? -1 : a->number > b->number;
}

/* The slot ${name} of the head; NULL: not opened, or absent. */
static const struct dt_slot *
head_slot(const struct published *p, const char *name)
{
    const struct dt_proof_record *r = &p->head->records[0];
    size_t slot = 0;

    if (dt_template_slot_find(r->tmpl, dt_view_str(name), &slot) != DT_OK ||
        (r->opened >> slot & 1) == 0 || r->slots[slot].kind != DT_SLOT_VALUE)
        return NULL;
    return &r->slots[slot];
}

/* Do they belong together, and is it time? */
static enum dt_err
judge(struct published *p, uint64_t now_ms)
{
    const struct dt_slot *at;
    uint64_t release_ms = 0;
    enum dt_err err = DT_OK;

    if (p->head == NULL)
        return problem(p, "readout", "its head is not among the files");
    qsort(p->line, p->n_lines, sizeof p->line[0], line_cmp);
    for (size_t i = 0; i < p->n_lines && err == DT_OK; i++) {
        if (!dt_view_equal(p->line[i].readout, dt_view_of(p->head->records[0].commitment)))
            err = problem(p, "readout", "a line is of another readout");
        else if (i > 0 && p->line[i - 1].number == p->line[i].number)
            err = problem(p, "readout", "two lines have the same number");
    }
    at = head_slot(p, "release_at");
    if (err == DT_OK && at != NULL && dt_value_u64(at->value, &release_ms) == DT_OK &&
        now_ms < release_ms)
        err = problem(p, "readout", "it was published before the time that was agreed");
    return err;
}

/* Is ${text} the lines in ${language}, one a line, and nothing else? */
static enum dt_err
compare_text(struct published *p, const char *path, const char *language)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    enum dt_err err = cli_file(path, &text);

    for (size_t i = 0; i < p->n_lines && err == DT_OK; i++)
        for (size_t k = 0; k < p->line[i].n && err == DT_OK; k++)
            if (dt_view_equal(p->line[i].language[k], dt_view_str(language)) &&
                (err = dt_buf_append(&want, p->line[i].text[k])) == DT_OK)
                err = dt_buf_append(&want, dt_view_str("\n"));
    if (err != DT_OK)
        return err;
    return want.n > 0 && dt_view_equal(dt_buf_view(&text), dt_buf_view(&want))
               ? DT_OK
               : problem(p, path, "this is not the text that was sealed");
}

static void
print_published(const struct published *p)
{
    uint64_t next = 1;

    for (size_t i = 0; i < p->n_lines; i++) {
        const struct dt_line_texts *l = &p->line[i];

        for (size_t k = 0; k < l->n; k++)
            cli_print("%3llu [%.*s] %.*s\n", (unsigned long long)l->number, (int)l->language[k].n,
                      (const char *)l->language[k].p, (int)l->text[k].n,
                      (const char *)l->text[k].p);
        if (l->number > next)
            cli_print("    (numbers before %llu are not shown: agreed or not, nothing says)\n",
                      (unsigned long long)l->number);
        next = l->number + 1;
    }
    cli_print_view(dt_buf_view(&p->problems));
    cli_print("%s\n", p->problems.n == 0
                          ? "verified: each line is what was sealed, and all sides consented to it"
                          : "NOT VERIFIED");
}

static enum dt_err
published_json(const struct published *p)
{
    json_t *root = json_object();
    json_t *list = json_array();

    cli_put_bool(root, "verified", p->problems.n == 0);
    cli_put_view(root, "problems", dt_buf_view(&p->problems));
    for (size_t i = 0; i < p->n_lines; i++) {
        json_t *o = json_object();
        json_t *texts = json_array();

        cli_put_u64(o, "line", p->line[i].number);
        for (size_t k = 0; k < p->line[i].n; k++) {
            json_t *t = json_object();

            cli_put_view(t, "language", p->line[i].language[k]);
            cli_put_view(t, "text", p->line[i].text[k]);
            (void)json_array_append_new(texts, t);
        }
        (void)json_object_set_new(o, "texts", texts);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "lines", list);
    return cli_json(root);
}

enum dt_err
cmd_readout_verify(struct cli *c)
{
    DT_CLEANUP(cli_anchor_clear) struct cli_anchor anchor = {0};
    DT_CLEANUP(published_free) struct published *p = dt_alloc(1, sizeof *p);
    const char *text = cli_get(c, "text"), *language = cli_get(c, "language");
    struct dt_verify_in in;
    enum dt_err err;

    if (p == NULL)
        return dt_nomem();
    dt_buf_init(&p->problems, 1u << 20);
    if ((text == NULL) != (language == NULL))
        return dt_fail(DT_ERR_USAGE, "--text and --language go together");
    if ((err = cli_verify_in(c, &anchor, &in)) != DT_OK)
        return err;
    in.audience = DT_AUDIENCE_PUBLIC;
    for (size_t i = 0; i < c->n_operands; i++) {
        if ((err = cli_verify_file(c->operand[i], &in, &p->verdict[i])) != DT_OK)
            return err;
        p->n++;
        if ((err = take(p, c->operand[i], &p->verdict[i])) != DT_OK)
            return err;
    }
    if ((err = judge(p, in.now_ms)) != DT_OK ||
        (text != NULL && (err = compare_text(p, text, language)) != DT_OK))
        return err;
    if (p->problems.n > 0)
        c->verdict = DT_EXIT_NO;
    if (c->json)
        return published_json(p);
    print_published(p);
    return DT_OK;
}
