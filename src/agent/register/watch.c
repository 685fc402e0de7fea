/*
 * agent/register/watch.c - a register that stands still, or lacks what it must hold; and comparing
 * with what another member was shown. See register.h.
 *
 * Source: docs/protocol-agent.md "Register". A relay signs the checkpoint over an entry together
 * with the entry, so whoever reads after the acknowledgement sees it. What is between us and the
 * relay may be a little behind.
 *
 * Tables: "register_owed": seal, parent "ours" or "theirs", seq running -> index (ours), since
 * when, and the author's letter (theirs); "register" "behind" -> since when.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/register/store.h"

#define OURS   "ours"
#define THEIRS "theirs"

/* What must come to stand in the register. */
struct owed {
    uint64_t index; /* ours: as acknowledged */
    uint64_t since_ms;
    uint8_t letter_hash[32]; /* theirs: of the author */
};

static enum dt_err
owed_put(struct dt_agent *a, const char *whose, const uint8_t seal[static 32], const struct owed *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&value);
    bool there = false;
    uint64_t seq = 0;
    enum dt_err err;

    dt_write_u64(&w, x->index);
    dt_write_u64(&w, x->since_ms);
    dt_write_view(&w, dt_view_of(x->letter_hash));
    if ((err = dt_writer_end(&w)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    /* Another process of ours may have taken it in already. */
    err = dt_store_has(a->store, "register_seal", dt_view(seal, 32), &there);
    if (err == DT_OK && !there)
        err = dt_store_has(a->store, "register_owed", dt_view(seal, 32), &there);
    if (err == DT_OK && !there)
        err = dt_store_next_seq(a->store, "register_owed", dt_view_str(whose), &seq);
    if (err == DT_OK && !there)
        err = dt_store_put(a->store, "register_owed", dt_view(seal, 32), dt_view_str(whose), seq,
                           dt_buf_view(&value));
    return dt_store_end(a->store, err);
}

static enum dt_err
owed_read(struct dt_view v, struct owed *out)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    if ((err = dt_read_u64(&r, &out->index)) != DT_OK ||
        (err = dt_read_u64(&r, &out->since_ms)) != DT_OK ||
        (err = dt_read_fixed(&r, out->letter_hash, 32)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a seal owed");
    return DT_OK;
}

enum dt_err
dt_register_acknowledged(struct dt_agent *a, const uint8_t seal[static 32], uint64_t index)
{
    struct owed x = {.index = index, .since_ms = dt_agent_now(a)};

    return owed_put(a, OURS, seal, &x);
}

enum dt_err
dt_register_await(struct dt_agent *a, const uint8_t seal[static 32],
                  const uint8_t letter_hash[static 32])
{
    struct owed x = {.since_ms = dt_agent_now(a)};

    memcpy(x.letter_hash, letter_hash, 32);
    return owed_put(a, THEIRS, seal, &x);
}

enum dt_err
dt_register_arrived(struct dt_agent *a, struct dt_view seal)
{
    enum dt_err err = dt_store_del(a->store, "register_owed", seal);

    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static bool
older_than(const struct dt_agent *a, uint64_t since_ms, uint64_t span_ms)
{
    uint64_t now = dt_agent_now(a);

    return now > since_ms && now - since_ms > span_ms;
}

/* Ours: acknowledged long enough ago, and not in what we are shown. */
static enum dt_err
check_ours(struct dt_agent *a, uint64_t size)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct owed x = {0};

        if ((err = dt_store_next(a->store, "register_owed", dt_view_str(OURS), at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if ((err = owed_read(dt_buf_view(&row.value), &x)) != DT_OK)
            return err;
        /* Something else at its place needs no time to be wrong. */
        if (x.index < size)
            err = dt_alarm_add(
                a, DT_ALARM_REGISTER, NULL, x.index, NULL,
                "the relay acknowledged an entry of ours, and the register shown to us "
                "has another in its place: compare with the others (detente register "
                "compare)");
        else if (older_than(a, x.since_ms, DT_REGISTER_LAG_MS))
            err = dt_alarm_add(
                a, DT_ALARM_REGISTER, NULL, x.index, NULL,
                "the relay acknowledged an entry of ours, and the register shown to us "
                "does not come to hold it: it stands still, or is not the one that "
                "others see; compare with them (detente register compare)");
        if (err != DT_OK)
            return err;
    }
}

/*
 * How long another's record may be here before its seal is in the register. Under a cadence it
 * waits for a slot, behind those that wait already; all that are owed may be one member's, whose
 * party has k slots a period, and they may be shared with another home of its party that is off.
 */
static enum dt_err
patience_of(struct dt_agent *a, uint64_t *out)
{
    const struct dt_cadence *c = &a->cadence;
    uint64_t owed = 0;
    enum dt_err err = DT_OK;

    *out = DT_REGISTER_RECORD_MS;
    if (c->period_ms == 0)
        return DT_OK;
    if ((err = dt_store_count(a->store, "register_owed", dt_view_str(THEIRS), &owed)) == DT_OK)
        *out += (owed / c->k + 2) * c->period_ms;
    return err;
}

/* Theirs: the record is here since long, its seal is not. Handing it in is its author's to do. */
static enum dt_err
check_theirs(struct dt_agent *a)
{
    uint64_t at = 0, patience = 0;
    enum dt_err err = patience_of(a, &patience);

    if (err != DT_OK)
        return err;
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct dt_person who;
        struct owed x = {0};
        bool known = false;

        if ((err = dt_store_next(a->store, "register_owed", dt_view_str(THEIRS), at, &row)) !=
            DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if ((err = owed_read(dt_buf_view(&row.value), &x)) != DT_OK)
            return err;
        if (!older_than(a, x.since_ms, patience))
            return DT_OK; /* the oldest stands first */
        if ((err = dt_person_by_hash(a, x.letter_hash, &known, &who)) != DT_OK ||
            (err =
                 dt_alarm_add(a, DT_ALARM_REGISTER, NULL, 0, known ? &who : NULL,
                              "a record of this member is not in the register shown to us: it was "
                              "not handed in, or we are shown another register; compare with the "
                              "others (detente register compare)")) != DT_OK)
            return err;
    }
}

/* A smaller register than we hold is honest for a moment. */
static enum dt_err
check_behind(struct dt_agent *a, uint64_t size, uint64_t held)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_reader r;
    struct dt_writer w = dt_writer_init(&b);
    uint64_t since = 0;
    enum dt_err err;

    if (size >= held) {
        err = dt_store_del(a->store, "register", dt_view_str("behind"));
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    }
    err = dt_store_get_blob(a->store, "register", dt_view_str("behind"), &b);
    if (err == DT_ERR_NOT_FOUND) {
        dt_write_u64(&w, dt_agent_now(a));
        if ((err = dt_writer_end(&w)) != DT_OK)
            return err;
        return dt_store_put_blob(a->store, "register", dt_view_str("behind"), dt_buf_view(&b));
    }
    r = dt_reader_init(dt_buf_view(&b));
    if (err != DT_OK || (err = dt_read_u64(&r, &since)) != DT_OK ||
        !older_than(a, since, DT_REGISTER_LAG_MS))
        return err;
    return dt_alarm_add(
        a, DT_ALARM_REGISTER, NULL, size, NULL,
        "the relay shows a register of %llu entries, and we hold %llu: it shows an old "
        "one, or was put back to an older state",
        (unsigned long long)size, (unsigned long long)held);
}

enum dt_err
dt_register_watch(struct dt_agent *a, uint64_t size, uint64_t held)
{
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = check_behind(a, size, held)) == DT_OK && (err = check_ours(a, size)) == DT_OK)
        err = check_theirs(a);
    return dt_store_end(a->store, err);
}

/* ---- comparing ---- */

enum dt_err
dt_agent_register_note(struct dt_agent *a, struct dt_buf *out)
{
    uint64_t size = 0;
    enum dt_err err = dt_register_note_last(a, "held", &size, out);

    return err == DT_ERR_NOT_FOUND
               ? dt_fail(err, "no checkpoint of the register is held here yet: detente sync")
               : err;
}

enum dt_err
dt_agent_register_compare(struct dt_agent *a, struct dt_view theirs, uint64_t *out_size,
                          uint64_t *out_held)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct tlog_checkpoint their;
    struct tlog_frontier f;
    struct tlog_hash root;
    enum dt_err err;

    if ((err = dt_register_policy(a, DT_POLICY_HELD, &policy)) != DT_OK ||
        (err = tlog_checkpoint_open(theirs, &policy.logs[0].key, &their)) != DT_OK ||
        (err = dt_register_tree(a, &f)) != DT_OK)
        return err;
    *out_size = their.size;
    *out_held = f.size;
    if (their.size > f.size)
        return dt_fail(DT_ERR_STATE,
                       "theirs has %llu entries and ours %llu: sync and compare again, or let them "
                       "compare ours (detente register checkpoint)",
                       (unsigned long long)their.size, (unsigned long long)f.size);
    if ((err = dt_register_root_at(a, their.size, &root)) != DT_OK)
        return err;
    return tlog_hash_equal(&root, &their.root) ? DT_OK
                                               : dt_register_contradiction(a, NULL, NULL, theirs);
}
