/*
 * tests/mls/test_public.c - PublicMessages of members: made, taken in, known again, and refused.
 *
 * Source: RFC 9420 sections 6, 6.1, 6.2 and 12.4.2. A test's name says the section that it holds.
 */
#include <string.h>

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

/* The wire format of ${message}. */
static uint16_t
format_of(const struct dt_buf *message)
{
    return (uint16_t)(message->p[2] << 8 | message->p[3]);
}

/* ${g} processes ${message}: what kind of event it is. */
static enum mls_event_kind
kind_of(struct mls_group *g, const struct dt_buf *message)
{
    struct mls_event e = {0};
    enum mls_event_kind kind;

    assert_ok(mls_group_process(g, no_psks, dt_buf_view(message), &e));
    kind = e.kind;
    mls_event_clear(&e);
    return kind;
}

/* Commits and proposals in the open, with an Add, and a Welcome after it. */
static void
test_section_6_2_handshakes(void **state)
{
    struct trio t;
    struct gu_party dan;
    struct gu_party *all[4];
    struct dt_view add;
    struct mls_commit_opts opts = {.as_public = true, .lifetime = gu_clock};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_ADD,
                                       .as_public = true,
                                       .authenticated_data = dt_view_str("why"),
                                       .lifetime = gu_clock};
    struct dt_buf proposal = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_commit_out out = {0};
    struct mls_event e = {0};

    (void)state;
    trio_init(&t);
    gu_party_init(&dan, 1, "dan");
    for (size_t i = 0; i < 3; i++)
        all[i] = t.all[i];
    all[3] = &dan;
    /* By value. */
    gu_commit(&t.p[1], &opts, t.all, 3, &out);
    assert_int_equal(format_of(&out.commit), MLS_WIRE_PUBLIC_MESSAGE);
    gu_agree(t.all, 3);
    mls_commit_out_clear(&out);
    /* By reference. */
    add = dt_buf_view(&dan.key_package);
    propose.add = add;
    assert_ok(mls_group_propose(t.p[2].group, &propose, &proposal));
    assert_int_equal(format_of(&proposal), MLS_WIRE_PUBLIC_MESSAGE);
    assert_int_equal(mls_group_handshake_generation(t.p[2].group), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(mls_group_process(t.p[i].group, no_psks, dt_buf_view(&proposal), &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        assert_int_equal(e.from.type, MLS_SENDER_MEMBER);
        assert_int_equal(e.from.index, 2);
        assert_int_equal(e.sender.leaf, 2);
        assert_views_equal(dt_buf_view(&e.authenticated_data), dt_view_str("why"));
        assert_int_equal(e.proposal.type, MLS_PROPOSAL_ADD);
        assert_views_equal(e.proposal.added.identity, dt_view_str("dan"));
        mls_event_clear(&e);
        gu_reload(&t.p[i]);
    }
    opts.commit_cached = true;
    gu_commit(&t.p[0], &opts, t.all, 3, &out);
    assert_int_equal(format_of(&out.commit), MLS_WIRE_PUBLIC_MESSAGE);
    gu_join(&dan, dt_buf_view(&out.welcome), no_psks);
    gu_agree(all, 4);
    gu_say(&dan, "hello", all, 4);
    /* One framing follows the other. */
    opts.as_public = false;
    opts.force_path = true;
    gu_commit(&dan, &opts, all, 4, NULL);
    gu_agree(all, 4);
    mls_commit_out_clear(&out);
    dt_buf_clear(&proposal);
    gu_party_clear(&dan);
    trio_clear(&t);
}

/* What we sent in the open is known when it comes back, also after the state was stored, and when
 * the Commit was given up meanwhile; what another copy of the state sent is known as that. */
static void
test_section_6_2_own_known_again(void **state)
{
    struct trio t;
    struct mls_group *copy = NULL;
    struct mls_commit_opts opts = {.as_public = true};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_REMOVE, .remove = 2, .as_public = true};
    struct mls_commit_out out = {0};
    struct mls_commit_out foreign = {0};
    struct dt_buf proposal = DT_BUF_INIT(MLS_MESSAGE_MAX);

    (void)state;
    trio_init(&t);
    assert_ok(mls_group_clone(t.p[0].group, &copy));
    assert_ok(mls_group_propose(t.p[0].group, &propose, &proposal));
    assert_ok(mls_group_commit(t.p[0].group, &opts, &out));
    gu_reload(&t.p[0]);
    assert_int_equal(kind_of(t.p[0].group, &proposal), MLS_EVENT_OWN_MESSAGE);
    assert_int_equal(kind_of(t.p[0].group, &out.commit), MLS_EVENT_OWN_COMMIT);
    mls_group_drop_pending(t.p[0].group);
    gu_reload(&t.p[0]);
    assert_int_equal(kind_of(t.p[0].group, &out.commit), MLS_EVENT_OWN_MESSAGE);
    /* The copy knows nothing of either, and says so. */
    assert_int_equal(kind_of(copy, &proposal), MLS_EVENT_OWN_UNKNOWN);
    assert_int_equal(kind_of(copy, &out.commit), MLS_EVENT_OWN_UNKNOWN);
    opts.force_path = true;
    assert_ok(mls_group_commit(copy, &opts, &foreign));
    assert_int_equal(kind_of(t.p[0].group, &foreign.commit), MLS_EVENT_OWN_UNKNOWN);
    /* The notes are of one epoch. */
    gu_follow(&t.p[1], dt_buf_view(&foreign.commit));
    assert_ok(mls_group_take_pending(copy, GU_NOW_MS));
    assert_int_equal(copy->own_public.n, 0);
    mls_group_free(copy);
    mls_commit_out_clear(&out);
    mls_commit_out_clear(&foreign);
    dt_buf_clear(&proposal);
    trio_clear(&t);
}

