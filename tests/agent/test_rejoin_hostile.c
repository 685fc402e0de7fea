/*
 * tests/agent/test_rejoin_hostile.c - members who send made-up Welcomes, requests for others'
 * seats, and more requests than anybody needs.
 *
 * DESIGN "Warrants": a re-join removes that leaf and adds one with the same letter; "Bad input".
 */
#include "agent/sync/flows.h"
#include "base/mem.h"

#include "three.h"

/* ---- made-up Welcomes ---- */

/* Blue sends red a Welcome to a seat of its own invention, which nobody can open. */
static void
made_up_welcome(struct three *f, uint8_t seat)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME, .welcome = dt_view_str("none")};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    uint8_t hash[32];
    size_t sent = 0;

    memcpy(m.group_id, f->gid, 32);
    memset(m.invitation_id, seat, 16);
    world_letter_hash(f->a[2], hash);
    ok(dt_letter_load(f->a[1], hash, &to, NULL, NULL));
    ok(dt_outbox_to_inbox(f->a[1], &to, &m));
    ok(dt_outbox_flush(f->a[1], NULL, &sent));
    is(sent, 1);
}

/* A copy from before a re-join asks for the seat that it saw its later self be welcomed to,
 * although made-up Welcomes came after that one. It asks for a few seats, however many came. */
static void
hide_no_seat(void **state)
{
    struct three *f = *state;
    struct dt_sync_report report;

    three_keep(f, "yesterday");
    world_say(f->a[2], f->gid, "before the re-join");
    ok(dt_agent_rotate(f->a[2], f->gid));
    world_sync(f->a, 3, 3);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    for (uint8_t i = 1; i < DT_LAPSE_HINTS; i++)
        made_up_welcome(f, i);
    three_put_back(f, "yesterday");
    ok(dt_agent_sync(f->a[2], &report));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(report.sent, 2 * 2 * (1 + DT_LAPSE_HINTS)); /* request and key package, to two members */
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* While a request is out, each new one makes a request, up to a few. */
static void
make_few_requests(void **state)
{
    struct three *f = *state;
    struct dt_sync_report report;

    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], &report));
    is(report.sent, 4);
    for (uint8_t i = 1; i <= 3 * DT_LAPSE_HINTS; i++) {
        made_up_welcome(f, i);
        ok(dt_agent_sync(f->a[2], &report));
        is(report.sent, i <= DT_LAPSE_HINTS ? 4 : 0);
        made_up_welcome(f, i); /* the same seat again */
        ok(dt_agent_sync(f->a[2], &report));
        is(report.sent, 0);
    }
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* A made-up Welcome is no Commit: when one gives the seat to another copy after that, this one asks
 * for it all the same, once, as it would have without. */
static void
are_no_chase(void **state)
{
    struct three *f = *state;
    struct dt_agent *both[2];

    three_keep(f, "red-copy");
    f->a[3] = world_open(&f->w, "red-copy");
    both[0] = f->a[2];
    both[1] = f->a[3];
    for (size_t i = 0; i < 2; i++) {
        size_t made = 0, sent = 0;

        world_say(both[i], f->gid, i == 0 ? "from the first" : "from the second");
        ok(dt_channel_prepare(both[i], f->gid, &made));
        ok(dt_outbox_flush(both[i], f->gid, &sent));
    }
    for (size_t i = 0; i < 2; i++)
        ok(dt_agent_sync(both[i], NULL));
    made_up_welcome(f, 7);
    ok(dt_agent_sync(f->a[3], NULL)); /* it asks for that, too */
    world_sync(f->a, 2, 2);           /* the first asked first, and gets the seat */
    world_sync(f->a, 4, 8);
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
    is(world_channel(f->a[2], f->gid).lapse, DT_LAPSE_COPY);
    three_is_back(f->a[3], f->gid);
}

/* ---- a Commit that only its author has seen ---- */

