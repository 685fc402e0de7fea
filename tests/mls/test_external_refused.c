/*
 * tests/mls/test_external_refused.c - external Commits, and each rule that refuses one. The bad
 * ones are signed by their joiner all the same, so that it is the rule that refuses.
 *
 * Source: RFC 9420 sections 7.3, 8.3, 11.2, 11.3, 12.2, 12.4.2 and 12.4.3.2. A test's name says the
 * section.
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

/* What eve says in place of a good external Commit. */
struct bad {
    struct mls_proposal *const *proposals; /* beside the good ExternalInit */
    size_t n;
    bool no_init;
    bool no_path;
    bool reference; /* a proposal by reference, too */
    uint8_t sender_type;
    const struct gu_party *signer; /* NULL: eve */
    struct mls_update_path *path;  /* NULL: the good one */
};

static void
parse_commit(const struct dt_buf *message, struct mls_auth_content *c)
{
    struct dt_view body;
    struct dt_view tag;

    assert_ok(mls_message_body(dt_buf_view(message), MLS_WIRE_PUBLIC_MESSAGE, &body));
    assert_ok(mls_public_message_parse(body, c, &tag));
    assert_int_equal(tag.n, 0);
}

/* The proposals of ${good}, an ExternalInit, and those that ${b} says. */
static void
list_bad(const struct bad *b, const struct mls_auth_content *good, struct mls_commit *c)
{
    static const uint8_t ref[32] = {1};

    if (!b->no_init)
        assert_ok(mls_commit_add(c, good->commit.proposals[0].proposal, dt_view(NULL, 0)));
    for (size_t i = 0; i < b->n; i++)
        assert_ok(mls_commit_add(c, b->proposals[i], dt_view(NULL, 0)));
    if (b->reference)
        assert_ok(mls_commit_add(c, NULL, dt_view_of(ref)));
    if (!b->no_path)
        c->path = mls_update_path_ref(b->path != NULL ? b->path : good->commit.path);
}

static void
make_bad(const struct quartet *s, const struct bad *b, struct dt_buf *out)
{
    const struct mls_group *ada = s->p[ADA].group;
    const struct gu_party *signer = b->signer == NULL ? &s->p[EVE] : b->signer;
    struct mls_commit c = {0};
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PUBLIC_MESSAGE,
                                   .group_id = ada->context.group_id,
                                   .epoch = ada->context.epoch,
                                   .sender_type = b->sender_type,
                                   .content_type = MLS_CONTENT_COMMIT,
                                   .commit = &c};
    struct mls_auth_content good = {0};
    struct gu_party eve = s->p[EVE];
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&content);
    struct dt_buf commit;
    uint8_t tag[32] = {0};
    size_t end;

    eve.group = NULL;
    gu_enter(&eve, &s->info, NULL, &commit);
    mls_group_free(eve.group);
    parse_commit(&commit, &good);
    if (f.sender_type == 0)
        f.sender_type = MLS_SENDER_NEW_MEMBER_COMMIT;
    list_bad(b, &good, &c);
    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_content_sign(ada->suite, &f, dt_buf_view(&ada->context.raw),
                               dt_secret_view(&signer->seed), &content, &end));
    dt_write_vec(&w, dt_view_of(tag));
    assert_ok(dt_writer_end(&w));
    assert_ok(mls_public_message_write(ada->suite, dt_buf_view(&content),
                                       dt_buf_view(&ada->context.raw),
                                       dt_secret_view(&ada->secrets.membership_key), out));
    dt_buf_clear(&content);
    dt_buf_clear(&commit);
    mls_commit_clear(&c);
    mls_auth_content_clear(&good);
}

