/*
 * tests/agent/test_forged.c - what a member can forge with a released session key: talk that no
 * verifier tells from real talk, and nothing that anybody takes as new.
 *
 * Source: docs/protocol-channel.md "Session keys". The forgers have what members have: the key that
 * the channel was given, and the state of an epoch, which they kept against the rules.
 */
#include "agent/talk/session_internal.h"
#include "base/mem.h"
#include "base/wire.h"

#include "forge.h"
#include "three.h"

#define MINUTE (UINT64_C(60) * 1000)
#define CELLS  (1u << 20)

/* The private half of the session key that ${who} uses now. */
static void
key_of(struct three *t, size_t who, struct dt_secret *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_channel_load(t->a[who], t->gid, &ch));
    ok(mls_group_signature_key(ch.group, out));
}

static uint32_t
leaf_of(struct three *t, size_t who)
{
    return world_channel(t->a[who], t->gid).own_leaf;
}

/* Hand ${cell} to ${who} as the next of the queue. */
static void
deliver_cell(struct three *t, size_t who, struct dt_view cell)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_wire_item item = {.cell = cell};
    struct dt_sync_report report = {0};

    ok(dt_channel_load_row(t->a[who], t->gid, &ch));
    item.position = ch.position + 1;
    ok(dt_channel_take_cell(t->a[who], t->gid, ch.queue_number, &item, NULL, &report));
}

/* Seal ${message} for the queue that ${ch} has, as anybody can who is in it. */
static void
seal(const struct dt_channel *ch, struct dt_view message, struct dt_buf *out)
{
    uint8_t mark[32];

    dt_buf_clear(out);
    dt_buf_init(out, DT_CELL_MAX);
    ok(dt_random(mark, sizeof mark));
    ok(dt_cell_seal(&ch->queue, dt_view_of(mark), message, out));
}

static void
deliver(struct three *t, size_t who, struct dt_view message)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);

    ok(dt_channel_load_row(t->a[who], t->gid, &ch));
    seal(&ch, message, &cell);
    deliver_cell(t, who, dt_buf_view(&cell));
}

/* All cells behind ${after} of the queue of ${ch}, as the relay has them. */
static void
cells_behind(struct three *t, const struct dt_channel *ch, uint64_t after, struct dt_buf *answer,
             struct dt_view *out, size_t max, size_t *out_n)
{
    struct dt_agent *a = t->a[0];
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool more = true;

    ok(dt_relay_read(a->queue_http, a->grant.relay, ch->queue.address,
                     dt_queue_read_token(&ch->queue), after, 0, answer));
    ok(dt_wire_items_begin(dt_buf_view(answer), &last, &items));
    for (*out_n = 0; *out_n < max; (*out_n)++) {
        ok(dt_wire_items_next(&items, &item, &more));
        if (!more)
            return;
        out[*out_n] = item.cell;
    }
}

/* The talk of blue that ${who} has, all that is known of it. */
static void
talk_of_blue(struct three *t, size_t who, struct dt_talk_info *out, size_t max, size_t *out_n)
{
    struct dt_talk_info *v = NULL;
    size_t n = 0;

    ok(dt_agent_talk_list(t->a[who], t->gid, 0, &v, &n));
    *out_n = 0;
    for (size_t i = 0; i < n && *out_n < max; i++)
        if (strcmp(v[i].from.name, "blue-1") == 0)
            out[(*out_n)++] = v[i];
    dt_free(v);
}

/* ---- deniable ---- */

/* The root of the transcript that ${who} keeps, where it stands. */
static void
root_of(struct three *t, size_t who, uint64_t epoch, uint8_t root[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_channel_load_row(t->a[who], t->gid, &ch));
    ok(dt_transcript_at(t->a[who], t->gid, epoch, ch.position, root));
}

/* Two homes stand where red's stood; the one is shown what blue said, the other what the envoy made
 * up with blue's released key. Signature, chain, membership, order, transcript: neither finds
 * anything that the other does not. */
