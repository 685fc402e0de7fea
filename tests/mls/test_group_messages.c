/*
 * tests/mls/test_group_messages.c - application messages and handshakes on a bad line: out of
 * order, again, far ahead, altered in any byte.
 *
 * Source: RFC 9420 sections 6.2, 6.3, 9.1, 9.2, 15, 15.1, 15.3, 17.2.
 */
#include <string.h>
#include <time.h>

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

/* ---- what only a member can get wrong: it has the keys of the epoch ---- */

/* ${message} (a PrivateMessage) with other sender data, sealed as any member of ${g} can. */
static void
with_sender(const struct mls_group *g, const struct dt_buf *message, uint32_t leaf,
            uint32_t generation, struct dt_buf *out)
{
    struct mls_private_message m;
    struct dt_secret key = {0};
    struct dt_secret nonce = {0};
    struct dt_buf aad = DT_BUF_INIT(1024);
    struct dt_buf plain = DT_BUF_INIT(64);
    struct dt_buf sealed = DT_BUF_INIT(64);
    struct dt_writer aw = dt_writer_init(&aad);
    struct dt_writer pw = dt_writer_init(&plain);
    struct dt_writer w;
    struct dt_view body;

    dt_buf_init(out, MLS_MESSAGE_MAX);
    w = dt_writer_init(out);
    assert_ok(mls_message_body(dt_buf_view(message), MLS_WIRE_PRIVATE_MESSAGE, &body));
    assert_ok(mls_private_message_parse(body, &m));
    assert_ok(mls_sender_data_keys(g->suite, dt_secret_view(&g->secrets.sender_data), m.ciphertext,
                                   &key, &nonce));
    dt_write_vec(&aw, m.group_id);
    dt_write_u64(&aw, m.epoch);
    dt_write_u8(&aw, m.content_type);
    assert_ok(dt_writer_end(&aw));
    dt_write_u32(&pw, leaf);
    dt_write_u32(&pw, generation);
    dt_write_u32(&pw, 0); /* reuse_guard */
    assert_ok(dt_writer_end(&pw));
    assert_ok(dt_aead_seal(g->suite->aead, dt_secret_view(&key), dt_secret_view(&nonce),
                           dt_buf_view(&aad), dt_buf_view(&plain), &sealed));
    m.encrypted_sender_data = dt_buf_view(&sealed);
    mls_message_write(&w, MLS_WIRE_PRIVATE_MESSAGE);
    mls_private_message_write(&w, &m);
    assert_ok(dt_writer_end(&w));
    dt_secret_clear(&key);
    dt_secret_clear(&nonce);
    dt_buf_clear(&aad);
    dt_buf_clear(&plain);
    dt_buf_clear(&sealed);
}

/* Sender data that name a blank leaf, one that is not in the tree, and the receiver itself: nothing
 * is taken and no key is used up. */
static void
test_section_6_3_2_sender_not_there(void **state)
{
    static const uint32_t leaves[] = {3, 4, 7, 1u << 31, UINT32_MAX, 1};
    struct trio t;
    struct dt_buf good;
    struct dt_buf before;

    (void)state;
    trio_init(&t); /* leaves 0 to 2 of four; the receiver's is 1 */
    gu_protect(&t.p[0], "from ada", &good);
    snapshot(&t.p[1], &before);
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        struct mls_event e = {0};
        struct dt_buf m;

        with_sender(t.p[2].group, &good, leaves[i], 0, &m);
        assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
        dt_buf_clear(&m);
    }
    assert_unchanged(&t.p[1], &before);
    gu_hear(&t.p[1], dt_buf_view(&good), "from ada");
    dt_buf_clear(&good);
    dt_buf_wipe(&before);
    trio_clear(&t);
}

