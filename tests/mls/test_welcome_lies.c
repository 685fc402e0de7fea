/*
 * tests/mls/test_section_12_4_3_1_welcome_lies.c - a Welcome by a member who lies in it: opened,
 * changed in one thing, signed and sealed anew; what is wrong on the joiner's own side; and
 * Welcomes that are odd and fine.
 *
 * Source: RFC 9420 sections 12.1.4, 12.4.3, 12.4.3.1 and 17.3.
 */
#include <string.h>

#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/welcome.h"

#include "group_util.h"

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* What a dishonest committer may change in a Welcome before it is sealed anew. */
struct lie {
    bool confirmation_tag;
    size_t tag_len; /* of the confirmation tag */
    bool no_tree;
    bool wrong_tree;      /* the tree of another epoch */
    uint32_t signer;      /* as claimed */
    bool signed_by_other; /* by a key that is not the signer's */
    size_t joiner_len;
    bool path_secret;           /* another path secret than the right one */
    bool epoch;                 /* a GroupContext of another epoch */
    bool suite;                 /* and of another suite */
    bool version;               /* and of another version */
    size_t transcript_cut;      /* bytes missing in its confirmed transcript hash */
    uint16_t info_extension;    /* beside the tree */
    uint16_t context_extension; /* instead of the group's own */
    bool signed_by_joiner;
    bool without_us;        /* a group that is right in itself, and we are not in it */
    size_t path_len;        /* of the path secret */
    uint16_t welcome_suite; /* as the Welcome says */
    size_t psk_nonce;       /* length, in a PSK that the Welcome names; 0: none named */
    bool psk_twice;
    /* What is wrong on the joiner's own side. */
    bool late;      /* the key package is over */
    bool other_key; /* another private key than the leaf's */
    bool policy;    /* more past epochs than there can be */
    /* Sealed to the key package of this one, which joins with its own keys; NULL: as it was. */
    struct gu_party *to;
};

/* One PreSharedKeyID, or the same twice. */
static void
psks_of(const struct lie *lie, struct dt_buf *out)
{
    static const uint8_t nonce[64] = {9};
    const struct mls_psk_id id = {
        .type = MLS_PSK_EXTERNAL, .id = dt_view_str("k"), .nonce = dt_view(nonce, lie->psk_nonce)};
    struct dt_writer w = dt_writer_init(out);

    for (size_t i = 0; lie->psk_nonce > 0 && i < (lie->psk_twice ? 2u : 1u); i++)
        mls_psk_id_write(&w, &id);
    assert_ok(dt_writer_end(&w));
}

