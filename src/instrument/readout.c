/*
 * instrument/readout.c - see readout.h.
 *
 * Source: docs/protocol-record.md, "Readout". Layer: instrument.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "instrument/readout.h"

void
dt_readout_clear(struct dt_readout *r)
{
    if (r == NULL)
        return;
    dt_free(r->lines);
    *r = (struct dt_readout){0};
}

uint64_t
dt_readout_line_slots(void)
{
    /* Which version it replaced stays closed: a reader has no use for what was not agreed. */
    return UINT64_C(1) << DT_READOUT_SLOT_READOUT | UINT64_C(1) << DT_READOUT_SLOT_LINE |
           UINT64_C(1) << DT_READOUT_SLOT_LANGUAGES | UINT64_C(1) << DT_READOUT_SLOT_TEXTS;
}

uint64_t
dt_readout_head_slots(const struct dt_template *readout)
{
    uint64_t slots = 0;

    if (dt_slots_from_names(readout, dt_view_str("versions,initiated_by,release_at,releaser"),
                            &slots) != DT_OK)
        return 0; /* never: the template is ours */
    return slots;
}

/* ---- one line ---- */

enum dt_err
dt_line_texts_read(const struct dt_slot *slots, struct dt_line_texts *out)
{
    struct dt_line_texts t = {.readout = slots[DT_READOUT_SLOT_READOUT].value};
    struct dt_view languages = slots[DT_READOUT_SLOT_LANGUAGES].value, language = {0};
    struct dt_view texts = slots[DT_READOUT_SLOT_TEXTS].value, text = {0};

    if (slots[DT_READOUT_SLOT_LINE].kind != DT_SLOT_VALUE || t.readout.n != 32 ||
        dt_value_u64(slots[DT_READOUT_SLOT_LINE].value, &t.number) != DT_OK || t.number == 0)
        return dt_fail(DT_ERR_FORMAT, "a line of a readout names its readout and has a number from "
                                      "1 on");
    while (dt_value_list_next(&languages, &language)) {
        if (t.n == DT_READOUT_LANGUAGES)
            return dt_fail(DT_ERR_LIMIT, "a line of a readout in more than %u languages",
                           DT_READOUT_LANGUAGES);
        if (!dt_value_list_next(&texts, &text) || text.n == 0)
            return dt_fail(DT_ERR_FORMAT, "a line of a readout has one text in each language");
        for (size_t i = 0; i < t.n; i++)
            if (dt_view_equal(t.language[i], language))
                return dt_fail(DT_ERR_FORMAT, "a line of a readout has one text in each language");
        t.language[t.n] = language;
        t.text[t.n++] = text;
    }
    if (t.n == 0 || dt_value_list_next(&texts, &text))
        return dt_fail(DT_ERR_FORMAT, "a line of a readout has one text in each language");
    *out = t;
    return DT_OK;
}

/* ---- what is said to a record ---- */

struct fold {
    const struct dt_charter *charter;
    const struct dt_fact *facts;
    size_t n;
    uint64_t now_ms;
};