static double
cpu_s(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* RFC 9420 section 15.3: a generation too far away costs its receiver nothing to speak of; the
 * farthest is not dearer than the nearest that is too far. */
static void
test_section_15_3_far_generations_cost_little(void **state)
{
    static const uint32_t far[] = {MLS_RATCHET_FORWARD_MAX + 1, 1u << 20, UINT32_MAX};
    struct trio t;
    struct mls_tree_step step = {0};
    struct dt_buf good;
    double jump = 1e9;
    double refusal = 0;

    (void)state;
    trio_init(&t);
    gu_protect(&t.p[0], "near", &good);
    for (int i = 0; i < 5; i++) {
        double began = cpu_s();

        assert_ok(mls_secret_tree_derive(&t.p[1].group->keys, 0, MLS_RATCHET_APPLICATION,
                                         MLS_RATCHET_FORWARD_MAX, &step));
        if (cpu_s() - began < jump)
            jump = cpu_s() - began;
        mls_tree_step_clear(&step);
    }
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        double least = 1e9;
        struct dt_buf m;

        with_sender(t.p[2].group, &good, 0, far[i], &m);
        for (int k = 0; k < 5; k++) {
            struct mls_event e = {0};
            double began = cpu_s();

            assert_err(DT_ERR_LIMIT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
            if (cpu_s() - began < least)
                least = cpu_s() - began;
        }
        if (least > refusal)
            refusal = least;
        dt_buf_clear(&m);
    }
    print_message("a jump of %u: %.2f ms; the dearest refusal: %.3f ms\n", MLS_RATCHET_FORWARD_MAX,
                  jump * 1e3, refusal * 1e3);
    assert_true(refusal < jump / 4);
    gu_hear(&t.p[1], dt_buf_view(&good), "near");
    dt_buf_clear(&good);
    trio_clear(&t);
}

/* RFC 9420 section 6.3.1: a key that is used twice, by a restored copy, meets another nonce; and
 * the guard that says which is sealed with the sender. */
static void
test_section_6_3_1_reuse_guard(void **state)
{
    struct gu_party a, b;
    struct mls_group *copy = NULL;
    struct dt_buf m[2];
    struct mls_private_message parsed[2];
    struct mls_sender_data sender[2];
    struct mls_tree_step step = {0};
    struct mls_auth_content c = {0};
    struct dt_view body;

    (void)state;
    pair(&a, &b);
    assert_ok(mls_group_clone(a.group, &copy));
    for (size_t i = 0; i < 2; i++) {
        dt_buf_init(&m[i], MLS_MESSAGE_MAX);
        assert_ok(mls_group_protect(i == 0 ? a.group : copy, dt_view(NULL, 0),
                                    dt_view_str("the same words"), 0, &m[i]));
        assert_ok(mls_message_body(dt_buf_view(&m[i]), MLS_WIRE_PRIVATE_MESSAGE, &body));
        assert_ok(mls_private_message_parse(body, &parsed[i]));
        assert_ok(mls_sender_data_open(
            b.group->suite, dt_secret_view(&b.group->secrets.sender_data), &parsed[i], &sender[i]));
        assert_int_equal(sender[i].generation, 0);
    }
    assert_memory_not_equal(sender[0].reuse_guard, sender[1].reuse_guard, 4);
    /* Key stream against key stream: the first bytes of the plaintexts are equal. */
    assert_memory_not_equal(parsed[0].ciphertext.p, parsed[1].ciphertext.p, 8);
    assert_ok(mls_secret_tree_derive(&b.group->keys, 0, MLS_RATCHET_APPLICATION, 0, &step));
    for (size_t i = 0; i < 2; i++) {
        for (size_t bit = 0; bit < 32; bit++) {
            sender[i].reuse_guard[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_err(DT_ERR_AUTH,
                       mls_private_message_open(b.group->suite, &parsed[i], &sender[i], &step, &c));
            sender[i].reuse_guard[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_ok(mls_private_message_open(b.group->suite, &parsed[i], &sender[i], &step, &c));
        mls_auth_content_clear(&c);
        dt_buf_clear(&m[i]);
    }
    mls_tree_step_clear(&step);
    mls_group_free(copy);
    unpair(&a, &b);
}

/* Tags of another length, in a message that is well-formed: the sealed parts cut and lengthened. */
static void
test_section_6_3_sealed_lengths(void **state)
{
    static const uint8_t more[1] = {0};
    struct gu_party a, b;
    struct dt_buf good;
    struct dt_buf before;
    struct mls_private_message whole;
    struct dt_view body;

    (void)state;
    pair(&a, &b);
    gu_protect(&a, "whole", &good);
    assert_ok(mls_message_body(dt_buf_view(&good), MLS_WIRE_PRIVATE_MESSAGE, &body));
    assert_ok(mls_private_message_parse(body, &whole));
    snapshot(&b, &before);
    for (int part = 0; part < 2; part++) {
        for (int how = 0; how < 4; how++) {
            struct mls_private_message x = whole;
            struct dt_view *v = part == 0 ? &x.encrypted_sender_data : &x.ciphertext;
            const size_t lengths[] = {0, 15, v->n - 1, v->n + 1};
            struct dt_buf bytes = DT_BUF_INIT(MLS_MESSAGE_MAX);
            struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
            struct dt_writer w = dt_writer_init(&m);
            struct mls_event e = {0};

            assert_ok(dt_buf_set(&bytes, *v));
            assert_ok(dt_buf_append(&bytes, dt_view_of(more)));
            *v = dt_view(bytes.p, lengths[how]);
            mls_message_write(&w, MLS_WIRE_PRIVATE_MESSAGE);
            mls_private_message_write(&w, &x);
            assert_ok(dt_writer_end(&w));
            /* Sender data that do not open are those of another epoch of that number; their key
             * depends on the first 32 bytes of the ciphertext. */
            if (part == 0 || how < 2) {
                assert_ok(mls_group_process(b.group, no_psks, dt_buf_view(&m), &e));
                assert_int_equal(e.kind, MLS_EVENT_FOREIGN);
            } else {
                assert_err(DT_ERR_AUTH, mls_group_process(b.group, no_psks, dt_buf_view(&m), &e));
            }
            dt_buf_clear(&m);
            /* The content by itself, for one who knows the sender. */
            if (part == 1) {
                const struct mls_sender_data sender = {0};
                struct mls_tree_step step = {0};
                struct mls_auth_content c = {0};

                assert_ok(
                    mls_secret_tree_derive(&b.group->keys, 0, MLS_RATCHET_APPLICATION, 0, &step));
                assert_err(DT_ERR_AUTH,
                           mls_private_message_open(b.group->suite, &x, &sender, &step, &c));
                mls_tree_step_clear(&step);
            }
            dt_buf_clear(&bytes);
        }
    }
    assert_unchanged(&b, &before);
    gu_hear(&b, dt_buf_view(&good), "whole");
    dt_buf_clear(&good);
    dt_buf_wipe(&before);
    unpair(&a, &b);
}

/* Bob is removed, and a copy of his group goes on: what it says of the epoch that ended is shown as
 * that and nothing more; what it proposes and commits there is stale, and it says nothing in the
 * next one. */
static void
test_after_removal(void **state)
{
    struct trio t;
    const uint32_t bob = 1;
    struct mls_commit_opts removal = {.removes = &bob, .n_removes = 1};
    struct mls_commit_opts empty = {0};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct gu_party ghost;
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct dt_buf talk;
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    uint64_t ended;

    (void)state;
    trio_init(&t);
    ghost = t.p[1];
    assert_ok(mls_group_clone(t.p[1].group, &ghost.group));
    ended = mls_group_epoch(ghost.group);
    gu_commit(&t.p[0], &removal, t.all, 3, NULL);
    gu_protect(&ghost, "I am still here", &talk);
    assert_ok(mls_group_process(t.p[2].group, no_psks, dt_buf_view(&talk), &e));
    assert_int_equal(e.kind, MLS_EVENT_APPLICATION);
    assert_true(e.epoch == ended);
    mls_event_clear(&e);
    assert_ok(mls_group_propose(ghost.group, &update, &m));
    assert_ok(mls_group_process(t.p[2].group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_STALE);
    mls_event_clear(&e);
    assert_ok(mls_group_commit(ghost.group, &empty, &out));
    assert_ok(mls_group_process(t.p[2].group, no_psks, dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_STALE);
    mls_event_clear(&e);
    assert_int_equal(mls_group_n_cached(t.p[2].group), 0);
    /* Its own next epoch has the number of theirs, and nothing else of it. */
    assert_ok(mls_group_take_pending(ghost.group, GU_NOW_MS));
    dt_buf_clear(&talk);
    gu_protect(&ghost, "and here", &talk);
    assert_ok(mls_group_process(t.p[2].group, no_psks, dt_buf_view(&talk), &e));
    assert_int_equal(e.kind, MLS_EVENT_FOREIGN);
    mls_event_clear(&e);
    gu_say(&t.p[0], "without bob", t.all, 3);
    mls_group_free(ghost.group);
    mls_commit_out_clear(&out);
    dt_buf_clear(&talk);
    dt_buf_clear(&m);
    trio_clear(&t);
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
        cmocka_unit_test(test_section_6_3_2_sender_not_there),
        cmocka_unit_test(test_section_15_3_far_generations_cost_little),
        cmocka_unit_test(test_section_6_3_1_reuse_guard),
        cmocka_unit_test(test_section_6_3_sealed_lengths),
        cmocka_unit_test(test_after_removal),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
