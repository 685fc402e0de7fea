/*
 * tests/relay/test_signed.c - the file in which a relay's signer remembers, on a disk of our own:
 * a kill behind every byte of every write, the power going at every call, with all that a disk may
 * make of what was not synced; syncs and writes that fail; damage; a file of the form before.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "relay/signer/memory.h"

#include "disk.h"

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != DT_OK)                                                                       \
            fail_msg("%s:%d: %s", __FILE__, __LINE__, dt_err_message());                           \
    } while (0)

#define STEPS     44u
#define REGISTERS 6u
#define DRAWS     12u   /* of what a power cut leaves, where that is drawn */
#define TOLD      0u    /* marks: what is behind it anybody may know of, */
#define SYNCED    1000u /* and this is on the disk */
#define NONE      UINT64_MAX

static char dir[64], other_dir[64], path[96], other_path[96];
static const struct tlog_hash root = {{1}}, other_root = {{2}};
static uint64_t seed;

static int
start(void **state)
{
    (void)state;
    assert_true(test_folder(dir, sizeof(dir), "signed"));
    assert_true(test_folder(other_dir, sizeof(other_dir), "signed-cut"));
    (void)snprintf(path, sizeof(path), "%s/memory", dir);
    (void)snprintf(other_path, sizeof(other_path), "%s/memory", other_dir);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    disk_fail(DISK_NO_CALL, 0, 0, false);
    (void)unlink(path);
    (void)unlink(other_path);
    (void)rmdir(dir);
    (void)rmdir(other_dir);
    return 0;
}

static void
id_of(unsigned int i, uint8_t out[static DT_REGISTER_ID])
{
    memset(out, 0, DT_REGISTER_ID);
    out[3] = (uint8_t)(i * 37); /* in no order */
    out[4] = (uint8_t)(i >> 7);
}

/* Does the memory have ${size} for the ${i}th, and no more? */
static void
remembers(const struct signer_memory *m, unsigned int i, uint64_t size)
{
    uint8_t id[DT_REGISTER_ID];

    id_of(i, id);
    OK(signer_memory_check(m, id, size, &root));
    OK(signer_memory_check(m, id, size + 1, &other_root));
    assert_int_equal(signer_memory_check(m, id, size, &other_root), DT_ERR_REFUSED);
    assert_int_equal(signer_memory_check(m, id, size - 1, &root), DT_ERR_REFUSED);
}

static void
set(struct signer_memory *m, unsigned int i, uint64_t size)
{
    uint8_t id[DT_REGISTER_ID];

    id_of(i, id);
    OK(signer_memory_set(m, id, size, &root));
}

static void
bytes_of(const char *name, struct dt_buf *out)
{
    dt_buf_clear(out);
    OK(dt_file_read(name, out));
}

/* ---- what it remembers and refuses ---- */

static void
remembers_many(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 17);
    struct signer_memory *m = NULL;
    uint8_t id[DT_REGISTER_ID];

    (void)state;
    OK(signer_memory_open(path, &m));
    for (unsigned int i = 0; i < 600; i++) { /* more than are read at once */
        set(m, i, i + 1);
        set(m, i, i + 2);
        set(m, i, i + 2); /* the same again is the same */
        id_of(i, id);
        assert_int_equal(signer_memory_set(m, id, i + 1, &root), DT_ERR_REFUSED);
        assert_int_equal(signer_memory_set(m, id, i + 2, &other_root), DT_ERR_REFUSED);
    }
    assert_true(signer_memory_dirty(m));
    OK(signer_memory_sync(m));
    assert_false(signer_memory_dirty(m));
    signer_memory_close(m);
    bytes_of(path, &b);
    assert_int_equal(b.n, SIGNER_HEADER + 600 * SIGNER_SLOT);
    OK(signer_memory_open(path, &m));
    for (unsigned int i = 0; i < 600; i++)
        remembers(m, i, i + 2);
    signer_memory_close(m);
    m = NULL;

    /* What a process wrote that was killed is put on the disk before it is relied on. */
    disk_begin(dir);
    disk_end();
    disk_fail(DISK_SYNCS, 1, EIO, false);
    assert_int_equal(signer_memory_open(path, &m), DT_ERR_IO);
    assert_null(m);
    disk_fail(DISK_NO_CALL, 0, 0, false);
    disk_forget();
    OK(signer_memory_open(path, &m));
    signer_memory_close(m);
}

