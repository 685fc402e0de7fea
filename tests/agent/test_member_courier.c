/*
 * tests/agent/test_member_courier.c - a hostile member and courier keys: it commits one that others
 * have not confirmed, and confirms in their names. All honest agents hold the key in question, so
 * that it is the rule and not the missing key that stops it.
 */
#include "agent/channel/courier.h"

#include "base/mem.h"

#include "trial.h"

#define TRIAL(f) cmocka_unit_test_setup_teardown(f, trial_set_up, trial_tear_down)

/* A key of red's that all hold. */
static void
key_with_all(struct trial *t, uint8_t id[static 32], struct dt_secret *key)
{
    uint8_t got[32];

    ok(dt_agent_courier_new(EVIL(t), t->gid, id));
    ok(dt_agent_courier_key(EVIL(t), t->gid, id, key));
    for (size_t i = 0; i < 2; i++)
        ok(dt_agent_courier_take(t->a[i], t->gid, dt_secret_view(key), got));
}

/* ${who}'s seat confirms ${id}, signed by ${by}. */
static struct dt_courier_ack
ack_of(struct trial *t, struct dt_agent *who, struct dt_agent *by, const uint8_t id[static 32])
{
    const struct dt_courier_channel c = dt_agent_courier_channel(who, t->gid);
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_courier_ack x;

    ok(dt_channel_load(who, t->gid, &ch));
    memcpy(x.key_id, id, 32);
    memcpy(x.invitation_id, ch.invitation_id, 16);
    ok(dt_courier_ack_sign(&c, &x, dt_secret_view(&by->delegate_seed)));
    return x;
}

/* What red's ground says. */
struct claim {
    const uint8_t *named; /* the key's id */
    const struct dt_courier_ack *acks;
    size_t n;
    struct dt_agent *who;    /* whose seat it names */
    struct dt_agent *letter; /* and whose letter */
    struct dt_agent *also;   /* there is another ground, which names this one's; NULL: none */
};

static void
commit_claiming(struct trial *t, const uint8_t id[static 32], struct dt_view key,
                const struct claim *c, const char *why)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(4096);
    struct mls_psk psk = {.id = dt_view(id, 32), .value = key};
    struct mls_commit_opts opts = {.psks = {&psk, 1}, .force_path = true};
    struct dt_courier_ground x = {.renew_ms = 1};
    struct dt_warrant w = {.n_grounds = c->also != NULL ? 2 : 1};

    for (size_t i = 0; i < c->n; i++)
        ok(dt_courier_acks_add(&list, &c->acks[i]));
    memcpy(x.key_id, c->named, 32);
    x.acks = dt_buf_view(&list);
    ok(dt_courier_ground_encode(&x, &body));
    for (size_t i = 0; i < w.n_grounds; i++) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

        ok(dt_channel_load(i == 0 ? c->who : c->also, t->gid, &ch));
        w.grounds[i].kind = DT_GROUND_COURIER;
        memcpy(w.grounds[i].invitation_id, ch.invitation_id, 16);
        memcpy(w.grounds[i].letter_hash, c->letter->letter.hash, 32);
        w.grounds[i].body = dt_buf_view(&body);
    }
    trial_use_warrant(t, &w, &opts);
    trial_post(t, &opts);
    trial_passed_over(t, why);
}

/* Red commits ${key} with these confirmations. ${named}: the id in the ground. */
static void
commit_with(struct trial *t, const uint8_t id[static 32], const uint8_t named[static 32],
            struct dt_view key, const struct dt_courier_ack *acks, size_t n, const char *why)
{
    const struct claim c = {
        .named = named, .acks = acks, .n = n, .who = EVIL(t), .letter = EVIL(t)};

    commit_claiming(t, id, key, &c, why);
}

/* All have confirmed it: it is the ground that is wrong. */
static void
ground_of_another(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct dt_courier_ack acks[3];
    struct claim c = {.acks = acks, .n = 3, .who = t->a[1], .letter = t->a[1]};
    uint8_t id[32];

    key_with_all(t, id, &key);
    c.named = id;
    for (size_t i = 0; i < 3; i++)
        acks[i] = ack_of(t, t->a[i], t->a[i], id);
    commit_claiming(t, id, dt_secret_view(&key), &c, "does not name its committer");
    c.who = EVIL(t); /* red's seat and blue's letter */
    commit_claiming(t, id, dt_secret_view(&key), &c, "does not name its committer");
    c.letter = EVIL(t);
    c.also = t->a[1];
    commit_claiming(t, id, dt_secret_view(&key), &c, "has other grounds");
}