/* How many can be sent in one epoch has a limit, and what is refused for it changes nothing. */
static void
test_section_6_2_limits(void **state)
{
    struct trio t;
    struct mls_commit_opts opts = {.as_public = true, .force_path = true};
    struct mls_propose_opts propose = {
        .kind = MLS_PROPOSE_REMOVE, .remove = 2, .as_public = true, .padding = 1};
    struct mls_commit_out out = {0};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

    (void)state;
    trio_init(&t);
    assert_err(DT_ERR_RANGE, mls_group_propose(t.p[0].group, &propose, &m));
    opts.padding = 1;
    assert_err(DT_ERR_RANGE, mls_group_commit(t.p[0].group, &opts, &out));
    assert_int_equal(m.n, 0);
    assert_int_equal(t.p[0].group->own_public.n, 0);
    opts.padding = 0;
    for (size_t i = 0; i < MLS_OWN_PUBLIC_MAX; i++) {
        assert_ok(mls_group_commit(t.p[0].group, &opts, &out));
        mls_group_drop_pending(t.p[0].group);
    }
    assert_err(DT_ERR_LIMIT, mls_group_commit(t.p[0].group, &opts, &out));
    propose.padding = 0;
    assert_err(DT_ERR_LIMIT, mls_group_propose(t.p[0].group, &propose, &m));
    assert_int_equal(mls_group_n_cached(t.p[0].group), 0);
    gu_reload(&t.p[0]);
    opts.as_public = false;
    gu_commit(&t.p[0], &opts, t.all, 3, NULL);
    gu_agree(t.all, 3);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* A proposal of ada's in the open, to be spoiled. */
static void
an_open_message(struct mls_group *g, struct dt_buf *out)
{
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_REMOVE, .remove = 2, .as_public = true};

    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_group_propose(g, &propose, out));
}

static void
test_section_6_2_membership_tag(void **state)
{
    static const size_t lengths[] = {0, 31, 33};
    struct trio t;
    struct dt_buf good;
    struct mls_event e = {0};

    (void)state;
    trio_init(&t);
    an_open_message(t.p[0].group, &good);
    /* The tag is the last 32 bytes, behind a length of one. */
    for (size_t i = 0; i < 3; i++) {
        struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
        uint8_t tag[33] = {0};
        struct dt_writer w = dt_writer_init(&m);

        memcpy(tag, good.p + good.n - 32, 32);
        dt_write_view(&w, dt_view(good.p, good.n - 33));
        dt_write_vec(&w, dt_view(tag, lengths[i]));
        assert_ok(dt_writer_end(&w));
        assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
        dt_buf_clear(&m);
    }
    for (size_t bit = 0; bit < 256; bit += 37) {
        good.p[good.n - 32 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&good), &e));
        good.p[good.n - 32 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* Cut off, and with a byte behind it. */
    assert_err(DT_ERR_FORMAT,
               mls_group_process(t.p[1].group, no_psks, dt_view(good.p, good.n - 33), &e));
    assert_ok(dt_buf_append(&good, dt_view((const uint8_t *)"", 1)));
    assert_err(DT_ERR_FORMAT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&good), &e));
    good.n--;
    assert_int_equal(kind_of(t.p[1].group, &good), MLS_EVENT_PROPOSAL);
    dt_buf_clear(&good);
    trio_clear(&t);
}