static void
talk_is_like_real_talk(void **state)
{
    static const char *const real[2] = {"we shall open the road", "on Monday"};
    static const char *const made_up[2] = {"we shall close the road", "on Tuesday"};
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_released_clear) struct dt_released key = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(CELLS);
    struct dt_buf forged[2] = {DT_BUF_INIT(0), DT_BUF_INIT(0)};
    struct mls_group *puppet = NULL;
    struct dt_view cells[2], all[2];
    struct dt_talk_info talk[2][2];
    uint8_t roots[2][32];
    uint64_t at = 0;
    size_t n = 0;
    uint32_t blue = leaf_of(t, BLUE);

    three_keep(t, "red-then");
    ok(dt_channel_load(t->a[0], t->gid, &kept));
    for (size_t i = 0; i < 2; i++) {
        world_say(t->a[1], t->gid, real[i]);
        ok(dt_agent_sync(t->a[1], NULL));
    }
    cells_behind(t, &kept, kept.position, &answer, cells, 2, &n);
    is(n, 2);
    world_sync(t->a, 3, 3);
    t->w.offset_ms += DT_MS_DAY + MINUTE;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += DT_MS_HOUR + MINUTE;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += 3 * DT_MS_DAY;
    world_sync(t->a, 3, 6);
    do {
        dt_released_clear(&key);
        key = (struct dt_released){0};
        ok(dt_agent_released_next(t->a[0], t->gid, &at, &key));
    } while (key.leaf != blue);

    ok(forge_puppet(kept.group, key.seed, blue, &puppet));
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);

        ok(forge_talk(puppet, dt_view_str(made_up[i]), dt_agent_now(t->a[0]), &message));
        seal(&kept, dt_buf_view(&message), &forged[i]);
        all[i] = dt_buf_view(&forged[i]);
        is(all[i].n, cells[i].n);
    }
    for (size_t k = 0; k < 2; k++) {
        three_put_back(t, "red-then");
        is(world_channel(t->a[2], t->gid).epoch, 1);
        for (size_t i = 0; i < 2; i++)
            deliver_cell(t, 2, k == 0 ? cells[i] : all[i]);
        is(world_alarms(t->a[2], 0), 0);
        talk_of_blue(t, 2, talk[k], 2, &n);
        is(n, 2);
        root_of(t, 2, 1, roots[k]);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct dt_talk_info *x = &talk[0][i], *y = &talk[1][i];

        is(y->state, x->state);
        is(y->unconfirmed, x->unconfirmed);
        is(y->position, x->position);
        is(y->epoch, x->epoch);
        is(y->leaf, x->leaf);
        is(y->generation, x->generation);
        assert_memory_equal(y->from.delegate_key, x->from.delegate_key, 32);
        assert_memory_equal(y->from.letter_hash, x->from.letter_hash, 32);
    }
    /* Each transcript is that of its cells, by the same rule, on the same beginning. */
    for (size_t k = 0; k < 2; k++) {
        uint8_t root[32], hash[32];

        ok(dt_transcript_at(t->a[2], t->gid, 1, kept.position, root));
        for (size_t i = 0; i < 2; i++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(512);
            struct dt_writer w = dt_writer_init(&b);

            ok(dt_sha256(k == 0 ? cells[i] : all[i], hash));
            dt_write_view(&w, dt_view_of(root));
            dt_write_u64(&w, kept.position + i + 1);
            dt_write_view(&w, dt_view_of(hash));
            ok(dt_writer_end(&w));
            ok(dt_label_hash("transcript cell", dt_buf_view(&b), root));
        }
        assert_memory_equal(root, roots[k], 32);
    }
    mls_group_free(puppet);
    dt_buf_clear(&forged[0]);
    dt_buf_clear(&forged[1]);
}