/* ${b} is refused by all members alike, and eve is named for it. */
static void
refused(struct quartet *s, const struct bad *b, enum dt_err want)
{
    struct dt_buf m;

    make_bad(s, b, &m);
    for (size_t i = 0; i < 3; i++) {
        struct mls_event e = {0};

        assert_ok(mls_group_process(s->p[i].group, no_psks, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_REFUSED);
        if (e.refused != want)
            fail_msg("%s (%s), not %s", dt_err_name(e.refused), dt_err_message(),
                     dt_err_name(want));
        assert_int_equal(e.sender.leaf, UINT32_MAX);
        assert_views_equal(e.sender.identity, dt_view_str("eve"));
        mls_event_clear(&e);
    }
    dt_buf_clear(&m);
}

/* ${b} comes from nobody who could be named. */
static void
nobody(struct quartet *s, const struct bad *b, enum dt_err want)
{
    struct mls_event e = {0};
    struct dt_buf m;

    make_bad(s, b, &m);
    assert_err(want, mls_group_process(s->p[ADA].group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&m);
}

static struct mls_proposal *
remove_of(uint32_t leaf)
{
    struct mls_proposal *p = NULL;

    assert_ok(mls_proposal_new_remove(leaf, &p));
    return p;
}

static void
one(struct quartet *s, struct mls_proposal *p, enum dt_err want)
{
    struct bad b = {.proposals = &p, .n = 1};

    refused(s, &b, want);
    mls_proposal_unref(p);
}

static void
test_section_12_2_exactly_one_external_init(void **state)
{
    static const uint8_t key[32] = {9};
    struct quartet s;
    struct mls_proposal *p = NULL;
    struct bad none = {.no_init = true};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    refused(&s, &none, DT_ERR_REFUSED);
    assert_ok(mls_proposal_new_external_init(dt_view_of(key), &p));
    one(&s, p, DT_ERR_REFUSED);
    quartet_clear(&s);
}

static void
test_section_12_2_at_most_one_remove(void **state)
{
    struct quartet s;
    struct mls_proposal *two[] = {remove_of(1), remove_of(2)};
    struct bad b = {.proposals = two, .n = 2};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN | MLS_OUTSIDE_REPLACE);
    refused(&s, &b, DT_ERR_REFUSED);
    mls_proposal_unref(two[0]);
    mls_proposal_unref(two[1]);
    /* Of a leaf that is there. */
    one(&s, remove_of(3), DT_ERR_REFUSED);
    one(&s, remove_of(900), DT_ERR_REFUSED);
    quartet_clear(&s);
}

static void
test_section_12_2_no_other_proposals(void **state)
{
    struct quartet s;
    struct mls_proposal *p = NULL;
    struct mls_leaf_fields f;
    struct mls_leaf_node *leaf = NULL;
    static const uint8_t reinit[] = {1, 'n', 0, 1, 0, 1, 0};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    assert_ok(mls_propose_add(dt_buf_view(&s.p[EVE].key_package), &p));
    one(&s, p, DT_ERR_REFUSED);
    assert_ok(mls_propose_extensions((struct mls_typed_list){NULL, 0}, &p));
    one(&s, p, DT_ERR_REFUSED);
    mls_leaf_fields_from(&f, mls_tree_leaf(&s.p[ADA].group->tree, 0));
    f.source = MLS_LEAF_UPDATE;
    assert_ok(mls_leaf_node_new(s.p[ADA].group->suite, &f, dt_secret_view(&s.p[ADA].seed),
                                s.p[ADA].group->context.group_id, 0, &leaf));
    assert_ok(mls_proposal_new_update(leaf, &p));
    mls_leaf_node_unref(leaf);
    one(&s, p, DT_ERR_REFUSED);
    assert_ok(mls_proposal_parse_body(MLS_PROPOSAL_REINIT, dt_view_of(reinit), &p));
    one(&s, p, DT_ERR_REFUSED);
    /* A private-use proposal that a member does not support is as bad here as anywhere. */
    assert_ok(mls_proposal_new_private(0xf7ff, dt_view_str("x"), &p));
    one(&s, p, DT_ERR_REFUSED);
    quartet_clear(&s);
}

static void
test_section_12_2_psk_rules(void **state)
{
    static const uint8_t nonce[33] = {7};
    struct quartet s;
    struct mls_psk_id id = {
        .type = MLS_PSK_EXTERNAL, .id = dt_view_str("k"), .nonce = dt_view(nonce, 31)};
    struct mls_proposal *p = NULL;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    assert_ok(mls_proposal_new_psk(&id, &p));
    one(&s, p, DT_ERR_REFUSED);
    id.nonce = dt_view(nonce, 32);
    assert_ok(mls_proposal_new_psk(&id, &p));
    one(&s, p, DT_ERR_NOT_FOUND);
    quartet_clear(&s);
}

/* RFC 9420 sections 11.2 and 11.3: the PSK that ties a group to the one before it is its creator's
 * to name. Epoch 0 of a group of one is where the creator may: who comes from outside may not. */
static void
test_section_11_3_link_is_the_creators(void **state)
{
    static const uint8_t nonce[32] = {7};
    const uint8_t usages[] = {MLS_PSK_REINIT, MLS_PSK_BRANCH};
    struct quartet s;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    mls_group_free(s.p[ADA].group);
    gu_create(&s.p[ADA]);
    dt_buf_clear(&s.info);
    gu_info(&s.p[ADA], true, &s.info);
    for (size_t i = 0; i < sizeof usages; i++) {
        struct mls_psk_id id = {.type = MLS_PSK_RESUMPTION,
                                .usage = usages[i],
                                .group_id = dt_view_str("before"),
                                .nonce = dt_view_of(nonce)};
        struct mls_proposal *p = NULL;
        struct bad b = {.proposals = &p, .n = 1};
        struct dt_buf m;

        assert_ok(mls_proposal_new_psk(&id, &p));
        make_bad(&s, &b, &m);
        assert_int_equal(mls_group_epoch(s.p[ADA].group), 0);
        assert_refused(DT_ERR_REFUSED, s.p[ADA].group, no_psks, &m, UINT32_MAX);
        dt_buf_clear(&m);
        mls_proposal_unref(p);
    }
    quartet_clear(&s);
}

static void
test_section_12_4_3_2_no_reference(void **state)
{
    struct quartet s;
    struct bad b = {.reference = true};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    refused(&s, &b, DT_ERR_REFUSED);
    quartet_clear(&s);
}

/* Without a path there is no key to check the signature with. */
static void
test_section_12_4_3_2_path(void **state)
{
    struct quartet s;
    struct bad b = {.no_path = true};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    nobody(&s, &b, DT_ERR_FORMAT);
    quartet_clear(&s);
}

static void
test_section_12_4_3_2_signed_by_the_joiner(void **state)
{
    struct quartet s;
    struct bad b = {0};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    b.signer = &s.p[BOB];
    nobody(&s, &b, DT_ERR_AUTH);
    quartet_clear(&s);
}

/* A Commit is from a member or from a new one: no other kind of sender has one. */
static void
test_section_12_4_3_2_sender_type(void **state)
{
    struct quartet s;
    struct bad b = {.sender_type = MLS_SENDER_NEW_MEMBER_PROPOSAL};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_ALL);
    nobody(&s, &b, DT_ERR_FORMAT);
    b.sender_type = MLS_SENDER_EXTERNAL;
    nobody(&s, &b, DT_ERR_FORMAT);
    /* As a member's it is eve's word under the key of leaf 0. */
    b.sender_type = MLS_SENDER_MEMBER;
    nobody(&s, &b, DT_ERR_AUTH);
    quartet_clear(&s);
}

