/*
 * tests/agent/test_member_records.c - a hostile member's records: signed, sealed, sent through the
 * channel as any, and not what they say. Each test has the name of the rule in the design that it
 * breaks; and a proof file made of such is refused.
 */
#include "agent/records/records.h"
#include "base/mem.h"
#include "record/proof.h"
#include "trial.h"

#define TRIAL(f) cmocka_unit_test_setup_teardown(f, trial_set_up, trial_tear_down)

static size_t
records(struct dt_agent *a)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};

    ok(dt_agent_facts(a, &f));
    return f.n;
}

static bool
has(struct dt_agent *a, const uint8_t commitment[static 32])
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};

    return dt_agent_record(a, commitment, &r) == DT_OK;
}

/* Verify what red made of ${items}, as a stranger with the forum id. */
static void
verdict_of(struct trial *t, const struct dt_record *const *items, size_t n, uint64_t slots,
           struct dt_verdict *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    struct dt_verify_in in = {.templates = t->a[0]->templates};

    in.forum = t->a[0]->forum;
    in.now_ms = dt_agent_now(t->a[0]);
    ok(mb_proof(&t->red, items, n, slots, &file));
    ok(dt_proof_verify(dt_buf_view(&file), &in, out));
}

static void
refused(struct trial *t, const struct dt_record *const *items, size_t n, uint64_t slots,
        const char *why)
{
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};

    verdict_of(t, items, n, slots, &v);
    is(v.code, DT_VERDICT_REFUSED);
    ok(dt_buf_append(&v.reason, dt_view_str("\n")));
    v.reason.p[v.reason.n - 1] = '\0';
    if (strstr((const char *)v.reason.p, why) == NULL)
        fail_msg("expected '%s' in '%s'", why, (const char *)v.reason.p);
}

static uint64_t
fields(const struct trial *t, const char *names)
{
    uint64_t slots = 0;

    ok(dt_slots_from_names(dt_templates_get_str(t->a[0]->templates, "contact"), dt_view_str(names),
                           &slots));
    return slots;
}

/* A contact of ours, made and sent by the rules; to all. */
static void
good_contact(struct trial *t, struct mb *by, struct dt_record *out)
{
    static const struct mb_record honest;

    ok(mb_contact(by, &honest, out));
    ok(mb_record_send(by, out));
    world_sync(t->a, 3, 2);
}

/* "A record is shown only in the channel it names; elsewhere as carried": blue's record in a track,
 * which red is in too, sent into the plenary by red. */
static void
records_of_another_channel_replayed(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    struct mb blue = {.a = t->a[1]};
    uint8_t other[32];

    world_found(t->a, 3, DT_CHANNEL_TRACK, "track", other);
    memcpy(blue.gid, other, 32);
    good_contact(t, &blue, &r);
    is(records(t->a[0]), 1);

    trial_before(t);
    ok(mb_replay(&t->red, r.commitment));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "carried here from another channel");
    /* One of red's own, which names the other channel. */
    {
        DT_CLEANUP(dt_record_clear) struct dt_record own = {0};
        const struct mb_record how = {.channel = other};

        trial_before(t);
        ok(mb_contact(&t->red, &how, &own));
        ok(mb_record_send(&t->red, &own));
        trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "carried here from another channel");
        assert_false(has(t->a[0], own.commitment));
    }
    is(records(t->a[0]), 1);
}

/* "A record is signed by the delegate's accredited key": blue as its author, red's signature;
 * blue's own record, sent again by red; red's record under a colleague's letter. */
