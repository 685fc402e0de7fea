/*
 * tests/record/test_faults.c - every allocation and random call of the record room fails once:
 * templates, charter, letter, record, answer, proof file.
 */
#include "fixture.h"

#include "record/amendment.h"

#include "../base/torture.h"

static struct world w;
static struct dt_buf charter, later, proofs[2];
static struct dt_record contact, countersign;

static enum dt_err
templates(void *ctx)
{
    struct dt_templates *t = NULL;
    enum dt_err err = dt_templates_load(&t);

    (void)ctx;
    dt_templates_free(t);
    return err;
}

static enum dt_err
charters(void *ctx)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(DT_CHARTER_MAX);
    uint8_t id[32];
    enum dt_err err;

    (void)ctx;
    if ((err = dt_charter_decode(dt_buf_view(&charter), &c)) != DT_OK ||
        (err = dt_charter_sign(&c, seed_view(w.root_seed[US]))) != DT_OK ||
        (err = dt_charter_verify(&c)) != DT_OK || (err = dt_charter_forum_id(&c, id)) != DT_OK)
        return err;
    return dt_charter_encode(&c, &again);
}

/* The next amendment is drafted, signed by all and taken in; that of before is taken in, too. */
static enum dt_err
amendments(void *ctx)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    struct dt_charter next = w.charter;
    const struct dt_amendment_parts parts = {.next = &next, .last_root = tlog_empty_root};
    uint8_t seal[32];
    enum dt_err err;

    (void)ctx;
    next.register_vkey = dt_buf_view(&later);
    next.register_origin = str("register.example/new");
    if ((err = dt_charter_decode(dt_buf_view(&charter), &c)) != DT_OK ||
        (err = dt_amendment_draft(&c, &parts, &am)) != DT_OK)
        return err;
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        if ((err = dt_amendment_sign(&am, &c, seed_view(w.root_seed[i]))) != DT_OK)
            return err;
    if ((err = dt_amendment_seal(&am, &c, seal)) != DT_OK ||
        (err = dt_amendment_encode(&am, &bytes)) != DT_OK)
        return err;
    err = dt_charter_amend(&c, dt_buf_view(&bytes));
    assert_int_equal(c.n_former, err == DT_OK ? 1 : 0);
    return err != DT_OK ? err : dt_charter_amendments(&c, &list);
}

static enum dt_err
letters(void *ctx)
{
    struct dt_letter_request q = {.created_ms = WORLD_START,
                                  .name = str("A. Delegate"),
                                  .title = str("Envoy"),
                                  .inbox_address = str("https://relay.example/q/inbox"),
                                  .inbox_token = str("write token: never shown")};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf request = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request got = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    enum dt_err err;

    (void)ctx;
    memcpy(q.forum, w.forum, 32);
    memset(q.x25519, 9, 32);
    if ((err = dt_letter_request_make(&q, seed_view(w.delegate_seed[US]), &request)) != DT_OK ||
        (err = dt_letter_request_decode(dt_buf_view(&request), &got)) != DT_OK ||
        (err = dt_letter_issue(seed_view(w.root_seed[US]), &got, DT_RIGHTS_ALL, WORLD_START,
                               WORLD_START + DAY, WORLD_START, &bytes)) != DT_OK)
        return err;
    return dt_letter_decode(dt_buf_view(&bytes), &letter);
}

static enum dt_err
records(void *ctx)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0}, a = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0}, answer = {0};
    enum dt_err err;

    (void)ctx;
    if ((err = dt_record_draft_init(&d, dt_templates_get_str(w.templates, "contact"), &w.letter[US],
                                    w.channel, WORLD_START + DAY)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "mode", str("call"), &w.charter)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "initiated_by", str("Russia"), &w.charter)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "parties", str("United States; Russia"), &w.charter)) !=
            DT_OK ||
        (err = dt_record_draft_set_text(&d, "started_at", str("2025-02-12T15:00:00Z"),
                                        &w.charter)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "ended_at", str("2025-02-12T16:30:00Z"), &w.charter)) !=
            DT_OK ||
        (err = dt_record_draft_set_text(&d, "time_precision", str("day"), &w.charter)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "level", str("head"), &w.charter)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "participants", str("one;two"), &w.charter)) != DT_OK ||
        (err = dt_record_make(&d, seed_view(w.delegate_seed[US]), &r)) != DT_OK ||
        (err = dt_answer_draft(&a, w.templates, DT_ANSWER_COUNTERSIGN, &r, &w.letter[RUSSIA],
                               WORLD_START + 2 * DAY)) != DT_OK)
        return err;
    return dt_record_make(&a, seed_view(w.delegate_seed[RUSSIA]), &answer);
}

