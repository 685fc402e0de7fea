/*
 * tests/agent/test_carry.c - told in another channel with leave of its author, word for word; and
 * not without, whatever a member sends.
 */
#include "agent/records/carry.h"
#include "agent/records/opening.h"
#include "base/mem.h"
#include "misbehave.h"
#include "three.h"

#define FIELDS "title,issue"
#define ISSUE  "Shelling of the bridge on Monday.\nIt has to stop."

/* Two caucuses of the mediator, with blue and with red; and a concern that blue recorded. */
struct caucuses {
    struct three *t;
    struct dt_agent *red_side[2];
    uint8_t blue[32], red[32];
    uint8_t concern[32];
};

static void
rest(struct three *t)
{
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++)
            ok(dt_agent_register_sync(t->a[i], NULL));
        world_sync(t->a, 3, 2);
    }
}

/* ... and everything has its attested entry. */
static void
enter(struct three *t)
{
    rest(t);
    three_cosign(t);
    rest(t);
}

static void
set(struct dt_record_draft *d, const char *name, const char *text, struct dt_agent *a)
{
    ok(dt_record_draft_set_text(d, name, dt_view_str(text), dt_agent_charter(a)));
}

static void
concern(struct dt_agent *a, const uint8_t gid[static 32], uint8_t out[static 32])
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};

    ok(dt_agent_record_draft(a, gid, "concern", &d));
    set(&d, "title", "The bridge", a);
    set(&d, "raised_by", "blue", a);
    set(&d, "issue", ISSUE, a);
    set(&d, "severity", "serious", a);
    set(&d, "wanted", "Not to be told.", a);
    set(&d, "answer_due", "2030-01-01", a);
    set(&d, "state", "open", a);
    ok(dt_agent_record_send(a, gid, &d, out));
}

static void
begin(void **state, struct caucuses *c)
{
    struct three *t = *state;

    c->t = t;
    c->red_side[0] = t->a[0];
    c->red_side[1] = t->a[2];
    world_found(t->a, 2, DT_CHANNEL_CAUCUS, "with blue", c->blue);
    world_found(c->red_side, 2, DT_CHANNEL_CAUCUS, "with red", c->red);
    concern(t->a[1], c->blue, c->concern);
    enter(t);
}

/* Blue lets ${fields} be told in the channel ${to}, for so long. */
static void
leave(struct caucuses *c, const uint8_t to[static 32], const char *fields, uint64_t for_ms)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    char audience[DT_CARRY_AUDIENCE];
    uint64_t slots = 0;
    uint8_t commitment[32];
    struct dt_agent *a = c->t->a[1];

    dt_carry_audience(to, audience);
    ok(dt_agent_answer_draft(a, c->concern, DT_ANSWER_CONSENT, &d, &subject));
    ok(dt_slots_from_names(subject.tmpl, dt_view_str(fields), &slots));
    ok(dt_consent_set(&d, slots, dt_view_str(audience), dt_agent_now(a) + for_ms, DT_CONSENT_NONE));
    ok(dt_agent_record_send(a, c->blue, &d, commitment));
}

/* The last record that red has; its number. */
static size_t
last(struct caucuses *c, struct dt_record *out)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    size_t n;

    ok(dt_agent_facts(c->t->a[2], &f));
    n = f.n;
    if (n > 0)
        ok(dt_agent_record(c->t->a[2], f.records[n - 1].commitment, out));
    return n;
}

static void
with_leave(void **state)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_carried_clear) struct dt_carried x = {0};
    struct caucuses c = {0};
    const struct dt_proof_record *told;
    uint8_t commitment[32];
    size_t slot = 0;

    begin(state, &c);
    leave(&c, c.red, FIELDS, DT_MS_DAY);
    is(dt_agent_carry_draft(c.t->a[0], c.concern, c.red, &d), DT_ERR_REFUSED); /* not here yet */
    rest(c.t);
    enter(c.t);
    ok(dt_agent_carry_draft(c.t->a[0], c.concern, c.red, &d));
    ok(dt_agent_record_send(c.t->a[0], c.red, &d, commitment));
    enter(c.t);
    is(last(&c, &r), 1);
    assert_memory_equal(r.commitment, commitment, 32);
    ok(dt_agent_carried(c.t->a[2], &r, &x));
    is(x.leave, DT_LEAVE_GIVEN);
    assert_string_equal(x.by, "mediator-office");
    assert_string_equal(x.of, "blue");
    told = &x.verdict.records[0];
    assert_memory_equal(told->commitment, c.concern, 32);
    ok(dt_template_slot_find(told->tmpl, dt_view_str("issue"), &slot));
    assert_true(dt_view_equal(told->slots[slot].value, dt_view_str(ISSUE))); /* word for word */
    ok(dt_template_slot_find(told->tmpl, dt_view_str("wanted"), &slot));
    assert_false(told->opened >> slot & 1);
    assert_false(told->opened >> DT_SLOT_CHANNEL & 1); /* nor from which channel */
    three_no_alarms(c.t);
    /* What was told with leave stays so when the leave has ended. */
    dt_carried_clear(&x);
    c.t->w.offset_ms += 2 * DT_MS_DAY;
    ok(dt_agent_carried(c.t->a[2], &r, &x));
    is(x.leave, DT_LEAVE_GIVEN);
    dt_record_draft_clear(&d);
    is(dt_agent_carry_draft(c.t->a[0], c.concern, c.red, &d), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "has ended"));
    /* It is no record of red's channel, and none to be carried on by red without blue's leave. */
    is(dt_agent_record(c.t->a[2], c.concern, &r), DT_ERR_NOT_FOUND);
}

