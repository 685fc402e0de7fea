/*
 * tests/mls/test_group_messages.c - application messages and handshakes on a bad line: out of
 * order, again, far ahead, altered in any byte.
 *
 * Source: RFC 9420 sections 6.2, 6.3, 9.1, 9.2, 15, 15.1, 15.3, 17.2.
 */
#include <string.h>

#include "base/mem.h"
#include "mls/group_internal.h"

#include "group_util.h"

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

static void
pair(struct gu_party *a, struct gu_party *b)
{
    struct gu_party *all[] = {a, b};

    gu_party_init(a, 1, "ada");
    gu_party_init(b, 1, "bob");
    gu_create(a);
    gu_add(a, b, all, 1);
}

static void
unpair(struct gu_party *a, struct gu_party *b)
{
    gu_party_clear(a);
    gu_party_clear(b);
}

/* The saved form, to see whether anything changed. */
static void
snapshot(const struct gu_party *p, struct dt_buf *out)
{
    dt_buf_init(out, MLS_GROUP_STATE_MAX);
    assert_ok(mls_group_save(p->group, out));
}

static void
assert_unchanged(const struct gu_party *p, const struct dt_buf *before)
{
    struct dt_buf now;

    snapshot(p, &now);
    assert_views_equal(dt_buf_view(&now), dt_buf_view(before));
    dt_buf_wipe(&now);
}