/* ---- kills and power cuts ---- */

/* What was set at each step, and what was asked for. */
static struct {
    unsigned int i;
    uint64_t size;
} steps[STEPS];

/* One step, of which nobody is told before it is in the file. */
static void
step(struct signer_memory *m, unsigned int n)
{
    static uint64_t sizes[REGISTERS];
    unsigned int i = n < REGISTERS ? n / 2 : (n * n + 3) % REGISTERS;
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    if (n == 0)
        memset(sizes, 0, sizeof(sizes));
    sizes[i] += 1 + n % 3;
    steps[n].i = i;
    steps[n].size = sizes[i];
    id_of(i, id);
    err = signer_memory_set(m, id, sizes[i], &root);
    if (err != DT_OK) {
        assert_int_equal(err, DT_ERR_IO);
        assert_true(disk_failed());
        disk_fail(DISK_NO_CALL, 0, 0, false);
        OK(signer_memory_flush(m));
    }
    disk_mark(TOLD + n);
}

/* With ${fails} first one that does: what is not on the disk is written once more, and nothing is
 * said before that is there. */
static void
sync_at(struct signer_memory *m, unsigned int n, bool fails)
{
    if (fails) {
        disk_fail(DISK_SYNCS, 1, EIO, true);
        assert_int_equal(signer_memory_sync(m), DT_ERR_IO);
        assert_true(signer_memory_dirty(m));
        assert_int_equal(signer_memory_flush(m), DT_ERR_IO);
        disk_fail(DISK_NO_CALL, 0, 0, false);
        OK(signer_memory_flush(m));
    } else {
        OK(signer_memory_sync(m));
    }
    assert_false(signer_memory_dirty(m));
    disk_mark(SYNCED + n);
}

/* With ${ill} calls of the disk fail now and then. */
static void
work(bool ill)
{
    struct signer_memory *m = NULL;

    disk_begin(dir);
    OK(signer_memory_open(path, &m));
    for (unsigned int n = 0; n < STEPS; n++) {
        if (ill && n == 4) /* a third register begins */
            disk_fail(DISK_SYNCS, 1, EIO, false);
        if (ill && (n == 2 || n == 17))
            disk_fail(DISK_WRITES, 1, ENOSPC, false);
        step(m, n);
        disk_fail(DISK_NO_CALL, 0, 0, false);
        if (n % 5 == 4)
            sync_at(m, n, ill && n % 3 == 1);
    }
    disk_end();
    signer_memory_close(m);
}

/* The file that is left remembers at least what was told, or was synced, and no more than was asked
 * for; and goes on. */
static void
judge(uint64_t upto, uint64_t asked, const char *what)
{
    uint64_t least[REGISTERS] = {0}, most[REGISTERS] = {0};
    struct signer_memory *m = NULL;
    uint8_t id[DT_REGISTER_ID];

    for (unsigned int n = 0; n < STEPS; n++) {
        if (upto != NONE && n <= upto)
            least[steps[n].i] = steps[n].size;
        if (n <= asked)
            most[steps[n].i] = steps[n].size;
    }
    if (signer_memory_open(other_path, &m) != DT_OK)
        fail_msg("%s: DT_SEED=%llu: %s", what, (unsigned long long)seed, dt_err_message());
    for (unsigned int i = 0; i < REGISTERS; i++) {
        id_of(i, id);
        if (least[i] > 0 && (signer_memory_check(m, id, least[i] - 1, &root) != DT_ERR_REFUSED ||
                             signer_memory_check(m, id, least[i], &other_root) != DT_ERR_REFUSED))
            fail_msg("%s: DT_SEED=%llu: %u is not remembered at %llu", what,
                     (unsigned long long)seed, i, (unsigned long long)least[i]);
        OK(signer_memory_set(m, id, most[i] + 1, &root));
    }
    signer_memory_close(m);
    m = NULL;
    OK(signer_memory_open(other_path, &m));
    for (unsigned int i = 0; i < REGISTERS; i++)
        remembers(m, i, most[i] + 1);
    signer_memory_close(m);
    (void)unlink(other_path);
}