/* ${f} signed with ${g}'s key and tagged as ${g}'s group tags, into ${out}. */
static void
sign_open(const struct mls_group *g, struct mls_content_fields *f, struct dt_buf *out)
{
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    size_t end;

    f->wire_format = MLS_WIRE_PUBLIC_MESSAGE;
    f->group_id = f->group_id.n == 0 ? g->context.group_id : f->group_id;
    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_content_sign(g->suite, f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    assert_ok(mls_public_message_write(g->suite, dt_buf_view(&content),
                                       dt_buf_view(&g->context.raw),
                                       dt_secret_view(&g->secrets.membership_key), out));
    dt_buf_clear(&content);
}

/* RFC 9420 section 6: application data is encrypted or it is nothing. */
static void
test_section_6_application_data_refused(void **state)
{
    struct trio t;
    struct mls_content_fields f = {.content_type = MLS_CONTENT_APPLICATION,
                                   .application_data = dt_view_str("in the open")};
    struct dt_buf m;
    struct mls_event e = {0};

    (void)state;
    trio_init(&t);
    f.epoch = t.p[0].group->context.epoch;
    sign_open(t.p[0].group, &f, &m);
    assert_err(DT_ERR_FORMAT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&m);
    trio_clear(&t);
}

/* The key is that of the leaf the message names: not the signer's own, if it names another. */
static void
test_section_6_1_key_of_the_sender(void **state)
{
    struct trio t;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.content_type = MLS_CONTENT_PROPOSAL};
    const uint32_t others[] = {1, 3, 4, UINT32_MAX};
    struct dt_buf m;
    struct mls_event e = {0};

    (void)state;
    trio_init(&t);
    assert_ok(mls_proposal_new_remove(0, &p));
    f.proposal = p;
    f.epoch = t.p[2].group->context.epoch;
    /* cyd signs for bob, for a blank leaf, and for leaves that are not there. */
    for (size_t i = 0; i < 4; i++) {
        f.sender = others[i];
        sign_open(t.p[2].group, &f, &m);
        assert_err(DT_ERR_AUTH, mls_group_process(t.p[0].group, no_psks, dt_buf_view(&m), &e));
        dt_buf_clear(&m);
    }
    f.sender = 2;
    sign_open(t.p[2].group, &f, &m);
    assert_int_equal(kind_of(t.p[0].group, &m), MLS_EVENT_PROPOSAL);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* RFC 9420 sections 12.1 and 12.4.2: of this group and of this epoch. */
static void
test_section_12_4_2_epoch_and_group(void **state)
{
    struct trio t;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.content_type = MLS_CONTENT_PROPOSAL};
    struct dt_buf m;
    struct mls_event e = {0};
    uint64_t epoch;

    (void)state;
    trio_init(&t);
    assert_ok(mls_proposal_new_remove(2, &p));
    f.proposal = p;
    epoch = t.p[0].group->context.epoch;
    f.epoch = epoch - 1;
    sign_open(t.p[0].group, &f, &m);
    assert_int_equal(kind_of(t.p[1].group, &m), MLS_EVENT_STALE);
    dt_buf_clear(&m);
    f.epoch = epoch + 1;
    sign_open(t.p[0].group, &f, &m);
    assert_int_equal(kind_of(t.p[1].group, &m), MLS_EVENT_FUTURE);
    dt_buf_clear(&m);
    f.epoch = epoch;
    f.group_id = dt_view_str("another group");
    sign_open(t.p[0].group, &f, &m);
    assert_err(DT_ERR_FORMAT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&m);
    assert_int_equal(mls_group_n_cached(t.p[1].group), 0);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* RFC 9420 section 6.1: a wire format is signed over, so a message cannot change its clothes. */
static void
test_section_6_1_wire_format_is_signed(void **state)
{
    struct trio t;
    struct mls_group *g;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type = MLS_CONTENT_PROPOSAL};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_event e = {0};
    size_t end;

    (void)state;
    trio_init(&t);
    g = t.p[0].group;
    assert_ok(mls_proposal_new_remove(2, &p));
    f.proposal = p;
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    /* What was signed to be private, sent in the open by one who could read it. */
    content.p[1] = MLS_WIRE_PUBLIC_MESSAGE;
    assert_ok(mls_public_message_write(g->suite, dt_buf_view(&content),
                                       dt_buf_view(&g->context.raw),
                                       dt_secret_view(&g->secrets.membership_key), &m));
    assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&content);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* A PrivateMessage names a leaf and nothing else: a content of an outsider's cannot become one. */