static void
test_out_of_order(void **state)
{
    static const size_t order[] = {3, 0, 4, 2, 1, 5};
    struct gu_party a, b;
    struct dt_buf m[6];
    struct mls_event e = {0};

    (void)state;
    pair(&a, &b);
    for (size_t i = 0; i < 6; i++) {
        char text[2] = {(char)('0' + i), '\0'};

        gu_protect(&a, text, &m[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        char text[2] = {(char)('0' + order[i]), '\0'};

        gu_hear(&b, dt_buf_view(&m[order[i]]), text);
        /* Never twice, neither now nor from the saved state. */
        assert_err(DT_ERR_STATE,
                   mls_group_process(b.group, no_psks, dt_buf_view(&m[order[i]]), &e));
        gu_reload(&b);
        assert_err(DT_ERR_STATE,
                   mls_group_process(b.group, no_psks, dt_buf_view(&m[order[i]]), &e));
    }
    for (size_t i = 0; i < 6; i++)
        dt_buf_clear(&m[i]);
    unpair(&a, &b);
}

/* A jump is bounded, and so is what is kept of the skipped keys: the oldest go first. */
static void
test_generation_window(void **state)
{
    struct gu_party a, b;
    struct dt_buf first, kept, far;
    struct dt_buf skip = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_event e = {0};
    struct dt_buf before;

    (void)state;
    pair(&a, &b);
    gu_protect(&a, "first", &first);
    for (uint32_t g = 1; g < MLS_RATCHET_FORWARD_MAX - MLS_RATCHET_KEPT_MAX; g++) {
        dt_buf_clear(&skip);
        assert_ok(mls_group_protect(a.group, dt_view(NULL, 0), dt_view(NULL, 0), 0, &skip));
    }
    gu_protect(&a, "just kept", &kept);
    for (uint32_t g = mls_group_generation(a.group); g < MLS_RATCHET_FORWARD_MAX; g++) {
        dt_buf_clear(&skip);
        assert_ok(mls_group_protect(a.group, dt_view(NULL, 0), dt_view(NULL, 0), 0, &skip));
    }
    /* Generation 1000 is as far as it goes; 1001 is too far for one who has seen nothing. */
    gu_protect(&a, "far", &far);
    assert_int_equal(mls_group_generation(a.group), MLS_RATCHET_FORWARD_MAX + 1);
    dt_buf_clear(&skip);
    assert_ok(mls_group_protect(a.group, dt_view(NULL, 0), dt_view(NULL, 0), 0, &skip));
    snapshot(&b, &before);
    assert_err(DT_ERR_LIMIT, mls_group_process(b.group, no_psks, dt_buf_view(&skip), &e));
    assert_unchanged(&b, &before);
    gu_hear(&b, dt_buf_view(&far), "far");
    assert_ok(mls_group_process(b.group, no_psks, dt_buf_view(&skip), &e));
    mls_event_clear(&e);
    assert_err(DT_ERR_STATE, mls_group_process(b.group, no_psks, dt_buf_view(&first), &e));
    gu_reload(&b);
    gu_hear(&b, dt_buf_view(&kept), "just kept");
    dt_buf_clear(&first);
    dt_buf_clear(&kept);
    dt_buf_clear(&far);
    dt_buf_clear(&skip);
    dt_buf_wipe(&before);
    unpair(&a, &b);
}

/* Every byte of ${m}, every length: refused by ${p} (or not for it), and nothing changes. */
static void
tamper(struct gu_party *p, struct dt_buf *m)
{
    struct dt_buf before;

    snapshot(p, &before);
    for (size_t i = 0; i < m->n; i++) {
        for (unsigned int bit = 0; bit < 8; bit += 7) {
            struct mls_event e = {0};
            enum dt_err err;

            m->p[i] ^= (uint8_t)(1u << bit);
            err = mls_group_process(p->group, no_psks, dt_buf_view(m), &e);
            /* An altered epoch may make it a message of another epoch, and the sender data is
             * sealed over all that can be read; it is never taken. */
            if (err == DT_OK && e.kind != MLS_EVENT_FUTURE && e.kind != MLS_EVENT_STALE &&
                e.kind != MLS_EVENT_FOREIGN)
                fail_msg("byte %zu bit %u altered: event %d", i, bit, (int)e.kind);
            mls_event_clear(&e);
            m->p[i] ^= (uint8_t)(1u << bit);
        }
    }
    for (size_t n = 0; n < m->n; n++) {
        struct mls_event e = {0};

        assert_int_not_equal(mls_group_process(p->group, no_psks, dt_view(m->p, n), &e), DT_OK);
    }
    assert_unchanged(p, &before);
    dt_buf_wipe(&before);
}

static void
test_tamper_application(void **state)
{
    struct gu_party a, b;
    struct dt_buf m;

    (void)state;
    pair(&a, &b);
    gu_protect(&a, "an honest word", &m);
    tamper(&b, &m);
    gu_hear(&b, dt_buf_view(&m), "an honest word");
    dt_buf_clear(&m);
    unpair(&a, &b);
}

static void
test_tamper_commit(void **state)
{
    struct gu_party a, b;
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};

    (void)state;
    pair(&a, &b);
    assert_ok(mls_group_commit(a.group, &empty, &out));
    tamper(&b, &out.commit);
    gu_follow(&b, dt_buf_view(&out.commit));
    mls_commit_out_clear(&out);
    unpair(&a, &b);
}

static void
test_tamper_welcome(void **state)
{
    struct gu_party a, b;
    struct dt_view add;
    struct mls_commit_opts opts = {
        .adds = &add, .n_adds = 1, .force_path = true, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_join_params join;

    (void)state;
    gu_party_init(&a, 1, "ada");
    gu_party_init(&b, 1, "bob");
    gu_create(&a);
    add = dt_buf_view(&b.key_package);
    assert_ok(mls_group_commit(a.group, &opts, &out));
    join = (struct mls_join_params){.welcome = dt_buf_view(&out.welcome),
                                    .key_package = add,
                                    .bundle = &b.bundle,
                                    .signature_priv = dt_secret_view(&b.seed)};
    for (size_t i = 0; i < out.welcome.n; i++) {
        out.welcome.p[i] ^= 0x40;
        assert_int_not_equal(mls_group_join(&join, &b.group, NULL), DT_OK);
        assert_null(b.group);
        out.welcome.p[i] ^= 0x40;
    }
    for (size_t n = 0; n < out.welcome.n; n += 7) {
        join.welcome.n = n;
        assert_int_not_equal(mls_group_join(&join, &b.group, NULL), DT_OK);
    }
    join.welcome = dt_buf_view(&out.welcome);
    /* Somebody else's keys do not open it. */
    join.signature_priv = dt_secret_view(&a.seed);
    assert_err(DT_ERR_AUTH, mls_group_join(&join, &b.group, NULL));
    join.key_package = dt_buf_view(&a.key_package);
    assert_err(DT_ERR_NOT_FOUND, mls_group_join(&join, &b.group, NULL));
    gu_join(&b, dt_buf_view(&out.welcome), no_psks);
    mls_commit_out_clear(&out);
    unpair(&a, &b);
}

/* PublicMessage: the tag of a member is checked whole, its length included. */
static void
test_public_message(void **state)
{
    struct gu_party a, b;
    struct mls_group *ga;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PUBLIC_MESSAGE,
                                   .content_type = MLS_CONTENT_PROPOSAL};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_event e = {0};
    size_t end;

    (void)state;
    pair(&a, &b);
    ga = a.group;
    assert_ok(mls_proposal_new_private(GU_WARRANT, dt_view_str("in the open"), &p));
    f.group_id = ga->context.group_id;
    f.epoch = ga->context.epoch;
    f.proposal = p;
    assert_ok(mls_content_sign(ga->suite, &f, dt_buf_view(&ga->context.raw),
                               dt_secret_view(&ga->signature_priv), &content, &end));
    assert_ok(mls_public_message_write(ga->suite, dt_buf_view(&content),
                                       dt_buf_view(&ga->context.raw),
                                       dt_secret_view(&ga->secrets.membership_key), &m));
    tamper(&b, &m);
    /* Tags of length 0, n - 1 and n + 1 with their right length headers. */
    for (size_t len = 0; len <= 33; len += len == 0 ? 31 : 2) {
        struct dt_buf other = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_writer w = dt_writer_init(&other);
        uint8_t tag[33] = {0};

        memcpy(tag, m.p + m.n - 32, len < 32 ? len : 32);
        dt_write_view(&w, dt_view(m.p, m.n - 33));
        dt_write_vec(&w, dt_view(tag, len));
        assert_ok(dt_writer_end(&w));
        assert_err(DT_ERR_AUTH, mls_group_process(b.group, no_psks, dt_buf_view(&other), &e));
        dt_buf_clear(&other);
    }
    assert_ok(mls_group_process(b.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
    mls_event_clear(&e);
    assert_refused(DT_ERR_STATE, b.group, no_psks, &m, 0);
    /* Our own signature in the open, which this library never makes. */
    assert_ok(mls_group_process(a.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_OWN_UNKNOWN);
    mls_event_clear(&e);
    mls_proposal_unref(p);
    dt_buf_clear(&content);
    dt_buf_clear(&m);
    unpair(&a, &b);
}

static void
test_limits(void **state)
{
    struct gu_party a, b;
    struct dt_buf big = DT_BUF_INIT(MLS_APPLICATION_DATA_MAX + 1);
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_event e = {0};
    struct dt_secret s = {0};
    char label[MLS_EXPORT_LABEL_MAX + 2];

    (void)state;
    memset(label, 'x', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    pair(&a, &b);
    assert_ok(dt_buf_reserve(&big, MLS_APPLICATION_DATA_MAX + 1));
    big.n = MLS_APPLICATION_DATA_MAX + 1;
    assert_err(DT_ERR_LIMIT,
               mls_group_protect(a.group, dt_view(NULL, 0), dt_buf_view(&big), 0, &m));
    assert_err(DT_ERR_LIMIT,
               mls_group_protect(a.group, dt_view(big.p, MLS_AUTHENTICATED_DATA_MAX + 1),
                                 dt_view(NULL, 0), 0, &m));
    assert_err(DT_ERR_LIMIT, mls_group_protect(a.group, dt_view(NULL, 0), dt_view(NULL, 0),
                                               MLS_PADDING_MAX + 1, &m));
    assert_int_equal(m.n, 0);
    assert_int_equal(mls_group_generation(a.group), 0);
    big.n = MLS_APPLICATION_DATA_MAX;
    assert_ok(mls_group_protect(a.group, dt_view(NULL, 0), dt_buf_view(&big), MLS_PADDING_MAX, &m));
    assert_ok(mls_group_process(b.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.plaintext.n, MLS_APPLICATION_DATA_MAX);
    mls_event_clear(&e);
    assert_err(DT_ERR_RANGE, mls_group_export(a.group, "x", dt_view(NULL, 0), 0, &s));
    assert_err(DT_ERR_RANGE, mls_group_export(a.group, "x", dt_view(NULL, 0), 255 * 32 + 1, &s));
    assert_ok(mls_group_export(a.group, label + 1, dt_view(NULL, 0), 16, &s));
    assert_err(DT_ERR_RANGE, mls_group_export(a.group, label, dt_view(NULL, 0), 16, &s));
    dt_secret_clear(&s);
    dt_buf_clear(&big);
    dt_buf_clear(&m);
    unpair(&a, &b);
}

/* RFC 9420 section 6: a message says which group it is of; one of another group is no message of
 * this one, whatever its epoch. And none is longer than any may be. */
static void
test_of_another_group(void **state)
{
    struct gu_party a, b, other;
    struct mls_group_params params = {.group_id = dt_view_str("another group"),
                                      .not_after_s = GU_NOW_S};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct dt_buf m;
    uint8_t *zeros = dt_alloc(MLS_MESSAGE_MAX + 1, 1);

    (void)state;
    pair(&a, &b);
    gu_party_init(&other, 1, "other");
    params.leaf = gu_leaf(&other);
    assert_ok(mls_group_create(&params, &other.group));
    for (int epoch = 0; epoch < 3; epoch++) { /* before, at and after ours */
        gu_protect(&other, "hello", &m);
        assert_err(DT_ERR_FORMAT, mls_group_process(a.group, no_psks, dt_buf_view(&m), &e));
        dt_buf_clear(&m);
        assert_ok(mls_group_commit(other.group, &empty, &out));
        assert_err(DT_ERR_FORMAT,
                   mls_group_process(a.group, no_psks, dt_buf_view(&out.commit), &e));
        assert_ok(mls_group_take_pending(other.group, GU_NOW_MS));
    }
    assert_non_null(zeros);
    assert_err(DT_ERR_LIMIT,
               mls_group_process(a.group, no_psks, dt_view(zeros, MLS_MESSAGE_MAX + 1), &e));
    dt_free(zeros);
    mls_commit_out_clear(&out);
    gu_party_clear(&other);
    gu_party_clear(&a);
    gu_party_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_generation_window),
        cmocka_unit_test(test_tamper_application),
        cmocka_unit_test(test_tamper_commit),
        cmocka_unit_test(test_tamper_welcome),
        cmocka_unit_test(test_public_message),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_of_another_group),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
