/*
 * tests/record/test_amendment.c - amendments: one encoding, the chain, every root's signature, the
 * charter that comes of it, and proofs under registers that ended and the one in force.
 */
#include "amended.h"

#include "log/policy.h"

#include "amendment_v1.inc"

static struct world w;
static struct tlog_signer log_before, log_after; /* the registers' keys: before and after */
static struct dt_buf vkeys;                      /* of the new charter part */

#define LATER "register.example/new"

/* The part of a charter with ${log} in the place of the lost one; views go to ${into}. */
static void
new_part(const struct tlog_signer *log, struct dt_buf *into, struct dt_charter *out)
{
    fill_charter(&w, into, out);
    into->n = 0;
    ok(tlog_vkey_write(&log->vkey, into));
    out->register_vkey = dt_buf_view(into);
    out->register_origin = str(log->vkey.name);
    out->register_path = str("/r/new");
    out->relays[0] = str("https://second.example");
    for (size_t i = 0; i < out->n_witnesses; i++)
        out->witnesses[i].vkey = w.charter.witnesses[i].vkey;
}

static void
draft(const struct dt_charter *c, struct dt_amendment *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf into = DT_BUF_INIT(8192);
    struct dt_charter next;
    const struct dt_amendment_parts parts = {.next = &next,
                                             .author = MEDIATOR,
                                             .last_size = w.n_entries,
                                             .last_root = root_of_entries(&w),
                                             .made_ms = WORLD_START + 5 * DAY};

    new_part(&log_after, &into, &next);
    ok(dt_amendment_draft(c, &parts, out));
}

static void
sign_all(struct dt_amendment *am, const struct dt_charter *c)
{
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        ok(dt_amendment_sign(am, c, seed_view(w.root_seed[i])));
}

static void
amend(struct dt_charter *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};

    draft(c, &am);
    sign_all(&am, c);
    ok(dt_amendment_encode(&am, &bytes));
    ok(dt_charter_amend(c, dt_buf_view(&bytes)));
}

static int
set_up(void **state)
{
    (void)state;
    w.log = log_before;
    enter(&w, 5);
    return 0;
}

static void
test_sign_and_merge(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX), again = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0}, got = {0}, other = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    uint8_t seal[32], want[32], forum[32];

    (void)state;
    copy_of(&w.charter, &c);
    draft(&c, &am);
    assert_int_equal(am.number, 1);
    assert_memory_equal(am.previous, w.forum, 32);
    assert_int_equal(dt_amendment_complete(&am, &c), DT_ERR_STATE);
    assert_int_equal(dt_amendment_seal(&am, &c, seal), DT_ERR_STATE);
    assert_int_equal(dt_amendment_sign(&am, &c, seed_view(w.delegate_seed[0])), DT_ERR_NOT_FOUND);
    ok(dt_amendment_sign(&am, &c, seed_view(w.root_seed[RUSSIA])));
    ok(dt_amendment_encode(&am, &bytes));
    ok(dt_amendment_decode(dt_buf_view(&bytes), &got));
    ok(dt_amendment_decode(dt_buf_view(&bytes), &other));
    ok(dt_amendment_check(&got, &c));
    assert_int_equal(dt_amendment_complete(&got, &c), DT_ERR_STATE);
    assert_non_null(strstr(dt_err_message(), "United States"));
    assert_int_equal(dt_charter_amend(&c, dt_buf_view(&bytes)), DT_ERR_STATE);
    assert_int_equal(c.n_former, 0);
    ok(dt_amendment_sign(&got, &c, seed_view(w.root_seed[US])));
    ok(dt_amendment_sign(&other, &c, seed_view(w.root_seed[MEDIATOR])));
    ok(dt_amendment_merge(&got, &other));
    ok(dt_amendment_complete(&got, &c));
    ok(dt_seal(got.commitment, w.charter.parties[MEDIATOR].root, got.signature[MEDIATOR], want));
    ok(dt_amendment_seal(&got, &c, seal));
    assert_memory_equal(seal, want, 32);
    dt_amendment_clear(&other);
    draft(&c, &other);
    assert_int_equal(dt_amendment_merge(&got, &other), DT_ERR_CONFLICT);
    ok(dt_amendment_encode(&got, &again));
    ok(dt_charter_amend(&c, dt_buf_view(&again)));
    ok(dt_charter_forum_id(&c, forum));
    assert_memory_equal(forum, w.forum, 32); /* for ever */
    ok(dt_charter_verify(&c));
    assert_int_equal(dt_charter_amend(&c, dt_buf_view(&again)), DT_ERR_EXISTS);
    assert_int_equal(c.n_former, 1);
    assert_true(dt_view_equal(c.register_origin, str(LATER)));
    assert_true(dt_view_equal(dt_charter_founded(&c)->register_origin, str(ORIGIN)));
}