static enum dt_err
proof_files(void *ctx)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_verdict_clear) struct dt_verdict v = {0};
    struct dt_proof_letter list[N_WORLD_PARTIES];
    struct dt_proof_item items[2] = {{&contact, 0, dt_buf_view(&proofs[0]), true},
                                     {&countersign, 0, dt_buf_view(&proofs[1]), true}};
    const struct dt_proof_in in = {.charter = &w.charter,
                                   .letters = list,
                                   .n_letters = N_WORLD_PARTIES,
                                   .items = items,
                                   .n_items = 2};
    const struct dt_verify_in how = {
        .forum = w.forum, .now_ms = WORLD_START + 10 * DAY, .templates = w.templates};
    enum dt_err err;

    (void)ctx;
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        list[i] = (struct dt_proof_letter){&w.letter[i], i == US};
    if ((err = dt_slots_from_names(contact.tmpl, str("mode,parties"), &items[0].slots)) != DT_OK ||
        (err = dt_proof_build(&in, &file)) != DT_OK)
        return err;
    return dt_proof_verify(dt_buf_view(&file), &how, &v);
}

static void
test_faults(void **state)
{
    static const struct {
        const char *name;
        enum dt_err (*what)(void *ctx);
        unsigned int allocations;
        unsigned int randoms;
    } list[] = {{"templates", templates, 1000, 0}, {"charters", charters, 2, 0},
                {"amendments", amendments, 5, 2},  {"letters", letters, 5, 1},
                {"records", records, 20, 2},       {"proof files", proof_files, 20, 0}};

    const char *seed = getenv("DT_SEED");
    unsigned int step = 0;

    (void)state;
    ok(dt_random((uint8_t *)&step, sizeof step));
    step = seed != NULL ? (unsigned int)strtoul(seed, NULL, 10) : 17 + step % 40;
    print_message("every %u-th call from the 400th on (DT_SEED=%u)\n", step, step);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        unsigned int allocations, randoms;

        torture_passed_over = 0;
        /* A verdict is what people act on: nearly all of the calls behind it. */
        torture_step = list[i].what == proof_files ? 1 + step % 4 : step;
        torture(list[i].what, NULL, &allocations, &randoms);
        print_message("%s: %u allocations, %u random calls\n", list[i].name, allocations, randoms);
        /* Names of an enum's values are gathered for a message that is not needed in the end. */
        assert_true(torture_passed_over <= (list[i].what == records ? 12 : 0));
        assert_true(allocations >= list[i].allocations && randoms >= list[i].randoms);
    }
}

static int
setup(void **state)
{
    struct tlog_signer log = {0};

    (void)state;
    world_init(&w);
    dt_buf_init(&charter, DT_CHARTER_MAX);
    ok(dt_charter_encode(&w.charter, &charter));
    dt_buf_init(&later, DT_VKEY_MAX);
    make_signer("register.example/new", TLOG_KEY_ED25519, 0x31, &log);
    ok(tlog_vkey_write(&log.vkey, &later));
    tlog_signer_clear(&log);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", &contact);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &contact, &countersign);
    (void)world_enter(&w, contact.seal);
    (void)world_enter(&w, countersign.seal);
    for (size_t i = 0; i < 2; i++) {
        dt_buf_init(&proofs[i], DT_TLOG_PROOF_MAX);
        world_prove(&w, i, 7, WORLD_START + 3 * DAY, &proofs[i]);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    dt_record_clear(&contact);
    dt_record_clear(&countersign);
    dt_buf_clear(&charter);
    dt_buf_clear(&later);
    for (size_t i = 0; i < 2; i++)
        dt_buf_clear(&proofs[i]);
    world_clear(&w);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