static void
test_section_6_3_2_members_only(void **state)
{
    static const uint8_t types[] = {MLS_SENDER_EXTERNAL, MLS_SENDER_NEW_MEMBER_PROPOSAL,
                                    MLS_SENDER_NEW_MEMBER_COMMIT};
    struct trio t;
    struct mls_group *g;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type = MLS_CONTENT_PROPOSAL};
    struct mls_tree_step step = {0};
    size_t end;

    (void)state;
    trio_init(&t);
    g = t.p[0].group;
    assert_ok(mls_proposal_new_remove(2, &p));
    f.proposal = p;
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    assert_ok(mls_secret_tree_derive(&g->keys, 0, MLS_RATCHET_HANDSHAKE, 0, &step));
    for (size_t i = 0; i < 3; i++) {
        struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

        f.sender_type = types[i];
        assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                                   dt_secret_view(&g->signature_priv), &content, &end));
        assert_err(DT_ERR_INTERNAL,
                   mls_private_message_seal(g->suite, dt_buf_view(&content),
                                            dt_secret_view(&g->secrets.sender_data), &step, 0, &m));
        assert_int_equal(m.n, 0);
        dt_buf_clear(&content);
    }
    mls_tree_step_clear(&step);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* RFC 9420 section 12.1.6: an ExternalInit is of an external Commit and of nothing else. */
static void
test_section_12_1_6_external_init(void **state)
{
    static const uint8_t kem[32] = {9};
    struct trio t;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.content_type = MLS_CONTENT_PROPOSAL};
    struct dt_buf m;

    (void)state;
    trio_init(&t);
    assert_ok(mls_proposal_new_external_init(dt_view_of(kem), &p));
    f.proposal = p;
    f.epoch = t.p[0].group->context.epoch;
    sign_open(t.p[0].group, &f, &m);
    assert_refused(DT_ERR_REFUSED, t.p[1].group, no_psks, &m, 0);
    assert_int_equal(mls_group_n_cached(t.p[1].group), 0);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* RFC 9420 section 9.2: what was decrypted is not decrypted again, also when what it says is
 * refused. */
static void
test_section_9_2_refused_once(void **state)
{
    static const uint8_t kem[32] = {9};
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type = MLS_CONTENT_PROPOSAL};
    struct mls_tree_step step = {0};
    struct mls_event e = {0};
    struct mls_proposal *p = NULL;
    struct mls_group *g;
    struct trio t;
    size_t end;

    (void)state;
    trio_init(&t);
    g = t.p[0].group;
    assert_ok(mls_proposal_new_external_init(dt_view_of(kem), &p));
    f.proposal = p;
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    assert_ok(mls_secret_tree_derive(&g->keys, 0, MLS_RATCHET_HANDSHAKE, 0, &step));
    assert_ok(mls_private_message_seal(g->suite, dt_buf_view(&content),
                                       dt_secret_view(&g->secrets.sender_data), &step, 0, &m));
    assert_refused(DT_ERR_REFUSED, t.p[1].group, no_psks, &m, 0);
    assert_err(DT_ERR_STATE, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    mls_tree_step_clear(&step);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* What is said of a PrivateMessage in the clear: its group; and how long a message may be. */
static void
test_section_6_3_group_and_length(void **state)
{
    struct trio t;
    struct mls_event e = {0};
    struct dt_buf m;
    struct dt_buf large = DT_BUF_INIT(MLS_MESSAGE_MAX + 1);

    (void)state;
    trio_init(&t);
    gu_protect(&t.p[0], "hello", &m);
    m.p[5] ^= 1; /* version, wire format, the length of the group id, the group id */
    assert_err(DT_ERR_FORMAT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    m.p[5] ^= 1;
    assert_ok(dt_buf_set(&large, dt_buf_view(&m)));
    assert_ok(dt_buf_reserve(&large, MLS_MESSAGE_MAX + 1 - large.n));
    memset(large.p + large.n, 0, MLS_MESSAGE_MAX + 1 - large.n);
    large.n = MLS_MESSAGE_MAX + 1;
    assert_err(DT_ERR_LIMIT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&large), &e));
    gu_hear(&t.p[1], dt_buf_view(&m), "hello");
    dt_buf_clear(&m);
    dt_buf_clear(&large);
    trio_clear(&t);
}