/* Without the key it cannot be done: another's signature does not hold. */
static void
not_without_the_key(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret own = {0};
    struct mls_group *puppet = NULL;

    ok(dt_channel_load(t->a[0], t->gid, &kept));
    key_of(t, 0, &own);
    is(forge_puppet(kept.group, dt_secret_view(&own), leaf_of(t, BLUE), &puppet), DT_ERR_AUTH);
    assert_null(puppet);
}

/* ---- nothing is taken as new ---- */

/* In the live queue: what the key signs in its own epoch stands behind the line, and is passed over
 * by all. */
static void
late_message(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    struct mls_group *puppet = NULL;

    ok(dt_channel_load(t->a[0], t->gid, &kept));
    key_of(t, BLUE, &seed);
    t->w.offset_ms += DT_MS_DAY + MINUTE;
    world_sync(t->a, 3, 6);
    ok(forge_puppet(kept.group, dt_secret_view(&seed), leaf_of(t, BLUE), &puppet));
    ok(forge_talk(puppet, dt_view_str("before the line"), 1, &message));
    deliver(t, 2, dt_buf_view(&message)); /* while it can be late, it is taken */
    is(world_talk_count(t->a[2], t->gid, dt_view_str("before the line")), 1);
    t->w.offset_ms += DT_MS_HOUR + MINUTE;
    world_sync(t->a, 2, 6); /* the call; red is not asked, what it was shown is its own */
    dt_buf_clear(&message);
    dt_buf_init(&message, DT_CELL_MAX);
    ok(forge_talk(puppet, dt_view_str("behind the line"), 1, &message));
    deliver(t, 0, dt_buf_view(&message));
    is(world_talk_count(t->a[0], t->gid, dt_view_str("behind the line")), 0);
    is(world_alarms(t->a[0], DT_ALARM_CELL), 1);
    mls_group_free(puppet);
}

/* Red was away, or comes from a copy, and stands in an epoch whose keys are released. The envoy
 * shows it a Commit by blue that never was. It follows, for no clock decides on Commits; but it is
 * unconfirmed from there on, and says nothing. */
static void
laggard_and_forged_commit(void **state)
{
    struct three *t = *state;
    const struct mls_commit_opts opts = {.force_path = true};
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out commit = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    struct mls_group *puppet = NULL;
    struct dt_talk_info *v = NULL;
    size_t n = 0, made = 0;

    t->w.offset_ms += DT_MS_DAY - 2 * DT_MS_HOUR;
    world_sync(t->a, 3, 3);
    is(world_channel(t->a[2], t->gid).epoch, 1);
    key_of(t, BLUE, &seed);
    ok(dt_channel_load(t->a[0], t->gid, &kept));
    three_keep(t, "red-then");
    t->w.offset_ms += 3 * DT_MS_HOUR;
    world_sync(t->a, 3, 6);
    assert_true(world_channel(t->a[0], t->gid).epoch > 1);
    /* 4 days and 2 hours after the founding: blue's key may be out. Red was away for less than 4
     * days, so that its absence alone makes it doubt nothing. */
    t->w.offset_ms += 3 * DT_MS_DAY + DT_MS_HOUR;
    three_put_back(t, "red-then");
    ok(dt_channel_note_absence(t->a[2], t->gid));
    assert_true(world_channel(t->a[2], t->gid).confirmed);

    ok(forge_puppet(kept.group, dt_secret_view(&seed), leaf_of(t, BLUE), &puppet));
    ok(mls_group_commit(puppet, &opts, &commit));
    ok(mls_group_take_pending(puppet, 1));
    deliver(t, 2, dt_buf_view(&commit.commit));
    is(world_channel(t->a[2], t->gid).epoch, 2); /* the forger's */
    assert_false(world_channel(t->a[2], t->gid).confirmed);
    ok(forge_talk(puppet, dt_view_str("do come alone"), 1, &message));
    deliver(t, 2, dt_buf_view(&message));
    ok(dt_agent_talk_list(t->a[2], t->gid, 0, &v, &n));
    is(n, 1);
    assert_true(v[0].unconfirmed);
    dt_free(v);
    /* What its user says waits. */
    world_say(t->a[2], t->gid, "where?");
    ok(dt_channel_prepare(t->a[2], t->gid, &made));
    ok(dt_agent_talk_list(t->a[2], t->gid, 1, &v, &n));
    is(n, 1);
    is(v[0].state, DT_TALK_WAITING);
    dt_free(v);
    mls_group_free(puppet);
}

