/*
 * tests/record/test_succession.c - roots that take the place of others: who must sign, what a thief
 * of a root cannot do, which letters count where, and what a stranger makes of proofs of before and
 * after.
 *
 * In this world the United States announced a successor in the charter; the others did not.
 */
#include "amended.h"

#include "log/policy.h"
#include "record/charter_rules.h"

static struct world w;

/* Keys that come after: of fixed seeds. */
enum { SUCCESSOR, SECOND, FRESH, THIEF, N_KEYS };
static uint8_t seed[N_KEYS][32], pub[N_KEYS][32], id[N_KEYS][32];
static char hex[N_KEYS][65];

#define SIZE 5

static void
make_keys(void)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        memset(seed[i], (int)(0x60 + i), 32);
        ok(dt_ed25519_pub(seed_view(seed[i]), pub[i]));
        ok(dt_root_id(pub[i], id[i]));
        dt_hex_str(hex[i], dt_view_of(id[i]));
    }
}

static int
set_up(void **state)
{
    (void)state;
    enter(&w, SIZE);
    return 0;
}

/* ${party}'s root from now on ${root} (NULL: as it is), its successor ${successor} (NULL: none). */
static struct dt_root_change
change(const struct dt_charter *c, size_t party, const uint8_t *root, const uint8_t *successor)
{
    struct dt_root_change x = {.party = (uint8_t)party, .has_successor = successor != NULL};

    memcpy(x.root, root != NULL ? root : c->parties[party].root, 32);
    if (successor != NULL)
        memcpy(x.successor, successor, 32);
    return x;
}

static enum dt_err
draft(const struct dt_charter *c, const struct dt_root_change *x, size_t n, size_t author,
      struct dt_amendment *out)
{
    const struct dt_amendment_parts parts = {.changes = x,
                                             .n_changes = n,
                                             .author = author,
                                             .last_size = w.n_entries,
                                             .last_root = root_of_entries(&w),
                                             .made_ms = WORLD_START + 5 * DAY};

    dt_amendment_clear(out);
    return dt_amendment_draft(c, &parts, out);
}

static void
sign(struct dt_amendment *am, const struct dt_charter *c, const uint8_t key[static 32])
{
    ok(dt_amendment_sign(am, c, seed_view(key)));
}

static enum dt_err
take(struct dt_charter *c, const struct dt_amendment *am)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);

    ok(dt_amendment_encode(am, &bytes));
    return dt_charter_amend(c, dt_buf_view(&bytes));
}

/* The announced successor takes over from the United States; ${size} entries are there. */
static void
succeed(struct dt_charter *c)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    const struct dt_root_change x = change(c, US, pub[SUCCESSOR], id[SECOND]);

    ok(draft(c, &x, 1, US, &am));
    sign(&am, c, seed[SUCCESSOR]);
    sign(&am, c, w.root_seed[RUSSIA]);
    sign(&am, c, w.root_seed[MEDIATOR]);
    ok(take(c, &am));
}

/* ---- who signs ---- */

static void
test_announced(void **state)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0}, other = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    struct dt_root_change x;
    uint8_t forum[32], seal[32], want[32], mine[32];

    (void)state;
    copy_of(&w.charter, &c);
    assert_true(c.parties[US].has_successor && !c.parties[RUSSIA].has_successor);
    memcpy(mine, c.parties[US].root_id, 32);
    x = change(&c, US, pub[SUCCESSOR], NULL);
    ok(draft(&c, &x, 1, US, &am));
    assert_memory_equal(am.author_key, pub[SUCCESSOR], 32);
    ok(draft(&c, &x, 1, US, &other));
    assert_int_equal(dt_amendment_merge(&am, &other), DT_ERR_CONFLICT);
    assert_int_equal(dt_amendment_seal(&am, &c, seal), DT_ERR_STATE);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    sign(&am, &c, w.root_seed[RUSSIA]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE); /* the others alone replace nobody */
    assert_non_null(strstr(dt_err_message(), "the new root of party 1"));
    sign(&am, &c, seed[SUCCESSOR]);
    ok(dt_amendment_complete(&am, &c)); /* the root that was lost is not asked */
    ok(dt_seal(am.commitment, pub[SUCCESSOR], am.new_signature[US], want));
    ok(dt_amendment_seal(&am, &c, seal));
    assert_memory_equal(seal, want, 32);
    ok(take(&c, &am));
    ok(dt_amendment_seal(&am, &c, seal)); /* the same after */
    assert_memory_equal(seal, want, 32);
    assert_int_equal(take(&c, &am), DT_ERR_EXISTS);
    ok(dt_charter_forum_id(&c, forum));
    assert_memory_equal(forum, w.forum, 32);
    ok(dt_charter_verify(&c)); /* by the roots of then */
    assert_memory_equal(c.parties[US].root, pub[SUCCESSOR], 32);
    assert_memory_equal(c.parties[US].root_id, mine, 32); /* the party is who it was */
    assert_false(c.parties[US].has_successor);
    assert_true(c.former[0].roots);
    assert_true(dt_view_equal(c.register_origin, w.charter.register_origin));
}