/* The good Commit with a tag of zeros: everything but the tag holds. */
static void
test_section_12_4_2_confirmation_tag(void **state)
{
    struct quartet s;
    struct bad b = {0};

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    refused(&s, &b, DT_ERR_AUTH);
    quartet_clear(&s);
}

/* The ExternalInit's output is no key of the suite, or of small order. */
static void
test_section_8_3_kem_output(void **state)
{
    static const uint8_t bad[33] = {0};
    static const size_t lengths[] = {0, 31, 32, 33};
    struct quartet s;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    for (size_t i = 0; i < 4; i++) {
        struct mls_proposal *p = NULL;
        struct bad b = {.proposals = &p, .n = 1, .no_init = true};

        assert_ok(mls_proposal_new_external_init(dt_view(bad, lengths[i]), &p));
        refused(&s, &b, DT_ERR_AUTH);
        mls_proposal_unref(p);
    }
    quartet_clear(&s);
}

/* A leaf that eve signs as ${fields} says, as a path with the nodes of the good one. */
static struct mls_update_path *
path_with(const struct quartet *s, const struct mls_update_path *good,
          const struct mls_leaf_fields *fields, uint32_t seat)
{
    const struct mls_group *ada = s->p[ADA].group;
    struct mls_leaf_node *leaf = NULL;
    struct mls_update_path *path = NULL;
    struct dt_buf raw = DT_BUF_INIT(MLS_UPDATE_PATH_MAX);
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_reader r;

    assert_ok(mls_leaf_node_new(ada->suite, fields, dt_secret_view(&s->p[EVE].seed),
                                ada->context.group_id, seat, &leaf));
    mls_leaf_node_write(&w, leaf);
    dt_write_view(&w, dt_view(good->raw.p + good->leaf->raw.n, good->raw.n - good->leaf->raw.n));
    assert_ok(dt_writer_end(&w));
    r = dt_reader_init(dt_buf_view(&raw));
    assert_ok(mls_update_path_read(&r, &path));
    mls_leaf_node_unref(leaf);
    dt_buf_clear(&raw);
    return path;
}

