/*
 * agent/records/list.c - records as people see them: numbered, with author, standing and entry; see
 * records.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "agent/core.h"
#include "agent/records/records.h"

#define ENTRY    "entry:"
#define LAST_MAX 100000u /* of more, all are read at once */

static void
put_text(char *out, size_t n, struct dt_view v)
{
    (void)snprintf(out, n, "%.*s", (int)(v.n < n ? v.n : n - 1), (const char *)v.p);
}

static void
find_author(const struct dt_person *people, size_t n, const struct dt_record *r,
            struct dt_person *out)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(people[i].letter_hash, r->author.letter, 32) == 0) {
            *out = people[i];
            return;
        }
}

static enum dt_err
fill(struct dt_agent *a, const struct dt_record *r, uint64_t number, const struct dt_person *people,
     size_t n_people, struct dt_record_info *out)
{
    const uint8_t *about = NULL;
    enum dt_err err;

    *out = (struct dt_record_info){.number = number};
    memcpy(out->commitment, r->commitment, 32);
    memcpy(out->seal, r->seal, 32);
    memcpy(out->group_id, r->channel, 32);
    put_text(out->kind, sizeof out->kind, dt_template_id(r->tmpl));
    put_text(out->title, sizeof out->title, dt_template_title(r->tmpl));
    out->answer = dt_record_answer(r, &about);
    if (about != NULL)
        memcpy(out->about, about, 32);
    out->time_ms = r->time_ms;
    find_author(people, n_people, r, &out->author);
    if ((err = dt_agent_entry(a, r->seal, &out->entry)) == DT_OK &&
        out->entry.standing == DT_ENTRY_WAITING)
        err = dt_agent_seal_slot(a, r->seal, &out->slot_ms);
    return err;
}

/* Which of ${f} are chosen, from the last one back: their places in *${out}, in order. */
static enum dt_err
choose(const struct dt_agent_facts *f, const uint8_t *group_id, const struct dt_record_choice *c,
       size_t **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) size_t *at = dt_alloc(f->n, sizeof *at);
    size_t n = 0;
    enum dt_err err;

    if (at == NULL)
        return dt_nomem();
    for (size_t i = f->n; i > 0 && n < c->last; i--) {
        const struct dt_record *r = &f->records[i - 1];
        bool wanted = true;

        if ((group_id != NULL && memcmp(r->channel, group_id, 32) != 0) ||
            f->numbers[i - 1] >= c->before)
            continue;
        if (c->wants != NULL && (err = c->wants(c->ctx, r, &wanted)) != DT_OK)
            return err;
        if (wanted)
            at[n++] = i - 1;
    }
    for (size_t i = 0; i < n / 2; i++) {
        size_t other = at[i];

        at[i] = at[n - 1 - i];
        at[n - 1 - i] = other;
    }
    *out = at;
    *out_n = n;
    at = NULL;
    return DT_OK;
}

/* ${f} as people see it. */
static enum dt_err
list_of(struct dt_agent *a, const struct dt_agent_facts *f, const uint8_t *group_id,
        const struct dt_record_choice *choice, struct dt_record_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct dt_standing *standing = NULL;
    DT_CLEANUP(dt_free_p) const struct dt_standing **of = dt_alloc(f->n, sizeof(void *));
    DT_CLEANUP(dt_free_p) struct dt_person *people = NULL;
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    DT_CLEANUP(dt_free_p) size_t *at = NULL;
    size_t n_standing = 0;
    size_t n_people = 0;
    size_t n = 0;
    enum dt_err err;

    if (of == NULL)
        return dt_nomem();
    if ((err = dt_standing_fold(f->facts, f->n, &standing, &n_standing)) != DT_OK ||
        (err = dt_agent_people(a, &people, &n_people)) != DT_OK ||
        (err = choose(f, group_id, choice, &at, &n)) != DT_OK)
        return err;
    for (size_t k = 0; k < n_standing; k++)
        of[standing[k].fact] = &standing[k];
    list = dt_alloc(n, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        const struct dt_standing *s = of[at[i]];

        if ((err = fill(a, &f->records[at[i]], f->numbers[at[i]], people, n_people, &list[i])) !=
            DT_OK)
            return err;
        if (s != NULL) {
            list[i].standing = s->code;
            list[i].withdrawn = s->withdrawn;
        }
    }
    *out = list;
    *out_n = n;
    list = NULL;
    return DT_OK;
}

static const struct dt_record_choice all_of_them = {.before = UINT64_MAX, .last = SIZE_MAX};

/* Every record is decoded and its commitment computed anew, so of a long list only the end is read.
 * An answer stands behind what it is about: whoever answers has read that from the same queue. */
enum dt_err
dt_agent_records_of(struct dt_agent *a, const uint8_t *group_id,
                    const struct dt_record_choice *choice, struct dt_record_info **out,
                    size_t *out_n)
{
    uint64_t back = 2 * (uint64_t)choice->last + 64, last = 0, end, from = 0;
    enum dt_err err = dt_agent_last_record(a, &last);

    if (err != DT_OK)
        return err;
    end = choice->before <= last ? choice->before : last + 1;
    for (;; back *= 4) {
        DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
        DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
        size_t n = 0;

        from = choice->last < LAST_MAX && end > back ? end - back : 0;
        if ((err = dt_agent_facts_from(a, from, &f)) != DT_OK ||
            (err = list_of(a, &f, group_id, choice, &list, &n)) != DT_OK)
            return err;
        if (n < choice->last && from > 0)
            continue;
        *out = list;
        *out_n = n;
        list = NULL;
        return DT_OK;
    }
}

enum dt_err
dt_agent_records(struct dt_agent *a, const uint8_t *group_id, struct dt_record_info **out,
                 size_t *out_n)
{
    return dt_agent_records_of(a, group_id, &all_of_them, out, out_n);
}