/* ---- a joiner ---- */

/* blue-2 has answered, and all have approved; the request is red's. */
static void
ask_for_second(struct three *t, uint8_t request[static 16])
{
    uint8_t hash[32];

    world_letter_hash(t->a[3], hash);
    ok(dt_agent_request_admission(t->a[2], t->gid, hash, request));
    world_sync(t->a, 4, 1);
    world_accept(t->a[3]);
    world_sync(t->a, 4, 2);
    ok(dt_agent_approve(t->a[0], request));
    ok(dt_agent_approve(t->a[1], request));
    world_sync(t->a, 4, 3);
}

/* Red adds blue-2 to the group that it kept, in which it has all others' leaves and nobody is. */
static void
impostor_welcome(struct three *t, struct dt_channel *kept, const uint8_t request[static 16])
{
    struct dt_intent x = {.kind = DT_INTENT_ADD};
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME};
    struct dt_view commit;
    enum dt_err err;

    memcpy(x.id, request, 16);
    ok(dt_store_begin(t->a[2]->store));
    err = dt_commit_make(t->a[2], kept, &x);
    /* Its own agent refuses, as the approvals are of other epochs; the Welcome is made by then. */
    assert_true(err == DT_OK || err == DT_ERR_REFUSED);
    dt_store_rollback(t->a[2]->store);
    assert_true(mls_group_pending(kept->group, &commit, &m.welcome));
    memcpy(m.group_id, t->gid, 32);
    memcpy(m.invitation_id, request, 16);
    ok(dt_store_begin(t->a[3]->store));
    ok(dt_store_end(t->a[3]->store, dt_welcome_take(t->a[3], &m, 1)));
    ok(mls_group_take_pending(kept->group, 1));
}

/* The member as whom ${g} is seen says `here` to blue-2, whoever does it. */
static void
here_from(struct three *t, struct mls_group *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(512);
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_HERE,
                           .sent_ms = 1,
                           .epoch = mls_group_epoch(g),
                           .authenticator = mls_group_epoch_authenticator(g)};

    ok(dt_random(p.id, sizeof p.id));
    ok(dt_payload_encode(&p, &body));
    ok(mls_group_protect(g, dt_view(NULL, 0), dt_buf_view(&body), 0, &message));
    deliver(t, 3, dt_buf_view(&message));
}

/* Red and the envoy's first key show blue-2 a group of their own. */
static void
impostor_group(struct three *t, bool released)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    struct mls_group *puppet = NULL;
    uint32_t envoy = leaf_of(t, 0);
    uint8_t request[16];

    ok(dt_channel_load(t->a[2], t->gid, &kept));
    key_of(t, 0, &seed);
    if (released) {
        t->w.offset_ms += DT_MS_DAY + MINUTE;
        world_sync(t->a, 3, 6);
        t->w.offset_ms += DT_MS_HOUR + MINUTE;
        world_sync(t->a, 3, 6);
        t->w.offset_ms += 3 * DT_MS_DAY;
        world_sync(t->a, 3, 6);
    }
    ask_for_second(t, request);
    impostor_welcome(t, &kept, request);
    is(world_channel(t->a[3], t->gid).state, DT_CHANNEL_LIVE);
    here_from(t, kept.group);
    is(world_channel(t->a[3], t->gid).here, 1u << RED);
    ok(forge_puppet(kept.group, dt_secret_view(&seed), envoy, &puppet));
    here_from(t, puppet);
    mls_group_free(puppet);
    is(world_channel(t->a[3], t->gid).here, (1u << RED) | (released ? 0 : 1u << MEDIATOR));
    is(world_channel(t->a[3], t->gid).confirmed, !released);
}