/* Who has stolen a root: signs alone, with a key of its own, and even with all others deceived. */
static void
test_thief_of_a_root(void **state)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    struct dt_root_change x;

    (void)state;
    copy_of(&w.charter, &c);
    /* Of a party that announced a successor no other key is accepted, whoever signs. */
    x = change(&c, US, pub[THIEF], NULL);
    assert_int_equal(draft(&c, &x, 1, US, &am), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "not the successor that was announced"));
    x = change(&c, US, NULL, id[THIEF]); /* nor may the thief announce another */
    assert_int_equal(draft(&c, &x, 1, US, &am), DT_ERR_CONFLICT);
    assert_non_null(strstr(dt_err_message(), "it stands until it takes over"));
    x = change(&c, US, pub[SUCCESSOR], id[THIEF]); /* nor take over without the successor */
    ok(draft(&c, &x, 1, RUSSIA, &am));
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        sign(&am, &c, w.root_seed[i]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE);
    /* Where none was announced, root and new key are not enough without the others. */
    x = change(&c, RUSSIA, pub[THIEF], NULL);
    ok(draft(&c, &x, 1, RUSSIA, &am));
    sign(&am, &c, w.root_seed[RUSSIA]);
    sign(&am, &c, seed[THIEF]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE);
    assert_non_null(strstr(dt_err_message(), "United States"));
    sign(&am, &c, w.root_seed[US]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE);
    assert_int_equal(dt_amendment_sign(&am, &c, seed_view(seed[FRESH])), DT_ERR_NOT_FOUND);
    assert_int_equal(c.n_former, 0);
}

/* All others together, against a party's will. */
static void
test_others_alone(void **state)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    struct dt_root_change x;

    (void)state;
    copy_of(&w.charter, &c);
    x = change(&c, RUSSIA, pub[THIEF], NULL);
    ok(draft(&c, &x, 1, US, &am));
    sign(&am, &c, w.root_seed[US]);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    sign(&am, &c, seed[THIEF]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE);
    assert_non_null(strstr(dt_err_message(), "no successor was announced"));
    /* A signature of the one that is replaced by another, in its place. */
    memcpy(am.signature[RUSSIA], am.new_signature[RUSSIA], 64);
    am.has_signature[RUSSIA] = true;
    assert_int_equal(take(&c, &am), DT_ERR_AUTH);
    /* A new root's signature where nothing is replaced. */
    am.has_signature[RUSSIA] = false;
    memcpy(am.new_signature[US], am.signature[US], 64);
    am.has_new[US] = true;
    assert_int_equal(take(&c, &am), DT_ERR_FORMAT);
    am.has_new[US] = false;
    am.new_signature[RUSSIA][0] ^= 1;
    assert_int_equal(take(&c, &am), DT_ERR_AUTH);
    assert_non_null(strstr(dt_err_message(), "of the new root of party 2"));
    am.new_signature[RUSSIA][0] ^= 1;
    sign(&am, &c, w.root_seed[RUSSIA]); /* and with its own it is done */
    ok(take(&c, &am));
    assert_memory_equal(c.parties[RUSSIA].root, pub[THIEF], 32);
}