/* RFC 9420 section 6.2: the tag is looked at before anything that the message says, the signature
 * before anything is kept. A proposal that is refused by name stays without a name when either of
 * the two is not right. */
static void
test_section_6_2_order_of_checks(void **state)
{
    static const uint8_t kem[32] = {9};
    struct trio t;
    struct mls_proposal *bad = NULL;
    struct mls_proposal *good = NULL;
    struct mls_content_fields f = {.content_type = MLS_CONTENT_PROPOSAL};
    struct dt_buf before = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_buf after = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

    (void)state;
    trio_init(&t);
    assert_ok(mls_proposal_new_external_init(dt_view_of(kem), &bad));
    assert_ok(mls_proposal_new_remove(2, &good));
    f.epoch = t.p[0].group->context.epoch;
    assert_ok(mls_group_save(t.p[1].group, &before));
    for (int i = 0; i < 6; i++) {
        const struct mls_group *g = t.p[0].group;
        struct mls_event e = {0};
        struct dt_buf m;

        f.proposal = i % 2 == 0 ? bad : good;
        sign_open(g, &f, &m);
        if (i < 2)
            m.p[m.n - 1] ^= 1; /* the tag */
        if (i == 2 || i == 3) {
            /* The signature, and then the tag that is right for it. */
            struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
            size_t end;

            assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                                       dt_secret_view(&g->signature_priv), &content, &end));
            content.p[content.n - 1] ^= 1;
            dt_buf_clear(&m);
            assert_ok(mls_public_message_write(g->suite, dt_buf_view(&content),
                                               dt_buf_view(&g->context.raw),
                                               dt_secret_view(&g->secrets.membership_key), &m));
            dt_buf_clear(&content);
        }
        if (i < 4) {
            assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
            assert_non_null(strstr(dt_err_message(), i < 2 ? "membership tag" : "signature"));
            dt_buf_clear(&after);
            assert_ok(mls_group_save(t.p[1].group, &after));
            assert_views_equal(dt_buf_view(&after), dt_buf_view(&before));
        } else if (i == 4) {
            assert_refused(DT_ERR_REFUSED, t.p[1].group, no_psks, &m, 0);
        } else {
            assert_int_equal(kind_of(t.p[1].group, &m), MLS_EVENT_PROPOSAL);
        }
        dt_buf_clear(&m);
    }
    assert_int_equal(mls_group_n_cached(t.p[1].group), 1);
    dt_buf_wipe(&before);
    dt_buf_wipe(&after);
    mls_proposal_unref(bad);
    mls_proposal_unref(good);
    trio_clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_6_2_handshakes),
        cmocka_unit_test(test_section_6_2_own_known_again),
        cmocka_unit_test(test_section_6_2_limits),
        cmocka_unit_test(test_section_6_2_membership_tag),
        cmocka_unit_test(test_section_6_application_data_refused),
        cmocka_unit_test(test_section_6_1_key_of_the_sender),
        cmocka_unit_test(test_section_12_4_2_epoch_and_group),
        cmocka_unit_test(test_section_6_1_wire_format_is_signed),
        cmocka_unit_test(test_section_6_3_2_members_only),
        cmocka_unit_test(test_section_12_1_6_external_init),
        cmocka_unit_test(test_section_9_2_refused_once),
        cmocka_unit_test(test_section_6_3_group_and_length),
        cmocka_unit_test(test_section_6_2_order_of_checks),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
