/*
 * tests/agent/test_signed.c - what roots' and delegates' keys sign, and what is sealed in the
 * register, holds no talk, no hash of it, and no transcript root.
 *
 * Source: DESIGN "What must hold" 6. Every body that is signed by label, every record that is made
 * and everything that is hashed under the labels of records goes by here on its way (the program is
 * linked with --wrap), while a forum does all that a forum does. Then the bytes are searched. Which
 * labels there are is held against the sources by signed_labels.py.
 */
#include "agent/records/records.h"
#include "agent/talk/session_internal.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "record/record.h"

#include "three.h"

#define SEEN_MAX    4096u
#define NEEDLES_MAX 4096u
#define CELLS       (4u << 20)

struct seen {
    char label[32];
    struct dt_buf body;
};
static struct seen seen[SEEN_MAX];
static size_t n_seen;

struct needle {
    const char *what;
    struct dt_buf bytes;
};
static struct needle needles[NEEDLES_MAX];
static size_t n_needles;

static void
see(const char *label, struct dt_view body)
{
    struct seen *s = &seen[n_seen];

    assert_true(n_seen++ < SEEN_MAX);
    (void)snprintf(s->label, sizeof s->label, "%s", label);
    dt_buf_init(&s->body, 1u << 20);
    ok(dt_buf_set(&s->body, body));
}

enum dt_err __real_dt_label_sign(struct dt_view seed, const char *label, struct dt_view body,
                                 uint8_t sig[static 64]);
enum dt_err __wrap_dt_label_sign(struct dt_view seed, const char *label, struct dt_view body,
                                 uint8_t sig[static 64]);
enum dt_err
__wrap_dt_label_sign(struct dt_view seed, const char *label, struct dt_view body,
                     uint8_t sig[static 64])
{
    see(label, body);
    return __real_dt_label_sign(seed, label, body, sig);
}

enum dt_err __real_dt_record_make(const struct dt_record_draft *d, struct dt_view seed,
                                  struct dt_record *out);
enum dt_err __wrap_dt_record_make(const struct dt_record_draft *d, struct dt_view seed,
                                  struct dt_record *out);
enum dt_err
__wrap_dt_record_make(const struct dt_record_draft *d, struct dt_view seed, struct dt_record *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf whole = DT_BUF_INIT(1u << 20);
    enum dt_err err = __real_dt_record_make(d, seed, out);

    /* Its fields, which the commitment binds, in the clear; and each by itself. */
    if (err == DT_OK && (err = dt_record_encode(out, &whole)) == DT_OK)
        see("a whole record", dt_buf_view(&whole));
    for (size_t i = 0; err == DT_OK && i < DT_SLOTS_MAX; i++)
        if (d->has[i])
            see("a field", dt_buf_view(&d->value[i]));
    return err;
}

/* ---- what is looked for ---- */

static void
look_for(const char *what, struct dt_view v)
{
    struct needle *x = &needles[n_needles];

    assert_true(n_needles++ < NEEDLES_MAX);
    assert_true(v.n >= 16);
    x->what = what;
    dt_buf_init(&x->bytes, 1u << 16);
    ok(dt_buf_set(&x->bytes, v));
}

static void
look_for_hash(const char *what, struct dt_view v)
{
    uint8_t hash[32];

    ok(dt_sha256(v, hash));
    look_for(what, dt_view_of(hash));
    ok(dt_label_hash("talk", v, hash));
    look_for(what, dt_view_of(hash));
}

/* Everything that the queue of ${who} holds, and the roots over it. */
static void
look_for_queue(struct three *t, size_t who)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(CELLS);
    struct dt_agent *a = t->a[who];
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0;
    size_t roots = 0;
    bool more = true;

    ok(dt_channel_load(a, t->gid, &ch));
    ok(dt_relay_read(a->queue_http, a->grant.relay, ch.queue.address,
                     dt_queue_read_token(&ch.queue), 0, 0, &answer));
    ok(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    while (dt_wire_items_next(&items, &item, &more) == DT_OK && more) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);

        look_for_hash("hash of a cell", item.cell);
        if (dt_cell_open(&ch.queue, item.cell, &message) == DT_OK)
            look_for_hash("hash of a message", dt_buf_view(&message));
        for (uint64_t epoch = 0; epoch <= mls_group_epoch(ch.group); epoch++) {
            uint8_t root[32];

            if (dt_transcript_at(a, t->gid, epoch, item.position, root) != DT_OK)
                continue;
            roots++;
            look_for("transcript root", dt_view_of(root));
        }
    }
    assert_true(roots > 5);
}

/* How often anything that is looked for stands in what was signed. */
static size_t
search(void)
{
    size_t found = 0;

    for (size_t i = 0; i < n_seen; i++) {
        struct dt_view body = dt_buf_view(&seen[i].body);

        for (size_t k = 0; k < n_needles; k++) {
            struct dt_view x = dt_buf_view(&needles[k].bytes);

            if (body.n >= x.n && memmem(body.p, body.n, x.p, x.n) != NULL) {
                print_message("what is signed as \"%s\" holds a %s\n", seen[i].label,
                              needles[k].what);
                found++;
            }
        }
    }
    return found;
}

