/*
 * tests/record/test_record.c - records, their field tree, and the six answers.
 */
#include "record/trace.h"

#include "fixture.h"

#include "log/tree.h"

static struct world w;

static void
contact(size_t party, struct dt_record *out)
{
    make_contact(&w, party, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", out);
}

static void
test_round_trip_and_bits(void **state)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf a = DT_BUF_INIT(DT_RECORD_MAX), b = DT_BUF_INIT(DT_RECORD_MAX);
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0}, got = {0};

    (void)state;
    contact(US, &r);
    ok(dt_record_encode(&r, &a));
    ok(dt_record_decode(dt_buf_view(&a), w.templates, &got));
    ok(dt_record_encode(&got, &b));
    assert_true(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b)));
    assert_memory_equal(got.commitment, r.commitment, 32);
    assert_memory_equal(got.seal, r.seal, 32);
    dt_record_clear(&got);
    for (size_t bit = 0; bit < a.n * 8; bit++) {
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dt_record_decode(dt_buf_view(&a), w.templates, &got) == DT_OK)
            fail_msg("bit %zu changed, and accepted", bit);
        a.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < a.n; n += 3)
        assert_int_not_equal(dt_record_decode(dt_view(a.p, n), w.templates, &got), DT_OK);
}

static void
test_show(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(1024);
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};

    (void)state;
    contact(US, &r);
    assert_non_null(dt_record_get(&r, "parties"));
    assert_null(dt_record_get(&r, "place"));
    assert_null(dt_record_get(&r, "nothing"));
    ok(dt_record_text(&r, 10, &w.charter, &text));
    assert_true(dt_view_equal(dt_buf_view(&text), str("United States;Russia")));
}

static void
test_author(void **state)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0}, c = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter narrow = {0};
    struct dt_record_draft d;

    (void)state;
    contact(US, &r);
    ok(dt_record_check_author(&r, &w.charter, &w.letter[US], WORLD_START + DAY));
    ok(dt_record_check_author(&r, &w.charter, &w.letter[US], 0));
    assert_int_equal(dt_record_check_author(&r, &w.charter, &w.letter[RUSSIA], 0), DT_ERR_AUTH);
    assert_int_equal(dt_record_check_author(&r, &w.charter, &w.letter[US], WORLD_START - DAY),
                     DT_ERR_EXPIRED);
    assert_int_equal(dt_record_check_author(&r, &w.charter, &w.letter[US], WORLD_START + 400 * DAY),
                     DT_ERR_EXPIRED);
    ok(dt_record_check_channel(&r, w.channel));
    assert_int_equal(dt_record_check_channel(&r, w.forum), DT_ERR_REFUSED);
    /* A letter without the right. */
    issue_letter(&w, US, DT_RIGHT_BIT(DT_RIGHT_TALK) | DT_RIGHT_BIT(DT_RIGHT_RECORD), WORLD_START,
                 WORLD_START + DAY, &narrow);
    assert_int_equal(dt_record_check_author(&r, &w.charter, &narrow, 0),
                     DT_ERR_AUTH); /* another letter */
    ok(dt_answer_draft(&d, w.templates, DT_ANSWER_CONSENT, &r, &narrow, WORLD_START));
    ok(dt_consent_set(&d, 0x100, str("public"), WORLD_START + DAY, DT_CONSENT_NONE));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &c));
    dt_record_draft_clear(&d);
    assert_int_equal(dt_record_check_author(&c, &w.charter, &narrow, 0), DT_ERR_REFUSED);
}

static void
test_draft_refused(void **state)
{
    struct dt_record_draft d;
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};

    (void)state;
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "contact"), &w.letter[US],
                            w.channel, WORLD_START));
    assert_int_equal(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), "mode"));
    assert_int_equal(dt_record_draft_set_text(&d, "mode", str("telepathy"), NULL), DT_ERR_FORMAT);
    assert_non_null(strstr(dt_err_message(), "through_third_party"));
    assert_int_equal(dt_record_draft_set_text(&d, "colour", str("red"), NULL), DT_ERR_NOT_FOUND);
    assert_int_not_equal(dt_record_draft_set(&d, DT_SLOT_DESTROY, str("x")), DT_OK);
    assert_int_not_equal(dt_record_draft_set(&d, 31, str("x")), DT_OK);
    assert_int_equal(dt_record_draft_set(&d, 32, str("x")), DT_ERR_RANGE);
    ok(dt_record_draft_refer(&d, DT_REFERENCE_CLAIM, str("c10")));
    assert_int_equal(dt_record_draft_refer(&d, DT_REFERENCE_TALK, str("short")), DT_ERR_FORMAT);
    dt_record_draft_clear(&d);
    /* The key of another than the letter's. */
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "cover"), &w.letter[US],
                            w.channel, WORLD_START));
    assert_int_equal(dt_record_make(&d, seed_view(w.delegate_seed[RUSSIA]), &r), DT_ERR_RANGE);
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r));
    dt_record_draft_clear(&d);
}