/* While this is set ${a} makes no Commit by itself. */
static void
hold_commits(struct three *f, struct dt_agent *a, bool held)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_channel_load(a, f->gid, &ch));
    ch.pending = held;
    ok(dt_channel_save(a, &ch, false));
}

/* Blue reads red's requests, commits the first, posts that nowhere, and sends red the Welcome,
 * twice, which stays in blue's outbox. */
static void
private_commit(struct three *f)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    struct dt_agent *blue = f->a[1];
    struct dt_view commit;
    uint8_t hash[32];
    size_t made = 0;

    hold_commits(f, blue, true);
    ok(dt_agent_sync(blue, NULL));
    hold_commits(f, blue, false);
    ok(dt_channel_prepare(blue, f->gid, &made));
    is(made, 1);
    ok(dt_channel_load(blue, f->gid, &ch));
    is(ch.pending_kind, DT_INTENT_REJOIN);
    assert_true(mls_group_pending(ch.group, &commit, &m.welcome));
    memcpy(m.group_id, f->gid, 32);
    memcpy(m.invitation_id, ch.pending_intent, 16);
    world_letter_hash(f->a[2], hash);
    ok(dt_letter_load(blue, hash, &to, NULL, NULL));
    for (unsigned int i = 0; i < 2; i++)
        ok(dt_outbox_to_inbox(blue, &to, &m));
    ok(dt_outbox_del(blue, ch.pending_append));
    ok(dt_intent_del(blue, f->gid, ch.pending_intent));
    mls_group_drop_pending(ch.group);
    ch.pending = false;
    ok(dt_channel_save(blue, &ch, false));
}

/* Its Welcome comes late, and is none of a seat that the others know: red asks for the one that it
 * had before as well. However often: once a day by itself. */
static void
whose_welcome_comes_late(void **state)
{
    struct three *f = *state;
    struct dt_sync_report report;
    size_t sent = 0;

    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    for (unsigned int i = 0; i < 2; i++) {
        private_commit(f);
        world_accredit(&f->w, f->a[2], RED, DT_RIGHTS_ALL); /* it comes under another letter */
        f->w.offset_ms += i == 0 ? DT_MS_DAY + DT_MS_HOUR : 0;
        ok(dt_outbox_flush(f->a[1], NULL, &sent));
        ok(dt_agent_sync(f->a[2], &report));
        is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_BROKEN);
        world_said(f->a[2], DT_ALARM_WELCOME, "after our voucher had run out or our letter");
        is(report.sent > 0, i == 0);
    }
    f->w.offset_ms += 4 * DT_MS_DAY + DT_MS_HOUR;
    ok(dt_agent_sync(f->a[2], NULL));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* It comes in time: red sits where nobody else is. Its user has it ask again. Then envoy does what
 * blue did not, under the first request, whose keys are used up: that seat is asked for as well. */
static void
whose_welcome_comes_in_time(void **state)
{
    struct three *f = *state;
    size_t sent = 0;

    for (unsigned int i = 0; i < 2; i++) {
        ok(dt_agent_rejoin(f->a[2], f->gid));
        ok(dt_agent_sync(f->a[2], NULL));
        private_commit(f);
        ok(dt_outbox_flush(f->a[1], NULL, &sent));
        ok(dt_agent_sync(f->a[2], NULL));
        is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LIVE);
        assert_false(world_channel(f->a[2], f->gid).confirmed);
    }
    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    world_sync(f->a, 3, 2);
    f->w.offset_ms += 4 * DT_MS_DAY + DT_MS_HOUR;
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
}

