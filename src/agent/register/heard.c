/*
 * agent/register/heard.c - see heard.h.
 *
 * Table "register_heard": "other " (as large as ours, and another tree), "older " (the largest of
 * those that are smaller) or "ahead " (of those that are larger) and the member's letter, all of
 * one parent -> size, root, signature, since when, the letter. A row for each member: else a
 * receipt that fits would hide another's that does not. To compare a smaller one takes all of our
 * entries, so that is done once a sync and not for each receipt.
 */
#include <string.h>

#include "base/wire.h"
#include "log/checkpoint.h"

#include "agent/register/heard.h"
#include "agent/register/store.h"

#define TABLE "register_heard"
#define OTHER "other "
#define OLDER "older "
#define AHEAD "ahead "

struct kept {
    struct dt_heard heard;
    uint64_t since_ms;
    uint8_t letter_hash[32];
};

/* ---- a checkpoint without its text: the register's name and key are known to all ---- */

/* Note text of ${h} into ${out}. */
static enum dt_err
text_of(const struct tlog_vkey *log, const struct dt_heard *h, struct dt_buf *out)
{
    struct tlog_checkpoint cp;
    struct tlog_hash root;
    enum dt_err err;

    memcpy(root.b, h->root, TLOG_HASH);
    err = tlog_checkpoint_init(&cp, dt_view_str(log->name), h->size, &root);
    return err != DT_OK ? err : tlog_checkpoint_write(&cp, out);
}

/* The signed note again, as the register gave it out. */
static enum dt_err
note_of(const struct tlog_vkey *log, const struct dt_heard *h, struct dt_buf *out)
{
    enum dt_err err = text_of(log, h, out);

    if (err == DT_OK)
        err = dt_buf_append(out, dt_view_str("\n"));
    return err != DT_OK ? err : tlog_sig_line_write(log, dt_view_of(h->signature), out);
}

enum dt_err
dt_heard_say(struct dt_agent *a, struct dt_heard *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    const struct tlog_vkey *log;
    struct tlog_checkpoint cp;
    uint64_t size = 0;
    enum dt_err err;

    if ((err = dt_register_note_last(a, "held", &size, &bytes)) != DT_OK ||
        (err = dt_register_policy(a, DT_POLICY_HELD, &policy)) != DT_OK)
        return err;
    log = &policy.logs[0].key;
    if ((err = tlog_checkpoint_open(dt_buf_view(&bytes), log, &cp)) != DT_OK ||
        (err = tlog_note_parse(dt_buf_view(&bytes), &note)) != DT_OK)
        return err;
    out->size = cp.size;
    memcpy(out->root, cp.root.b, TLOG_HASH);
    /* With extension lines it could not be written again from its size and root. */
    if ((err = text_of(log, out, &text)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_buf_view(&text), note.text))
        return dt_fail(DT_ERR_NOT_FOUND, "a checkpoint with extension lines");
    for (size_t i = 0; i < note.n_sigs; i++) {
        const struct tlog_sig *s = &note.sigs[i];

        if (s->id != log->id || !dt_view_equal(s->name, dt_view_str(log->name)) ||
            s->sig.n != sizeof out->signature)
            continue;
        memcpy(out->signature, s->sig.p, sizeof out->signature);
        return DT_OK;
    }
    return dt_fail(DT_ERR_NOT_FOUND, "a checkpoint without the register's line");
}

/* ---- what is kept ---- */

static enum dt_err
kept_put(struct dt_agent *a, struct dt_view key, const struct kept *k)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(256);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t seq = 0;
    enum dt_err err;

    dt_write_u64(&w, k->heard.size);
    dt_write_view(&w, dt_view_of(k->heard.root));
    dt_write_view(&w, dt_view_of(k->heard.signature));
    dt_write_u64(&w, k->since_ms);
    dt_write_view(&w, dt_view_of(k->letter_hash));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_store_next_seq(a->store, TABLE, dt_view(NULL, 0), &seq)) != DT_OK)
        return err;
    return dt_store_put(a->store, TABLE, key, dt_view(NULL, 0), seq, dt_buf_view(&value));
}

