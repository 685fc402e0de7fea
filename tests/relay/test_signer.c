/*
 * tests/relay/test_signer.c - the process that signs: what it refuses, what it remembers, that the
 * relay has no key, and seeds that are sealed at rest.
 */
#undef _FORTIFY_SOURCE /* its inline functions have the names that are defined here */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "log/checkpoint.h"
#include "relay/signer/wire.h"
#include "relay/store/store.h"
#include "relay_fixture.h"

static struct fixture fx;

static int
start(void **state)
{
    fixture_begin(&fx, NULL);
    *state = &fx;
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

/* The register's id and sealed seed, as the store has them. */
static void
stored(uint8_t id[static DT_REGISTER_ID], uint8_t sealed[static RELAY_SEALED_MAX])
{
    sqlite3_stmt *st = NULL;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(fx.store, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name, seed FROM register", -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_bytes(st, 0), DT_REGISTER_ID);
    assert_int_equal(sqlite3_column_bytes(st, 1), RELAY_SEALED_MAX);
    memcpy(id, sqlite3_column_blob(st, 0), DT_REGISTER_ID);
    memcpy(sealed, sqlite3_column_blob(st, 1), RELAY_SEALED_MAX);
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static enum dt_err
start_signer(struct relay_signer **out)
{
    const struct relay_signer_config config = {.store = fx.store};

    return relay_signer_start(&config, out);
}

static struct relay_signing
of(const uint8_t id[static DT_REGISTER_ID], struct dt_view sealed, uint64_t size, uint8_t root)
{
    struct relay_signing v = {.sealed = sealed, .size = size};

    memcpy(v.reg, id, DT_REGISTER_ID);
    memset(v.root.b, root, sizeof(v.root.b));
    return v;
}

static void
append(uint8_t first, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        uint8_t seal[32] = {first, (uint8_t)i};
        uint64_t index = 0;

        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                              &index));
    }
}

/* ---- signing and refusing ---- */

static void
signs_and_refuses(void **state)
{
    uint8_t id[DT_REGISTER_ID], sealed[RELAY_SEALED_MAX];
    struct relay_signer *s = NULL;
    struct relay_signing v[3];
    struct tlog_checkpoint cp;
    struct tlog_vkey key;

    (void)state;
    stored(id, sealed);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    OK(start_signer(&s));
    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &key));
    v[0] = of(id, dt_view_of(sealed), 5, 5);
    OK(relay_signer_sign(s, v, 1));
    OK(tlog_checkpoint_open(dt_buf_view(&v[0].note), &key, &cp));
    assert_int_equal(cp.size, 5);
    assert_true(tlog_hash_equal(&cp.root, &v[0].root));
    assert_string_equal(cp.origin, fx.grant[0].origin);
    dt_buf_clear(&v[0].note);

    /* Nothing was confirmed: the batch failed, and another is signed in its place. */
    v[0] = of(id, dt_view_of(sealed), 5, 6);
    OK(relay_signer_sign(s, v, 1));
    dt_buf_clear(&v[0].note);
    OK(relay_signer_confirm(s, v, 1));
    OK(relay_signer_sign(s, v, 1)); /* the same again is the same */
    dt_buf_clear(&v[0].note);
    v[0] = of(id, dt_view_of(sealed), 5, 7);
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "another tree of 5 entries"));
    assert_int_equal(relay_signer_confirm(s, v, 1), DT_ERR_REFUSED);
    v[0] = of(id, dt_view_of(sealed), 4, 4);
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "put back from an older copy"));
    /* One of several is enough to refuse all. */
    v[0] = of(id, dt_view_of(sealed), 6, 6);
    v[1] = of(id, dt_view_of(sealed), 3, 6);
    assert_int_equal(relay_signer_sign(s, v, 2), DT_ERR_REFUSED);
    assert_int_equal(v[0].note.n, 0);

    /* A seed of another register, and one that was altered. */
    id[0] ^= 1;
    v[0] = of(id, dt_view_of(sealed), 6, 6);
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_AUTH);
    id[0] ^= 1;
    sealed[40] ^= 1;
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_AUTH);
    sealed[40] ^= 1;
    v[0] = of(id, dt_view(sealed, 32), 6, 6);
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_AUTH);
    assert_false(relay_signer_gone(s));
    relay_signer_free(s);

    /* Another process knows what this one did. */
    s = NULL;
    OK(start_signer(&s));
    v[0] = of(id, dt_view_of(sealed), 5, 7);
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_REFUSED);
    v[0] = of(id, dt_view_of(sealed), 6, 7);
    OK(relay_signer_sign(s, v, 1));
    dt_buf_clear(&v[0].note);
    relay_signer_free(s);
}

