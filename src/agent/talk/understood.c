/*
 * agent/talk/understood.c - see understood.h.
 *
 * Table "understood": group id, payload id, delegate key of its sender; parent group id, id of what
 * it is about, delegate key of who said that; seq -> payload id, what, letter hash of the sender,
 * time, text. So what was said of a paraphrase stands under it as paraphrases do under a message,
 * and who takes the id of another's message gets nothing of what is said of that.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "agent/channel/channel.h"
#include "agent/core.h"
#include "agent/keep/destroy.h"
#include "agent/talk/understood.h"

#define KEY     80u
#define ROW_MAX (DT_TEXT_MAX + 128u)

struct row {
    uint8_t id[16];
    uint8_t what; /* enum dt_understood_what */
    uint8_t letter_hash[32];
    uint64_t time_ms;
    struct dt_view text;
};

static void
key_of(const uint8_t group_id[static 32], const uint8_t id[static 16], const uint8_t who[static 32],
       uint8_t out[static KEY])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, id, 16);
    memcpy(out + 48, who, 32);
}

static enum dt_err
row_read(struct dt_view v, struct row *out)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    if ((err = dt_read_fixed(&r, out->id, sizeof out->id)) == DT_OK &&
        (err = dt_read_u8(&r, &out->what)) == DT_OK &&
        (err = dt_read_fixed(&r, out->letter_hash, 32)) == DT_OK &&
        (err = dt_read_u64(&r, &out->time_ms)) == DT_OK &&
        (err = dt_read_vec(&r, DT_TEXT_MAX, &out->text)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "talk row");
}

/* What is about a message that is here goes with it, and so does what is about how that was
 * understood. All else goes by the channel's rule, as if it were talk. */
static enum dt_err
take_rule(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_payload *p,
          const uint8_t key[static KEY], const uint8_t about[static KEY], bool *out_late)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    uint64_t after_ms = 0;
    bool here = false;
    struct row row = {0};
    enum dt_err err = dt_talk_is(a, group_id, p->about, p->about_key, &here, out_late);

    if (err != DT_OK || here)
        return err;
    if (p->what != DT_UNDERSTOOD_AS) {
        err = dt_store_get_blob(a->store, "understood", dt_view(about, KEY), &b);
        if (err == DT_OK)
            err = row_read(dt_buf_view(&b), &row);
        if (err != DT_OK && err != DT_ERR_NOT_FOUND)
            return err;
        if (err == DT_OK && row.what == DT_UNDERSTOOD_AS)
            return DT_OK;
    }
    if ((err = dt_channel_destroys(a, group_id, &after_ms)) != DT_OK || after_ms == 0)
        return err;
    after_ms = dt_destroy_due(dt_agent_now(a), p->sent_ms, after_ms);
    return dt_destroy_plan(a, DT_KEPT_UNDERSTOOD, group_id, dt_view(key, KEY), after_ms, after_ms);
}

static enum dt_err
keep(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_payload *p,
     const struct dt_letter *from)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&b);
    uint8_t key[KEY], parent[KEY];
    uint64_t seq = 0;
    bool there = false, late = false;
    enum dt_err err;

    key_of(group_id, p->id, from->key, key);
    key_of(group_id, p->about, p->about_key, parent);
    if ((err = dt_store_has(a->store, "understood", dt_view_of(key), &there)) != DT_OK || there ||
        (err = take_rule(a, group_id, p, key, parent, &late)) != DT_OK || late)
        return err;
    dt_write_view(&w, dt_view_of(p->id));
    dt_write_u8(&w, p->what);
    dt_write_view(&w, dt_view_of(from->hash));
    dt_write_u64(&w, p->sent_ms);
    dt_write_vec(&w, p->text);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "understood", dt_view_of(parent), &seq)) != DT_OK)
        return err;
    return dt_store_put(a->store, "understood", dt_view_of(key), dt_view_of(parent), seq,
                        dt_buf_view(&b));
}

enum dt_err
dt_understood_take(struct dt_agent *a, const struct dt_incoming *in)
{
    enum dt_err err = dt_letter_check_rights(in->letter, DT_RIGHT_BIT(DT_RIGHT_TALK));

    if (err != DT_OK || (err = dt_letter_keep(a, in->letter, in->party, in->letter_bytes)) != DT_OK)
        return err;
    return keep(a, in->group_id, in->payload, in->letter);
}

/* ---- ours ---- */

static enum dt_err
send(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p)
{
    enum dt_err err;

    p->kind = DT_PAYLOAD_UNDERSTOOD;
    p->sent_ms = dt_agent_now(a);
    if ((err = dt_agent_need_letter(a)) != DT_OK ||
        (err = dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_TALK))) != DT_OK ||
        (err = dt_random(p->id, sizeof p->id)) != DT_OK)
        return err;
    if (p->text.n > DT_TEXT_MAX || !dt_utf8_lines(p->text))
        return dt_fail(DT_ERR_FORMAT, "a paraphrase is UTF-8 text of at most %u bytes",
                       DT_TEXT_MAX);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_send(a, group_id, p)) == DT_OK)
        err = keep(a, group_id, p, &a->letter);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_agent_understood_send(struct dt_agent *a, const uint8_t group_id[static 32],
                         const struct dt_talk_info *about, struct dt_view text,
                         uint8_t out_id[static 16])
{
    struct dt_payload p = {.what = DT_UNDERSTOOD_AS, .text = text};
    enum dt_err err;

    if (about->rule.destroyed_ms != 0 || about->rule.past)
        return dt_fail(DT_ERR_EXPIRED, "its time is over: it is destroyed by rule");
    if (about->from.self)
        return dt_fail(DT_ERR_REFUSED, "the message is your own: what was meant you say by talk");
    if (text.n == 0)
        return dt_fail(DT_ERR_FORMAT, "a paraphrase is UTF-8 text of at most %u bytes",
                       DT_TEXT_MAX);
    memcpy(p.about, about->id, 16);
    memcpy(p.about_key, about->from.delegate_key, 32);
    if ((err = send(a, group_id, &p)) == DT_OK)
        memcpy(out_id, p.id, 16);
    return err;
}

