/*
 * agent/talk/receipt_copy.c - copies of receipts through the inboxes: sent beside the queue, opened
 * on a state that is thrown away.
 *
 * Source: docs/protocol-agent.md "Receipts"; DESIGN "What must hold" 3: never into another channel.
 * Table "copy": (group id, hash of the message), parent group id, seq running -> copies of an epoch
 * that is not reached: nobody can tell yet whether they are what they seem. Table "coming": group
 * id
 * -> our epoch when that was told.
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

#include "agent/talk/receipt_internal.h"

#define ROW_VERSION         1
#define COPY_ROW_MAX        (DT_COPY_MAX + 64u)
#define CONTENT_APPLICATION 1u

/* ---- sending ---- */

/* A copy to one member. A letter without a usable inbox is its holder's affair. */
static enum dt_err
send_to(struct dt_agent *a, const struct dt_channel *ch, const struct dt_seat *s,
        struct dt_view message)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_COPY, .copy = message};
    enum dt_err err;

    memcpy(m.group_id, ch->group_id, 32);
    err = dt_outbox_to_inbox(a, &s->letter, &m);
    return err == DT_OK || dt_err_is_local(err) ? err : DT_OK;
}

enum dt_err
dt_copies_send(struct dt_agent *a, const struct dt_channel *ch, struct dt_view message)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t n = mls_group_n_leaves(ch->group);
    enum dt_err err = dt_outbox_drop_copies(a, ch->group_id);

    for (uint32_t leaf = 0; err == DT_OK && leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        if (leaf == mls_group_own_leaf(ch->group))
            continue;
        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND) /* a blank leaf */
            err = DT_OK;
        else if (err == DT_OK)
            err = send_to(a, ch, &s, message);
    }
    return err;
}

/* ---- those of a coming epoch ---- */

/* One that is kept. */
struct kept {
    uint64_t epoch; /* as its header says */
    uint64_t time_ms;
    uint64_t made; /* number of the transaction that put it here */
    struct dt_view message;
};

static enum dt_err
kept_decode(struct dt_view v, struct kept *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK ||
        (err = dt_read_u64(&r, &out->epoch)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->made)) != DT_OK ||
        (err = dt_read_vec(&r, DT_COPY_MAX, &out->message)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "copy row");
    return version == ROW_VERSION
               ? DT_OK
               : dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                         version);
}

static enum dt_err
kept_put(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view key, uint64_t seq,
         const struct kept *k)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(COPY_ROW_MAX);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u8(&w, ROW_VERSION);
    dt_write_u64(&w, k->epoch);
    dt_write_u64(&w, k->time_ms);
    dt_write_u64(&w, k->made);
    dt_write_vec(&w, k->message);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "copy", key, dt_view(group_id, 32), seq, dt_buf_view(&value));
}

/* The oldest goes when there are too many. The same again changes nothing. */
static enum dt_err
keep(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch, struct dt_view message)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row oldest = {0};
    struct kept k = {.epoch = epoch, .time_ms = dt_agent_now(a), .message = message};
    struct dt_view parent = dt_view_of(ch->group_id);
    uint8_t key[64];
    uint64_t n = 0, seq = 0;
    bool there = false;
    enum dt_err err;

    memcpy(key, ch->group_id, 32);
    if ((err = dt_sha256(message, key + 32)) != DT_OK ||
        (err = dt_store_has(a->store, "copy", dt_view_of(key), &there)) != DT_OK || there ||
        (err = dt_store_count(a->store, "copy", parent, &n)) != DT_OK)
        return err;
    if (n >= DT_COPIES_KEPT &&
        ((err = dt_store_next(a->store, "copy", parent, 0, &oldest)) != DT_OK ||
         (err = dt_store_del(a->store, "copy", dt_buf_view(&oldest.key))) != DT_OK))
        return err;
    if ((err = dt_store_number(a->store, &k.made)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "copy", parent, &seq)) != DT_OK)
        return err;
    k.made++; /* the transaction that is open will be the next */
    return kept_put(a, ch->group_id, dt_view_of(key), seq, &k);
}