/* RFC 9420 sections 7.3 and 12.4.2: what is asked of the leaf of any path. */
static void
test_section_7_3_leaf_of_the_path(void **state)
{
    static const uint8_t none[2] = {0, 9};
    struct quartet s;
    struct gu_party eve;
    struct mls_auth_content good = {0};
    struct mls_leaf_fields f;
    struct bad b = {0};
    struct dt_buf commit;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    eve = s.p[EVE];
    eve.group = NULL;
    gu_enter(&eve, &s.info, NULL, &commit);
    mls_group_free(eve.group);
    parse_commit(&commit, &good);
    for (size_t i = 0; i < 6; i++) {
        static const enum dt_err want[] = {DT_ERR_REFUSED,     DT_ERR_REFUSED,
                                           DT_ERR_UNSUPPORTED, DT_ERR_UNSUPPORTED,
                                           DT_ERR_UNSUPPORTED, DT_ERR_AUTH};
        uint32_t seat = 3;

        mls_leaf_fields_from(&f, good.commit.path->leaf);
        if (i == 0) /* the wrong source */
            f.source = MLS_LEAF_UPDATE;
        else if (i == 1) /* another member's encryption key */
            f.encryption_key = mls_tree_leaf(&s.p[ADA].group->tree, 1)->encryption_key;
        else if (i == 2) /* not what the group requires */
            f.capabilities.extensions = dt_view(NULL, 0);
        else if (i == 3) /* it does not support the credentials in use */
            f.capabilities.credentials = dt_view(none, 0);
        else if (i == 4) /* a version nobody speaks */
            f.capabilities.versions = dt_view_of(none);
        else /* signed for another place in the tree */
            seat = 4;
        b.path = path_with(&s, good.commit.path, &f, seat);
        refused(&s, &b, want[i]);
        mls_update_path_unref(b.path);
    }
    mls_auth_content_clear(&good);
    dt_buf_clear(&commit);
    quartet_clear(&s);
}

/* RFC 9420 section 7.3: a member cannot come in a second time under its signature key, unless it
 * takes its old leaf out. */
static void
test_section_7_3_signature_key_once(void **state)
{
    struct quartet s;
    struct mls_external_join_params x = {.leaf = {0}};
    struct mls_group *g = NULL;
    struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_ALL);
    x.leaf = gu_leaf(&s.p[BOB]);
    x.group_info = dt_buf_view(&s.info);
    assert_err(DT_ERR_REFUSED, mls_group_join_external(&x, &g, &commit, NULL));
    x.replace = true;
    x.replaces = 2;
    assert_err(DT_ERR_REFUSED, mls_group_join_external(&x, &g, &commit, NULL));
    x.replaces = 9;
    assert_err(DT_ERR_REFUSED, mls_group_join_external(&x, &g, &commit, NULL));
    assert_int_equal(commit.n, 0);
    x.replaces = 1;
    assert_ok(mls_group_join_external(&x, &g, &commit, NULL));
    mls_group_free(g);
    dt_buf_clear(&commit);
    quartet_clear(&s);
}