static void
without_confirmations(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct dt_courier_ack acks[3];
    uint8_t id[32], wrong[32] = {1};
    struct mls_psk psk;
    struct mls_commit_opts opts = {.psks = {&psk, 1}, .force_path = true};

    key_with_all(t, id, &key);
    psk = (struct mls_psk){.id = dt_view_of(id), .value = dt_secret_view(&key)};
    trial_post(t, &opts);
    trial_passed_over(t, "without a warrant");
    for (size_t i = 0; i < 3; i++)
        acks[i] = ack_of(t, t->a[i], EVIL(t), id); /* all signed by red */
    commit_with(t, id, id, dt_secret_view(&key), acks + 2, 1, "1 of 3 members");
    commit_with(t, id, id, dt_secret_view(&key), acks, 3, "confirmation");
    commit_with(t, id, wrong, dt_secret_view(&key), acks + 2, 1, "another courier key");
    /* What was really confirmed by all, but for another key. */
    for (size_t i = 0; i < 3; i++)
        acks[i] = ack_of(t, t->a[i], t->a[i], wrong);
    commit_with(t, id, id, dt_secret_view(&key), acks, 3, "confirmation");
    /* One of them by who is no member, in the place of one who is. */
    for (size_t i = 0; i < 3; i++)
        acks[i] = ack_of(t, t->a[i], t->a[i], id);
    acks[0].invitation_id[0] ^= 1;
    commit_with(t, id, id, dt_secret_view(&key), acks, 3, "by who is no member");
}

/* Honest ones that lack the key pass over what red commits without them, and lose nothing. */
static void
key_that_others_lack(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct dt_courier_ack ack;
    uint8_t id[32];

    ok(dt_agent_courier_new(EVIL(t), t->gid, id));
    ok(dt_agent_courier_key(EVIL(t), t->gid, id, &key));
    ack = ack_of(t, EVIL(t), EVIL(t), id);
    commit_with(t, id, id, dt_secret_view(&key), &ack, 1, "not held here");
}

/* Two keys at once; one with an Add; and somebody else's ground. */
static void
with_something_else(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0}, second = {0};
    struct dt_view add = dt_buf_view(&t->admission.key_package);
    struct dt_warrant w = mb_add_ground(&t->admission, dt_buf_view(&t->admission.approvals));
    uint8_t id[32], id2[32];
    struct mls_psk psks[2];
    struct mls_commit_opts opts = {.psks = {psks, 2}, .force_path = true};

    key_with_all(t, id, &key);
    key_with_all(t, id2, &second);
    psks[0] = (struct mls_psk){.id = dt_view_of(id), .value = dt_secret_view(&key)};
    psks[1] = (struct mls_psk){.id = dt_view_of(id2), .value = dt_secret_view(&second)};
    trial_post(t, &opts);
    trial_passed_over(t, "no courier key");
    opts =
        (struct mls_commit_opts){.psks = {psks, 1}, .adds = &add, .n_adds = 1, .force_path = true};
    trial_use_warrant(t, &w, &opts);
    trial_post(t, &opts);
    trial_passed_over(t, "with something else");
    /* A warrant of real approvals, for a Commit that brings in a key. */
    opts = (struct mls_commit_opts){.psks = {psks, 1}, .force_path = true};
    trial_use_warrant(t, &w, &opts);
    trial_post(t, &opts);
    trial_passed_over(t, "has other grounds");
}

/* What all confirmed and blue committed, which red commits again: the others have it no more, and
 * do not take it in again. */
static void
used_again(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct dt_courier_ack acks[3];
    struct dt_courier_info *v = NULL;
    uint8_t id[32], got[32];
    size_t n = 0;

    key_with_all(t, id, &key);
    for (size_t i = 0; i < 3; i++) {
        acks[i] = ack_of(t, t->a[i], t->a[i], id);
        ok(dt_agent_courier_confirm(t->a[i], t->gid, id));
    }
    world_sync(t->a, 3, 3);
    ok(dt_agent_courier_commit(t->a[1], t->gid, id, DT_MS_DAY));
    world_sync(t->a, 3, 3);
    for (size_t i = 0; i < 3; i++) {
        is(dt_agent_courier_take(t->a[i], t->gid, dt_secret_view(&key), got), DT_ERR_REFUSED);
        assert_non_null(strstr(dt_err_message(), "was used in this channel already"));
        ok(dt_agent_courier_keys(t->a[i], t->gid, &v, &n));
        is(n, 0);
        dt_free(v);
    }
    commit_with(t, id, id, dt_secret_view(&key), acks, 3, "not held here");
}

/* "I hold it", in the name of blue: told, and not counted. */
static void
confirms_for_another(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(256);
    struct dt_payload p = {.kind = DT_PAYLOAD_COURIER, .sent_ms = 1, .id = {7}};
    struct dt_courier_info *v = NULL;
    struct dt_courier_ack x;
    uint8_t id[32];
    size_t n = 0;

    key_with_all(t, id, &key);
    x = ack_of(t, t->a[1], EVIL(t), id);
    ok(dt_courier_ack_encode(&x, &body));
    p.courier = dt_buf_view(&body);
    trial_before(t);
    ok(dt_channel_send(EVIL(t), t->gid, &p));
    ok(dt_agent_sync(EVIL(t), NULL));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "in another's name");
    ok(dt_agent_courier_keys(t->a[0], t->gid, &v, &n));
    is(n, 1);
    is(v[0].confirmations, 0);
    dt_free(v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(without_confirmations), TRIAL(key_that_others_lack), TRIAL(with_something_else),
        TRIAL(ground_of_another),     TRIAL(used_again),           TRIAL(confirms_for_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