/* A record under a template that has the known id and another hash, or that is not known. */
static void
test_wrong_template(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf a = DT_BUF_INIT(DT_RECORD_MAX);
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0}, got = {0};
    struct dt_template *t = NULL;
    struct dt_record_draft d;

    (void)state;
    ok(dt_template_from_json(
        str("{\"id\":\"contact\",\"title\":\"X\",\"fields\":[{\"name\":\"a\",\"type\":\"text\"}],"
            "\"deadline\":{\"rule\":\"none\"},\"default_disclosure\":\"type\"}"),
        &t));
    ok(dt_record_draft_init(&d, t, &w.letter[US], w.channel, WORLD_START));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r));
    ok(dt_record_encode(&r, &a));
    assert_int_equal(dt_record_decode(dt_buf_view(&a), w.templates, &got), DT_ERR_UNSUPPORTED);
    dt_record_draft_clear(&d);
    dt_template_free(t);
}

/* Leaves of the opened slots ${mask} into ${leaves}. */
static void
leaves_of(const struct dt_record *r, uint64_t mask, uint8_t salts[DT_SLOTS_MAX][32],
          struct tlog_hash leaves[DT_SLOTS_MAX])
{
    for (size_t i = 0; i < r->header.n_slots; i++) {
        struct dt_opening o = {.index = (uint8_t)i, .slot = r->slots[i]};

        memcpy(o.salt, salts[i], 32);
        if ((mask >> i & 1) != 0)
            ok(dt_opening_leaf(&r->header, &o, &leaves[i]));
    }
}

/* Do the slots ${mask} lead to the commitment, with as many other hashes as ${n_nodes}? */
static void
opens(const struct dt_record *r, uint64_t mask, size_t n_nodes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf nodes = DT_BUF_INIT(1024);
    struct tlog_hash leaves[DT_SLOTS_MAX];
    uint8_t salts[DT_SLOTS_MAX][32], root[32], ctx[32], commitment[32];

    ok(dt_fields_open(&r->header, r->slots, dt_secret_view(&r->secret), mask, salts, &nodes));
    assert_int_equal(nodes.n, 32 * n_nodes);
    leaves_of(r, mask, salts, leaves);
    ok(dt_openings_root(32, mask, leaves, dt_buf_view(&nodes), root));
    ok(dt_header_ctx(&r->header, ctx));
    ok(dt_fields_commitment(ctx, root, commitment));
    assert_memory_equal(commitment, r->commitment, 32);
    /* One hash fewer or more is not taken. */
    ok(dt_buf_append(&nodes, dt_view(root, 32)));
    leaves_of(r, mask, salts, leaves);
    assert_int_equal(dt_openings_root(32, mask, leaves, dt_buf_view(&nodes), root), DT_ERR_RANGE);
    if (n_nodes > 0) {
        leaves_of(r, mask, salts, leaves);
        assert_int_equal(
            dt_openings_root(32, mask, leaves, dt_view(nodes.p, 32 * (n_nodes - 1)), root),
            DT_ERR_RANGE);
    }
}

/* The tree of the field tree is RFC 6962's, salts differ, and openings, alone and together, lead to
 * the commitment. */