/* More than go into one message. */
static void
many(void **state)
{
    static struct relay_signing v[RELAY_SIGN_MAX + 50];
    uint8_t id[DT_REGISTER_ID], sealed[RELAY_SEALED_MAX];
    struct relay_signer *s = NULL;
    size_t n = sizeof(v) / sizeof(v[0]);

    (void)state;
    stored(id, sealed);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    OK(start_signer(&s));
    for (size_t i = 0; i < n; i++)
        v[i] = of(id, dt_view_of(sealed), i + 1, (uint8_t)i);
    OK(relay_signer_sign(s, v, n));
    OK(relay_signer_confirm(s, v, n));
    for (size_t i = 0; i < n; i++) {
        struct tlog_checkpoint cp;
        struct tlog_vkey key;

        OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &key));
        OK(tlog_checkpoint_open(dt_buf_view(&v[i].note), &key, &cp));
        assert_int_equal(cp.size, i + 1);
        dt_buf_clear(&v[i].note);
    }
    v[0] = of(id, dt_view_of(sealed), n - 1, 1);
    assert_int_equal(relay_signer_sign(s, v, 1), DT_ERR_REFUSED);
    relay_signer_free(s);
}

/* ---- messages that arrive in part ---- */

/* Which calls, counted over both processes, do a part alone: from the one on so many. Shared with
 * the process that signs. */
static struct {
    atomic_int sends_before, sends, recvs_before, recvs;
    atomic_int failures_before, failures; /* receives that fail */
} * cutting;

static bool
is_cut(atomic_int *before, atomic_int *n)
{
    return atomic_load(n) > 0 && atomic_fetch_sub(before, 1) <= 0 && atomic_fetch_sub(n, 1) > 0;
}

ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
    if (cutting != NULL && is_cut(&cutting->sends_before, &cutting->sends))
        n /= 2;
    return syscall(SYS_sendto, fd, buf, n, flags, NULL, 0);
}

ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
    ssize_t got;

    if (cutting != NULL && is_cut(&cutting->failures_before, &cutting->failures)) {
        errno = EIO;
        return -1;
    }
    got = syscall(SYS_recvfrom, fd, buf, n, flags, NULL, NULL);
    if (got > 1 && cutting != NULL && is_cut(&cutting->recvs_before, &cutting->recvs))
        got /= 2;
    return got;
}

/* It is asked again, and nothing of it is done twice or not at all; with no end of it the relay
 * ends. */
