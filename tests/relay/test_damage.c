/*
 * tests/relay/test_damage.c - a small store in which one bit is turned, or whose end is missing:
 * opening refuses it with a line that names it, or what it gives is the truth. A register never
 * shows another root, size, entry or opening. A cell has no checksum of the relay's: who reads it
 * finds out (docs/known-risks.md), and how often that is so is printed.
 *
 * By default a sample, drawn by DT_SEED; DT_DAMAGE=all turns a bit of every byte, and cuts at every
 * length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "relay/store/internal.h"

#include "work.h"

#define STEPS    7u
#define FILE_MAX (1u << 20)
#define SAMPLE   150u

static bool all;
static uint64_t seed;

/* What may come of it. */
enum outcome { REFUSED, REFUSED_LATER, TRUE, CELL_ALTERED, FALSE, OUTCOMES };

/* What a store shows, in pieces. */
struct shown {
    struct dt_buf cells, registers, openings;
};

static void
shown_clear(struct shown *v)
{
    dt_buf_clear(&v->cells);
    dt_buf_clear(&v->registers);
    dt_buf_clear(&v->openings);
}

/* How long the note is up to the register's own signature: the witnesses' lines after it verify or
 * not for whoever reads them, as they do that come from a witness. */
static size_t
signed_part(const struct dt_buf *note)
{
    size_t n = 0, lines = 0;

    while (n < note->n && lines < 5)
        lines += note->p[n++] == '\n';
    return n;
}

/* Everything that ${s} shows of ${w}; what a read says when it does not. */
static enum dt_err
show(const struct work *w, struct dt_relay_store *s, struct shown *out)
{
    struct dt_relay_store_register row = {0};
    struct dt_writer cells = dt_writer_init(&out->cells);
    uint8_t id[DT_REGISTER_ID];
    uint64_t size = 0;
    enum dt_err err;

    for (unsigned int q = 0; q < WORK_QUEUES; q++) {
        struct dt_relay_store_queue queue = {0};

        if ((err = dt_relay_store_queue(s, w->address[q], &queue)) != DT_OK)
            return err;
        dt_write_u64(&cells, queue.last);
        dt_write_view(&cells, dt_view_of(queue.read_hash));
        if ((err = dt_relay_store_items(s, queue.id, 0, 1024, FILE_MAX, &cells)) != DT_OK)
            return err;
    }
    OK(dt_writer_end(&cells));
    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(w->place.grant.register_id)));
    if ((err = dt_relay_store_register(s, id, &row)) != DT_OK ||
        (err = dt_relay_store_checkpoint(s, row.id, DT_RELAY_STORE_HELD, 0, &out->registers,
                                         &size)) != DT_OK)
        return err;
    out->registers.n = signed_part(&out->registers);
    OK(dt_buf_printf(&out->registers, "%llu\n", (unsigned long long)row.size));
    for (int entries = 0; row.size > 0 && entries < 2; entries++) {
        struct tlog_tile tile = {.entries = entries != 0, .width = (uint16_t)row.size};

        if (row.size > TLOG_TILE_WIDTH)
            return DT_ERR_RANGE; /* a size far beyond what was put there: shown, and false */
        if ((err = dt_relay_store_tile(s, row.id, &tile, &out->registers)) != DT_OK)
            return err;
    }
    return dt_relay_store_openings(s, row.id, &out->openings);
}

/* Each opening that is listed is given out as what its name says, or not at all. */
static bool
openings_true(const struct work *w, struct dt_relay_store *s, const struct dt_buf *names)
{
    struct dt_relay_store_register row = {0};
    uint8_t id[DT_REGISTER_ID];

    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(w->place.grant.register_id)));
    if (dt_relay_store_register(s, id, &row) != DT_OK)
        return true;
    for (size_t at = 0; at + 65 <= names->n; at += 65) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(FILE_MAX);
        uint8_t name[32], hash[32];

        OK(dt_hex_read_fixed(name, 32, dt_view(names->p + at, 64)));
        if (dt_relay_store_opening(s, row.id, name, &file) != DT_OK)
            continue;
        OK(dt_sha256(dt_buf_view(&file), hash));
        if (memcmp(hash, name, 32) != 0)
            return false;
    }
    return true;
}