static void
records_author_field_of_someone_else(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_record_clear) struct dt_record forged = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record blues = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter blue_letter = {0};
    const struct dt_record *item = &forged;
    struct mb blue = {.a = t->a[1]};
    struct mb_record how = {.author = &blue_letter};

    ok(dt_agent_letter_own(t->a[1], &blue_letter));
    trial_before(t);
    ok(mb_contact(&t->red, &how, &forged));
    ok(mb_record_send(&t->red, &forged));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "signature does not hold");
    assert_false(has(t->a[0], forged.commitment));
    refused(t, &item, 1, fields(t, "mode"), "signature");

    /* The slot alone; the key is red's. */
    memcpy(forged.author_key, t->a[2]->delegate_pub, 32);
    trial_before(t);
    ok(mb_record_send(&t->red, &forged));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "not the key that signed");
    refused(t, &item, 1, fields(t, "mode"), "author");

    /* Real, and blue's, and in this channel; but red says it. */
    memcpy(blue.gid, t->gid, 32);
    good_contact(t, &blue, &blues);
    trial_before(t);
    ok(mb_replay(&t->red, blues.commitment));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "its author is not the member who sent it");
    is(records(t->a[0]), 1);
}

/* "Seal = hash of label, commitment, author's key, signature": one whose signature fails, and whose
 * seal stands in the register all the same. */
static void
records_seal_whose_signature_fails(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    const struct mb_record how = {.bad_signature = true};
    const struct dt_record *item = &r;

    trial_before(t);
    ok(mb_contact(&t->red, &how, &r));
    ok(mb_record_send(&t->red, &r));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "signature does not hold");
    assert_false(has(t->a[0], r.commitment));
    refused(t, &item, 1, fields(t, "mode,started_at"), "signature");
}

/* "A consent states the commitment, the slots": red's to fields that the record does not have, or
 * that are no list; and a proof that opens more than was consented to. */
static void
records_consent_to_other_slots(void **state)
{
    struct trial *t = *state;
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record beyond = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record no_list = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record own = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record blues = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record forged = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter blue_letter = {0};
    static const struct mb_record honest;
    struct mb blue = {.a = t->a[1]};
    uint64_t some = fields(t, "mode"), more = fields(t, "mode,started_at");

    memcpy(blue.gid, t->gid, 32);
    good_contact(t, &t->red, &subject);
    is(records(t->a[0]), 1);
    trial_before(t);
    ok(mb_consent(&t->red, &subject, some | UINT64_C(1) << 60, false, &honest, &beyond));
    ok(mb_record_send(&t->red, &beyond));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "slots that the record does not have");
    trial_before(t);
    ok(mb_consent(&t->red, &subject, some, true, &honest, &no_list));
    ok(mb_record_send(&t->red, &no_list));
    trial_passed_over_as(t, 1, DT_ALARM_CELL, true, "ascending");
    is(records(t->a[0]), 1);
    {
        const struct dt_record *items[2] = {&subject, &no_list};

        refused(t, items, 2, some, "slots");
    }

    /* Both consent to one field: that it opens, and not another one. */
    ok(mb_consent(&t->red, &subject, more, false, &honest, &own));
    ok(mb_record_send(&t->red, &own));
    ok(mb_consent(&blue, &subject, some, false, &honest, &blues));
    ok(mb_record_send(&blue, &blues));
    world_sync(t->a, 3, 2);
    is(records(t->a[0]), 3);
    {
        const struct dt_record *items[3] = {&subject, &own, &blues};
        DT_CLEANUP(dt_verdict_clear) struct dt_verdict some_open = {0};
        DT_CLEANUP(dt_verdict_clear) struct dt_verdict more_open = {0};

        verdict_of(t, items, 3, some, &some_open);
        is(some_open.code, DT_VERDICT_VERIFIED);
        verdict_of(t, items, 3, more, &more_open);
        is(more_open.code, DT_VERDICT_WITHOUT_CONSENT);
        assert_true(more_open.parties[RED].consent);
        assert_false(more_open.parties[BLUE].consent);
    }
    /* And blue's consent to all of it, by red. */
    ok(dt_agent_letter_own(t->a[1], &blue_letter));
    {
        const struct mb_record how = {.author = &blue_letter};
        const struct dt_record *items[3] = {&subject, &own, &forged};

        ok(mb_consent(&t->red, &subject, more, false, &how, &forged));
        refused(t, items, 3, more, "signature");
    }
    trial_before(t);
    trial_goes_on(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(records_of_another_channel_replayed),
        TRIAL(records_author_field_of_someone_else),
        TRIAL(records_seal_whose_signature_fails),
        TRIAL(records_consent_to_other_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