static void
in_part(void **state)
{
    uint8_t id[DT_REGISTER_ID], sealed[RELAY_SEALED_MAX];
    struct relay_signer *s = NULL;
    struct relay_signing v;
    uint64_t size = 0;

    (void)state;
    stored(id, sealed);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    cutting =
        mmap(NULL, sizeof(*cutting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(cutting != MAP_FAILED);
    (void)signal(SIGTERM, SIG_IGN); /* by which this process is to stop when the other is gone */
    /* Its first word answers nothing: it did not come up. */
    atomic_store(&cutting->sends, 1);
    assert_int_equal(start_signer(&s), DT_ERR_NET);
    assert_non_null(strstr(dt_err_message(), "the process that signs checkpoints has ended"));
    assert_null(s);
    OK(start_signer(&s));
    for (int way = 0; way < 2; way++) {
        for (int first = 0; first < 4; first++) { /* to sign, its answer, to confirm, its answer */
            for (int n = 1; n <= 4; n++) {
                size++;
                v = of(id, dt_view_of(sealed), size, (uint8_t)size);
                atomic_store(way == 0 ? &cutting->sends_before : &cutting->recvs_before, first);
                atomic_store(way == 0 ? &cutting->sends : &cutting->recvs, n);
                OK(relay_signer_sign(s, &v, 1));
                OK(relay_signer_confirm(s, &v, 1));
                assert_int_equal(atomic_load(way == 0 ? &cutting->sends : &cutting->recvs), 0);
                dt_buf_clear(&v.note);
                assert_false(relay_signer_gone(s));
                v = of(id, dt_view_of(sealed), size, (uint8_t)(size + 1));
                assert_int_equal(relay_signer_sign(s, &v, 1), DT_ERR_REFUSED);
            }
        }
    }
    /* Of either process, in a row. */
    for (int first = 0; first < 4; first++) {
        v = of(id, dt_view_of(sealed), ++size, 7);
        atomic_store(&cutting->failures_before, first);
        atomic_store(&cutting->failures, 60);
        OK(relay_signer_sign(s, &v, 1));
        OK(relay_signer_confirm(s, &v, 1));
        dt_buf_clear(&v.note);
    }
    assert_true(atomic_load(&cutting->failures) < 60);
    assert_false(relay_signer_gone(s));
    atomic_store(&cutting->sends_before, 0);
    atomic_store(&cutting->sends, 1000);
    v = of(id, dt_view_of(sealed), size + 1, 1);
    assert_int_equal(relay_signer_sign(s, &v, 1), DT_ERR_NET);
    assert_true(relay_signer_gone(s));
    relay_signer_free(s);
    (void)signal(SIGTERM, SIG_DFL);
    (void)munmap(cutting, sizeof(*cutting));
    cutting = NULL;
}

/* ---- what is remembered ---- */

/* A store that is put back from an older copy is not served, while its signer remembers. */
static void
put_back(void **state)
{
    const char *const args[] = {"serve",   "--store",     fx.store,       "--listen",
                                fx.listen, "--port-file", "/dev/null/no", NULL};
    char command[1000];

    (void)state;
    append(1, 3);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(command, sizeof(command), "cp %s %s/copy.db", fx.store, fx.dir);
    assert_int_equal(system(command), 0);
    fixture_serve(&fx);
    append(2, 2);
    assert_int_equal(fixture_end(&fx, SIGKILL), -1); /* killed, and yet it is remembered */
    (void)snprintf(command, sizeof(command),
                   "rm -f %s-wal %s-shm; cp %s %s/now.db; cp %s/copy.db %s", fx.store, fx.store,
                   fx.store, fx.dir, fx.dir, fx.store);
    assert_int_equal(system(command), 0);
    assert_int_equal(fixture_run(&fx, args), 4);
    (void)snprintf(
        command, sizeof(command),
        "grep -q '5 entries were signed, and the store asks for a checkpoint of 3: it was "
        "put back from an older copy' %s/out",
        fx.dir);
    assert_int_equal(system(command), 0);
}

/* ---- who has keys ---- */

static const uint8_t *
find(const uint8_t *p, size_t n, const uint8_t *what, size_t what_len)
{
    return memmem(p, n, what, what_len);
}

/* Are the ${n} bytes at ${what} anywhere in the memory of ${pid}? */
static bool
in_memory(pid_t pid, const uint8_t *what, size_t n)
{
    char name[64], line[512];
    bool found = false;
    FILE *maps;
    int mem;

    (void)snprintf(name, sizeof(name), "/proc/%d/mem", pid);
    mem = open(name, O_RDONLY);
    (void)snprintf(name, sizeof(name), "/proc/%d/maps", pid);
    maps = fopen(name, "r");
    assert_true(mem >= 0 && maps != NULL);
    while (!found && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        char modes[8];
        uint8_t *p;
        ssize_t got;

        if (sscanf(line, "%lx-%lx %7s", &from, &to, modes) != 3 || modes[0] != 'r' ||
            modes[1] != 'w' || to - from > (64u << 20))
            continue; /* the sanitizers' shadow is larger */
        p = malloc(to - from);
        assert_non_null(p);
        got = pread(mem, p, to - from, (off_t)from);
        found = got > 0 && find(p, (size_t)got, what, n) != NULL;
        free(p);
    }
    fclose(maps);
    close(mem);
    return found;
}

static pid_t
child_of(pid_t pid)
{
    char name[96];
    FILE *f;
    int child = 0;

    (void)snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, pid);
    f = fopen(name, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &child), 1);
    fclose(f);
    return child;
}