/* A store of the bytes ${file}, which may be damaged: what comes of it. */
static enum outcome
look_at(const struct work *w, const char *path, struct dt_view file, const struct shown *truth)
{
    struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store *s = NULL;
    struct shown v = {DT_BUF_INIT(FILE_MAX), DT_BUF_INIT(FILE_MAX), DT_BUF_INIT(FILE_MAX)};
    enum outcome outcome;
    size_t n = 0;
    char side[128];
    enum dt_err err;

    for (int i = 0; i < 3; i++) {
        static const char *const sides[] = {"", "-wal", "-shm"};

        (void)snprintf(side, sizeof(side), "%s%s", path, sides[i]);
        (void)unlink(side);
    }
    OK(dt_file_write(path, file, 0600));
    err = dt_relay_store_open(&config, &s);
    if (err == DT_OK)
        err = dt_relay_store_check(s, &n);
    if (err != DT_OK) {
        const char *line = dt_err_message();

        outcome = REFUSED;
        /* A letter of the schema that is another is met as a statement that is wrong. */
        if ((err == DT_ERR_INTERNAL && strstr(line, path) == NULL) || err == DT_ERR_NOMEM ||
            strlen(line) < 12 || strchr(line, '\n') != NULL)
            fail_msg("refused as %s: %s", dt_err_name(err), line);
    } else if ((err = show(w, s, &v)) != DT_OK) {
        outcome = err == DT_ERR_RANGE ? FALSE : REFUSED_LATER;
    } else if (!dt_view_equal(dt_buf_view(&v.registers), dt_buf_view(&truth->registers)) ||
               !dt_view_equal(dt_buf_view(&v.openings), dt_buf_view(&truth->openings)) ||
               !openings_true(w, s, &v.openings)) {
        outcome = FALSE;
    } else {
        outcome =
            dt_view_equal(dt_buf_view(&v.cells), dt_buf_view(&truth->cells)) ? TRUE : CELL_ALTERED;
    }
    dt_relay_store_close(s);
    shown_clear(&v);
    return outcome;
}

struct damaged {
    struct work w;
    struct dt_buf file;
    struct shown truth;
    char path[128];
};

static struct damaged *
damaged_begin(void)
{
    struct damaged *d = dt_alloc(1, sizeof(*d));

    assert_non_null(d);
    dt_buf_init(&d->file, FILE_MAX);
    dt_buf_init(&d->truth.cells, FILE_MAX);
    dt_buf_init(&d->truth.registers, FILE_MAX);
    dt_buf_init(&d->truth.openings, FILE_MAX);
    work_begin(&d->w);
    while (d->w.done < STEPS)
        OK(work_step(&d->w));
    OK(show(&d->w, d->w.s, &d->truth));
    dt_relay_store_close(d->w.s);
    d->w.s = NULL;
    OK(dt_file_read(d->w.place.path, &d->file));
    (void)snprintf(d->path, sizeof(d->path), "%s/damaged.db", d->w.place.dir);
    assert_int_equal(look_at(&d->w, d->path, dt_buf_view(&d->file), &d->truth), TRUE);
    return d;
}

static void
damaged_end(struct damaged *d)
{
    work_end(&d->w);
    dt_buf_clear(&d->file);
    shown_clear(&d->truth);
    dt_free(d);
}

static void
report(const char *what, const size_t n[static OUTCOMES])
{
    print_message(
        "DT_SEED=%llu: %s: %zu refused, %zu refused when read, %zu made no difference, %zu "
        "gave another cell or queue, %zu a register that is not true\n",
        (unsigned long long)seed, what, n[REFUSED], n[REFUSED_LATER], n[TRUE], n[CELL_ALTERED],
        n[FALSE]);
}

static void
bits(void **state)
{
    struct damaged *d = damaged_begin();
    size_t n[OUTCOMES] = {0}, step = all ? 1 : d->file.n / SAMPLE;

    (void)state;
    for (size_t at = (size_t)seed % step; at < d->file.n; at += step) {
        uint8_t bit = (uint8_t)(1u << (seed + at / step) % 8);
        enum outcome outcome;

        d->file.p[at] ^= bit;
        outcome = look_at(&d->w, d->path, dt_buf_view(&d->file), &d->truth);
        if (outcome == FALSE)
            print_message("bit %02x of byte %zu of %zu: another register\n", bit, at, d->file.n);
        n[outcome]++;
        d->file.p[at] ^= bit;
    }
    report("a bit turned", n);
    assert_int_equal(n[FALSE], 0);
    assert_true(n[REFUSED] > 0 && n[TRUE] > 0);
    damaged_end(d);
}

static void
lengths(void **state)
{
    struct damaged *d = damaged_begin();
    size_t n[OUTCOMES] = {0}, step = all ? 1 : d->file.n / (SAMPLE / 3);

    (void)state;
    for (size_t len = (size_t)seed % step; len < d->file.n; len += step)
        n[look_at(&d->w, d->path, dt_view(d->file.p, len), &d->truth)]++;
    report("its end missing", n);
    assert_int_equal(n[FALSE] + n[CELL_ALTERED] + n[REFUSED_LATER], 0);
    assert_int_equal(n[TRUE], 0);
    damaged_end(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits), cmocka_unit_test(lengths)};
    const char *given = getenv("DT_SEED"), *how = getenv("DT_DAMAGE");

    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) % 100000;
    all = how != NULL && strcmp(how, "all") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