/* What a kill leaves at least, and a power cut, before the ${at}th event, and what was asked for.
 * After a sync that failed what was written before it may be lost to both, until it is written once
 * more: then it is told, or synced, again. */
static void
known(size_t at, uint64_t *out_told, uint64_t *out_synced, uint64_t *out_asked)
{
    uint64_t told = NONE;
    bool lost = false;

    *out_synced = NONE;
    for (size_t i = 0; i < at; i++) {
        const struct disk_event *e = &disk_events[i];

        if (e->kind == DISK_MARK && e->at >= SYNCED)
            *out_synced = e->at - SYNCED;
        else if (e->kind == DISK_MARK)
            told = e->at - TOLD;
        if (e->kind == DISK_MARK || e->kind == DISK_SYNC_FAILED)
            lost = e->kind == DISK_SYNC_FAILED;
    }
    *out_told = lost ? *out_synced : told;
    *out_asked = told == NONE ? 0 : told + 1;
}

/* The process is killed behind each byte of the ${e} that comes next. How many there are. */
static unsigned int
tear(const struct disk_replay *r, const struct disk_event *e, uint64_t told, uint64_t asked)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    uint8_t hash[32];

    disk_replay_cut(r, DISK_ALL, 0, other_dir, hash);
    bytes_of(other_path, &b);
    for (size_t n = 0; n < e->n; n++) {
        size_t at = e->at + n;

        OK(dt_file_write(other_path, dt_buf_view(&b), 0600));
        judge(told, asked, "a kill");
        while (b.n <= at)
            OK(dt_buf_append(&b, dt_view((const uint8_t *)"", 1)));
        b.p[at] = e->bytes[n];
    }
    return (unsigned int)e->n;
}

/* The disk of disk.h writes a page that a failed sync lost from its first change to its last, and a
 * torn sector of that takes what lies between along: with ${ill} none is torn. */
static void
cut_everywhere(bool ill)
{
    unsigned int tears = 0, cuts = 0;
    const struct disk_event *e;
    struct disk_replay *r;
    uint8_t hash[32];

    work(ill);
    r = disk_replay_new(seed);
    for (size_t i = 0; (e = disk_replay_step(r)) != NULL; i++) {
        uint64_t told, synced, asked;

        known(i + 1, &told, &synced, &asked);
        for (unsigned int cut = DISK_NOTHING; cut < (ill ? DISK_TORN : DISK_CUTS); cut++) {
            for (uint64_t draw = 0; draw < (cut >= DISK_SOME ? DRAWS : 1); draw++) {
                disk_replay_cut(r, (enum disk_cut)cut, seed + i * 1000 + draw, other_dir, hash);
                judge(cut == DISK_ALL ? told : synced, asked,
                      cut == DISK_ALL ? "a kill" : "a power cut");
                cuts++;
            }
        }
        if (i + 1 < disk_n && disk_events[i + 1].kind == DISK_WRITE && disk_events[i + 1].at > 0)
            tears += tear(r, &disk_events[i + 1], told, asked);
    }
    disk_replay_free(r);
    disk_forget();
    (void)unlink(path);
    print_message("%u power cuts, %u kills within a write\n", cuts, tears);
    assert_true(tears >= STEPS * SIGNER_RECORD);
}

static void
kills_and_power_cuts(void **state)
{
    (void)state;
    cut_everywhere(false);
    cut_everywhere(true);
}

/* ---- a write that is done in part ---- */