/* ---- opening ---- */

/* RFC 9420 section 6.3.1: what a PrivateMessage says of itself in clear. An application message of
 * this group, nothing else, is worth a look with the group's keys. */
static enum dt_err
check_header(const struct dt_channel *ch, struct dt_view message, uint64_t *out_epoch)
{
    struct dt_reader r = dt_reader_init(message);
    struct dt_view group_id;
    uint16_t version = 0, format = 0;
    uint8_t content_type = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK || (err = dt_read_u16(&r, &format)) != DT_OK ||
        (err = dt_read_vec(&r, 255, &group_id)) != DT_OK ||
        (err = dt_read_u64(&r, out_epoch)) != DT_OK ||
        (err = dt_read_u8(&r, &content_type)) != DT_OK)
        return err;
    if (version != 1 || format != 2 || content_type != CONTENT_APPLICATION)
        return dt_fail(DT_ERR_REFUSED, "it is no application message");
    if (!dt_view_equal(group_id, dt_view_of(ch->group_id)))
        return dt_fail(DT_ERR_REFUSED, "it is of another channel than it says");
    return DT_OK;
}

/* What it says is taken; what is no receipt is told of, with its sender. */
static enum dt_err
take_opened(struct dt_agent *a, const struct dt_channel *ch, const struct mls_event *e)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_incoming in = {.group_id = ch->group_id};
    struct dt_payload p;
    struct dt_person who;
    enum dt_err err = dt_incoming_from(a, ch, e, &s, &p, &in);

    if (err != DT_OK)
        return err;
    if (p.kind == DT_PAYLOAD_RECEIPT)
        return dt_receipt_take(a, ch, &in, &s);
    dt_person_from(a, &s.letter, s.party, &who);
    return dt_alarm_add(a, DT_ALARM_CELL, ch->group_id, 0, &who,
                        "something else than a receipt came as a copy to the inbox, and was passed "
                        "over");
}

enum outcome { TAKEN, KNOWN, COMING };

/* On a scratch copy of the group: no key of ours is used up by it. */
static enum dt_err
open_copy(struct dt_agent *a, const struct dt_channel *ch, struct dt_view message,
          enum outcome *out)
{
    struct mls_group *scratch = NULL;
    struct mls_event e = {0};
    enum dt_err err = mls_group_clone(ch->group, &scratch);

    if (err != DT_OK)
        return err;
    err = mls_group_process(scratch, (struct mls_psk_list){0}, message, &e);
    if (err == DT_ERR_STATE) { /* its key was used: it came through the queue, too */
        *out = KNOWN;
        err = DT_OK;
    } else if (err == DT_OK && e.kind == MLS_EVENT_APPLICATION) {
        *out = TAKEN;
        err = take_opened(a, ch, &e);
    } else if (err == DT_OK && e.kind == MLS_EVENT_FOREIGN) {
        err = dt_fail(DT_ERR_AUTH,
                      "it is of another epoch %llu than ours, or garbage of a member: compare the "
                      "epoch authenticator by voice",
                      (unsigned long long)e.epoch);
    } else if (err == DT_OK) { /* our own, or too old to be read */
        *out = e.kind == MLS_EVENT_FUTURE ? COMING : KNOWN;
    }
    mls_event_clear(&e);
    mls_group_free(scratch);
    return err;
}

enum dt_err
dt_copy_take(struct dt_agent *a, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum outcome outcome = KNOWN;
    uint64_t epoch = 0;
    enum dt_err err = dt_channel_load(a, m->group_id, &ch);

    /* It may be faster than our Welcome, or slower than our leaving. */
    if (err == DT_ERR_NOT_FOUND || (err == DT_OK && ch.state != DT_CHANNEL_LIVE))
        return DT_OK;
    if (err != DT_OK || (err = check_header(&ch, m->copy, &epoch)) != DT_OK ||
        (err = open_copy(a, &ch, m->copy, &outcome)) != DT_OK)
        return err;
    return outcome == COMING ? keep(a, &ch, epoch, m->copy) : DT_OK;
}

