/*
 * tests/agent/test_spans.c - the digest of a store in parts: against a slow recomputation, with
 * other processes at it, killed, and with a disk that fails.
 *
 * Spans are cut here at a few rows each, so that small stores have all levels and many of each.
 */
#include "spans.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a slow recomputation, with its own idea of the format ---- */

struct plain_span {
    unsigned int level;
    uint8_t lo[256];
    size_t lo_n;
    uint8_t blob[256];
    size_t blob_n;
};

struct entry {
    uint8_t key[256]; /* and behind it, in a list, the version */
    size_t key_n, all_n;
};

static int
cmp_bytes(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
    int c = memcmp(a, b, a_n < b_n ? a_n : b_n);

    return c != 0 ? c : a_n < b_n ? -1 : a_n > b_n;
}

static void
put_bytes(uint8_t *out, size_t *n, const void *p, size_t p_n)
{
    if (p_n > 0)
        memcpy(out + *n, p, p_n);
    *n += p_n;
}

static void
put_u64(uint8_t *out, size_t *n, uint64_t x)
{
    for (int i = 7; i >= 0; i--)
        out[(*n)++] = (uint8_t)(x >> (8 * i));
}

/* opaque x<V>: one byte of length to 63, else two. */
static void
put_vec(uint8_t *out, size_t *n, const void *p, size_t p_n)
{
    if (p_n > 63)
        out[(*n)++] = (uint8_t)(0x40 | p_n >> 8);
    out[(*n)++] = (uint8_t)p_n;
    put_bytes(out, n, p, p_n);
}

static size_t
read_entries(struct dt_db *db, struct entry *out, size_t max)
{
    struct dt_stmt *st = NULL;
    bool more = false;
    size_t n = 0;

    ok(dt_db_prepare(db, "SELECT tab, name, parent, seq, version FROM row NOT INDEXED", &st));
    for (;;) {
        struct dt_view tab, name, parent;
        uint64_t seq = 0, version = 0;

        ok(dt_stmt_step(st, &more));
        if (!more)
            break;
        ok(dt_col_text(st, 0, 64, &tab));
        ok(dt_col_blob(st, 1, 32, &name));
        ok(dt_col_blob(st, 2, 32, &parent));
        ok(dt_col_u64(st, 3, INT64_MAX, &seq));
        ok(dt_col_u64(st, 4, INT64_MAX, &version));
        for (size_t order = 0; order < 2; order++) {
            struct entry *e = &out[n++];

            assert_true(n <= max);
            *e = (struct entry){0};
            put_bytes(e->key, &e->key_n, order == 0 ? "n" : "l", 1);
            put_bytes(e->key, &e->key_n, tab.p, tab.n);
            put_bytes(e->key, &e->key_n, "\0", 1);
            if (order == 1) {
                put_bytes(e->key, &e->key_n, parent.p, parent.n);
                put_u64(e->key, &e->key_n, seq);
            }
            put_bytes(e->key, &e->key_n, name.p, name.n);
            e->all_n = e->key_n;
            if (order == 1)
                put_u64(e->key, &e->all_n, version);
        }
    }
    dt_stmt_done(&st);
    return n;
}

static size_t
read_spans(struct dt_db *db, struct plain_span *out, size_t max)
{
    struct dt_stmt *st = NULL;
    bool more = false;
    size_t n = 0;

    ok(dt_db_prepare(db, "SELECT level, lo, blob FROM span ORDER BY level, lo", &st));
    for (;;) {
        struct dt_view lo, blob;
        uint64_t level = 0;

        ok(dt_stmt_step(st, &more));
        if (!more)
            break;
        assert_true(n < max);
        ok(dt_col_u64(st, 0, 9, &level));
        ok(dt_col_blob(st, 1, 256, &lo));
        ok(dt_col_blob(st, 2, 256, &blob));
        out[n].level = (unsigned int)level;
        memcpy(out[n].lo, lo.p, lo.n);
        out[n].lo_n = lo.n;
        memcpy(out[n].blob, blob.p, blob.n);
        out[n++].blob_n = blob.n;
    }
    dt_stmt_done(&st);
    return n;
}

/* The next span of the same level; NULL: none. */
static const struct plain_span *
next_of(const struct plain_span *v, size_t n, size_t i)
{
    return i + 1 < n && v[i + 1].level == v[i].level ? &v[i + 1] : NULL;
}