static enum dt_err
kept_read(struct dt_view value, struct kept *out)
{
    struct dt_reader r = dt_reader_init(value);
    enum dt_err err;

    if ((err = dt_read_u64(&r, &out->heard.size)) != DT_OK ||
        (err = dt_read_fixed(&r, out->heard.root, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, out->heard.signature, 64)) != DT_OK ||
        (err = dt_read_u64(&r, &out->since_ms)) != DT_OK ||
        (err = dt_read_fixed(&r, out->letter_hash, 32)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a checkpoint heard");
    return DT_OK;
}

enum dt_err
dt_heard_take(struct dt_agent *a, const uint8_t letter_hash[static 32], const struct dt_heard *h)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf key = DT_BUF_INIT(64);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct kept k = {.heard = *h, .since_ms = dt_agent_now(a)};
    struct kept old;
    struct tlog_checkpoint cp;
    struct tlog_frontier f;
    struct tlog_hash root;
    enum dt_err err;

    memcpy(k.letter_hash, letter_hash, sizeof k.letter_hash);
    if ((err = dt_register_tree(a, &f)) != DT_OK)
        return err;
    if (h->size == f.size) {
        if ((err = tlog_frontier_root(&f, &root)) != DT_OK)
            return err;
        if (memcmp(root.b, h->root, TLOG_HASH) == 0)
            return DT_OK;
    }
    if ((err = dt_register_policy(a, DT_POLICY_HELD, &policy)) != DT_OK)
        return err;
    err = note_of(&policy.logs[0].key, h, &note);
    if (err == DT_OK)
        err = tlog_checkpoint_open(dt_buf_view(&note), &policy.logs[0].key, &cp);
    if (err != DT_OK)
        return dt_err_is_local(err) ? err
                                    : dt_fail(DT_ERR_REFUSED, "a receipt names a checkpoint that "
                                                              "the register did not sign");
    if ((err = dt_buf_append(&key, dt_view_str(h->size > f.size   ? AHEAD
                                               : h->size < f.size ? OLDER
                                                                  : OTHER))) != DT_OK ||
        (err = dt_buf_append(&key, dt_view(letter_hash, 32))) != DT_OK)
        return err;
    err = dt_store_get_blob(a->store, TABLE, dt_buf_view(&key), &value);
    /* The member's largest of each, with the time of the first. */
    if (err == DT_OK && (err = kept_read(dt_buf_view(&value), &old)) == DT_OK) {
        if (h->size <= old.heard.size)
            return DT_OK;
        k.since_ms = old.since_ms;
    }
    return err == DT_OK || err == DT_ERR_NOT_FOUND ? kept_put(a, dt_buf_view(&key), &k) : err;
}

/* ---- judging ---- */

/* ${k} is no larger than what we hold by now; it is not kept any longer. ${fits} is the one found
 * last to fit, which members mostly share, and is compared once. */
static enum dt_err
compare(struct dt_agent *a, struct dt_view key, const struct kept *k, struct dt_heard *fits)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct dt_person who;
    bool known = false;
    uint64_t size = 0;
    uint64_t held = 0;
    enum dt_err judged = DT_OK;
    enum dt_err err;

    if (k->heard.size != fits->size || memcmp(k->heard.root, fits->root, TLOG_HASH) != 0) {
        if ((err = dt_register_policy(a, DT_POLICY_HELD, &policy)) != DT_OK ||
            (err = note_of(&policy.logs[0].key, &k->heard, &note)) != DT_OK)
            return err;
        judged = dt_agent_register_compare(a, dt_buf_view(&note), &size, &held);
        if (judged != DT_OK && dt_err_is_local(judged))
            return judged;
        if (judged == DT_OK)
            *fits = k->heard;
    }
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if (judged == DT_ERR_PROOF &&
        (err = dt_person_by_hash(a, k->letter_hash, &known, &who)) == DT_OK)
        err = dt_alarm_add(a, DT_ALARM_FORK, NULL, k->heard.size, known ? &who : NULL,
                           "this member was shown another register than we: its receipt names a "
                           "checkpoint of %llu entries that does not fit ours",
                           (unsigned long long)k->heard.size);
    if (err == DT_OK)
        err = dt_store_del(a->store, TABLE, key);
    /* Another process of ours may have judged it, too. */
    return dt_store_end(a->store, err == DT_ERR_NOT_FOUND ? DT_OK : err);
}

/* A larger tree is honest for a while: news of it may be on its way to us. And while the register
 * does not answer at all, as when the relay is down, it is not we alone who are shown nothing. */
static enum dt_err
still_ahead(struct dt_agent *a, const struct kept *k, uint64_t held, bool answered)
{
    const uint64_t lag = answered ? DT_REGISTER_LAG_MS : DT_REGISTER_SILENT_MS;
    uint64_t now = dt_agent_now(a);
    struct dt_person who;
    bool known = false;
    enum dt_err err;

    if (now <= k->since_ms || now - k->since_ms <= lag)
        return DT_OK;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_person_by_hash(a, k->letter_hash, &known, &who)) == DT_OK)
        err = dt_alarm_add(a, DT_ALARM_REGISTER, NULL, held, known ? &who : NULL,
                           "this member was shown a register of %llu entries, and we are shown "
                           "%llu: it is withheld from us, or is another one; compare with the "
                           "others (detente register compare)",
                           (unsigned long long)k->heard.size, (unsigned long long)held);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_heard_forget(struct dt_agent *a)
{
    return dt_store_del_parent(a->store, TABLE, dt_view(NULL, 0));
}

enum dt_err
dt_heard_judge(struct dt_agent *a, bool answered)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_heard fits = {.size = UINT64_MAX};
    struct kept ahead = {0};
    struct tlog_frontier f;
    uint64_t at = 0;
    enum dt_err err = dt_register_tree(a, &f);

    while (err == DT_OK &&
           (err = dt_store_next(a->store, TABLE, dt_view(NULL, 0), at, &row)) == DT_OK) {
        struct kept k;

        at = row.seq + 1;
        if ((err = kept_read(dt_buf_view(&row.value), &k)) != DT_OK)
            return err;
        if (k.heard.size <= f.size) {
            err = compare(a, dt_buf_view(&row.key), &k, &fits);
            continue;
        }
        /* Of those that are ahead the largest is told of, with the time of the first. */
        if (ahead.heard.size > 0 && ahead.since_ms < k.since_ms)
            k.since_ms = ahead.since_ms;
        if (k.heard.size > ahead.heard.size)
            ahead = k;
        else
            ahead.since_ms = k.since_ms;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    return ahead.heard.size > 0 ? still_ahead(a, &ahead, f.size, answered) : DT_OK;
}