static void
room_for(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The kernel takes a part of a record, and then no more: what was remembered is, and when there is
 * room again it goes on. */
static void
writes_in_part(void **state)
{
    struct signer_memory *m = NULL;
    uint8_t id[DT_REGISTER_ID];

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    for (unsigned int room = 1; room < SIGNER_SLOT; room++) {
        OK(signer_memory_open(path, &m));
        set(m, 0, 1);
        id_of(1, id);
        room_for(SIGNER_HEADER + SIGNER_SLOT + room);
        if (room < 2 * SIGNER_RECORD) {
            assert_int_equal(signer_memory_set(m, id, 1, &root), DT_ERR_IO);
            assert_int_equal(signer_memory_flush(m), DT_ERR_IO);
        } else {
            OK(signer_memory_set(m, id, 1, &root));
            assert_int_equal(signer_memory_set(m, id, 2, &root), DT_ERR_IO);
        }
        OK(signer_memory_check(m, id, 2, &root)); /* it is remembered */
        assert_int_equal(signer_memory_check(m, id, 0, &root), DT_ERR_REFUSED);
        if (room % 2 == 0) {
            room_for(RLIM_INFINITY);
            OK(signer_memory_flush(m));
            signer_memory_close(m);
            OK(signer_memory_open(path, &m));
            remembers(m, 1, room < 2 * SIGNER_RECORD ? 1 : 2);
        } else {
            signer_memory_close(m); /* it ends without room */
            room_for(RLIM_INFINITY);
            OK(signer_memory_open(path, &m));
            if (room >= 2 * SIGNER_RECORD)
                remembers(m, 1, 1);
        }
        set(m, 2, 5);
        remembers(m, 0, 1);
        signer_memory_close(m);
        m = NULL;
        OK(signer_memory_open(path, &m));
        remembers(m, 0, 1);
        remembers(m, 2, 5);
        signer_memory_close(m);
        m = NULL;
        (void)unlink(path);
    }
    (void)signal(SIGXFSZ, SIG_DFL);
}

/* ---- damage ---- */

static void
is_refused(const struct dt_buf *b, enum dt_err err, const char *said)
{
    struct signer_memory *m = NULL;

    OK(dt_file_write(path, dt_buf_view(b), 0600));
    assert_int_equal(signer_memory_open(path, &m), err);
    assert_null(m);
    if (strstr(dt_err_message(), said) == NULL)
        fail_msg("%s", dt_err_message());
}

static void
damage(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    struct signer_memory *m = NULL;
    uint8_t *slot;

    (void)state;
    OK(signer_memory_open(path, &m));
    for (unsigned int i = 0; i < 3; i++) {
        set(m, i, 4); /* in the first place and the second */
        set(m, i, 5);
    }
    signer_memory_close(m);
    bytes_of(path, &b);
    assert_int_equal(b.n, SIGNER_HEADER + 3 * SIGNER_SLOT);
    slot = b.p + SIGNER_HEADER + SIGNER_SLOT;

    /* One byte of any place of the three: the others stand in for it. */
    for (size_t i = 0; i < SIGNER_SLOT; i++) {
        slot[i] ^= 0x40;
        OK(dt_file_write(path, dt_buf_view(&b), 0600));
        OK(signer_memory_open(path, &m));
        remembers(m, 0, 5);
        remembers(m, 1, i < 2 * SIGNER_RECORD ? 5 : 4);
        remembers(m, 2, 5);
        signer_memory_close(m);
        m = NULL;
        slot[i] ^= 0x40;
    }
    /* Of all three of any register, the last one too. */
    for (size_t n = 0; n < 3; n++) {
        for (size_t i = 0; i < SIGNER_RECORD; i++) {
            slot = b.p + SIGNER_HEADER + n * SIGNER_SLOT;
            for (size_t k = 0; k < SIGNER_PLACES; k++)
                slot[k * SIGNER_RECORD + i] ^= 1;
            is_refused(&b, DT_ERR_FORMAT,
                       n == 0   ? "record 0 "
                       : n == 1 ? "record 1 "
                                : "record 2 ");
            for (size_t k = 0; k < SIGNER_PLACES; k++)
                slot[k * SIGNER_RECORD + i] ^= 1;
        }
    }
    slot = b.p + SIGNER_HEADER + 2 * SIGNER_SLOT;
    /* Zeros are no record, also where there were some. */
    {
        uint8_t kept[SIGNER_SLOT];

        memcpy(kept, slot, sizeof(kept));
        memset(slot, 0, SIGNER_SLOT);
        is_refused(&b, DT_ERR_FORMAT, "record 2 ");
        /* A register in two slots, two in one, and two roots of one size. */
        memcpy(slot, b.p + SIGNER_HEADER, SIGNER_SLOT);
        is_refused(&b, DT_ERR_FORMAT, "record 2 ");
        memcpy(slot, kept, sizeof(kept));
        memcpy(slot, b.p + SIGNER_HEADER, SIGNER_RECORD);
        is_refused(&b, DT_ERR_FORMAT, "record 2 ");
        memcpy(slot, kept, sizeof(kept));
    }
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf forged = DT_BUF_INIT(SIGNER_RECORD);
        struct signer_record r;

        OK(signer_record_read(dt_view(slot + 2 * SIGNER_RECORD, SIGNER_RECORD), &r));
        assert_int_equal(r.size, 5);
        r.root = other_root;
        OK(signer_record_write(&r, &forged));
        memcpy(slot, forged.p, SIGNER_RECORD);
        is_refused(&b, DT_ERR_FORMAT, "record 2 ");
    }
    /* The header, and that of a later version. */
    for (size_t i = 0; i < SIGNER_HEADER; i++) {
        b.p[i] ^= 0x40;
        is_refused(&b, DT_ERR_FORMAT, "is damaged");
        b.p[i] ^= 0x40;
    }
    {
        uint8_t hash[DT_SHA256];

        b.p[15] = 3;
        OK(dt_sha256(dt_view(b.p, 56), hash));
        memcpy(b.p + 56, hash, 8);
        is_refused(&b, DT_ERR_UNSUPPORTED, "later version");
    }
}