/* The true Welcome comes while red waits there: it is told that there are two, and only once. */
static void
beside_the_true_one(void **state)
{
    struct three *f = *state;
    size_t sent = 0;

    ok(dt_agent_rejoin(f->a[2], f->gid));
    ok(dt_agent_sync(f->a[2], NULL));
    private_commit(f);
    ok(dt_outbox_flush(f->a[1], NULL, &sent));
    is(sent, 2);
    ok(dt_agent_sync(f->a[2], NULL));
    is(world_channel(f->a[2], f->gid).state, DT_CHANNEL_LIVE);
    assert_false(world_channel(f->a[2], f->gid).confirmed);
    is(world_alarms(f->a[2], DT_ALARM_WELCOME), 0); /* a second copy is none */
    world_sync(f->a, 3, 2);
    world_said(f->a[2], DT_ALARM_WELCOME, "one of the two leads where the others are not");
    is(world_alarms(f->a[2], DT_ALARM_WELCOME), 1);
    ok(dt_agent_rejoin(f->a[2], f->gid));
    world_sync(f->a, 3, 5);
    three_is_back(f->a[2], f->gid);
    is(world_alarms(f->a[2], DT_ALARM_WELCOME), 1);
}

/* ---- requests ---- */

/* A request by ${by} for the seat of ${of}, under the letter of ${under}. */
static void
request(struct three *f, struct dt_agent *of, struct dt_agent *by, struct dt_agent *under,
        struct dt_rejoin *q, struct dt_buf *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    *q = (struct dt_rejoin){0};
    ok(dt_channel_load_row(of, f->gid, &ch));
    memcpy(q->forum, by->forum, 32);
    memcpy(q->group_id, f->gid, 32);
    memcpy(q->old_invitation_id, ch.invitation_id, 16);
    memcpy(q->letter_hash, under->letter.hash, 32);
    ok(dt_random(q->invitation_id, 16));
    ok(dt_rejoin_sign(q, dt_secret_view(&by->delegate_seed)));
    dt_buf_clear(out);
    dt_buf_init(out, 1024);
    ok(dt_rejoin_encode(q, out));
}

/* ${to} takes the request in, or does not. */
static enum dt_err
take(struct dt_agent *to, const struct dt_buf *body)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_REJOIN, .rejoin = dt_buf_view(body)};

    ok(dt_store_begin(to->store));
    return dt_store_end(to->store, dt_rejoin_take(to, &m));
}

/* A key package of ${who} for the seat that ${q} asks for. */
static enum dt_err
take_key_package(struct dt_agent *to, struct dt_agent *who, const struct dt_rejoin *q)
{
    DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
    DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf kp = DT_BUF_INIT(DT_KEY_PACKAGE_MAX);
    struct dt_inbox_message m = {.kind = DT_INBOX_KEY_PACKAGE,
                                 .sender_letter = dt_buf_view(&who->letter_bytes)};
    struct mls_leaf_params leaf;

    ok(dt_session_new(who, q->group_id, q->invitation_id, &s));
    leaf = dt_session_leaf(&s);
    ok(mls_key_package_new(&leaf, s.voucher.not_before_ms / 1000, s.voucher.not_after_ms / 1000,
                           (struct mls_typed_list){0}, &kp, &bundle));
    memcpy(m.group_id, q->group_id, 32);
    memcpy(m.invitation_id, q->invitation_id, 16);
    m.key_package = dt_buf_view(&kp);
    ok(dt_store_begin(to->store));
    return dt_store_end(to->store, dt_rejoin_key_package(to, &m));
}

/* Only the holder of a seat gives it up, and only for itself: not for another delegate of its party
 * who was never admitted. */