static void
test_announce_later(void **state)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    struct dt_root_change x;

    (void)state;
    copy_of(&w.charter, &c);
    x = change(&c, RUSSIA, NULL, id[FRESH]);
    ok(draft(&c, &x, 1, MEDIATOR, &am));
    sign(&am, &c, w.root_seed[US]);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE); /* nobody announces for another */
    sign(&am, &c, w.root_seed[RUSSIA]);
    ok(take(&c, &am));
    assert_memory_equal(c.parties[RUSSIA].successor, id[FRESH], 32);
    x = change(&c, RUSSIA, pub[THIEF], NULL); /* from now on no other one */
    assert_int_equal(draft(&c, &x, 1, RUSSIA, &am), DT_ERR_REFUSED);
    x = change(&c, RUSSIA, pub[FRESH], NULL);
    ok(draft(&c, &x, 1, RUSSIA, &am));
    assert_int_equal(am.number, 2);
    sign(&am, &c, w.root_seed[US]);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    sign(&am, &c, seed[FRESH]);
    ok(take(&c, &am));
    assert_memory_equal(c.parties[RUSSIA].root, pub[FRESH], 32);
}

/* Two at once, and one after the other; and a register after that. */
static void
test_chain(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf into = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0}, again = {0};
    struct dt_amendment_parts parts = {.made_ms = WORLD_START};
    struct tlog_signer log = {0};
    struct dt_charter_root root;
    struct dt_root_change x[2];
    struct dt_charter next;
    uint8_t seal[32] = {0};

    (void)state;
    copy_of(&w.charter, &c);
    succeed(&c);
    (void)world_enter(&w, seal);
    x[0] = change(&c, US, pub[SECOND], NULL);
    x[1] = change(&c, RUSSIA, pub[FRESH], NULL);
    ok(draft(&c, x, 2, MEDIATOR, &am));
    sign(&am, &c, seed[SECOND]);
    sign(&am, &c, seed[FRESH]);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    assert_int_equal(take(&c, &am), DT_ERR_STATE);
    sign(&am, &c, w.root_seed[RUSSIA]);
    ok(take(&c, &am));
    ok(dt_charter_root_find(&c, US, w.charter.parties[US].root, &root));
    assert_true(root.from == 0 && root.to == SIZE && root.ended_by == 1);
    ok(dt_charter_root_find(&c, US, pub[SUCCESSOR], &root));
    assert_true(root.from == SIZE && root.to == SIZE + 1 && root.ended_by == 2);
    ok(dt_charter_root_find(&c, US, pub[SECOND], &root));
    assert_true(root.from == SIZE + 1 && root.to == UINT64_MAX && root.ended_by == 0);
    ok(dt_charter_root_find(&c, RUSSIA, pub[FRESH], &root));
    assert_true(root.from == SIZE + 1 && root.ended_by == 0);
    assert_int_equal(dt_charter_root_find(&c, RUSSIA, pub[SECOND], &root), DT_ERR_NOT_FOUND);
    /* A register after that: drafted by a root that took over, not less than was good. */
    make_signer("register.example/new", TLOG_KEY_ED25519, 0x31, &log);
    fill_charter(&w, &into, &next);
    into.n = 0;
    ok(tlog_vkey_write(&log.vkey, &into));
    next.register_vkey = dt_buf_view(&into);
    next.register_origin = str(log.vkey.name);
    next.n_witnesses = 0;
    next.quorum_attested = 0;
    parts.next = &next;
    parts.last_size = SIZE;
    dt_amendment_clear(&am);
    assert_int_equal(dt_amendment_draft(&c, &parts, &am), DT_ERR_CONFLICT);
    parts.last_size = w.n_entries;
    parts.last_root = root_of_entries(&w);
    ok(dt_amendment_draft(&c, &parts, &am));
    assert_memory_equal(am.author_key, pub[SECOND], 32);
    assert_int_equal(dt_amendment_sign(&am, &c, seed_view(w.root_seed[US])), DT_ERR_NOT_FOUND);
    sign(&am, &c, seed[SECOND]);
    sign(&am, &c, seed[FRESH]);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    ok(take(&c, &am));
    copy_of(&c, &again);
    assert_int_equal(again.n_former, 3);
    assert_memory_equal(again.parties[US].root, pub[SECOND], 32);
    assert_true(dt_view_equal(again.register_origin, str(log.vkey.name)));
    tlog_signer_clear(&log);
}