/* ---- when the queue has been read to its end ---- */

enum dt_err
dt_copies_any(struct dt_agent *a, const uint8_t group_id[static 32], bool *out)
{
    uint64_t n = 0;
    enum dt_err err = dt_store_count(a->store, "copy", dt_view(group_id, 32), &n);

    *out = n > 0;
    return err;
}

/* Until one can be opened, each may be anybody's invention: one line in each epoch of ours. */
static enum dt_err
tell_coming(struct dt_agent *a, const struct dt_channel *ch, const struct kept *k)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    DT_CLEANUP(dt_buf_clear) struct dt_buf told = DT_BUF_INIT(8);
    struct dt_writer w = dt_writer_init(&value);
    uint64_t epoch = mls_group_epoch(ch->group);
    enum dt_err err;

    dt_write_u64(&w, epoch);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    err = dt_store_get_blob(a->store, "coming", dt_view_of(ch->group_id), &told);
    if (err == DT_OK && dt_view_equal(dt_buf_view(&told), dt_buf_view(&value)))
        return DT_OK;
    if ((err != DT_OK && err != DT_ERR_NOT_FOUND) ||
        (err = dt_store_put_blob(a->store, "coming", dt_view_of(ch->group_id),
                                 dt_buf_view(&value))) != DT_OK)
        return err;
    return dt_alarm_add(
        a, DT_ALARM_WITHHELD, ch->group_id, ch->position, NULL,
        "withheld? a receipt of epoch %llu came to the inbox, and the queue shows us epoch "
        "%llu only: the relay may hold back a Commit, or the receipt is an invention: ask",
        (unsigned long long)k->epoch, (unsigned long long)epoch);
}

static enum dt_err
pass_over(struct dt_agent *a, const struct dt_channel *ch, struct dt_sync_report *report)
{
    char why[160];

    (void)snprintf(why, sizeof why, "%s", dt_err_message());
    report->passed_over++;
    return dt_alarm_add(a, DT_ALARM_CELL, ch->group_id, 0, NULL,
                        "a copy of a receipt in the inbox was passed over: %s", why);
}

/* One that was kept. *${out_done}: it need not be kept any longer. */
static enum dt_err
retry(struct dt_agent *a, const struct dt_channel *ch, const struct kept *k, uint64_t before,
      struct dt_sync_report *report, bool *out_done)
{
    uint64_t now = dt_agent_now(a);
    enum outcome outcome = KNOWN;
    enum dt_err err = open_copy(a, ch, k->message, &outcome);

    *out_done = true;
    if (err != DT_OK)
        return dt_err_is_local(err) ? err : pass_over(a, ch, report);
    if (outcome == TAKEN)
        report->received++;
    if (outcome != COMING || (now > k->time_ms && now - k->time_ms > DT_COPY_LIFE_MS))
        return DT_OK;
    *out_done = false;
    return k->made <= before ? tell_coming(a, ch, k) : DT_OK;
}

enum dt_err
dt_copies_retry(struct dt_agent *a, const struct dt_channel *ch, uint64_t before,
                struct dt_sync_report *report)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct kept k = {0};
        bool done = false;

        if ((err = dt_store_next(a->store, "copy", dt_view_of(ch->group_id), at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if ((err = kept_decode(dt_buf_view(&row.value), &k)) != DT_OK ||
            (err = retry(a, ch, &k, before, report, &done)) != DT_OK ||
            (done && (err = dt_store_del(a->store, "copy", dt_buf_view(&row.key))) != DT_OK))
            return err;
    }
}