static void
slow_leaf(struct dt_store *s, const struct plain_span *leaf, const struct plain_span *next,
          const struct entry *entries, size_t n_entries)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(64);
    uint8_t aad[512], want[40] = {0};
    size_t aad_n = 0, at = 32;
    uint64_t n = 0;

    for (size_t i = 0; i < n_entries; i++) {
        const struct entry *e = &entries[i];
        uint8_t tag[32];

        if (cmp_bytes(e->key, e->key_n, leaf->lo, leaf->lo_n) < 0 ||
            (next != NULL && cmp_bytes(e->key, e->key_n, next->lo, next->lo_n) >= 0))
            continue;
        n++;
        ok(dt_keyed_tag(&s->name_key, dt_view(e->key, e->all_n), tag));
        for (size_t b = 0; b < 32; b++)
            want[b] ^= tag[b];
    }
    put_u64(want, &at, n);
    put_vec(aad, &aad_n, "detente 1 store span", 20);
    put_bytes(aad, &aad_n, leaf->lo, leaf->lo_n);
    ok(dt_box_open(dt_secret_view(&s->value_key), dt_view(aad, aad_n),
                   dt_view(leaf->blob, leaf->blob_n), &plain));
    assert_true(dt_view_equal(dt_buf_view(&plain), dt_view_of(want)));
    assert_true(n <= s->spans.leaf_max);
}

/* The hash over the spans ${from} to ${to}. */
static void
slow_hash(const struct plain_span *v, size_t from, size_t to, uint8_t out[static 32])
{
    static uint8_t text[1u << 20];
    size_t n = 0;

    put_vec(text, &n, "detente 1 store spans", 21);
    text[n++] = (uint8_t)v[from].level;
    for (size_t i = from; i < to; i++) {
        assert_true(n + 600 < sizeof text);
        put_vec(text, &n, v[i].lo, v[i].lo_n);
        put_vec(text, &n, v[i].blob, v[i].blob_n);
    }
    ok(dt_sha256(dt_view(text, n), out));
}

/* The spans in the file are those of the rows in the file, at every level. How many leaves. */
static size_t
slow_check(struct dt_store *s)
{
    enum { ENTRIES = 2 * TABLES * KEYS, SPANS = 4096 };
    static struct entry entries[ENTRIES];
    static struct plain_span v[SPANS];
    size_t n_entries, n, leaves = 0, top = 0;
    uint8_t hash[32];
    uint64_t number;

    ok(dt_store_number(s, &number)); /* reads the head */
    n_entries = read_entries(s->db, entries, ENTRIES);
    n = read_spans(s->db, v, SPANS);
    while (top < n && v[top].level < DT_SPAN_LEVELS)
        top++;
    slow_hash(v, top, n, hash);
    assert_memory_equal(hash, s->digest, 32);
    for (size_t i = 0; i < n; i++) {
        const struct plain_span *next = next_of(v, n, i);
        size_t from = 0, to;

        if (v[i].level == 1) {
            leaves++;
            slow_leaf(s, &v[i], next, entries, n_entries);
            continue;
        }
        while (v[from].level != v[i].level - 1 ||
               cmp_bytes(v[from].lo, v[from].lo_n, v[i].lo, v[i].lo_n) < 0)
            from++;
        is(cmp_bytes(v[from].lo, v[from].lo_n, v[i].lo, v[i].lo_n), 0);
        for (to = from; to < n && v[to].level == v[i].level - 1 &&
                        (next == NULL || cmp_bytes(v[to].lo, v[to].lo_n, next->lo, next->lo_n) < 0);
             to++)
            ;
        assert_true(to - from <= s->spans.node_max);
        slow_hash(v, from, to, hash);
        is(v[i].blob_n, 32);
        assert_memory_equal(hash, v[i].blob, 32);
    }
    return leaves;
}

/* Rows come, change, move and go at random, in transactions of all sizes, some given up: after each
 * the spans are those of a recomputation, and every answer is right, here and for another process.
 */