static bool
party_of(const struct fold *f, const struct dt_record *r, size_t *out)
{
    for (size_t i = 0; i < f->charter->n_parties; i++)
        if (memcmp(f->charter->parties[i].root_id, r->author.party, 32) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* Does the consent ${r} open ${slots} to everyone, and not only until before now? */
static bool
consents(const struct fold *f, const struct dt_record *r, uint64_t slots)
{
    const struct dt_slot *s = r->slots + DT_ENVELOPE_SLOTS;
    uint64_t given = 0, expires = 0;

    return dt_slots_read(s[1].value, &given) == DT_OK && (slots & ~given) == 0 &&
           dt_view_equal(s[2].value, dt_view_str(DT_AUDIENCE_PUBLIC)) &&
           dt_value_u64(s[3].value, &expires) == DT_OK && f->now_ms <= expires;
}

/* Is the answer at ${a} later than that at ${b}? What has no entry yet comes last. */
static bool
later(const struct fold *f, size_t a, size_t b)
{
    const struct dt_fact *x = &f->facts[a], *y = &f->facts[b];

    if (x->entry != y->entry)
        return x->entry > y->entry;
    return memcmp(x->record->commitment, y->record->commitment, 32) > 0;
}

/*
 * All that parties say to ${subject}, by the rules of standing. Every fact is looked at, so that
 * nobody hides what another said by answering again and again.
 */
static void
hear(const struct fold *f, const struct dt_record *subject, uint64_t slots, size_t author,
     struct dt_line_party party[DT_CHARTER_PARTIES])
{
    bool said[DT_CHARTER_PARTIES] = {false}, withdrawn = false;
    size_t last[DT_CHARTER_PARTIES] = {0};

    for (size_t i = 0; i < f->n; i++) {
        const struct dt_record *r = f->facts[i].record;
        const uint8_t *about = NULL;
        enum dt_answer answer = dt_record_answer(r, &about);
        size_t p = 0;

        if (answer == DT_ANSWER_NONE || memcmp(about, subject->commitment, 32) != 0 ||
            memcmp(r->header.forum, subject->header.forum, 32) != 0 || !party_of(f, r, &p))
            continue;
        if (answer == DT_ANSWER_CONSENT && consents(f, r, slots)) {
            party[p].consents = true;
            party[p].consent_entered =
                party[p].consent_entered || f->facts[i].entry != DT_ENTRY_UNKNOWN;
        }
        withdrawn = withdrawn || (answer == DT_ANSWER_WITHDRAW && p == author);
        if ((answer != DT_ANSWER_COUNTERSIGN && answer != DT_ANSWER_DISPUTE) || p == author ||
            (said[p] && !later(f, i, last[p])))
            continue;
        said[p] = true;
        last[p] = i;
        party[p].agrees = answer == DT_ANSWER_COUNTERSIGN;
        party[p].objects = answer == DT_ANSWER_DISPUTE;
        party[p].objection = i;
    }
    party[author].agrees = !withdrawn;
}

/* Do all sides agree, and is it by a party of the charter? */
static bool
agreed(const struct fold *f, const struct dt_line_party party[DT_CHARTER_PARTIES], size_t author)
{
    bool all = party[author].agrees;

    for (size_t i = 0; i < f->charter->n_parties; i++)
        all = all && (f->charter->parties[i].kind != DT_PARTY_PARTY || party[i].agrees);
    return all;
}

/* Are the consents there, in the register, for which the charter asks? */
static bool
released(const struct fold *f, const struct dt_line_party party[DT_CHARTER_PARTIES], size_t author,
         struct dt_view template_id)
{
    bool there[DT_CHARTER_PARTIES] = {false};
    struct dt_open_rule rule;

    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++)
        there[i] = party[i].consent_entered;
    dt_open_rule(f->charter, template_id, author, f->now_ms, &rule);
    return dt_open_rule_met(&rule, there);
}

/* ---- versions ---- */

/* One version of a line, and what is known of its answers. */
struct version {
    const uint8_t *commitment, *replaces; /* 32 bytes; NULL: none */
    struct dt_readout_line line;
};

static const struct version *
find(const struct version *v, size_t n, const uint8_t *commitment)
{
    for (size_t i = 0; commitment != NULL && i < n; i++)
        if (memcmp(v[i].commitment, commitment, 32) == 0)
            return &v[i];
    return NULL;
}

/* Only a version of the same number is replaced. */
static bool
is_replaced(const struct version *v, size_t n, const struct version *one)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].replaces != NULL && memcmp(v[i].replaces, one->commitment, 32) == 0 &&
            v[i].line.texts.number == one->line.texts.number)
            return true;
    return false;
}

static const struct dt_view *
text_in(const struct dt_line_texts *t, struct dt_view language)
{
    for (size_t i = 0; i < t->n; i++)
        if (dt_view_equal(t->language[i], language))
            return &t->text[i];
    return NULL;
}

/* Against the last version before it that all sides agreed to. A chain of hashes has no circle. */
static void
compare(const struct version *v, size_t n, struct version *one)
{
    const struct version *old = find(v, n, one->replaces);
    struct dt_readout_line *l = &one->line;

    while (old != NULL && (!old->line.agreed || old->line.texts.number != l->texts.number))
        old = find(v, n, old->replaces);
    if (old == NULL)
        return;
    l->changed = true;
    for (size_t i = 0; i < l->texts.n; i++) {
        const struct dt_view *before = text_in(&old->line.texts, l->texts.language[i]);

        l->differs[i] = before == NULL || !dt_view_equal(*before, l->texts.text[i]);
        l->n_differs += l->differs[i];
    }
    for (size_t i = 0; i < old->line.texts.n; i++)
        l->n_left_out += text_in(&l->texts, old->line.texts.language[i]) == NULL;
}

static int
line_cmp(const void *x, const void *y)
{
    const struct dt_readout_line *a = x, *b = y;

    if (a->texts.number != b->texts.number)
        return a->texts.number < b->texts.number ? -1 : 1;
    if (a->entry != b->entry)
        return a->entry < b->entry ? -1 : 1;
    return a->fact < b->fact ? -1 : a->fact > b->fact;
}

/* Is the record at ${i} a line of the readout with ${head}, and no copy of one before it? */
static bool
is_line(const struct fold *f, size_t i, const uint8_t *head)
{
    const struct dt_record *r = f->facts[i].record;

    if (!dt_view_equal(r->header.template_id, dt_view_str(DT_READOUT_LINE_TEMPLATE)) ||
        memcmp(r->slots[DT_READOUT_SLOT_READOUT].value.p, head, 32) != 0)
        return false;
    for (size_t k = 0; k < i; k++)
        if (memcmp(f->facts[k].record->commitment, r->commitment, 32) == 0)
            return false;
    return true;
}