#define REFUSED(want, ...)                                                                         \
    do {                                                                                           \
        const struct dt_root_change x_[] = {__VA_ARGS__};                                          \
                                                                                                   \
        if (draft(&c, x_, sizeof x_ / sizeof x_[0], MEDIATOR, &am) != (want))                      \
            fail_msg("not refused as it should be: %s", #__VA_ARGS__);                             \
    } while (0)

static void
test_keys(void **state)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    uint8_t zero[32] = {0}, *at;
    struct dt_root_change wrong;

    (void)state;
    copy_of(&w.charter, &c);
    REFUSED(DT_ERR_FORMAT, change(&c, US, NULL, NULL));
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, c.parties[US].root, NULL));
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, pub[SUCCESSOR], NULL)); /* of another party */
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, NULL, id[SUCCESSOR]));
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, NULL, c.parties[US].root_id));
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, pub[FRESH], id[FRESH]));
    REFUSED(DT_ERR_CONFLICT, change(&c, RUSSIA, pub[FRESH], NULL),
            change(&c, MEDIATOR, pub[FRESH], NULL));
    REFUSED(DT_ERR_CONFLICT, change(&c, RUSSIA, pub[FRESH], NULL),
            change(&c, MEDIATOR, NULL, id[FRESH]));
    REFUSED(DT_ERR_CONFLICT, change(&c, RUSSIA, NULL, id[FRESH]),
            change(&c, MEDIATOR, pub[FRESH], NULL));
    REFUSED(DT_ERR_CONFLICT, change(&c, RUSSIA, NULL, id[FRESH]),
            change(&c, MEDIATOR, NULL, id[FRESH]));
    REFUSED(DT_ERR_FORMAT, change(&c, MEDIATOR, pub[FRESH], NULL), /* order */
            change(&c, RUSSIA, pub[THIEF], NULL));
    REFUSED(DT_ERR_FORMAT, change(&c, RUSSIA, pub[FRESH], NULL),
            change(&c, RUSSIA, pub[THIEF], NULL));
    wrong = change(&c, RUSSIA, pub[FRESH], NULL);
    wrong.party = N_WORLD_PARTIES;
    REFUSED(DT_ERR_RANGE, wrong);
    if (draft(&c, &wrong, 0, MEDIATOR, &am) != DT_ERR_FORMAT)
        fail_msg("an amendment that changes nothing");
    /* Drafted with a key that is nobody's, in a party's name. */
    ok(draft(&c, (struct dt_root_change[]){change(&c, RUSSIA, pub[FRESH], NULL)}, 1, MEDIATOR,
             &am));
    ok(dt_amendment_encode(&am, &bytes));
    at = memmem(bytes.p, bytes.n, c.parties[MEDIATOR].root, 32);
    assert_non_null(at);
    memcpy(at, pub[THIEF], 32);
    dt_amendment_clear(&am);
    ok(dt_amendment_decode(dt_buf_view(&bytes), &am));
    assert_int_equal(dt_amendment_check(&am, &c), DT_ERR_AUTH);
    assert_non_null(strstr(dt_err_message(), "no root of that party"));
    wrong = change(&c, RUSSIA, zero, NULL); /* no usable key */
    if (draft(&c, &wrong, 1, MEDIATOR, &am) == DT_OK)
        fail_msg("a root of small order");
    /* One that was replaced does not come back, for anyone. */
    succeed(&c);
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, w.charter.parties[US].root, NULL));
    REFUSED(DT_ERR_CONFLICT, change(&c, MEDIATOR, NULL, w.charter.parties[US].root_id));
    REFUSED(DT_ERR_REFUSED, change(&c, US, pub[FRESH], NULL)); /* the second was announced */
}