static void
test_openings(void **state)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf nodes = DT_BUF_INIT(1024);
    struct tlog_hash leaves[DT_SLOTS_MAX], leaf, root6962;
    uint8_t salts[DT_SLOTS_MAX][32], root[32], ctx[32], commitment[32];

    (void)state;
    contact(RUSSIA, &r);
    for (size_t i = 0; i < 32; i++)
        opens(&r, (uint64_t)1 << i, 5);
    opens(&r, UINT32_MAX, 0);
    opens(&r, 3, 4);
    opens(&r, 0x80000001, 8);
    opens(&r, 0x55555555, 16);
    opens(&r, 0xff00, 2);
    opens(&r, 0x3f03, 4);
    ok(dt_fields_open(&r.header, r.slots, dt_secret_view(&r.secret), UINT32_MAX, salts, &nodes));
    for (size_t i = 0; i < 32; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(salts[i], salts[k], 32);
    /* One slot alone has its path. */
    leaves_of(&r, UINT32_MAX, salts, leaves);
    leaf = leaves[10];
    ok(dt_openings_root(32, UINT32_MAX, leaves, dt_view(NULL, 0), root));
    ok(dt_fields_open(&r.header, r.slots, dt_secret_view(&r.secret), 1u << 10, salts, &nodes));
    assert_int_equal(nodes.n, 5 * 32);
    memcpy(leaves, nodes.p, 5 * 32);
    ok(tlog_root_from_inclusion(&leaf, 10, 32, leaves, 5, &root6962));
    assert_memory_equal(root6962.b, root, 32);
    /* Another value, salt, index, kind, name, type, ctx or path leads elsewhere. */
    for (int change = 0; change < 8; change++) {
        struct dt_opening bad = {.index = 10, .slot = r.slots[10]};
        struct dt_header h = r.header;

        memcpy(bad.salt, salts[10], 32);
        if (change == 0)
            bad.slot.value = r.slots[8].value;
        else if (change == 1)
            bad.salt[0] ^= 1;
        else if (change == 2)
            bad.index = 11;
        else if (change == 3)
            bad.slot.kind = DT_SLOT_PAD;
        else if (change == 4)
            bad.slot.name = str("partie");
        else if (change == 5)
            bad.slot.type = DT_TYPE_TEXT;
        else if (change == 6)
            h.record_id[0] ^= 1;
        else
            nodes.p[4 * 32 + 31] ^= 1;
        ok(dt_opening_leaf(&h, &bad, &leaves[bad.index]));
        ok(dt_openings_root(32, (uint64_t)1 << bad.index, leaves, dt_buf_view(&nodes), root));
        ok(dt_header_ctx(&h, ctx));
        ok(dt_fields_commitment(ctx, root, commitment));
        assert_memory_not_equal(commitment, r.commitment, 32);
    }
    assert_int_equal(dt_fields_open(&r.header, r.slots, dt_secret_view(&r.secret),
                                    UINT64_C(1) << 32, salts, &nodes),
                     DT_ERR_RANGE);
    assert_int_equal(
        dt_fields_open(&r.header, r.slots, dt_secret_view(&r.secret), 0, salts, &nodes),
        DT_ERR_RANGE);
    assert_int_equal(dt_openings_root(32, 0, leaves, dt_buf_view(&nodes), root), DT_ERR_RANGE);
    assert_int_equal(dt_openings_root(16, 1u << 16, leaves, dt_buf_view(&nodes), root),
                     DT_ERR_RANGE);
}

/* Two records with equal fields share no commitment: nothing can be guessed from outside. */
static void
test_hiding(void **state)
{
    DT_CLEANUP(dt_record_clear) struct dt_record a = {0}, b = {0};

    (void)state;
    contact(US, &a);
    contact(US, &b);
    assert_memory_not_equal(a.commitment, b.commitment, 32);
    assert_memory_not_equal(a.seal, b.seal, 32);
}

/* The seal and the entry by hand. */
static void
test_seal(void **state)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    uint8_t all[128], seal[32], entry[DT_REGISTER_ENTRY], signed_[64];

    (void)state;
    contact(US, &r);
    memcpy(all, r.commitment, 32);
    memcpy(all + 32, r.author_key, 32);
    memcpy(all + 64, r.signature, 64);
    ok(dt_label_hash("seal", dt_view_of(all), seal));
    assert_memory_equal(seal, r.seal, 32);
    dt_register_entry(r.seal, entry);
    assert_int_equal(entry[0], 1);
    assert_memory_equal(entry + 1, seal, 32);
    memcpy(signed_, w.forum, 32);
    memcpy(signed_ + 32, r.commitment, 32);
    ok(dt_label_verify(dt_view_of(r.author_key), "record", dt_view_of(signed_),
                       dt_view_of(r.signature)));
}