static void
nobody_gets_a_seat_that_is_not_its_own(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct dt_agent *blue = f->a[1], *red = f->a[2], *second = f->a[3];
    struct dt_rejoin q;
    bool has = true;

    world_found(f->a, 3, DT_CHANNEL_PLENARY, "plenary", f->gid);
    request(f, red, blue, red, &q, &body); /* blue, for red's seat */
    is(take(f->a[0], &body), DT_ERR_AUTH);
    request(f, blue, blue, second, &q, &body); /* blue, for its own, in favour of blue-2 */
    ok(take(f->a[0], &body));
    is(take_key_package(f->a[0], blue, &q), DT_ERR_REFUSED);
    is(take_key_package(f->a[0], second, &q), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "would seat another delegate"));
    ok(dt_intent_has(f->a[0], f->gid, DT_INTENT_REJOIN, &has));
    assert_false(has);
    request(f, blue, blue, blue, &q, &body); /* for another forum */
    q.forum[0] ^= 1;
    ok(dt_rejoin_sign(&q, dt_secret_view(&blue->delegate_seed)));
    dt_buf_clear(&body);
    dt_buf_init(&body, 1024);
    ok(dt_rejoin_encode(&q, &body));
    is(take(f->a[0], &body), DT_ERR_REFUSED);
    request(f, blue, blue, blue, &q, &body); /* as it should be */
    ok(take(f->a[0], &body));
    ok(take_key_package(f->a[0], blue, &q));
    ok(dt_intent_has(f->a[0], f->gid, DT_INTENT_REJOIN, &has));
    assert_true(has);
}

static uint64_t
kept(struct dt_agent *a)
{
    uint64_t n = 0;

    ok(dt_store_count(a->store, "rejoin", dt_view(NULL, 0), &n));
    return n;
}

static bool
has_row(struct dt_agent *a, const struct dt_rejoin *q)
{
    bool has = false;

    ok(dt_store_has(a->store, "rejoin", dt_view_of(q->invitation_id), &has));
    return has;
}

/* One member's requests push out its own, the oldest first, and not another's; nor the one of which
 * a Commit is on its way, whose Welcome is still to be sent. */
static void
few_requests_of_one_are_kept(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct dt_agent *envoy = f->a[0], *blue = f->a[1], *red = f->a[2];
    struct dt_rejoin reds, first, second, q;
    size_t made = 0, sent = 0;

    request(f, red, red, red, &reds, &body);
    ok(take(envoy, &body));
    request(f, blue, blue, blue, &first, &body);
    ok(take(envoy, &body));
    ok(take_key_package(envoy, blue, &first));
    ok(dt_channel_prepare(envoy, f->gid, &made));
    is(made, 1);
    request(f, blue, blue, blue, &second, &body);
    ok(take(envoy, &body));
    ok(take_key_package(envoy, blue, &second));
    for (unsigned int i = 0; i < DT_REJOINS_SENDER - 2; i++) {
        request(f, blue, blue, blue, &q, &body);
        ok(take(envoy, &body));
    }
    is(kept(envoy), 1 + DT_REJOINS_SENDER);
    assert_true(has_row(envoy, &second));
    for (unsigned int i = 0; i < 2 * DT_REJOINS_SENDER; i++) {
        request(f, blue, blue, blue, &q, &body);
        ok(take(envoy, &body));
        is(kept(envoy), 1 + DT_REJOINS_SENDER);
        assert_true(has_row(envoy, &q));
    }
    assert_true(has_row(envoy, &reds));
    assert_true(has_row(envoy, &first));
    assert_false(has_row(envoy, &second));
    ok(dt_outbox_flush(envoy, f->gid, &sent));
    world_sync(f->a, 1, 2);
    is(world_channel(envoy, f->gid).epoch, 2);
    is(world_alarms(envoy, DT_ALARM_WELCOME), 0); /* the Welcome went out */
}

/* Nor those in another channel. */
static void
few_requests_of_one_are_kept_in_each(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct dt_agent *envoy = f->a[0], *blue = f->a[1];
    struct dt_rejoin first, q;
    uint8_t other[32];

    memcpy(other, f->gid, 32);
    world_found(f->a, 3, DT_CHANNEL_PLENARY, "second", f->gid);
    request(f, blue, blue, blue, &first, &body);
    ok(take(envoy, &body));
    memcpy(f->gid, other, 32);
    for (unsigned int i = 0; i < 2 * DT_REJOINS_SENDER; i++) {
        request(f, blue, blue, blue, &q, &body);
        ok(take(envoy, &body));
    }
    is(kept(envoy), 1 + DT_REJOINS_SENDER);
    assert_true(has_row(envoy, &first));
}