/* Had the key been given away while its voucher held, the joiner would believe it. */
static void
impostor_group_too_early(void **state)
{
    impostor_group(*state, false);
}

static void
impostor_group_shown_to_a_joiner(void **state)
{
    impostor_group(*state, true);
}

/* One who knows the key refuses the Welcome itself. */
static void
impostor_group_shown_to_who_was_there(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel now = {0};
    bool seated = false;

    ok(dt_channel_load(t->a[2], t->gid, &kept));
    t->w.offset_ms += DT_MS_DAY + MINUTE;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += DT_MS_HOUR + MINUTE;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += 3 * DT_MS_DAY;
    world_sync(t->a, 3, 6);
    ok(dt_released_seated(t->a[1], t->gid, kept.group, &seated));
    assert_true(seated);
    ok(dt_channel_load(t->a[2], t->gid, &now));
    ok(dt_released_seated(t->a[1], t->gid, now.group, &seated));
    assert_false(seated);
}

/* A key package of blue's first session key, with a KEM key of the forger's: nobody adds it,
 * whether it knows that the key is out or has the clock alone. */
static void
key_package_under_an_old_voucher(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel kept = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf package = DT_BUF_INIT(DT_KEY_PACKAGE_MAX);
    struct dt_rules rules;
    struct dt_voucher v;
    struct dt_view letter;
    struct mls_member m;
    struct mls_leaf_params leaf;

    ok(dt_channel_load(t->a[0], t->gid, &kept));
    key_of(t, BLUE, &seed);
    assert_true(mls_group_member(kept.group, leaf_of(t, BLUE), &m));
    ok(dt_credential_decode(m.identity, &letter, &v));
    leaf = (struct mls_leaf_params){.suite = DT_MLS_SUITE,
                                    .signature_priv = dt_secret_view(&seed),
                                    .signature_pub = m.signature_key,
                                    .identity = m.identity,
                                    .extension_types = {dt_mls_extensions, 1},
                                    .proposal_types = {dt_mls_proposals, 1}};
    rules = dt_channel_rules(t->a[0], &kept);
    t->w.offset_ms += DT_MS_DAY + MINUTE;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += DT_MS_HOUR + MINUTE;
    world_sync(t->a, 3, 6);
    t->w.offset_ms += 3 * DT_MS_DAY;
    ok(mls_key_package_new(&leaf, dt_agent_now(t->a[0]) / 1000,
                           (dt_agent_now(t->a[0]) + DT_MS_DAY) / 1000, (struct mls_typed_list){0},
                           &package, &bundle));
    is(dt_key_package_check(t->a[0], &rules, dt_buf_view(&package), v.letter_hash, v.invitation_id),
       DT_ERR_EXPIRED);
    world_sync(t->a, 3, 6);
    is(dt_key_package_check(t->a[0], &rules, dt_buf_view(&package), v.letter_hash, v.invitation_id),
       DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "was released"));
}

/* ---- */

static int
four(void **state)
{
    struct three *t;

    is(three_and_second(state), 0);
    t = *state;
    world_found(t->a, 3, DT_CHANNEL_PLENARY, "plenary", t->gid);
    return 0;
}

#define with(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, three_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with(talk_is_like_real_talk, three_set_up),
        with(not_without_the_key, three_set_up),
        with(late_message, three_set_up),
        with(laggard_and_forged_commit, three_set_up),
        with(impostor_group_too_early, four),
        with(impostor_group_shown_to_a_joiner, four),
        with(impostor_group_shown_to_who_was_there, three_set_up),
        with(key_package_under_an_old_voucher, three_set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