static void
test_bits(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX), again = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};

    (void)state;
    copy_of(&w.charter, &c);
    draft(&c, &am);
    sign_all(&am, &c);
    ok(dt_amendment_encode(&am, &bytes));
    dt_amendment_clear(&am);
    ok(dt_amendment_decode(dt_buf_view(&bytes), &am));
    ok(dt_amendment_encode(&am, &again));
    assert_true(dt_view_equal(dt_buf_view(&bytes), dt_buf_view(&again)));
    for (size_t bit = 0; bit < bytes.n * 8; bit += EVERY_BIT) {
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dt_charter_amend(&c, dt_buf_view(&bytes)) == DT_OK)
            fail_msg("bit %zu changed, and accepted", bit);
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < bytes.n; n += EVERY_BIT)
        assert_int_not_equal(dt_charter_amend(&c, dt_view(bytes.p, n)), DT_OK);
    ok(dt_buf_append(&bytes, str("x")));
    assert_int_equal(dt_charter_amend(&c, dt_buf_view(&bytes)), DT_ERR_FORMAT);
    assert_int_equal(c.n_former, 0);
    bytes.n--;
    ok(dt_charter_amend(&c, dt_buf_view(&bytes)));
}

#define REFUSED(want, change)                                                                      \
    do {                                                                                           \
        new_part(&log_after, &into, &next);                                                        \
        parts = (struct dt_amendment_parts){                                                       \
            .next = &next, .last_size = w.n_entries, .last_root = root_of_entries(&w)};            \
        change;                                                                                    \
        if (dt_amendment_draft(&c, &parts, &am) != (want))                                         \
            fail_msg("not refused as it should be: %s", #change);                                  \
    } while (0)

static void
test_rules(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf into = DT_BUF_INIT(8192), bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0}, stranger = {0};
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0}, late = {0};
    struct dt_amendment_parts parts;
    struct dt_charter next, another;
    struct tlog_signer third = {0};

    (void)state;
    copy_of(&w.charter, &c);
    REFUSED(DT_ERR_RANGE, parts.author = N_WORLD_PARTIES);
    REFUSED(DT_ERR_RANGE, parts.last_size = 0);
    REFUSED(DT_ERR_RANGE, parts.last_root = tlog_empty_root);
    REFUSED(DT_ERR_RANGE, parts.last_size = UINT64_MAX);
    REFUSED(DT_ERR_RANGE, next.n_relays = 0);
    REFUSED(DT_ERR_RANGE, next.witnesses[0].party = N_WORLD_PARTIES);
    REFUSED(DT_ERR_RANGE, next.quorum_attested = 4);
    REFUSED(DT_ERR_FORMAT, next.relays[0] = str(""));
    REFUSED(DT_ERR_FORMAT, next.register_origin = str("another.example"));
    REFUSED(DT_ERR_CONFLICT, next.register_vkey = c.register_vkey;
            next.register_origin = c.register_origin);

    /* What was drafted before another was taken in is out of the chain. */
    draft(&c, &late);
    sign_all(&late, &c);
    draft(&c, &am);
    sign_all(&am, &c);
    ok(dt_amendment_encode(&am, &bytes));
    ok(dt_charter_amend(&c, dt_buf_view(&bytes)));
    bytes.n = 0;
    ok(dt_amendment_encode(&late, &bytes));
    assert_int_equal(dt_charter_amend(&c, dt_buf_view(&bytes)), DT_ERR_CONFLICT);
    dt_amendment_clear(&am);

    /* The second one: no register comes back, and none of the good entries goes. */
    REFUSED(DT_ERR_CONFLICT, (void)0);
    make_signer("register.example/third", TLOG_KEY_ED25519, 0x33, &third);
    REFUSED(DT_ERR_CONFLICT, new_part(&log_before, &into, &next));
    REFUSED(DT_ERR_CONFLICT, new_part(&third, &into, &next); parts.last_size = 4);
    new_part(&third, &into, &next);
    parts = (struct dt_amendment_parts){
        .next = &next, .last_size = w.n_entries, .last_root = root_of_entries(&w)};
    ok(dt_amendment_draft(&c, &parts, &am));
    assert_int_equal(am.number, 2);
    assert_memory_equal(am.previous, c.former[0].commitment, 32);
    sign_all(&am, &c);

    /* Of another forum. */
    fill_charter(&w, &vkeys, &another);
    another.title = str("Another forum");
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        ok(dt_charter_sign(&another, seed_view(w.root_seed[i])));
    bytes.n = 0;
    ok(dt_charter_encode(&another, &bytes));
    ok(dt_charter_decode(dt_buf_view(&bytes), &stranger));
    bytes.n = 0;
    ok(dt_amendment_encode(&late, &bytes));
    assert_int_equal(dt_charter_amend(&stranger, dt_buf_view(&bytes)), DT_ERR_AUTH);

    /* And both in one charter. */
    bytes.n = 0;
    ok(dt_amendment_encode(&am, &bytes));
    ok(dt_charter_amend(&c, dt_buf_view(&bytes)));
    dt_charter_clear(&stranger);
    copy_of(&c, &stranger);
    assert_int_equal(stranger.n_former, 2);
    assert_true(dt_view_equal(stranger.register_origin, str("register.example/third")));
    assert_true(dt_view_equal(stranger.former[1].was.register_origin, str(LATER)));
    tlog_signer_clear(&third);
}