static enum dt_err
join_lie(struct trio *t, struct gu_party *d, struct dt_view welcome, const struct lie *lie)
{
    const struct dt_suite *suite = dt_suite_get(1);
    struct gu_party *to = lie->to == NULL ? d : lie->to;
    struct mls_key_package *kp = NULL;
    struct mls_key_package *target = NULL;
    struct mls_welcome w;
    struct mls_encrypted_group_secrets entry;
    struct mls_group_secrets gs = {0};
    struct mls_group_info gi = {0};
    struct mls_group_context ctx = {0};
    struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf sealed = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf ext = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf context_ext = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf tree = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf ct = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf out = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer tw = dt_writer_init(&tree);
    struct dt_writer ow = dt_writer_init(&out);
    struct dt_writer pw = dt_writer_init(&plain);
    struct dt_secret psk = {0};
    struct dt_secret ws = {0};
    struct mls_hpke_ciphertext x;
    const struct mls_psk held = {.id = dt_view_str("k"), .value = dt_view_str("v")};
    struct mls_key_bundle keys = {to->bundle.init_priv,
                                  lie->other_key ? t->p[0].bundle.leaf_priv : to->bundle.leaf_priv};
    struct mls_join_params join = {.bundle = &keys,
                                   .psks = {&held, 1},
                                   .key_package = dt_buf_view(&to->key_package),
                                   .signature_priv = dt_secret_view(&to->seed)};
    const struct mls_group *in = lie->without_us ? t->p[0].group : t->p[0].group->pending->next;
    struct dt_buf psks = DT_BUF_INIT(MLS_MESSAGE_MAX);
    uint8_t tag[40] = {0};
    uint8_t joiner[64];
    uint8_t path[40] = {0};
    uint8_t kem[64];
    uint8_t ref[64];
    struct dt_view body;
    size_t mark;
    enum dt_err err;

    assert_ok(mls_message_body(dt_buf_view(&d->key_package), MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_key_package_parse(body, &kp));
    assert_ok(mls_key_package_hash(suite, kp, ref));
    assert_ok(mls_message_body(welcome, MLS_WIRE_WELCOME, &body));
    assert_ok(mls_welcome_parse(body, &w));
    assert_true(mls_welcome_find(&w, dt_view(ref, 32), &entry));
    assert_ok(mls_decrypt_with_label(suite, dt_secret_view(&d->bundle.init_priv), "Welcome",
                                     w.encrypted_group_info, &entry.sealed, &plain));
    assert_ok(mls_group_secrets_parse(&plain, &gs));
    assert_ok(mls_psk_secret(suite, NULL, 0, &psk));
    assert_ok(mls_welcome_secret(suite, gs.joiner_secret, dt_secret_view(&psk), &ws));
    assert_ok(mls_welcome_open_info(suite, dt_secret_view(&ws), w.encrypted_group_info, &info));
    assert_ok(mls_group_info_parse(dt_buf_view(&info), &gi));
    /* The lies. */
    memcpy(tag, gi.confirmation_tag.p, 32);
    if (lie->confirmation_tag)
        tag[0] ^= 1;
    mls_tree_write(&tw, lie->wrong_tree ? &t->p[1].group->tree : &in->tree);
    assert_ok(dt_writer_end(&tw));
    if (!lie->no_tree)
        assert_ok(mls_extension_append(&ext, MLS_EXT_RATCHET_TREE, dt_buf_view(&tree)));
    if (lie->info_extension != 0)
        assert_ok(mls_extension_append(&ext, lie->info_extension, dt_view_str("x")));
    if (lie->context_extension != 0)
        assert_ok(mls_extension_append(&context_ext, lie->context_extension, dt_view_str("x")));
    assert_ok(mls_group_context_new(
        lie->suite ? 3 : 1, gi.context.group_id, gi.context.epoch + (lie->epoch ? 1 : 0),
        in->context.tree_hash,
        dt_view(gi.context.confirmed_transcript_hash.p,
                gi.context.confirmed_transcript_hash.n - lie->transcript_cut),
        lie->context_extension != 0 ? dt_buf_view(&context_ext) : gi.context.extensions.raw, &ctx));
    if (lie->version)
        ctx.raw.p[1]++;
    dt_buf_clear(&info);
    assert_ok(mls_group_info_sign(suite, dt_buf_view(&ctx.raw), dt_buf_view(&ext),
                                  dt_view(tag, lie->tag_len), lie->signer,
                                  dt_secret_view(lie->signed_by_other    ? &t->p[1].seed
                                                 : lie->signed_by_joiner ? &d->seed
                                                                         : &t->p[0].seed),
                                  &info));
    memset(joiner, 0, sizeof joiner);
    memcpy(joiner, gs.joiner_secret.p, 32);
    dt_secret_clear(&ws);
    assert_ok(
        mls_welcome_secret(suite, dt_view(joiner, lie->joiner_len), dt_secret_view(&psk), &ws));
    assert_ok(mls_welcome_seal_info(suite, dt_secret_view(&ws), dt_buf_view(&info), &sealed));
    memcpy(path, gs.path_secret.p, 32);
    if (lie->path_secret)
        path[5] ^= 1;
    dt_buf_init(&plain, MLS_MESSAGE_MAX);
    psks_of(lie, &psks);
    mls_group_secrets_write(&pw, dt_view(joiner, lie->joiner_len), dt_view(path, lie->path_len),
                            dt_buf_view(&psks));
    assert_ok(dt_writer_end(&pw));
    assert_ok(mls_message_body(dt_buf_view(&to->key_package), MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_key_package_parse(body, &target));
    assert_ok(mls_key_package_hash(suite, target, ref));
    assert_ok(mls_encrypt_with_label(suite, target->init_key, "Welcome", dt_buf_view(&sealed),
                                     dt_buf_view(&plain), kem, &ct));
    mls_message_write(&ow, MLS_WIRE_WELCOME);
    dt_write_u16(&ow, lie->welcome_suite);
    mark = dt_write_vec_begin(&ow);
    dt_write_vec(&ow, dt_view(ref, 32));
    x.kem_output = dt_view(kem, 32);
    x.ciphertext = dt_buf_view(&ct);
    mls_hpke_ciphertext_write(&ow, &x);
    dt_write_vec_end(&ow, mark);
    dt_write_vec(&ow, dt_buf_view(&sealed));
    assert_ok(dt_writer_end(&ow));
    join.welcome = dt_buf_view(&out);
    if (lie->late) {
        join.lifetime = gu_clock;
        join.lifetime.now_ms += UINT64_C(2) * 86400000;
    }
    join.policy.past_epochs = lie->policy ? MLS_PAST_EPOCHS_MAX + 1 : 1;
    err = mls_group_join(&join, &d->group, NULL);
    mls_group_free(d->group);
    d->group = NULL;
    mls_key_package_unref(kp);
    mls_key_package_unref(target);
    mls_group_secrets_clear(&gs);
    mls_group_info_clear(&gi);
    mls_group_context_clear(&ctx);
    dt_secret_clear(&psk);
    dt_secret_clear(&ws);
    dt_buf_wipe(&plain);
    dt_buf_clear(&info);
    dt_buf_clear(&sealed);
    dt_buf_clear(&ext);
    dt_buf_clear(&context_ext);
    dt_buf_clear(&tree);
    dt_buf_clear(&ct);
    dt_buf_clear(&out);
    dt_buf_clear(&psks);
    return err;
}

static void
test_section_12_4_3_1_welcome_lies(void **state)
{
    struct trio t;
    struct gu_party d;
    struct gu_party again;
    struct dt_view add;
    const uint32_t cyd = 2;
    struct mls_commit_opts opts = {.adds = &add,
                                   .n_adds = 1,
                                   .removes = &cyd,
                                   .n_removes = 1,
                                   .force_path = true,
                                   .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    const struct lie honest = {.tag_len = 32, .joiner_len = 32, .path_len = 32, .welcome_suite = 1};
    struct lie lie;

    (void)state;
    trio_init(&t);
    gu_party_init(&d, 1, "dan");
    add = dt_buf_view(&d.key_package);
    assert_ok(mls_group_commit(t.p[0].group, &opts, &out));
#define REFUSED_WITH(want, member, value)                                                          \
    do {                                                                                           \
        lie = honest;                                                                              \
        lie.member = (value);                                                                      \
        assert_err((want), join_lie(&t, &d, dt_buf_view(&out.welcome), &lie));                     \
    } while (0)
    assert_ok(join_lie(&t, &d, dt_buf_view(&out.welcome), &honest));
    REFUSED_WITH(DT_ERR_AUTH, confirmation_tag, true);
    REFUSED_WITH(DT_ERR_AUTH, tag_len, 0);
    REFUSED_WITH(DT_ERR_AUTH, tag_len, 31);
    REFUSED_WITH(DT_ERR_AUTH, tag_len, 33);
    REFUSED_WITH(DT_ERR_FORMAT, transcript_cut, 1);
    REFUSED_WITH(DT_ERR_FORMAT, transcript_cut, 32);
    REFUSED_WITH(DT_ERR_NOT_FOUND, no_tree, true);
    REFUSED_WITH(DT_ERR_AUTH, wrong_tree, true);
    REFUSED_WITH(DT_ERR_AUTH, signer, 1);
    REFUSED_WITH(DT_ERR_AUTH, signer, 3);
    assert_string_equal(dt_err_message(), "the signer's leaf 3 is blank");
    REFUSED_WITH(DT_ERR_AUTH, signer, 7);
    assert_string_equal(dt_err_message(), "the signer's leaf 7 is blank");
    REFUSED_WITH(DT_ERR_AUTH, signed_by_other, true);
    REFUSED_WITH(DT_ERR_FORMAT, joiner_len, 31);
    REFUSED_WITH(DT_ERR_FORMAT, joiner_len, 33);
    REFUSED_WITH(DT_ERR_FORMAT, path_len, 31);
    REFUSED_WITH(DT_ERR_FORMAT, path_len, 33);
    REFUSED_WITH(DT_ERR_AUTH, path_secret, true);
    REFUSED_WITH(DT_ERR_REFUSED, without_us, true);
    REFUSED_WITH(DT_ERR_REFUSED, welcome_suite, 3);
    REFUSED_WITH(DT_ERR_UNSUPPORTED, welcome_suite, 99);
    /* Dan took the leaf of cyd; whoever adds is in the group before. */
    lie = honest;
    lie.signer = 2;
    lie.signed_by_joiner = true;
    assert_err(DT_ERR_REFUSED, join_lie(&t, &d, dt_buf_view(&out.welcome), &lie));
    /* RFC 9420 section 12.1.4: a nonce is as long as a hash; no PSK stands there twice. */
    REFUSED_WITH(DT_ERR_REFUSED, psk_nonce, 31);
    REFUSED_WITH(DT_ERR_REFUSED, psk_nonce, 33);
    lie = honest;
    lie.psk_nonce = 32;
    lie.psk_twice = true;
    assert_err(DT_ERR_REFUSED, join_lie(&t, &d, dt_buf_view(&out.welcome), &lie));
    REFUSED_WITH(DT_ERR_EXPIRED, late, true);
    REFUSED_WITH(DT_ERR_AUTH, other_key, true);
    REFUSED_WITH(DT_ERR_RANGE, policy, true);
    REFUSED_WITH(DT_ERR_AUTH, epoch, true);
    REFUSED_WITH(DT_ERR_REFUSED, suite, true);
    REFUSED_WITH(DT_ERR_UNSUPPORTED, version, true);
    /* Section 17.3: what stands in a GroupInfo and in a GroupContext; what is not known in the
     * first is passed over, in the second it has to be supported. */
    REFUSED_WITH(DT_ERR_REFUSED, info_extension, MLS_EXT_APPLICATION_ID);
    REFUSED_WITH(DT_ERR_REFUSED, info_extension, MLS_EXT_REQUIRED_CAPABILITIES);
    REFUSED_WITH(DT_ERR_REFUSED, info_extension, MLS_EXT_EXTERNAL_SENDERS);
    REFUSED_WITH(DT_OK, info_extension, MLS_EXT_EXTERNAL_PUB);
    REFUSED_WITH(DT_OK, info_extension, 0x0a0a);
    REFUSED_WITH(DT_ERR_REFUSED, context_extension, MLS_EXT_APPLICATION_ID);
    REFUSED_WITH(DT_ERR_REFUSED, context_extension, MLS_EXT_RATCHET_TREE);
    REFUSED_WITH(DT_ERR_REFUSED, context_extension, MLS_EXT_EXTERNAL_PUB);
    REFUSED_WITH(DT_ERR_UNSUPPORTED, context_extension, 0x0a0a);
    /* Section 12.4.3.1: the leaf is that of the key package. Dan's other one, under the same
     * signature key, is in the tree. */
    again = d;
    dt_buf_init(&again.key_package, MLS_MESSAGE_MAX);
    memset(&again.bundle, 0, sizeof again.bundle);
    gu_key_package(&again);
    REFUSED_WITH(DT_ERR_REFUSED, to, &again);
#undef REFUSED_WITH
    dt_buf_clear(&again.key_package);
    mls_key_bundle_clear(&again.bundle);
    mls_commit_out_clear(&out);
    gu_party_clear(&d);
    trio_clear(&t);
}

/* Dan's entry twice in one Welcome, one of the two spoiled: the first is the one that counts. */
static void
test_two_entries(void **state)
{
    struct gu_party ada, dan;
    struct dt_view add, body;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_welcome w;
    struct mls_join_params join;

    (void)state;
    gu_party_init(&ada, 1, "ada");
    gu_party_init(&dan, 1, "dan");
    gu_create(&ada);
    add = dt_buf_view(&dan.key_package);
    assert_ok(mls_group_commit(ada.group, &opts, &out));
    assert_ok(mls_message_body(dt_buf_view(&out.welcome), MLS_WIRE_WELCOME, &body));
    assert_ok(mls_welcome_parse(body, &w));
    join = (struct mls_join_params){
        .key_package = add, .bundle = &dan.bundle, .signature_priv = dt_secret_view(&dan.seed)};
    for (size_t spoiled = 0; spoiled < 2; spoiled++) {
        struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_writer wr = dt_writer_init(&m);
        size_t end[2];
        size_t mark;

        mls_message_write(&wr, MLS_WIRE_WELCOME);
        dt_write_u16(&wr, 1);
        mark = dt_write_vec_begin(&wr);
        for (size_t i = 0; i < 2; i++) {
            dt_write_view(&wr, w.secrets);
            end[i] = m.n;
        }
        /* The last byte of an entry is of its ciphertext. */
        m.p[end[spoiled] - 1] ^= 1;
        dt_write_vec_end(&wr, mark);
        dt_write_vec(&wr, w.encrypted_group_info);
        assert_ok(dt_writer_end(&wr));
        join.welcome = dt_buf_view(&m);
        assert_err(spoiled == 0 ? DT_ERR_AUTH : DT_OK, mls_group_join(&join, &dan.group, NULL));
        dt_buf_clear(&m);
    }
    mls_commit_out_clear(&out);
    gu_party_clear(&ada);
    gu_party_clear(&dan);
}

/* A key package that calls itself a last resort (extension 0x000a, not the RFC's) is one like
 * others: it is added, it joins once, and the client that it adds is not added again. */
static void
test_last_resort(void **state)
{
    const struct mls_typed last_resort = {0x000a, {NULL, 0}};
    struct gu_party ada, dan;
    struct gu_party *all[] = {&ada, &dan};
    struct mls_leaf_params leaf;
    struct dt_view add;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};

    (void)state;
    gu_party_init(&ada, 1, "ada");
    gu_party_init(&dan, 1, "dan");
    leaf = gu_leaf(&dan);
    mls_key_bundle_clear(&dan.bundle);
    dt_buf_clear(&dan.key_package);
    assert_ok(mls_key_package_new(&leaf, GU_NOW_S - 1, GU_NOW_S + 60,
                                  (struct mls_typed_list){&last_resort, 1}, &dan.key_package,
                                  &dan.bundle));
    gu_create(&ada);
    gu_add(&ada, &dan, all, 1);
    gu_agree(all, 2);
    add = dt_buf_view(&dan.key_package);
    assert_err(DT_ERR_REFUSED, mls_group_commit(ada.group, &opts, &out));
    gu_party_clear(&ada);
    gu_party_clear(&dan);
}

/* The Welcome comes before the others have the Commit, or after they went on: each hears the other
 * once it has both. */
static void
test_before_and_after_its_commit(void **state)
{
    struct trio t;
    struct gu_party dan;
    struct gu_party *all[] = {&t.p[0], &t.p[1], &t.p[2], &dan};
    struct dt_view add;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_opts empty = {0};
    struct mls_event e = {0};

    (void)state;
    for (int late = 0; late < 2; late++) {
        struct mls_commit_out out = {0};
        struct mls_commit_out next = {0};
        struct dt_buf m;

        trio_init(&t);
        gu_party_init(&dan, 1, "dan");
        add = dt_buf_view(&dan.key_package);
        assert_ok(mls_group_commit(t.p[0].group, &opts, &out));
        if (late == 0) {
            gu_join(&dan, dt_buf_view(&out.welcome), no_psks);
            gu_protect(&dan, "early", &m);
            /* Of an epoch that is still to come: kept by the caller, and no harm done. */
            assert_ok(mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
            assert_int_equal(e.kind, MLS_EVENT_FUTURE);
            mls_event_clear(&e);
        }
        for (size_t i = 1; i < 3; i++)
            gu_follow(&t.p[i], dt_buf_view(&out.commit));
        assert_ok(mls_group_take_pending(t.p[0].group, GU_NOW_MS));
        if (late == 0) {
            gu_hear(&t.p[1], dt_buf_view(&m), "early");
            dt_buf_clear(&m);
            gu_commit(&t.p[2], &empty, all, 4, NULL);
        } else {
            gu_commit(&t.p[2], &empty, all, 3, &next);
            gu_join(&dan, dt_buf_view(&out.welcome), no_psks);
            /* Its own Commit tells it nothing new, the one after it everything. */
            assert_ok(mls_group_process(dan.group, no_psks, dt_buf_view(&out.commit), &e));
            assert_int_equal(e.kind, MLS_EVENT_STALE);
            mls_event_clear(&e);
            gu_follow(&dan, dt_buf_view(&next.commit));
            mls_commit_out_clear(&next);
        }
        gu_agree(all, 4);
        gu_say(&dan, "here", all, 4);
        mls_commit_out_clear(&out);
        gu_party_clear(&dan);
        trio_clear(&t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_4_3_1_welcome_lies),
        cmocka_unit_test(test_two_entries),
        cmocka_unit_test(test_last_resort),
        cmocka_unit_test(test_before_and_after_its_commit),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