enum dt_err
dt_agent_void_records(struct dt_agent *a, const uint8_t *group_id, struct dt_record_info **out,
                      size_t *out_n)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    enum dt_err err = dt_agent_facts_that_do_not_count(a, &f);

    return err != DT_OK ? err : list_of(a, &f, group_id, &all_of_them, out, out_n);
}

enum dt_err
dt_agent_cover_records(struct dt_agent *a, struct dt_record_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    DT_CLEANUP(dt_free_p) struct dt_person *people = NULL;
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    size_t n_people = 0;
    enum dt_err err;

    if ((err = dt_agent_facts_of_cover(a, &f)) != DT_OK ||
        (err = dt_agent_people(a, &people, &n_people)) != DT_OK)
        return err;
    list = dt_alloc(f.n, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    for (size_t i = 0; i < f.n; i++) {
        if ((err = fill(a, &f.records[i], f.numbers[i], people, n_people, &list[i])) != DT_OK)
            return err;
        list[i].standing = DT_STANDING_ASSERTED;
    }
    *out = list;
    *out_n = f.n;
    list = NULL;
    return DT_OK;
}

/* Do the hex digits ${prefix} begin the hex of ${hash}? */
static bool
hex_begins(const uint8_t hash[static 32], const char *prefix)
{
    char hex[65];

    dt_hex_str(hex, dt_view(hash, 32));
    return strlen(prefix) <= 64 && strncmp(hex, prefix, strlen(prefix)) == 0;
}

/* The one of ${f} whose commitment begins with ${prefix}; *${out} stays when there is none.
 * CONFLICT.
 */
static enum dt_err
find_hex(const struct dt_agent_facts *f, const char *prefix, uint8_t out[static 32], bool *found)
{
    for (size_t i = 0; i < f->n; i++) {
        if (!hex_begins(f->records[i].commitment, prefix))
            continue;
        if (*found)
            return dt_fail(DT_ERR_CONFLICT, "more than one record begins with %s", prefix);
        memcpy(out, f->records[i].commitment, 32);
        *found = true;
    }
    return DT_OK;
}

/* The one of ${f} with the register's entry ${entry}; *${out} stays when there is none. */
static void
find_entry(const struct dt_agent_facts *f, uint64_t entry, uint8_t out[static 32], bool *found)
{
    for (size_t i = 0; i < f->n && !*found; i++)
        if (f->facts[i].entry == entry) {
            memcpy(out, f->records[i].commitment, 32);
            *found = true;
        }
}

/* No hex and no number of a home begins so. */
enum dt_err
dt_entry_named(const char *text, uint64_t *out, bool *out_named)
{
    *out_named = strncmp(text, ENTRY, strlen(ENTRY)) == 0;
    if (*out_named &&
        dt_decimal_read(dt_view_str(text + strlen(ENTRY)), UINT64_MAX - 1, out) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "'%s' names no entry: write entry:12", text);
    return DT_OK;
}

static enum dt_err
find_by_entry(struct dt_agent *a, const struct dt_agent_facts *f, uint64_t entry,
              uint8_t out[static 32])
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts cover = {0};
    bool found = false;
    enum dt_err err;

    find_entry(f, entry, out, &found);
    if (!found && (err = dt_agent_facts_of_cover(a, &cover)) != DT_OK)
        return err;
    find_entry(&cover, entry, out, &found);
    return found ? DT_OK
                 : dt_fail(DT_ERR_NOT_FOUND,
                           "no record here has the entry %llu; see 'detente records'",
                           (unsigned long long)entry);
}

enum dt_err
dt_agent_record_find(struct dt_agent *a, const char *number_or_hex,
                     uint8_t out_commitment[static 32])
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts cover = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record whole = {0};
    struct dt_counting rule;
    uint8_t commitment[32];
    uint64_t number = 0;
    bool found = false, counts = false, named = false;
    enum dt_err err;

    /* A whole commitment needs no search, unless its record does not count. */
    if (dt_hex_read_fixed(commitment, sizeof commitment, dt_view_str(number_or_hex)) == DT_OK &&
        dt_agent_record(a, commitment, &whole) == DT_OK && dt_counting_begin(a, &rule) == DT_OK &&
        dt_record_counts(a, &whole, &rule, &counts) == DT_OK && counts) {
        memcpy(out_commitment, commitment, 32);
        return DT_OK;
    }
    if ((err = dt_agent_facts(a, &f)) != DT_OK)
        return err;
    if ((err = dt_entry_named(number_or_hex, &number, &named)) != DT_OK || named)
        return err != DT_OK ? err : find_by_entry(a, &f, number, out_commitment);
    if (strlen(number_or_hex) < 6 &&
        dt_decimal_read(dt_view_str(number_or_hex), UINT32_MAX, &number) == DT_OK) {
        for (size_t i = 0; i < f.n; i++)
            if (f.numbers[i] == number) {
                memcpy(out_commitment, f.records[i].commitment, 32);
                return DT_OK;
            }
        return dt_fail(DT_ERR_NOT_FOUND, "there is no record %s; see 'detente records'",
                       number_or_hex);
    }
    if (strlen(number_or_hex) >= 6 &&
        ((err = find_hex(&f, number_or_hex, out_commitment, &found)) != DT_OK ||
         (!found && ((err = dt_agent_facts_of_cover(a, &cover)) != DT_OK ||
                     (err = find_hex(&cover, number_or_hex, out_commitment, &found)) != DT_OK))))
        return err;
    return found ? DT_OK
                 : dt_fail(DT_ERR_NOT_FOUND, "no record begins with '%s'; see 'detente records'",
                           number_or_hex);
}