static void
test_rules(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkeys = DT_BUF_INIT(8192);
    struct dt_charter c;
    char own[65], upper[65];

    (void)state;
    fill_charter(&w, &vkeys, &c);
    dt_hex_str(own, dt_view_of(w.charter.parties[MEDIATOR].root_id));
    memcpy(upper, hex[FRESH], sizeof upper);
    for (size_t i = 0; i < 64; i++)
        upper[i] = upper[i] >= 'a' ? (char)(upper[i] - 'a' + 'A') : upper[i];
    c.n_rules = 1;
#define RULE(want, n, v)                                                                           \
    do {                                                                                           \
        c.rules[0].name = str(n);                                                                  \
        c.rules[0].value = str(v);                                                                 \
        if (dt_charter_check(&c) != (want))                                                        \
            fail_msg("%s = %s", n, v);                                                             \
    } while (0)
    RULE(DT_OK, "successor.3", hex[FRESH]);
    assert_memory_equal(c.parties[MEDIATOR].successor, id[FRESH], 32);
    assert_true(c.parties[MEDIATOR].has_successor && !c.parties[US].has_successor);
    RULE(DT_ERR_RANGE, "successor.4", hex[FRESH]);
    RULE(DT_ERR_FORMAT, "successor.0", hex[FRESH]);
    RULE(DT_ERR_FORMAT, "successor.01", hex[FRESH]);
    RULE(DT_ERR_FORMAT, "successor.17", hex[FRESH]);
    RULE(DT_ERR_FORMAT, "successor.x", hex[FRESH]);
    RULE(DT_ERR_FORMAT, "successor.1", upper);
    RULE(DT_ERR_FORMAT, "successor.1", "00");
    RULE(DT_ERR_UNSUPPORTED, "successor.", hex[FRESH]);
    RULE(DT_ERR_CONFLICT, "successor.1", own); /* who is a root already */
    RULE(DT_ERR_CONFLICT, "successor.3", own);
    c.n_rules = 2;
    c.rules[1].name = str("successor.2");
    c.rules[1].value = str(hex[FRESH]);
    RULE(DT_ERR_CONFLICT, "successor.1", hex[FRESH]);
    RULE(DT_OK, "successor.1", hex[SECOND]);
}

static void
test_bits(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX), again = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0}, got = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    struct dt_root_change x[2];

    (void)state;
    copy_of(&w.charter, &c);
    x[0] = change(&c, US, pub[SUCCESSOR], id[SECOND]);
    x[1] = change(&c, RUSSIA, NULL, id[FRESH]);
    ok(draft(&c, x, 2, RUSSIA, &am));
    sign(&am, &c, seed[SUCCESSOR]);
    sign(&am, &c, w.root_seed[RUSSIA]);
    sign(&am, &c, w.root_seed[MEDIATOR]);
    ok(dt_amendment_encode(&am, &bytes));
    ok(dt_amendment_decode(dt_buf_view(&bytes), &got));
    ok(dt_amendment_encode(&got, &again));
    assert_true(dt_view_equal(dt_buf_view(&bytes), dt_buf_view(&again)));
    assert_int_equal(got.n_changes, 2);
    assert_true(got.has_new[US] && !got.has_signature[US]);
    for (size_t bit = 0; bit < bytes.n * 8; bit += EVERY_BIT) {
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (dt_charter_amend(&c, dt_buf_view(&bytes)) == DT_OK)
            fail_msg("bit %zu changed, and accepted", bit);
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < bytes.n; n += EVERY_BIT)
        assert_int_not_equal(dt_charter_amend(&c, dt_view(bytes.p, n)), DT_OK);
    assert_int_equal(c.n_former, 0);
    ok(dt_charter_amend(&c, dt_buf_view(&bytes)));
}

/* ---- letters ---- */

/* A letter for the delegate of the United States by the root of ${key}, which says it is
 * ${party}'s; then in its place in the world, the former into ${was}. */
