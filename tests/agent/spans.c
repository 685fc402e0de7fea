/*
 * tests/agent/spans.c - see spans.h.
 */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#include "agent/store/walk.h"

#include "../base/folder.h"

static char dir[64];
static unsigned int n_homes;

/* Repeatable: splitmix64. */
uint64_t dice;

uint64_t
roll(uint64_t below)
{
    uint64_t z = (dice += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

void
new_home(char out[static 96])
{
    (void)snprintf(out, 96, "%s/home%u", dir, n_homes++);
}

void
db_path(const char *home, char out[static 128])
{
    (void)snprintf(out, 128, "%s/store.db", home);
}

struct dt_store *
small_spans(struct dt_store *s)
{
    s->spans.leaf_max = 4;
    s->spans.node_max = 4;
    return s;
}

struct dt_store *
open_small(const char *home)
{
    struct dt_store *s = NULL;

    ok(dt_store_open(home, PASS, &s));
    return small_spans(s);
}

/* ---- what should be there ---- */

const char *const tables[TABLES] = {"a", "b_longer", "b"};
const char *const parents[PARENTS] = {"", "p", "q"};

struct dt_view
key_of(size_t k, uint8_t out[static 1])
{
    out[0] = (uint8_t)k;
    return dt_view(out, 1);
}

enum dt_err
put(struct dt_store *s, struct model *m, size_t t, size_t k, size_t parent, uint64_t seq,
    uint32_t value)
{
    struct wanted *w = &m->rows[t][k];
    uint8_t key[1], bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                                (uint8_t)(value >> 8), (uint8_t)value};
    enum dt_err err = dt_store_put(s, tables[t], key_of(k, key), dt_view_str(parents[parent]), seq,
                                   dt_view_of(bytes));

    if (err == DT_OK)
        *w = (struct wanted){true, (uint8_t)parent, seq, value};
    return err;
}

static bool
same_value(struct dt_view v, uint32_t want)
{
    return v.n == 4 && ((uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 | (uint32_t)v.p[2] << 8 |
                        v.p[3]) == want;
}

bool
refuses(enum dt_err err)
{
    return err == DT_ERR_AUTH || err == DT_ERR_FORMAT;
}

size_t
ask_row(struct dt_store *s, const struct model *m, size_t t, size_t k)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(64);
    const struct wanted *w = &m->rows[t][k];
    uint8_t key[1];
    bool has = false;
    size_t refused = 0;
    enum dt_err err = dt_store_get_blob(s, tables[t], key_of(k, key), &value);

    if (refuses(err))
        refused++;
    else
        assert_true(w->there ? err == DT_OK && same_value(dt_buf_view(&value), w->value)
                             : err == DT_ERR_NOT_FOUND);
    err = dt_store_has(s, tables[t], key_of(k, key), &has);
    if (refuses(err))
        refused++;
    else
        assert_true(err == DT_OK && has == w->there);
    return refused;
}

/* The least seq from ${at} on in that list; UINT64_MAX: none. Seqs of a list differ. */
static uint64_t
least(const struct model *m, size_t t, size_t parent, uint64_t at, uint32_t *value)
{
    uint64_t found = UINT64_MAX;

    for (size_t k = 0; k < KEYS; k++) {
        const struct wanted *w = &m->rows[t][k];

        if (w->there && w->parent == parent && w->seq >= at && w->seq < found) {
            found = w->seq;
            *value = w->value;
        }
    }
    return found;
}

size_t
ask_list(struct dt_store *s, const struct model *m, size_t t, size_t parent)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_view p = dt_view_str(parents[parent]);
    uint64_t n = 0, last = UINT64_MAX, count = 0;
    uint32_t value = 0, last_value = 0;
    size_t refused = 0;
    enum dt_err err;

    for (uint64_t at = 0, want;; at = want + 1) {
        want = least(m, t, parent, at, &value);
        err = dt_store_next(s, tables[t], p, at, &row);
        if (refuses(err))
            refused++;
        else if (want == UINT64_MAX)
            is(err, DT_ERR_NOT_FOUND);
        else
            assert_true(err == DT_OK && row.seq == want &&
                        same_value(dt_buf_view(&row.value), value));
        if (want == UINT64_MAX)
            break;
        last = want;
        last_value = value;
        count++;
    }
    err = dt_store_last(s, tables[t], p, &row);
    if (refuses(err))
        refused++;
    else if (last == UINT64_MAX)
        is(err, DT_ERR_NOT_FOUND);
    else
        assert_true(err == DT_OK && row.seq == last &&
                    same_value(dt_buf_view(&row.value), last_value));
    err = dt_store_next_seq(s, tables[t], p, &n);
    if (refuses(err))
        refused++;
    else
        assert_true(err == DT_OK && n == (last == UINT64_MAX ? 0 : last + 1));
    err = dt_store_count(s, tables[t], p, &n);
    if (refuses(err))
        refused++;
    else
        assert_true(err == DT_OK && n == count);
    return refused;
}

static enum dt_err
count_walked(void *ctx, const struct dt_store_walked *row)
{
    (void)row;
    (*(size_t *)ctx)++;
    return DT_OK;
}

size_t
ask_all(struct dt_store *s, const struct model *m)
{
    size_t refused = 0;

    for (size_t t = 0; t < TABLES; t++) {
        size_t walked = 0, there = 0;
        enum dt_err err;

        for (size_t k = 0; k < KEYS; k++) {
            refused += ask_row(s, m, t, k);
            there += m->rows[t][k].there;
        }
        for (size_t p = 0; p < PARENTS; p++)
            refused += ask_list(s, m, t, p);
        err = dt_store_walk(s, tables[t], NULL, 0, count_walked, &walked);
        if (refuses(err))
            refused++;
        else
            assert_true(err == DT_OK && walked == there);
    }
    return refused;
}

int
spans_set_up(void **state)
{
    (void)state;
    return dt_crypto_init() == DT_OK && test_folder(dir, sizeof dir, "spans") ? 0 : -1;
}

int
spans_tear_down(void **state)
{
    char command[96];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}