/* ---- the form before ---- */

static void
old_file(struct dt_buf *out)
{
    bytes_of(DT_RELAY_DATA "/relay-3/relay.db.signed", out);
    assert_int_equal(out->n % SIGNER_RECORD, 0);
    assert_true(out->n >= 2 * SIGNER_RECORD);
}

/* All that the ${old} file has is in the one at ${name}, which is of today's form afterwards. */
static void
all_of(const struct dt_buf *old, const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);
    struct signer_memory *m = NULL;

    OK(signer_memory_open(name, &m));
    for (size_t at = 0; at < old->n; at += SIGNER_RECORD) {
        struct signer_record r;

        OK(signer_record_read(dt_view(old->p + at, SIGNER_RECORD), &r));
        OK(signer_memory_check(m, r.reg, r.size, &r.root));
        assert_int_equal(signer_memory_check(m, r.reg, r.size, &other_root), DT_ERR_REFUSED);
        if (r.size > 0)
            assert_int_equal(signer_memory_check(m, r.reg, r.size - 1, &r.root), DT_ERR_REFUSED);
    }
    signer_memory_close(m);
    bytes_of(name, &b);
    OK(signer_header_read(dt_view(b.p, SIGNER_HEADER)));
    assert_int_equal(b.n, SIGNER_HEADER + old->n / SIGNER_RECORD * SIGNER_SLOT);
}

static void
the_form_before(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf old = DT_BUF_INIT(1u << 16), b = DT_BUF_INIT(1u << 16);
    struct signer_record r;

    (void)state;
    old_file(&old);
    OK(dt_file_write(path, dt_buf_view(&old), 0600));
    all_of(&old, path);
    all_of(&old, path); /* and as it is now */
    /* What an earlier program takes for its first record is none. */
    bytes_of(path, &b);
    assert_int_equal(signer_record_read(dt_view(b.p, SIGNER_RECORD), &r), DT_ERR_FORMAT);

    /* An empty one, and a part of a record at the end, which nobody was told of. */
    OK(dt_file_write(path, dt_view((const uint8_t *)"", 0), 0600));
    {
        struct signer_memory *m = NULL;

        OK(signer_memory_open(path, &m));
        set(m, 1, 1);
        signer_memory_close(m);
    }
    dt_buf_clear(&b);
    OK(dt_buf_append(&b, dt_buf_view(&old)));
    OK(dt_buf_append(&b, dt_view_str("half a record")));
    OK(dt_file_write(path, dt_buf_view(&b), 0600));
    all_of(&old, path);

    /* Damage is refused, and nothing is replaced. */
    for (size_t i = 0; i < SIGNER_RECORD; i++) {
        dt_buf_clear(&b);
        OK(dt_buf_append(&b, dt_buf_view(&old)));
        b.p[SIGNER_RECORD + i] ^= 0x40;
        is_refused(&b, DT_ERR_FORMAT, "record 1 ");
        {
            DT_CLEANUP(dt_buf_clear) struct dt_buf now = DT_BUF_INIT(1u << 16);

            bytes_of(path, &now);
            assert_true(dt_view_equal(dt_buf_view(&now), dt_buf_view(&b)));
        }
    }
    dt_buf_clear(&b);
    OK(dt_buf_append(&b, dt_buf_view(&old)));
    OK(dt_buf_append(&b, dt_view(old.p, SIGNER_RECORD)));
    is_refused(&b, DT_ERR_FORMAT, "is damaged");
}