static void
put_letter(const uint8_t key[static 32], const uint8_t *party, struct dt_letter *was)
{
    struct dt_letter_request q = {.created_ms = WORLD_START,
                                  .name = str("A. Delegate"),
                                  .title = str("Envoy"),
                                  .inbox_address = str("https://relay.example/q/inbox"),
                                  .inbox_token = str("write token: never shown")};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf request = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_letter_request_clear) struct dt_letter_request got = {0};

    memcpy(q.forum, w.forum, 32);
    memset(q.x25519, 9, 32);
    ok(dt_letter_request_make(&q, seed_view(w.delegate_seed[US]), &request));
    ok(dt_letter_request_decode(dt_buf_view(&request), &got));
    ok(dt_letter_issue_for(seed_view(key), party, &got, DT_RIGHTS_ALL, WORLD_START,
                           WORLD_START + 365 * DAY, WORLD_START, &bytes));
    *was = w.letter[US];
    w.letter[US] = (struct dt_letter){0};
    ok(dt_letter_decode(dt_buf_view(&bytes), &w.letter[US]));
}

static void
put_back(struct dt_letter *was)
{
    dt_letter_clear(&w.letter[US]);
    w.letter[US] = *was;
    *was = (struct dt_letter){0};
}

static void
test_letters(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    struct dt_letter was = {0};
    struct dt_revocation v, got;
    size_t place = 9;

    (void)state;
    copy_of(&w.charter, &c);
    put_letter(seed[SUCCESSOR], c.parties[US].root_id, &was);
    assert_int_equal(dt_letter_check_charter(&w.letter[US], &c, NULL), DT_ERR_AUTH);
    succeed(&c);
    ok(dt_letter_check_charter(&w.letter[US], &c, &place));
    assert_int_equal(place, US);
    ok(dt_letter_check_charter(&was, &c, &place)); /* of the root of before: when is asked later */
    assert_int_equal(place, US);
    ok(dt_revocation_make(seed_view(seed[SUCCESSOR]), &w.letter[US], WORLD_START, &v));
    ok(dt_revocation_encode(&v, &bytes));
    ok(dt_revocation_decode(dt_buf_view(&bytes), &got));
    ok(dt_revocation_check(&got, &c, &w.letter[US]));
    assert_int_equal(dt_revocation_check(&got, &w.charter, NULL), DT_ERR_AUTH);
    assert_int_equal(dt_revocation_check(&got, &c, &was), DT_ERR_AUTH);
    assert_int_equal(dt_revocation_make(seed_view(seed[SUCCESSOR]), &was, WORLD_START, &v),
                     DT_ERR_REFUSED);
    put_back(&was);
    /* In the name of another party, or of one that there is not. */
    put_letter(seed[SUCCESSOR], c.parties[RUSSIA].root_id, &was);
    assert_int_equal(dt_letter_check_charter(&w.letter[US], &c, NULL), DT_ERR_AUTH);
    put_back(&was);
    put_letter(seed[SUCCESSOR], NULL, &was);
    assert_int_equal(dt_letter_check_charter(&w.letter[US], &c, NULL), DT_ERR_AUTH);
    put_back(&was);
    put_letter(seed[THIEF], c.parties[US].root_id, &was);
    assert_int_equal(dt_letter_check_charter(&w.letter[US], &c, NULL), DT_ERR_AUTH);
    put_back(&was);
}

/* ---- proofs ---- */

static void
refused(struct proving *p, const char *why)
{
    assert_int_equal(build(p), DT_ERR_REFUSED);
    if (strstr(dt_err_message(), why) == NULL)
        fail_msg("'%s' is not in: %s", why, dt_err_message());
}

static void
verify(struct proving *p, const struct dt_verify_in *how)
{
    struct dt_verify_in in = {.now_ms = NOW, .templates = w.templates};

    in.forum = how == NULL ? w.forum : how->forum;
    if (how != NULL) {
        in.amendments = how->amendments;
        in.root_words = how->root_words;
        in.n_root_words = how->n_root_words;
    }
    dt_verdict_clear(&p->v);
    ok(dt_proof_verify(dt_buf_view(&p->file), &in, &p->v));
}