/* Sealing key and register's key are in the signer's memory and not in the relay's, also after it
 * served and signed. */
static void
relay_has_no_key(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    uint8_t id[DT_REGISTER_ID], sealed[RELAY_SEALED_MAX];
    char path[RELAY_PATH_MAX];
    pid_t signer;

    (void)state;
    append(1, 20);
    stored(id, sealed);
    OK(relay_sealing_key_path(fx.store, NULL, path));
    OK(relay_sealing_key_load(path, false, &key));
    OK(relay_seed_open(dt_secret_view(&key), id, dt_view_of(sealed), &seed));
    signer = child_of(fx.pid);
    assert_true(in_memory(signer, key.p, key.n));
    assert_true(in_memory(signer, seed.p, seed.n));
    assert_true(in_memory(fx.pid, sealed, sizeof(sealed))); /* what is looked for is found there */
    assert_false(in_memory(fx.pid, key.p, key.n));
    assert_false(in_memory(fx.pid, seed.p, seed.n));
}

/* The signer is killed: whoever appends is told to try again, and the relay ends in order. */
static void
signer_dies(void **state)
{
    uint8_t seal[32] = {7};
    uint64_t index = 0;
    int status = 0;
    char command[200];

    (void)state;
    append(1, 2);
    (void)kill(child_of(fx.pid), SIGKILL);
    assert_int_not_equal(dt_register_append(fx.http, fx.register_url,
                                            dt_view_of(fx.grant[0].append_key), seal, &index),
                         DT_OK);
    assert_int_equal(waitpid(fx.pid, &status, 0), fx.pid);
    fx.pid = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    (void)snprintf(command, sizeof(command),
                   "grep -q 'the process that signs checkpoints has ended' %s/serve.log", fx.dir);
    assert_int_equal(system(command), 0);
    fixture_serve(&fx);
    append(3, 1);
}

/* ---- seeds at rest ---- */

static bool
in_file(const char *path, const uint8_t *what, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64u << 20);

    return dt_file_read(path, &b) == DT_OK && find(b.p, b.n, what, n) != NULL;
}

/* A store of before has its seeds as they are: the first start seals them, and no trace is left. */
static void
seals_what_is_plain(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    uint8_t id[DT_REGISTER_ID], sealed[RELAY_SEALED_MAX];
    char path[RELAY_PATH_MAX], wal[224];
    sqlite3_stmt *st = NULL;
    sqlite3 *db = NULL;

    (void)state;
    stored(id, sealed);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    OK(relay_sealing_key_path(fx.store, NULL, path));
    OK(relay_sealing_key_load(path, false, &key));
    OK(relay_seed_open(dt_secret_view(&key), id, dt_view_of(sealed), &seed));
    assert_int_equal(sqlite3_open_v2(fx.store, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "UPDATE register SET seed = ?1", -1, &st, NULL),
                     SQLITE_OK);
    sqlite3_bind_blob(st, 1, seed.p, (int)seed.n, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(db);
    (void)snprintf(wal, sizeof(wal), "%s-wal", fx.store);
    assert_true(in_file(fx.store, seed.p, seed.n) || in_file(wal, seed.p, seed.n));
    (void)unlink(path); /* nor had it a key to seal them with */
    fixture_serve(&fx);
    append(1, 1);
    assert_false(in_file(fx.store, seed.p, seed.n) || in_file(wal, seed.p, seed.n));
    stored(id, sealed);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);

    /* Without its key, and with another one, it is not served: no key is made in its place. */
    {
        const char *const args[] = {"serve", "--store", fx.store, "--listen", fx.listen, NULL};
        char other[RELAY_PATH_MAX];

        (void)snprintf(other, sizeof(other), "%.*s.away", RELAY_PATH_MAX - 6, path);
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(fixture_run(&fx, args), 3);
        assert_false(dt_file_exists(path));
        OK(dt_file_write(path,
                         dt_view_str("0123456789abcdef0123456789abcdef0123456789abcdef"
                                     "0123456789abcdef\n"),
                         0600));
        assert_int_equal(fixture_run(&fx, args), 1);
        assert_int_equal(rename(other, path), 0);
    }
    fixture_serve(&fx);
    append(2, 1);
}