/* The process is killed, or the power goes, at each call of the change to today's form. */
static void
change_is_cut(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf old = DT_BUF_INIT(1u << 16), b = DT_BUF_INIT(1u << 16);
    unsigned int n_old = 0, n_new = 0;
    struct signer_memory *m = NULL;
    const struct disk_event *e;
    struct disk_replay *r;
    uint8_t hash[32];

    (void)state;
    old_file(&old);
    OK(dt_file_write(path, dt_buf_view(&old), 0600));
    disk_begin(dir);
    disk_mark(1);
    OK(signer_memory_open(path, &m));
    signer_memory_close(m);
    disk_end();
    r = disk_replay_new(seed);
    while ((e = disk_replay_step(r)) != NULL) {
        static bool begun;

        begun = e->kind == DISK_MARK || (begun && e != disk_events);
        for (unsigned int cut = DISK_NOTHING; begun && cut < DISK_CUTS; cut++) {
            for (uint64_t draw = 0; draw < (cut >= DISK_SOME ? DRAWS : 1); draw++) {
                disk_replay_cut(r, (enum disk_cut)cut, seed + draw, other_dir, hash);
                bytes_of(other_path, &b);
                n_old += b.n == old.n;
                n_new += b.n != old.n;
                all_of(&old, other_path);
            }
        }
    }
    disk_replay_cut(r, DISK_ALL, 0, other_dir, hash);
    disk_replay_free(r);
    disk_forget();
    assert_true(n_old > 0 && n_new > 0);
}

/* A call that fails then leaves the old file, and the next start does it. */
static void
change_fails(void **state)
{
    static const enum disk_call kinds[] = {DISK_OPENS, DISK_WRITES, DISK_SYNCS, DISK_NAMES,
                                           DISK_READS};
    DT_CLEANUP(dt_buf_clear) struct dt_buf old = DT_BUF_INIT(1u << 16);
    unsigned int failed = 0;

    (void)state;
    old_file(&old);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (unsigned int n = 1;; n++) {
            struct signer_memory *m = NULL;
            bool hit;
            enum dt_err err;

            OK(dt_file_write(path, dt_buf_view(&old), 0600));
            disk_begin(dir);
            disk_end();
            disk_fail(kinds[k], n, EIO, false);
            err = signer_memory_open(path, &m);
            hit = disk_failed();
            disk_fail(DISK_NO_CALL, 0, 0, false);
            signer_memory_close(m);
            disk_forget();
            all_of(&old, path);
            if (!hit)
                break;
            failed += err != DT_OK;
            if (err != DT_OK)
                assert_int_equal(err, DT_ERR_IO);
        }
    }
    assert_true(failed >= 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(remembers_many, start, stop),
        cmocka_unit_test_setup_teardown(kills_and_power_cuts, start, stop),
        cmocka_unit_test_setup_teardown(writes_in_part, start, stop),
        cmocka_unit_test_setup_teardown(damage, start, stop),
        cmocka_unit_test_setup_teardown(the_form_before, start, stop),
        cmocka_unit_test_setup_teardown(change_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(change_fails, start, stop),
    };
    const char *given = getenv("DT_SEED");

    if (dt_crypto_init() != DT_OK)
        return 1;
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) % 100000;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