/* What was sealed before the amendment stays good, for who has the forum id alone. */
static void
test_proof_of_before(void **state)
{
    DT_CLEANUP(proving_clear) struct proving p;
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    index = world_enter(&w, p.contact.seal); /* 5 */
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    ok(build(&p));
    succeed(&p.charter); /* at 6 */
    ok(build(&p));
    verify(&p, NULL);
    assert_int_equal(p.v.code, DT_VERDICT_WITHOUT_CONSENT);
    assert_int_equal(p.v.records[0].state, DT_ENTRY_ATTESTED);
    assert_int_equal(p.v.records[0].ended_by, 0); /* the register goes on */
    assert_int_equal(p.v.records[0].root_ended_by, 1);
    says(&p, "amendment 1, signed by all parties: the root of United States was replaced at entry "
             "6; letters of the one before count up to there");
    says(&p, "time: entry 5, entered 2025-11-25");
    for (size_t at = 16; at < p.file.n; at += 37) { /* no character of it can change */
        uint8_t was = p.file.p[at];

        p.file.p[at] = was == 'A' ? 'B' : 'A';
        verify(&p, NULL);
        assert_int_equal(p.v.code, DT_VERDICT_REFUSED);
        p.file.p[at] = was;
    }
    /* Shown under a later checkpoint it is the same. */
    (void)world_enter(&w, w.forum);
    p.tlog_proof.n = 0;
    world_prove(&w, index, 7, WORLD_START + 6 * DAY, &p.tlog_proof);
    ok(build(&p));
    /* Not so by the register's word alone: its key and the root may be in the same hands. */
    p.tlog_proof.n = 0;
    world_prove(&w, index, 1, WORLD_START + 3 * DAY, &p.tlog_proof);
    refused(&p, "it is not shown to be attested among the first 6 entries");
    p.tlog_proof.n = 0; /* nor with no entry at all */
    refused(&p, "amendment 1 replaced the root that signed its author's letter");
}

/* The thief goes on to seal under letters of the stolen root; backdates; leaves the amendment out.
 */
static void
test_proof_of_a_thief(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    DT_CLEANUP(dt_charter_clear) struct dt_charter amended = {0};
    DT_CLEANUP(proving_clear) struct proving p;
    struct dt_verify_in in = {.forum = w.forum};
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    copy_of(&w.charter, &amended);
    succeed(&amended); /* at 5 */
    index = world_enter(&w, p.contact.seal);
    /* Cosigned at a time that witnesses put back: what counts is the place. */
    world_prove(&w, index, 7, WORLD_START + DAY, &p.tlog_proof);
    ok(build(&p)); /* under the charter as it was founded */
    verify(&p, NULL);
    assert_int_equal(p.v.code, DT_VERDICT_WITHOUT_CONSENT); /* it cannot know better */
    ok(dt_charter_amendments(&amended, &list));
    in.amendments = dt_buf_view(&list);
    verify(&p, &in);
    assert_int_equal(p.v.code, DT_VERDICT_REFUSED);
    assert_non_null(memmem(p.v.reason.p, p.v.reason.n, "amendment 1 replaced the root", 29));
    dt_charter_clear(&p.charter);
    copy_of(&amended, &p.charter);
    refused(&p, "it is not shown to be attested among the first 5 entries");
}

/* Letters of the new root count from the amendment on: who has stolen it before writes nothing into
 * the past. */
static void
test_proof_of_after(void **state)
{
    DT_CLEANUP(proving_clear) struct proving p;
    struct dt_letter was = {0};
    uint64_t early, late;

    (void)state;
    put_letter(seed[SUCCESSOR], w.charter.parties[US].root_id, &was);
    proving_init(&p, &w);
    early = world_enter(&w, p.contact.seal); /* 5 */
    succeed(&p.charter);                     /* at 6 */
    late = world_enter(&w, p.contact.seal);  /* 6 */
    world_prove(&w, early, 7, WORLD_START + 6 * DAY, &p.tlog_proof);
    refused(&p, "is of a root whose letters count from entry 6 on");
    p.tlog_proof.n = 0;
    world_prove(&w, late, 7, WORLD_START + 6 * DAY, &p.tlog_proof);
    ok(build(&p));
    verify(&p, NULL);
    assert_int_equal(p.v.records[0].state, DT_ENTRY_ATTESTED);
    assert_int_equal(p.v.records[0].root_ended_by, 0);
    assert_int_equal(p.v.records[0].party, US);
    /* Without the amendment it is nobody's root. */
    dt_charter_clear(&p.charter);
    copy_of(&w.charter, &p.charter);
    refused(&p, "not the root that signed it");
    put_back(&was);
}