/* ---- messages ---- */

static void
messages(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SIGNER_REQUEST_MAX);
    static struct signer_request q;
    static struct signer_answer a;
    static struct relay_signing v[RELAY_SIGN_MAX + 1];
    uint8_t id[DT_REGISTER_ID] = {1}, sealed[RELAY_SEALED_MAX] = {2};

    (void)state;
    for (size_t i = 0; i <= RELAY_SIGN_MAX; i++)
        v[i] = of(id, dt_view_of(sealed), i, (uint8_t)i);
    assert_int_equal(signer_request_write(SIGNER_SIGN, v, RELAY_SIGN_MAX + 1, &b), DT_ERR_LIMIT);
    dt_buf_clear(&b);
    OK(signer_request_write(SIGNER_CONFIRM, v, RELAY_SIGN_MAX, &b));
    OK(signer_request_read(dt_buf_view(&b), &q));
    assert_int_equal(q.kind, SIGNER_CONFIRM);
    assert_int_equal(q.n, RELAY_SIGN_MAX);
    assert_int_equal(q.v[127].size, 127);
    b.p[0] = 2;
    assert_int_equal(signer_request_read(dt_buf_view(&b), &q), DT_ERR_UNSUPPORTED);
    b.p[0] = 1;
    b.p[1] = 3;
    assert_int_equal(signer_request_read(dt_buf_view(&b), &q), DT_ERR_FORMAT);
    assert_int_equal(signer_request_read(dt_view(b.p, b.n - 1), &q), DT_ERR_FORMAT);
    assert_int_equal(signer_request_read(dt_view_str("\x01\x01\x00"), &q), DT_ERR_FORMAT);
    dt_buf_clear(&b);
    v[0].size = UINT64_MAX;
    OK(signer_request_write(SIGNER_SIGN, v, 1, &b));
    assert_int_equal(signer_request_read(dt_buf_view(&b), &q), DT_ERR_RANGE);
    dt_buf_clear(&b);
    OK(signer_answer_write(dt_fail(DT_ERR_REFUSED, "no \x01%s", "\xc3\xa9"), v, 1, &b));
    OK(signer_answer_read(dt_buf_view(&b), &a));
    assert_int_equal(a.err, DT_ERR_REFUSED);
    assert_string_equal(a.reason, "no ???");
    assert_int_equal(a.n, 0);
    assert_int_equal(signer_answer_read(dt_view(b.p, b.n - 1), &a), DT_ERR_FORMAT);
    b.p[1] = 0; /* yes and no */
    assert_int_equal(signer_answer_read(dt_buf_view(&b), &a), DT_ERR_FORMAT);
    b.p[1] = 200;
    assert_int_equal(signer_answer_read(dt_buf_view(&b), &a), DT_ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_and_refuses, start, stop),
        cmocka_unit_test_setup_teardown(many, start, stop),
        cmocka_unit_test_setup_teardown(in_part, start, stop),
        cmocka_unit_test_setup_teardown(put_back, start, stop),
        cmocka_unit_test_setup_teardown(relay_has_no_key, start, stop),
        cmocka_unit_test_setup_teardown(signer_dies, start, stop),
        cmocka_unit_test_setup_teardown(seals_what_is_plain, start, stop),
        cmocka_unit_test(messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