/* Two first amendments were drafted: the second of the one branch does not follow the other. */
static void
test_branches(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf into = DT_BUF_INIT(8192), bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_charter_clear) struct dt_charter one = {0}, other = {0};
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    struct tlog_signer third = {0};
    struct dt_charter next;
    struct dt_amendment_parts parts = {
        .next = &next, .last_size = w.n_entries, .last_root = root_of_entries(&w)};

    (void)state;
    copy_of(&w.charter, &one);
    copy_of(&w.charter, &other);
    amend(&one);
    amend(&other);
    make_signer("register.example/third", TLOG_KEY_ED25519, 0x33, &third);
    new_part(&third, &into, &next);
    ok(dt_amendment_draft(&one, &parts, &am));
    sign_all(&am, &one);
    ok(dt_amendment_encode(&am, &bytes));
    assert_int_equal(dt_charter_amend(&other, dt_buf_view(&bytes)), DT_ERR_CONFLICT);
    assert_non_null(strstr(dt_err_message(), "does not follow"));
    ok(dt_charter_amend(&one, dt_buf_view(&bytes)));
    tlog_signer_clear(&third);
}

/* A field that no amendment has would be signed and said by nobody. */
static void
test_other_fields(void **state)
{
    static const size_t absent[] = {DT_SLOT_CHANNEL, DT_SLOT_CARRIED};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0}, got = {0};

    (void)state;
    draft(&w.charter, &am);
    for (size_t i = 0; i < 2; i++) {
        am.slots[absent[i]] = (struct dt_slot){.kind = DT_SLOT_VALUE,
                                               .name = am.slots[absent[i]].name,
                                               .type = am.slots[absent[i]].type,
                                               .value = dt_view_of(w.channel)};
        bytes.n = 0;
        ok(dt_amendment_encode(&am, &bytes));
        assert_int_equal(dt_amendment_decode(dt_buf_view(&bytes), &got), DT_ERR_FORMAT);
        assert_non_null(strstr(dt_err_message(), "not the fields of an amendment"));
        am.slots[absent[i]].kind = DT_SLOT_PAD;
        am.slots[absent[i]].value = dt_view(NULL, 0);
    }
    am.slots[DT_SLOT_TIME].kind = DT_SLOT_PAD;
    am.slots[DT_SLOT_TIME].value = dt_view(NULL, 0);
    bytes.n = 0;
    ok(dt_amendment_encode(&am, &bytes));
    assert_int_equal(dt_amendment_decode(dt_buf_view(&bytes), &got), DT_ERR_FORMAT);
}

