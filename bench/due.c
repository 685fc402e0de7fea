/*
 * bench/due.c - a channel full of records: what is due, and what was said last; time, memory, disk.
 *
 * Real homes of three parties over a real relay; the records are real and signed, and are put into
 * the store as they would be taken in. The register's checkpoints are of a key made here: entries
 * and their times are as in life, the relay holds none of them.
 *
 * Use: due [RECORDS]; DT_RELAY and DT_DETENTE name the programs.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/records/due.h"
#include "agent/register/store.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/wire.h"
#include "log/checkpoint.h"
#include "log/cosignature.h"
#include "log/note.h"

#include "../tests/agent/three.h"

#define PER_TRANSACTION 2000u
#define PER_CHECKPOINT  500u
#define APART_MS        (10 * DT_MS_MINUTE) /* between two records */

static struct tlog_signer log_key;
static struct dt_buf log_vkey = DT_BUF_INIT(512);

/* Of the wall and of the processor: where other work has the machine, the second one says more. */
struct span {
    uint64_t wall_us, cpu_us;
};

static uint64_t
cpu_us(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct span
begin(void)
{
    return (struct span){dt_monotonic_us(), cpu_us()};
}

static const char *
took(struct span since)
{
    static char text[64];

    (void)snprintf(text, sizeof text, "%.3f s, of the processor %.4f s",
                   (double)(dt_monotonic_us() - since.wall_us) / 1e6,
                   (double)(cpu_us() - since.cpu_us) / 1e6);
    return text;
}

static long
store_bytes(struct three *t, const char *name)
{
    char home[128], path[192];
    struct stat st;
    long n = 0;

    world_path(&t->w, name, home);
    (void)snprintf(path, sizeof path, "%s/store.db", home);
    n += stat(path, &st) == 0 ? (long)st.st_size : 0;
    return n;
}

/* ---- making them ---- */

static void
set(struct dt_record_draft *d, const char *name, const char *value)
{
    ok(dt_record_draft_set_text(d, name, dt_view_str(value), NULL));
}

/* Record ${i} of the channel at ${ms}: line tests of both sides in turn, each with the other's
 * receipt. */
static void
make(struct three *t, size_t i, uint64_t ms, const struct dt_record *last, struct dt_record *out)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    struct dt_agent *by = t->a[1 + (i / 2 + i) % 2];
    char number[24];

    if (i % 2 == 1) {
        ok(dt_answer_draft(&d, by->templates, DT_ANSWER_RECEIPT, last, &by->letter, ms));
    } else {
        ok(dt_record_draft_init(&d, dt_templates_get_str(by->templates, "heartbeat"), &by->letter,
                                t->gid, ms));
        (void)snprintf(number, sizeof number, "%zu", i / 2 + 1);
        set(&d, "station", "watch");
        set(&d, "number", number);
        set(&d, "status", "normal");
    }
    ok(dt_record_make(&d, dt_secret_view(&by->delegate_seed), out));
}

static void
keep(struct dt_agent *a, size_t i, const struct three *t, const struct dt_record *r)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf row = DT_BUF_INIT(1u << 20), encoded = DT_BUF_INIT(1u << 20);
    struct dt_writer w = dt_writer_init(&row);

    ok(dt_record_encode(r, &encoded));
    dt_write_view(&w, dt_view(t->gid, 32));
    dt_write_u64(&w, r->time_ms);
    dt_write_vec(&w, dt_buf_view(&encoded));
    ok(dt_writer_end(&w));
    ok(dt_store_put(a->store, "record", dt_view_of(r->commitment), dt_view_str("all"), i,
                    dt_buf_view(&row)));
}

/* Its entry, and at times a checkpoint that all cosigned. */
static void
enter(struct dt_agent *a, struct tlog_frontier *f, const uint8_t seal[static 32], uint64_t ms,
      bool checkpoint)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf text = DT_BUF_INIT(TLOG_NOTE_MAX), note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_checkpoint cp;
    struct tlog_hash leaf, root;
    uint8_t entry[DT_REGISTER_ENTRY];

    dt_register_entry(seal, entry);
    ok(dt_register_entry_put(a, f->size, dt_view_of(entry)));
    ok(tlog_leaf_hash(dt_view_of(entry), &leaf));
    ok(tlog_frontier_append(f, &leaf));
    if (!checkpoint)
        return;
    ok(tlog_frontier_root(f, &root));
    ok(tlog_checkpoint_init(&cp, a->charter.register_origin, f->size, &root));
    ok(tlog_checkpoint_write(&cp, &text));
    ok(tlog_note_sign(&log_key, dt_buf_view(&text), &note));
    for (size_t p = 0; p < N_PARTIES; p++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};

        world_witness(p, &signer);
        ok(tlog_cosign(&signer, dt_buf_view(&text), ms / 1000, &note));
    }
    ok(dt_store_put(a->store, "register_note", dt_buf_view(&text), dt_view_str("attested"), f->size,
                    dt_buf_view(&note)));
    ok(dt_register_tree_put(a, f));
}