static void
random_life(void **state)
{
    struct model m = {0}, before;
    struct dt_store *s = NULL, *other;
    uint32_t value = 0;
    uint64_t seq = 0;
    size_t most = 0;
    char home[96];

    (void)state;
    new_home(home);
    ok(dt_store_create(home, PASS, &s));
    small_spans(s);
    other = open_small(home);
    dice = 20261201;
    for (size_t round = 0; round < 300; round++) {
        /* Fuller, then emptier, then empty. */
        uint64_t del = round % 100 < 60 ? 25 : round % 100 < 90 ? 75 : 100;
        size_t steps = 1 + roll(round % 7 == 0 ? 120 : 8), leaves;

        before = m;
        ok(dt_store_begin(s));
        while (steps-- > 0) {
            size_t t = roll(TABLES), k = roll(KEYS);
            uint8_t key[1];

            if (roll(100) >= del) {
                ok(put(s, &m, t, k, roll(PARENTS), seq++, value++));
            } else if (m.rows[t][k].there) {
                ok(dt_store_del(s, tables[t], key_of(k, key)));
                m.rows[t][k].there = false;
            }
            if (roll(4) == 0)
                is(ask_row(s, &m, roll(TABLES), roll(KEYS)), 0);
            if (roll(16) == 0)
                is(ask_list(s, &m, roll(TABLES), roll(PARENTS)), 0);
        }
        if (roll(50) == 0)
            is(ask_all(s, &m), 0);
        if (roll(10) == 0) {
            size_t t = roll(TABLES), p = roll(PARENTS);

            ok(dt_store_del_parent(s, tables[t], dt_view_str(parents[p])));
            for (size_t k = 0; k < KEYS; k++)
                m.rows[t][k].there &= m.rows[t][k].parent != p;
        }
        if (roll(5) == 0) {
            dt_store_rollback(s);
            m = before;
        } else {
            ok(dt_store_commit(s));
        }
        leaves = slow_check(s);
        most = leaves > most ? leaves : most;
        is(ask_row(s, &m, roll(TABLES), roll(KEYS)), 0);
        is(ask_list(s, &m, roll(TABLES), roll(PARENTS)), 0);
        if (round % 10 == 0) {
            is(ask_all(other, &m), 0);
            ok(dt_spans_check_all(other));
        }
        if (round % 60 == 59) {
            ok(dt_store_check(s));
            dt_store_close(s);
            s = open_small(home);
        }
    }
    print_message("at most %zu leaves\n", most);
    assert_true(most > 4 * 4 * 2); /* all levels were cut */
    dt_store_close(other);
    dt_store_close(s);
}

/* Spans that have no rows any more go, too. */
static void
emptied(void **state)
{
    struct model m = {0};
    struct dt_store *s = NULL;
    char home[96];
    size_t leaves;

    (void)state;
    new_home(home);
    ok(dt_store_create(home, PASS, &s));
    small_spans(s);
    for (size_t round = 0; round < 20; round++) {
        ok(dt_store_begin(s));
        for (size_t t = 0; t < TABLES; t++)
            for (size_t k = 0; k < KEYS; k++)
                ok(put(s, &m, t, k, 1, 1000 * round + k, 0));
        ok(dt_store_commit(s));
        leaves = slow_check(s);
        assert_true(leaves >= 2 * TABLES * KEYS / 4);
        for (size_t t = 0; t < TABLES; t++)
            for (size_t k = 0; k < KEYS; k++) {
                uint8_t key[1];

                ok(dt_store_del(s, tables[t], key_of(k, key)));
            }
        memset(&m, 0, sizeof m);
        leaves = slow_check(s);
        assert_true(leaves < 60); /* the first of each span above stays */
        is(ask_all(s, &m), 0);
    }
    dt_store_close(s);
}

/* ---- other processes ---- */

/* What each transaction of them keeps: the two rows of a pair are of one value, and of the counter
 * that stands beside. */
static enum dt_err
step_pair(struct dt_store *s, uint8_t pair, uint32_t value)
{
    uint8_t key[2] = {0, pair}, bytes[4];
    enum dt_err err = dt_store_begin(s);

    if (err != DT_OK)
        return err;
    memcpy(bytes, &value, sizeof bytes);
    for (key[0] = 0; err == DT_OK && key[0] < 2; key[0]++) {
        err = value % 5 == 4 ? dt_store_del(s, "pair", dt_view_of(key))
                             : dt_store_put(s, "pair", dt_view_of(key), dt_view_str(""), value,
                                            dt_view_of(bytes));
        if (err == DT_ERR_NOT_FOUND)
            err = DT_OK;
    }
    if (err == DT_OK)
        err = dt_store_put(s, "count", dt_view(&pair, 1), dt_view_str(""), pair, dt_view_of(bytes));
    return dt_store_end(s, err);
}

static enum dt_err
look_pairs(struct dt_store *s)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx one_state = {0};
    enum dt_err err = dt_tx_begin_read(s->db, &one_state);

    if (err == DT_OK)
        err = dt_spans_renew(s);
    for (unsigned int i = 0; err == DT_OK && i < 64; i++) {
        struct dt_buf v[3] = {DT_BUF_INIT(8), DT_BUF_INIT(8), DT_BUF_INIT(8)};
        uint8_t pair = (uint8_t)i, key[2] = {0, pair};
        enum dt_err a = dt_store_get_blob(s, "pair", dt_view_of(key), &v[0]), b, c;

        key[0] = 1;
        b = dt_store_get_blob(s, "pair", dt_view_of(key), &v[1]);
        c = dt_store_get_blob(s, "count", dt_view(&pair, 1), &v[2]);
        is(a, b);
        if (a == DT_OK) {
            is(c, DT_OK);
            assert_true(dt_view_equal(dt_buf_view(&v[0]), dt_buf_view(&v[1])));
            assert_true(dt_view_equal(dt_buf_view(&v[0]), dt_buf_view(&v[2])));
        } else if (a != DT_ERR_NOT_FOUND) {
            err = a;
        }
        for (size_t j = 0; j < 3; j++)
            dt_buf_wipe(&v[j]);
    }
    return err;
}