/* ---- proofs ---- */

static void
verify(struct proving *p)
{
    const struct dt_verify_in in = {.forum = w.forum, .now_ms = NOW, .templates = w.templates};

    dt_verdict_clear(&p->v);
    ok(dt_proof_verify(dt_buf_view(&p->file), &in, &p->v));
}

/* The version of the structure: behind the first line, in base64. */
static void
version_is(const struct proving *p, uint16_t version)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);

    ok(dt_base64_read(&b, dt_view(p->file.p + 16, 4)));
    assert_int_equal(b.p[0] << 8 | b.p[1], version);
}

/* An entry shown under the register that ended, by its checkpoint of before. */
static void
test_proof_of_before(void **state)
{
    DT_CLEANUP(proving_clear) struct proving p;
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    index = world_enter(&w, p.contact.seal);
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    ok(build(&p));
    version_is(&p, 2);
    enter(&w, 5);
    (void)world_enter(&w, p.contact.seal);
    amend(&p.charter);
    ok(build(&p));
    version_is(&p, 3);
    verify(&p);
    assert_int_equal(p.v.code, DT_VERDICT_WITHOUT_CONSENT);
    assert_int_equal(p.v.records[0].state, DT_ENTRY_ATTESTED);
    assert_int_equal(p.v.records[0].ended_by, 1);
    says(&p, "amendment 1, signed by all roots: the register was replaced at entry 6");
    says(&p, "entry 5 of the register that amendment 1 ended, entered 2025-11-25");
    assert_true(dt_view_equal(p.v.charter->register_origin, str(LATER)));
    for (size_t at = 16; at < p.file.n; at += 37) { /* no character of it can change */
        uint8_t was = p.file.p[at];

        p.file.p[at] = was == 'A' ? 'B' : 'A';
        verify(&p);
        assert_int_equal(p.v.code, DT_VERDICT_REFUSED);
        p.file.p[at] = was;
    }
}

/* The thief of the old key, with the witnesses of before in the same hands, goes on signing. */
static void
test_proof_of_a_thief(void **state)
{
    DT_CLEANUP(proving_clear) struct proving p;
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    amend(&p.charter);
    index = world_enter(&w, p.contact.seal); /* behind the last good size */
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    assert_int_equal(build(&p), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "its checkpoint has 6 entries, and amendment 1 says "
                                             "that only the first 5 of that register count"));
    enter(&w, 4); /* or in another tree of that size */
    index = world_enter(&w, p.contact.seal);
    p.tlog_proof.n = 0;
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    assert_int_equal(build(&p), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "has not the root that amendment 1 names"));
}

static void
test_proof_of_after(void **state)
{
    DT_CLEANUP(proving_clear) struct proving p;
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    amend(&p.charter);
    w.log = log_after;
    index = world_enter(&w, p.contact.seal);
    world_prove(&w, index, 7, WORLD_START + 6 * DAY, &p.tlog_proof);
    ok(build(&p));
    verify(&p);
    assert_int_equal(p.v.records[0].state, DT_ENTRY_ATTESTED);
    assert_int_equal(p.v.records[0].ended_by, 0);
    assert_int_equal(p.v.records[0].entry, 5);
    says(&p, "time: entry 5, entered 2025-11-28");
    /* Without the amendment nobody knows that register. */
    dt_charter_clear(&p.charter);
    copy_of(&w.charter, &p.charter);
    assert_int_equal(build(&p), DT_ERR_REFUSED);
}