static uint64_t
fill(struct three *t, size_t n, uint64_t from_ms)
{
    struct dt_agent *a = t->a[1];
    struct tlog_frontier f = {0};
    struct dt_record last = {0};
    uint64_t ms = from_ms;

    for (size_t i = 0; i < n; i++, ms += APART_MS) {
        struct dt_record r = {0};

        if (i % PER_TRANSACTION == 0)
            ok(dt_store_begin(a->store));
        make(t, i, ms, &last, &r);
        keep(a, i, t, &r);
        enter(a, &f, r.seal, ms, i % PER_CHECKPOINT == PER_CHECKPOINT - 1 || i + 1 == n);
        dt_record_clear(&last);
        last = r;
        if (i % PER_TRANSACTION == PER_TRANSACTION - 1 || i + 1 == n)
            ok(dt_store_commit(a->store));
    }
    dt_record_clear(&last);
    return ms;
}

/* As many pieces of talk: copies of one that was sent. */
static void
fill_talk(struct three *t, size_t n)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf data = DT_BUF_INIT(DT_PAYLOAD_MAX);
    struct dt_store *s = t->a[1]->store;

    ok(dt_store_last(s, "talk", dt_view_of(t->gid), &row));
    ok(dt_store_get_blob(s, "talk_data", dt_buf_view(&row.key), &data));
    for (size_t i = 0; i < n; i++) {
        if (i % PER_TRANSACTION == 0)
            ok(dt_store_begin(s));
        ok(dt_random(row.key.p + 32, 16));
        ok(dt_store_put_blob(s, "talk_data", dt_buf_view(&row.key), dt_buf_view(&data)));
        ok(dt_store_put(s, "talk", dt_buf_view(&row.key), dt_view_of(t->gid), row.seq + 1 + i,
                        dt_buf_view(&row.value)));
        if (i % PER_TRANSACTION == PER_TRANSACTION - 1 || i + 1 == n)
            ok(dt_store_commit(s));
    }
}

/* ---- measuring ---- */

static void
due_once(struct three *t)
{
    DT_CLEANUP(dt_agent_due_clear) struct dt_agent_due due = {0};
    struct span since = begin();

    ok(dt_agent_due(t->a[1], 0, false, &due));
    print_message("what is due: %s (%zu records read, %zu obligations open)\n", took(since),
                  due.taken, due.n);
}

/* The home closed and opened again: what was in the log of the database is in its file then. */
static void
reopen(struct three *t, bool our_register)
{
    dt_agent_close_p(&t->a[1]);
    t->a[1] = world_open(&t->w, "blue-1");
    if (our_register)
        t->a[1]->charter.register_vkey = dt_buf_view(&log_vkey);
}

/* The whole program: seconds of the wall, of the processor, MiB at most. */
static void
program(struct three *t, const char *what, const char *const *arguments)
{
    const char *argv[16] = {getenv("DT_DETENTE"), "--home", NULL, "--passphrase-file", NULL};
    char home[128], passphrase[128];
    struct rusage use;
    struct span since;
    size_t n = 5;
    int status = 0;
    pid_t pid;

    if (argv[0] == NULL)
        return;
    world_path(&t->w, "blue-1", home);
    world_path(&t->w, "passphrase", passphrase);
    ok(dt_file_write(passphrase, dt_view_str(PASSPHRASE "\n"), 0600));
    argv[2] = home;
    argv[4] = passphrase;
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[n++] = arguments[i];
    argv[n] = NULL;
    since = begin();
    pid = fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL)
            (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(wait4(pid, &status, 0, &use) == pid && WIFEXITED(status) &&
                WEXITSTATUS(status) <= 1);
    print_message("%s: %.3f s, of the processor %.3f s, %ld MiB, exit status %d\n", what,
                  (double)(dt_monotonic_us() - since.wall_us) / 1e6,
                  (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                      (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
                  use.ru_maxrss / 1024, WEXITSTATUS(status));
}

static void
measure(struct three *t, size_t n)
{
    static const char *const due[] = {"due", NULL},
                             *const last[] = {"read", "plenary", "--last", "50", NULL},
                             *const nothing[] = {"people", NULL};
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    struct span since = begin();
    size_t n_list = 0;
    long before;

    reopen(t, true);
    before = store_bytes(t, "blue-1");
    t->w.frozen_ms = fill(t, n, 1700000000000);
    print_message("%zu records made and kept: %s\n", n, took(since));
    reopen(t, true);
    print_message("the store grew by %ld bytes a record, its entry included\n",
                  (store_bytes(t, "blue-1") - before) / (long)n);
    before = store_bytes(t, "blue-1");
    for (size_t i = 0; i < 5; i++)
        due_once(t);
    reopen(t, false);
    print_message("and by %ld for what is due\n", (store_bytes(t, "blue-1") - before) / (long)n);
    fill_talk(t, n);
    since = begin();
    ok(dt_agent_talk_last(t->a[1], t->gid, 50, &list, &n_list));
    print_message("the last %zu of %zu messages: %s\n", n_list, n + 1, took(since));
    dt_agent_close_p(&t->a[1]);
    program(t, "detente people (opens the store)", nothing);
    program(t, "detente due", due);
    program(t, "detente read --last 50", last);
    t->a[1] = world_open(&t->w, "blue-1");
}

static size_t records = 2000;

static void
bench(void **state)
{
    struct three *t = *state;
    uint8_t id[16];

    three_say(t, 1, "the first word", id);
    ok(tlog_signer_new(t->a[1]->charter.register_origin, TLOG_KEY_ED25519, &log_key));
    ok(tlog_vkey_write(&log_key.vkey, &log_vkey));
    measure(t, records);
    tlog_signer_clear(&log_key);
    dt_buf_clear(&log_vkey);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bench, three_set_up, three_tear_down)};

    if (argc > 1)
        records = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