/* What a mediator that keeps no rule would send: a proof of the concern, opened so far. */
static void
make_proof(struct caucuses *c, const char *fields, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf report = DT_BUF_INIT(1u << 20);
    struct dt_opening_params p = {.without_consent = true};

    memcpy(p.commitment, c->concern, 32);
    ok(dt_slots_from_names(dt_templates_get_str(dt_agent_templates(c->t->a[0]), "concern"),
                           dt_view_str(fields), &p.slots));
    ok(dt_agent_open_record(c->t->a[0], &p, &report, out));
}

static void
carried_draft(struct caucuses *c, struct dt_view proof, const uint8_t from[static 32],
              struct dt_record_draft *d)
{
    ok(dt_agent_record_draft(c->t->a[0], c->red, DT_CARRIED_TEMPLATE, d));
    ok(dt_record_draft_set(d, DT_SLOT_CARRIED, dt_view(from, 32)));
    ok(dt_record_draft_set(d, DT_ENVELOPE_SLOTS, proof));
}

/* The honest agent refuses it; sent all the same, red takes it in and is told, and sees why. */
static void
flagged(struct caucuses *c, struct dt_view proof, const uint8_t from[static 32],
        enum dt_carry_leave want, const char *why)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record sent = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record got = {0};
    DT_CLEANUP(dt_carried_clear) struct dt_carried x = {0};
    static const struct mb_record honest;
    struct mb m = {.a = c->t->a[0]};
    uint8_t commitment[32];
    size_t before = last(c, &got), alarms;

    dt_record_clear(&got);
    alarms = three_alarms(c->t, 2, DT_ALARM_CELL, 0, "without leave of its author");
    carried_draft(c, proof, from, &d);
    is(dt_agent_record_send(c->t->a[0], c->red, &d, commitment), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "nothing is carried without leave"));
    memcpy(m.gid, c->red, 32);
    ok(mb_record_make(&m, &d, &honest, &sent));
    ok(mb_record_send(&m, &sent));
    rest(c->t);
    is(last(c, &got), before + 1);
    assert_memory_equal(got.commitment, sent.commitment, 32);
    ok(dt_agent_carried(c->t->a[2], &got, &x));
    is(x.leave, want);
    if (strstr(x.why, why) == NULL)
        fail_msg("expected '%s' in '%s'", why, x.why);
    assert_true(three_alarms(c->t, 2, DT_ALARM_CELL, 0, "without leave of its author") > alarms);
}

static void
without_leave(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf none = DT_BUF_INIT(DT_BYTES_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf more = DT_BUF_INIT(DT_BYTES_MAX);
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    static const uint8_t other[32] = {7};
    struct caucuses c = {0};

    begin(state, &c);
    is(dt_agent_carry_draft(c.t->a[0], c.concern, c.red, &d), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "gave no leave"));
    is(dt_agent_carry_draft(c.t->a[0], c.concern, c.blue, &d), DT_ERR_REFUSED); /* its own */
    make_proof(&c, FIELDS, &none);
    flagged(&c, dt_buf_view(&none), c.concern, DT_LEAVE_MISSING, "blue gave no leave");
    /* Leave for another channel; and leave for less than is told. */
    leave(&c, other, FIELDS, DT_MS_DAY);
    leave(&c, c.red, "title", DT_MS_DAY);
    rest(c.t);
    enter(c.t);
    make_proof(&c, FIELDS, &more);
    flagged(&c, dt_buf_view(&more), c.concern, DT_LEAVE_MISSING, "blue gave no leave");
    /* Not the record that it says, and not whole. */
    flagged(&c, dt_buf_view(&more), other, DT_LEAVE_BROKEN, "another record than it says");
    more.p[more.n / 2] ^= 1;
    flagged(&c, dt_buf_view(&more), c.concern, DT_LEAVE_BROKEN, "its proof is refused");
    flagged(&c, dt_view_str("no proof"), c.concern, DT_LEAVE_BROKEN, "its proof is refused");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(with_leave, three_homes, three_tear_down),
        cmocka_unit_test_setup_teardown(without_leave, three_homes, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