/* Requests as the version before kept them are honoured; a row that nobody can read goes, and
 * stands in the way of nothing. */
static void
rows_of_before(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(1u << 16);
    static const uint8_t torn[16] = {9};
    struct dt_agent *envoy = f->a[0], *blue = f->a[1];
    struct dt_rejoin blues, q;
    bool has = true;

    request(f, blue, blue, blue, &blues, &body);
    ok(take(envoy, &body));
    ok(take_key_package(envoy, blue, &blues));
    ok(dt_store_get_blob(envoy->store, "rejoin", dt_view_of(blues.invitation_id), &value));
    memmove(value.p + 32, value.p + 72, value.n - 72); /* without number and sender */
    ok(dt_store_put_blob(envoy->store, "rejoin", dt_view_of(blues.invitation_id),
                         dt_view(value.p, value.n - 40)));
    ok(dt_store_put_blob(envoy->store, "rejoin", dt_view_of(torn), dt_view(value.p, 40)));
    ok(dt_intent_add(envoy, f->gid, DT_INTENT_REJOIN, torn, dt_view(NULL, 0)));
    for (unsigned int i = 0; i < 2; i++) {
        request(f, f->a[2], f->a[2], f->a[2], &q, &body);
        ok(take(envoy, &body));
    }
    ok(dt_store_has(envoy->store, "rejoin", dt_view_of(torn), &has));
    assert_false(has);
    world_sync(f->a, 1, 2);
    is(world_channel(envoy, f->gid).epoch, 2);
    is(world_channel(envoy, f->gid).to_send, 0);
    is(world_alarms(envoy, 0), 0);
}

/* However many there are who ask. */
static void
few_requests_are_kept_in_all(void **state)
{
    struct three *f = *state;
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(1u << 16);
    struct dt_agent *envoy = f->a[0], *blue = f->a[1];
    struct dt_rejoin first, q;

    request(f, blue, blue, blue, &first, &body);
    ok(take(envoy, &body));
    ok(dt_store_get_blob(envoy->store, "rejoin", dt_view_of(first.invitation_id), &value));
    /* The same of other senders: group id, number, sender. */
    for (uint64_t i = 1; i < DT_REJOINS_KEPT; i++) {
        uint8_t id[16] = {(uint8_t)i, (uint8_t)(i >> 8), 1};

        value.p[39] = (uint8_t)i;
        value.p[38] = (uint8_t)(i >> 8);
        value.p[40] = (uint8_t)i;
        value.p[41] = (uint8_t)(i >> 8);
        ok(dt_store_put(envoy->store, "rejoin", dt_view_of(id), dt_view(NULL, 0), i,
                        dt_buf_view(&value)));
    }
    is(kept(envoy), DT_REJOINS_KEPT);
    request(f, f->a[2], f->a[2], f->a[2], &q, &body);
    ok(take(envoy, &body));
    is(kept(envoy), DT_REJOINS_KEPT);
    assert_true(has_row(envoy, &q));
    assert_false(has_row(envoy, &first));
}

#define PLENARY(test) cmocka_unit_test_setup_teardown(test, three_set_up, three_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLENARY(hide_no_seat),
        PLENARY(make_few_requests),
        PLENARY(are_no_chase),
        PLENARY(whose_welcome_comes_late),
        PLENARY(whose_welcome_comes_in_time),
        PLENARY(beside_the_true_one),
        cmocka_unit_test_setup_teardown(nobody_gets_a_seat_that_is_not_its_own, three_and_second,
                                        three_tear_down),
        PLENARY(few_requests_of_one_are_kept),
        PLENARY(few_requests_of_one_are_kept_in_each),
        PLENARY(rows_of_before),
        PLENARY(few_requests_are_kept_in_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