/* All versions of all lines of the readout with ${head}. */
static enum dt_err
gather(const struct fold *f, const uint8_t *head, struct version *v, size_t *n,
       size_t *n_unreadable)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct dt_record *r = f->facts[i].record;
        struct version *one = &v[*n];

        if (!is_line(f, i, head))
            continue;
        if (*n == DT_READOUT_LINES)
            return dt_fail(DT_ERR_LIMIT, "more than %u records of lines in one readout",
                           DT_READOUT_LINES);
        memset(one, 0, sizeof *one);
        if (dt_line_texts_read(r->slots, &one->line.texts) != DT_OK ||
            !party_of(f, r, &one->line.author)) {
            (*n_unreadable)++;
            continue;
        }
        one->commitment = r->commitment;
        if (r->slots[DT_READOUT_SLOT_REPLACES].kind == DT_SLOT_VALUE)
            one->replaces = r->slots[DT_READOUT_SLOT_REPLACES].value.p;
        one->line.fact = i;
        one->line.entry = f->facts[i].entry;
        hear(f, r, dt_readout_line_slots(), one->line.author, one->line.party);
        one->line.agreed = agreed(f, one->line.party, one->line.author);
        one->line.released =
            released(f, one->line.party, one->line.author, dt_view_str(DT_READOUT_LINE_TEMPLATE));
        (*n)++;
    }
    return DT_OK;
}

static enum dt_err
fold_lines(const struct fold *f, const uint8_t *head, struct dt_readout *r)
{
    DT_CLEANUP(dt_free_p) struct version *v = NULL;
    size_t n = 0, lines = 0;
    enum dt_err err;

    for (size_t i = 0; i < f->n; i++)
        lines += dt_view_equal(f->facts[i].record->header.template_id,
                               dt_view_str(DT_READOUT_LINE_TEMPLATE));
    v = dt_alloc(lines + 1, sizeof *v);
    r->lines = dt_alloc(lines + 1, sizeof *r->lines);
    if (v == NULL || r->lines == NULL)
        return dt_nomem();
    if ((err = gather(f, head, v, &n, &r->n_unreadable)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (is_replaced(v, n, &v[i]))
            continue;
        compare(v, n, &v[i]);
        r->lines[r->n++] = v[i].line;
    }
    qsort(r->lines, r->n, sizeof *r->lines, line_cmp);
    for (size_t i = 1; i < r->n; i++)
        if (r->lines[i - 1].texts.number == r->lines[i].texts.number)
            r->lines[i - 1].competing = r->lines[i].competing = true;
    return DT_OK;
}

/* ---- the head ---- */

static enum dt_err
fold_head(const struct fold *f, size_t place, struct dt_readout *r)
{
    const struct dt_record *head = f->facts[place].record;
    const struct dt_slot *at = dt_record_get(head, "release_at");
    const struct dt_slot *by = dt_record_get(head, "releaser");
    const struct dt_slot *languages = dt_record_get(head, "versions");
    uint16_t releaser = 0;

    if (!dt_view_equal(head->header.template_id, dt_view_str(DT_READOUT_TEMPLATE)) || by == NULL ||
        dt_value_enum(by->value, &releaser) != DT_OK || releaser < DT_RELEASE_TOGETHER ||
        releaser > DT_RELEASE_MEDIATOR || !party_of(f, head, &r->author) ||
        (at != NULL && dt_value_u64(at->value, &r->release_ms) != DT_OK))
        return dt_fail(DT_ERR_FORMAT, "this record is no readout");
    r->head = place;
    r->releaser = (enum dt_releaser)releaser;
    r->languages = languages != NULL ? languages->value : dt_view(NULL, 0);
    hear(f, head, dt_readout_head_slots(head->tmpl), r->author, r->party);
    r->agreed = agreed(f, r->party, r->author);
    r->released = released(f, r->party, r->author, dt_view_str(DT_READOUT_TEMPLATE));
    return DT_OK;
}

enum dt_err
dt_readout_fold(const struct dt_charter *charter, const struct dt_fact *facts, size_t n,
                const uint8_t commitment[static 32], uint64_t now_ms, struct dt_readout *out)
{
    DT_CLEANUP(dt_readout_clear) struct dt_readout r = {0};
    const struct fold f = {.charter = charter, .facts = facts, .n = n, .now_ms = now_ms};
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        if (memcmp(facts[i].record->commitment, commitment, 32) != 0)
            continue;
        if ((err = fold_head(&f, i, &r)) != DT_OK ||
            (err = fold_lines(&f, commitment, &r)) != DT_OK)
            return err;
        *out = r;
        r = (struct dt_readout){0};
        return DT_OK;
    }
    return dt_fail(DT_ERR_NOT_FOUND, "no such record here");
}

bool
dt_readout_line_ready(const struct dt_readout_line *l)
{
    return l->agreed && !l->competing;
}

bool
dt_readout_released(const struct dt_readout *r)
{
    bool any = false, all = r->agreed && r->released;

    for (size_t i = 0; i < r->n; i++) {
        if (!dt_readout_line_ready(&r->lines[i]))
            continue;
        any = true;
        all = all && r->lines[i].released;
    }
    return any && all;
}