/* Words of the root that founded it, and of the one in force. */
static void
test_proof_by_words(void **state)
{
    DT_CLEANUP(proving_clear) struct proving p;
    const uint8_t *const roots[] = {w.charter.parties[US].root_id, id[SUCCESSOR], id[SECOND]};
    uint64_t index;

    (void)state;
    proving_init(&p, &w);
    index = world_enter(&w, p.contact.seal);
    succeed(&p.charter);
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    ok(build(&p));
    for (size_t i = 0; i < 3; i++) {
        uint8_t words[1][11];
        struct dt_verify_in in = {.root_words = (const uint8_t(*)[11])words, .n_root_words = 1};

        memcpy(words[0], roots[i], 11);
        verify(&p, &in);
        assert_int_equal(p.v.code, i < 2 ? DT_VERDICT_ROOT_UNCHECKED : DT_VERDICT_REFUSED);
        if (i < 2)
            assert_true(p.v.parties[US].vouched && !p.v.parties[RUSSIA].vouched);
    }
}

/* The stolen root revokes what it signed while it was the party's, to undo what was recorded. */
static void
test_revocation_by_a_thief(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf proof = DT_BUF_INIT(DT_TLOG_PROOF_MAX);
    DT_CLEANUP(proving_clear) struct proving p;
    struct dt_revocation v;
    uint64_t index, at;
    uint8_t seal[32];

    (void)state;
    ok(dt_revocation_make(seed_view(w.root_seed[US]), &w.letter[US], WORLD_START, &v));
    ok(dt_revocation_encode(&v, &bytes));
    ok(dt_revocation_seal(&v, seal));
    proving_init(&p, &w);
    index = world_enter(&w, p.contact.seal); /* 5 */
    succeed(&p.charter);                     /* at 6 */
    at = world_enter(&w, seal);              /* 6 */
    world_prove(&w, index, 7, WORLD_START + 3 * DAY, &p.tlog_proof);
    world_prove(&w, at, 7, WORLD_START + 3 * DAY, &proof); /* the same checkpoint, the same time */
    p.revocation = (struct dt_proof_revocation){dt_buf_view(&bytes), dt_buf_view(&proof)};
    p.revoked = true;
    refused(&p, "by a root that amendment 1 had replaced before");
    p.revoked = false;
    ok(build(&p));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_announced, set_up),
        cmocka_unit_test_setup(test_thief_of_a_root, set_up),
        cmocka_unit_test_setup(test_others_alone, set_up),
        cmocka_unit_test_setup(test_announce_later, set_up),
        cmocka_unit_test_setup(test_chain, set_up),
        cmocka_unit_test_setup(test_keys, set_up),
        cmocka_unit_test_setup(test_rules, set_up),
        cmocka_unit_test_setup(test_bits, set_up),
        cmocka_unit_test_setup(test_letters, set_up),
        cmocka_unit_test_setup(test_proof_of_before, set_up),
        cmocka_unit_test_setup(test_proof_of_a_thief, set_up),
        cmocka_unit_test_setup(test_proof_of_after, set_up),
        cmocka_unit_test_setup(test_proof_by_words, set_up),
        cmocka_unit_test_setup(test_revocation_by_a_thief, set_up),
    };
    struct dt_charter_rule rule = {str("successor.1"), {0}};
    int failed;

    ok(dt_crypto_init());
    make_keys();
    rule.value = str(hex[SUCCESSOR]);
    world_init_ruled(&w, &rule, 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