/* ---- a forum that does all that a forum does ---- */

static const char *const texts[3] = {"the road opens at dawn, by way of the mill",
                                     "nobody is to know of the mill before that",
                                     "and what of the bridge that we spoke of?"};

static void
contact(struct three *t, size_t who, const uint8_t talk[static 16], uint8_t commitment[static 32])
{
    static const char *const set[][2] = {
        {"mode", "call"},         {"initiated_by", "blue"},
        {"parties", "blue; red"}, {"started_at", "2026-11-20T10:00:00Z"},
        {"level", "head"},        {"ended_at", "2026-11-20T10:30:00Z"},
        {"participants", "two"},  {"time_precision", "exact"}};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    ok(dt_agent_record_draft(t->a[who], t->gid, "contact", &d));
    for (size_t k = 0; k < sizeof set / sizeof set[0]; k++)
        ok(dt_record_draft_set_text(&d, set[k][0], dt_view_str(set[k][1]),
                                    dt_agent_charter(t->a[who])));
    ok(dt_record_draft_refer(&d, DT_REFERENCE_TALK, dt_view(talk, 16)));
    ok(dt_agent_record_send(t->a[who], t->gid, &d, commitment));
}

/* Every answer that red may give to the record, in the order in which that is possible. */
static void
answer_all(struct three *t, const uint8_t commitment[static 32])
{
    static const enum dt_answer answers[] = {DT_ANSWER_RECEIPT, DT_ANSWER_COUNTERSIGN};

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
        DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
        uint8_t answer[32];

        ok(dt_agent_answer_draft(t->a[2], commitment, answers[i], &d, &subject));
        ok(dt_agent_record_send(t->a[2], t->gid, &d, answer));
        world_sync(t->a, 3, 2);
    }
}

static size_t
seen_as(const char *label)
{
    size_t n = 0;

    for (size_t i = 0; i < n_seen; i++)
        n += strcmp(seen[i].label, label) == 0;
    return n;
}

static void
nothing_signed_holds_talk(void **state)
{
    static const char *const wanted[] = {
        "voucher", "founding", "approval",       "approval request", "leave", "rejoin", "record",
        "a field", "letter",   "letter request", "charter signature"};
    struct three *t = *state;
    uint8_t ids[3][16], commitment[32], request[16], hash[32];

    for (size_t i = 0; i < 3; i++) {
        three_say(t, i, texts[i], ids[i]);
        look_for("piece of talk", dt_view_str(texts[i]));
        look_for_hash("hash of talk", dt_view_str(texts[i]));
    }
    world_sync(t->a, 3, 3);
    contact(t, 1, ids[0], commitment);
    world_sync(t->a, 3, 3);
    answer_all(t, commitment);
    look_for_queue(t, 0);

    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(t->a[1], t->gid, hash, request));
    world_sync(t->a, 4, 1);
    world_accept(t->a[3]);
    world_sync(t->a, 4, 2);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[2], request));
    world_sync(t->a, 4, 3);
    ok(dt_agent_commit_admission(t->a[1], request));
    world_sync(t->a, 4, 6);
    look_for_queue(t, 2);
    ok(dt_agent_rejoin(t->a[2], t->gid));
    world_sync(t->a, 4, 6);
    three_say(t, 2, texts[0], ids[0]);
    world_sync(t->a, 4, 3);
    look_for_queue(t, 2);
    ok(dt_agent_leave(t->a[3], t->gid));
    world_sync(t->a, 4, 6);
    t->w.offset_ms += DT_MS_DAY + DT_MS_HOUR;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += 2 * DT_MS_HOUR;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += 4 * DT_MS_DAY;
    world_sync(t->a, 3, 6);
    contact(t, 0, ids[0], commitment);
    world_sync(t->a, 3, 3);
    look_for_queue(t, 0);

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (seen_as(wanted[i]) == 0) {
            print_error("nothing was signed as \"%s\"\n", wanted[i]);
            fail();
        }
    assert_true(n_needles > 50);
    is(search(), 0);
    /* And it finds what is there: one copied into a record by hand, which is its author's choice.
     */
    see("planted", dt_view_str("he said: the road opens at dawn, by way of the mill."));
    is(search(), 1);
}

static int
four(void **state)
{
    struct three *t;

    is(three_and_second(state), 0);
    t = *state;
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_signed_holds_talk, four, three_tear_down),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    for (size_t i = 0; i < n_seen; i++)
        dt_buf_wipe(&seen[i].body);
    for (size_t i = 0; i < n_needles; i++)
        dt_buf_wipe(&needles[i].bytes);
    return failed;
}