enum dt_err
dt_agent_understood_judge(struct dt_agent *a, const uint8_t group_id[static 32],
                          const struct dt_talk_info *about, const struct dt_understood *of,
                          bool right, struct dt_view text)
{
    struct dt_payload p = {.what = right ? DT_UNDERSTOOD_IS_RIGHT : DT_UNDERSTOOD_IS_WRONG,
                           .text = text};

    if (!about->from.self)
        return dt_fail(DT_ERR_REFUSED, "only the author of a message says what was meant");
    memcpy(p.about, of->id, 16);
    memcpy(p.about_key, of->from.delegate_key, 32);
    return send(a, group_id, &p);
}

/* ---- destroying ---- */

enum dt_err
dt_understood_destroy(struct dt_agent *a, struct dt_view key)
{
    enum dt_err err = dt_store_del_parent(a->store, "understood", key);

    if (err == DT_OK)
        err = dt_store_del(a->store, "understood", key);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_understood_wipe(struct dt_agent *a, const uint8_t group_id[static 32],
                   const uint8_t id[static 16], const uint8_t who[static 32])
{
    uint8_t parent[KEY];
    enum dt_err err;

    key_of(group_id, id, who, parent);
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};

        err = dt_store_next(a->store, "understood", dt_view_of(parent), 0, &row);
        if (err != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        if ((err = dt_understood_destroy(a, dt_buf_view(&row.key))) != DT_OK)
            return err;
    }
}

/* ---- reading ---- */

void
dt_understood_free(struct dt_understood *list, size_t n)
{
    for (size_t i = 0; list != NULL && i < n; i++) {
        dt_buf_wipe(&list[i].text);
        dt_buf_wipe(&list[i].why);
    }
    dt_free(list);
}

static enum dt_err
person(struct dt_agent *a, const uint8_t letter_hash[static 32], struct dt_person *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    size_t party = 0;
    enum dt_err err = dt_letter_load(a, letter_hash, &l, &party, NULL);

    if (err == DT_OK)
        dt_person_from(a, &l, party, out);
    return err;
}

/* The author's last word on ${u}; what others say of it is not shown. */
static enum dt_err
add_word(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_person *author,
         struct dt_understood *u)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row kept = {0};
    uint8_t parent[KEY];
    struct dt_person who;
    struct row row;
    uint64_t at = 0;
    enum dt_err err;

    key_of(group_id, u->id, u->from.delegate_key, parent);
    while ((err = dt_store_next(a->store, "understood", dt_view_of(parent), at, &kept)) == DT_OK) {
        at = kept.seq + 1;
        if ((err = row_read(dt_buf_view(&kept.value), &row)) != DT_OK ||
            (err = person(a, row.letter_hash, &who)) != DT_OK)
            return err;
        if (row.what == DT_UNDERSTOOD_AS || memcmp(who.delegate_key, author->delegate_key, 32) != 0)
            continue;
        u->word = row.what == DT_UNDERSTOOD_IS_RIGHT ? DT_UNDERSTOOD_RIGHT : DT_UNDERSTOOD_WRONG;
        if ((err = dt_buf_set(&u->why, row.text)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
describe(struct dt_agent *a, const uint8_t group_id[static 32], const struct row *row,
         const struct dt_person *author, struct dt_understood *out)
{
    enum dt_err err;

    memcpy(out->id, row->id, 16);
    out->time_ms = row->time_ms;
    if ((err = person(a, row->letter_hash, &out->from)) != DT_OK ||
        (err = dt_buf_set(&out->text, row->text)) != DT_OK)
        return err;
    return add_word(a, group_id, author, out);
}

enum dt_err
dt_agent_understood(struct dt_agent *a, const uint8_t group_id[static 32],
                    const struct dt_talk_info *about, struct dt_understood **out, size_t *out_n)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row kept = {0};
    struct dt_understood *list = NULL;
    uint8_t parent[KEY];
    uint64_t count = 0, at = 0;
    struct row row;
    size_t n = 0;
    enum dt_err err = DT_OK; /* of what is past its time nothing is looked at */

    key_of(group_id, about->id, about->from.delegate_key, parent);
    if (!about->rule.past &&
        (err = dt_store_count(a->store, "understood", dt_view_of(parent), &count)) != DT_OK)
        return err;
    list = dt_alloc((size_t)count + 1, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    while (n < count &&
           (err = dt_store_next(a->store, "understood", dt_view_of(parent), at, &kept)) == DT_OK) {
        at = kept.seq + 1;
        if ((err = row_read(dt_buf_view(&kept.value), &row)) != DT_OK)
            break;
        if (row.what != DT_UNDERSTOOD_AS)
            continue;
        dt_buf_init(&list[n].text, DT_TEXT_MAX);
        dt_buf_init(&list[n].why, DT_TEXT_MAX);
        n++;
        if ((err = describe(a, group_id, &row, &about->from, &list[n - 1])) != DT_OK)
            break;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND) {
        dt_understood_free(list, n);
        return err;
    }
    *out = list;
    *out_n = n;
    return DT_OK;
}