static void
test_answers(void **state)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0}, a = {0}, d = {0}, c = {0};
    const uint8_t *about = NULL;
    struct dt_record_draft draft;
    struct dt_value_pair pair;
    struct dt_view rest;
    uint64_t slots = 0;

    (void)state;
    contact(US, &r);
    assert_int_equal(dt_record_answer(&r, &about), DT_ANSWER_NONE);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &r, &a);
    assert_int_equal(dt_record_answer(&a, &about), DT_ANSWER_COUNTERSIGN);
    assert_memory_equal(about, r.commitment, 32);
    assert_memory_equal(a.channel, r.channel, 32);
    assert_int_equal(
        dt_answer_draft(&draft, w.templates, DT_ANSWER_COUNTERSIGN, &r, &w.letter[US], 1),
        DT_ERR_REFUSED);
    assert_int_equal(dt_answer_draft(&draft, w.templates, DT_ANSWER_DISPUTE, &r, &w.letter[US], 1),
                     DT_ERR_REFUSED);
    assert_int_equal(
        dt_answer_draft(&draft, w.templates, DT_ANSWER_WITHDRAW, &r, &w.letter[RUSSIA], 1),
        DT_ERR_REFUSED);
    make_dispute(&w, RUSSIA, &r, "started_at", "2024-02-12T15:00:00Z", &d);
    ok(dt_slots_read(dt_record_get(&d, "slots")->value, &slots));
    assert_true(slots == UINT64_C(1) << 11);
    rest = dt_record_get(&d, "values")->value;
    assert_true(dt_value_map_next(&rest, &pair));
    assert_true(dt_view_equal(pair.key, str("started_at")));
    assert_int_equal(pair.type, DT_TYPE_DATETIME);
    assert_false(dt_value_map_next(&rest, &pair));
    make_consent(&w, RUSSIA, &r, "mode, parties", WORLD_START + DAY, DT_CONSENT_DISPUTED, &c);
    ok(dt_slots_read(dt_record_get(&c, "slots")->value, &slots));
    assert_true(slots == (UINT64_C(1) << 8 | UINT64_C(1) << 10));
    for (int i = DT_ANSWER_RECEIPT; i <= DT_ANSWER_CONSENT; i++)
        assert_true(dt_answer_of(str(dt_answer_name((enum dt_answer)i))) == (enum dt_answer)i &&
                    strlen(dt_answer_caution((enum dt_answer)i)) > 20);
}

static void
test_slots_lists(void **state)
{
    static const uint8_t twice[] = {8, 0, 0, 0, 0, 0, 0, 0, 9, 8, 0, 0, 0, 0, 0, 0, 0, 9};
    static const uint8_t past[] = {8, 0, 0, 0, 0, 0, 0, 0, 64};
    uint64_t slots = 7;

    (void)state;
    assert_int_equal(dt_slots_read(dt_view_of(twice), &slots), DT_ERR_FORMAT);
    assert_int_equal(dt_slots_read(dt_view_of(past), &slots), DT_ERR_FORMAT);
    assert_true(slots == 7);
    assert_int_equal(
        dt_slots_from_names(dt_templates_get_str(w.templates, "contact"), str("mode,no"), &slots),
        DT_ERR_NOT_FOUND);
}

/* Slot 7: a rule that can be is under the commitment; absent the slot is hashed as the spare one it
 * was, which the vectors of older files show. What is left of the record leads to it, and no other
 * rule does. */
static void
a_rule_leaves_a_trace(void **state)
{
    static const uint64_t bad[] = {1, DT_DESTROY_AFTER_MIN_MS - 1, DT_DESTROY_AFTER_MAX_MS + 1};
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0}, kept = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_TRACE_MAX);
    struct dt_trace t, again;

    (void)state;
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "cover"), &w.letter[US],
                            w.channel, WORLD_START));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(dt_record_draft_destroy(&d, bad[i]), DT_ERR_RANGE);
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &kept));
    assert_int_equal(kept.destroy_after_ms, 0);
    assert_int_equal(dt_trace_of(&kept, &t), DT_ERR_STATE);
    ok(dt_record_draft_destroy(&d, DAY));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r));
    assert_int_equal(r.destroy_after_ms, DAY);
    ok(dt_trace_of(&r, &t));
    assert_memory_equal(t.commitment, r.commitment, 32);
    assert_memory_equal(t.seal, r.seal, 32);
    ok(dt_trace_encode(&t, &b));
    ok(dt_trace_decode(dt_buf_view(&b), r.header.forum, &again));
    assert_memory_equal(again.seal, r.seal, 32);
    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(dt_trace_decode(dt_buf_view(&b), r.header.forum, &again), DT_OK);
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < b.n; n++)
        assert_int_not_equal(dt_trace_decode(dt_view(b.p, n), r.header.forum, &again), DT_OK);
    assert_int_equal(dt_trace_decode(dt_buf_view(&b), w.channel, &again), DT_ERR_AUTH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_leaves_a_trace),
        cmocka_unit_test(test_round_trip_and_bits),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_author),
        cmocka_unit_test(test_draft_refused),
        cmocka_unit_test(test_wrong_template),
        cmocka_unit_test(test_openings),
        cmocka_unit_test(test_hiding),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_slots_lists),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