/* In a process of its own; never returns. */
static void
write_pairs(const char *home, uint64_t seed, uint32_t n)
{
    struct dt_store *s = NULL;

    dice = seed;
    if (dt_store_open(home, PASS, &s) != DT_OK)
        _exit(1);
    small_spans(s);
    for (uint32_t i = 0; i < n; i++)
        if (step_pair(s, (uint8_t)roll(64), (uint32_t)(seed << 20) + i) != DT_OK) {
            (void)fprintf(stderr, "%s (%s)\n", dt_err_message(), dt_err_place());
            _exit(2);
        }
    dt_store_close(s);
    _exit(0);
}

static void
several_processes(void **state)
{
    struct dt_store *s = NULL;
    pid_t child[3];
    char home[96];
    size_t looks = 0, left = 3;

    (void)state;
    new_home(home);
    ok(dt_store_create(home, PASS, &s));
    dt_store_close(s);
    for (size_t i = 0; i < 3; i++) {
        child[i] = fork();
        if (child[i] == 0)
            write_pairs(home, i + 1, 300);
        assert_true(child[i] > 0);
    }
    s = open_small(home);
    while (left > 0) {
        int status = 0;

        ok(look_pairs(s));
        looks++;
        if (waitpid(-1, &status, WNOHANG) > 0) {
            is(status, 0);
            left--;
        }
    }
    ok(look_pairs(s));
    ok(dt_store_check(s));
    print_message("%zu looks\n", looks);
    assert_true(looks > 1);
    dt_store_close(s);
}

/* Killed at any moment: the store is as after a transaction, rows and spans. */
static void
killed(void **state)
{
    struct dt_store *s = NULL;
    char home[96];

    (void)state;
    new_home(home);
    ok(dt_store_create(home, PASS, &s));
    dt_store_close(s);
    dice = 4711;
    for (uint64_t round = 0; round < 60; round++) {
        struct timespec t = {0, (long)roll(30000000)};
        int status = 0;
        pid_t child = fork();

        if (child == 0)
            write_pairs(home, round + 1, UINT32_MAX);
        assert_true(child > 0);
        (void)nanosleep(&t, NULL);
        is(kill(child, SIGKILL), 0);
        is(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        s = open_small(home);
        ok(look_pairs(s));
        ok(dt_store_check(s));
        dt_store_close(s);
    }
}

static bool
fail_nth(void *ctx, enum dt_db_point at)
{
    unsigned int *left = ctx;

    (void)at;
    return (*left)-- == 0;
}

/* The n-th step of the database fails, for every n, in a transaction that cuts spans and in one
 * that empties them: nothing of it is there then, and the same handle goes on. */
static void
failing_steps(void **state)
{
    struct dt_store *s = NULL;
    char home[96];

    (void)state;
    new_home(home);
    ok(dt_store_create(home, PASS, &s));
    small_spans(s);
    for (size_t part = 0; part < 2; part++) {
        bool done = false;

        for (unsigned int n = 0; !done; n++) {
            unsigned int left = n;
            enum dt_err err;
            uint64_t count = 0;

            dt_db_fault(fail_nth, &left);
            err = dt_store_begin(s);
            if (err == DT_OK) {
                for (uint8_t k = 0; err == DT_OK && k < 12; k++)
                    err = part == 0 ? dt_store_put(s, "t", dt_view(&k, 1), dt_view_str("p"), k,
                                                   dt_view_str("v"))
                                    : dt_store_del(s, "t", dt_view(&k, 1));
                err = dt_store_end(s, err);
            }
            dt_db_fault(NULL, NULL);
            assert_true(err == DT_OK || err == DT_ERR_IO);
            done = err == DT_OK;
            ok(dt_store_count(s, "t", dt_view_str("p"), &count));
            is(count, done == (part == 0) ? 12 : 0);
            ok(dt_spans_check_all(s));
            assert_true(n < 5000);
        }
        (void)slow_check(s);
    }
    dt_store_close(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_life),       cmocka_unit_test(emptied),
        cmocka_unit_test(several_processes), cmocka_unit_test(killed),
        cmocka_unit_test(failing_steps),
    };

    return cmocka_run_group_tests(tests, spans_set_up, spans_tear_down);
}