/* RFC 9420 section 12.2: who takes the place of a leaf has a new key, as in an Update. */
static void
test_section_12_2_replaced_leaf_key(void **state)
{
    struct quartet s;
    struct gu_party eve;
    struct mls_auth_content good = {0};
    struct mls_leaf_fields f;
    struct mls_proposal *removal = remove_of(1);
    struct bad b = {.proposals = &removal, .n = 1};
    struct dt_buf commit;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN | MLS_OUTSIDE_REPLACE);
    eve = s.p[EVE];
    eve.group = NULL;
    gu_enter(&eve, &s.info, NULL, &commit);
    mls_group_free(eve.group);
    parse_commit(&commit, &good);
    mls_leaf_fields_from(&f, good.commit.path->leaf);
    f.encryption_key = mls_tree_leaf(&s.p[ADA].group->tree, 1)->encryption_key;
    b.path = path_with(&s, good.commit.path, &f, 1);
    {
        struct mls_event e = {0};
        struct dt_buf m;

        make_bad(&s, &b, &m);
        assert_ok(mls_group_process(s.p[ADA].group, no_psks, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_REFUSED);
        assert_int_equal(e.refused, DT_ERR_REFUSED);
        assert_non_null(strstr(dt_err_message(), "keeps the key"));
        mls_event_clear(&e);
        dt_buf_clear(&m);
    }
    mls_update_path_unref(b.path);
    mls_proposal_unref(removal);
    mls_auth_content_clear(&good);
    dt_buf_clear(&commit);
    quartet_clear(&s);
}

/* RFC 9420 section 12.4.2: none of the path's keys is in the tree already. */
static void
test_section_12_4_2_path_keys_are_new(void **state)
{
    struct quartet s;
    struct gu_party eve;
    struct mls_auth_content good = {0};
    struct bad b = {0};
    struct dt_buf commit;
    struct dt_buf raw = DT_BUF_INIT(MLS_UPDATE_PATH_MAX);
    struct dt_reader r;
    struct dt_view key;
    size_t at;

    (void)state;
    quartet_init(&s, MLS_OUTSIDE_JOIN);
    eve = s.p[EVE];
    eve.group = NULL;
    gu_enter(&eve, &s.info, NULL, &commit);
    mls_group_free(eve.group);
    parse_commit(&commit, &good);
    assert_ok(dt_buf_set(&raw, dt_buf_view(&good.commit.path->raw)));
    key = good.commit.path->nodes[0].encryption_key;
    at = (size_t)(key.p - good.commit.path->raw.p);
    memcpy(raw.p + at, mls_tree_leaf(&s.p[ADA].group->tree, 0)->encryption_key.p, key.n);
    r = dt_reader_init(dt_buf_view(&raw));
    assert_ok(mls_update_path_read(&r, &b.path));
    refused(&s, &b, DT_ERR_REFUSED);
    mls_update_path_unref(b.path);
    dt_buf_clear(&raw);
    mls_auth_content_clear(&good);
    dt_buf_clear(&commit);
    quartet_clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_2_exactly_one_external_init),
        cmocka_unit_test(test_section_12_2_at_most_one_remove),
        cmocka_unit_test(test_section_12_2_no_other_proposals),
        cmocka_unit_test(test_section_12_2_psk_rules),
        cmocka_unit_test(test_section_11_3_link_is_the_creators),
        cmocka_unit_test(test_section_12_4_3_2_no_reference),
        cmocka_unit_test(test_section_12_4_3_2_path),
        cmocka_unit_test(test_section_12_4_3_2_signed_by_the_joiner),
        cmocka_unit_test(test_section_12_4_3_2_sender_type),
        cmocka_unit_test(test_section_12_4_2_confirmation_tag),
        cmocka_unit_test(test_section_8_3_kem_output),
        cmocka_unit_test(test_section_7_3_leaf_of_the_path),
        cmocka_unit_test(test_section_7_3_signature_key_once),
        cmocka_unit_test(test_section_12_2_replaced_leaf_key),
        cmocka_unit_test(test_section_12_4_2_path_keys_are_new),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