/* The thief opens under the charter as it was founded, and leaves the amendment out. Who knows of
 * it is not taken in. */
static void
test_proof_that_leaves_out(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    DT_CLEANUP(dt_charter_clear) struct dt_charter amended = {0};
    struct dt_verify_in in = {.forum = w.forum, .now_ms = NOW, .templates = w.templates};
    DT_CLEANUP(proving_clear) struct proving p;
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    copy_of(&w.charter, &amended);
    amend(&amended);
    index = world_enter(&w, p.contact.seal);
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    ok(build(&p));
    verify(&p);
    assert_int_equal(p.v.code, DT_VERDICT_WITHOUT_CONSENT); /* it cannot know better */
    ok(dt_charter_amendments(&amended, &list));
    in.amendments = dt_buf_view(&list);
    dt_verdict_clear(&p.v);
    ok(dt_proof_verify(dt_buf_view(&p.file), &in, &p.v));
    assert_int_equal(p.v.code, DT_VERDICT_REFUSED);
    assert_non_null(memmem(p.v.reason.p, p.v.reason.n, "amendment 1 says", 16));
    /* Where the file has it, knowing it changes nothing. */
    dt_charter_clear(&p.charter);
    copy_of(&amended, &p.charter);
    w.log = log_after;
    p.tlog_proof.n = 0;
    world_prove(&w, index, 7, WORLD_START + 6 * DAY, &p.tlog_proof);
    ok(build(&p));
    dt_verdict_clear(&p.v);
    ok(dt_proof_verify(dt_buf_view(&p.file), &in, &p.v));
    assert_int_equal(p.v.code, DT_VERDICT_WITHOUT_CONSENT);
    /* An altered one is no reason to believe anything. */
    list.p[40] ^= 1;
    in.amendments = dt_buf_view(&list);
    dt_verdict_clear(&p.v);
    ok(dt_proof_verify(dt_buf_view(&p.file), &in, &p.v));
    assert_int_equal(p.v.code, DT_VERDICT_REFUSED);
}

/* ---- golden bytes ---- */

static void
test_golden(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    uint8_t seal[32];
    char hex[65];

    (void)state;
    for (size_t i = 0; i < sizeof amendment_v1 / sizeof amendment_v1[0]; i++)
        ok(dt_hex_read(&bytes, str(amendment_v1[i])));
    copy_of(&w.charter, &c);
    ok(dt_amendment_decode(dt_buf_view(&bytes), &am));
    ok(dt_amendment_check(&am, &c));
    dt_hex_str(hex, dt_view_of(am.commitment));
    assert_string_equal(hex, AMENDMENT_V1_COMMITMENT);
    ok(dt_amendment_seal(&am, &c, seal));
    dt_hex_str(hex, dt_view_of(seal));
    assert_string_equal(hex, AMENDMENT_V1_SEAL);
    ok(dt_charter_amend(&c, dt_buf_view(&bytes)));
    assert_int_equal(c.former[0].last_size, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sign_and_merge, set_up),
        cmocka_unit_test_setup(test_bits, set_up),
        cmocka_unit_test_setup(test_rules, set_up),
        cmocka_unit_test_setup(test_branches, set_up),
        cmocka_unit_test_setup(test_other_fields, set_up),
        cmocka_unit_test_setup(test_proof_of_before, set_up),
        cmocka_unit_test_setup(test_proof_of_a_thief, set_up),
        cmocka_unit_test_setup(test_proof_of_after, set_up),
        cmocka_unit_test_setup(test_proof_that_leaves_out, set_up),
        cmocka_unit_test_setup(test_golden, set_up),
    };
    int failed;

    world_init(&w);
    log_before = w.log;
    make_signer(LATER, TLOG_KEY_ED25519, 0x31, &log_after);
    dt_buf_init(&vkeys, 8192);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    w.log = log_before;
    tlog_signer_clear(&log_after);
    dt_buf_clear(&vkeys);
    world_clear(&w);
    return failed;
}
