/*
 * tests/mls/test_welcome_lies.c - a Welcome by a member who lies in it: opened, changed in one
 * thing, signed and sealed anew; and what is wrong on the joiner's own side.
 *
 * Source: RFC 9420 sections 12.1.4, 12.4.3.1 and 17.3.
 */
#include <string.h>

#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/welcome.h"

#include "group_util.h"

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
    bool no_tree;
    bool wrong_tree;      /* the tree of another epoch */
    uint32_t signer;      /* as claimed */
    bool signed_by_other; /* by a key that is not the signer's */
    size_t joiner_len;
    bool path_secret;           /* another path secret than the right one */
    bool epoch;                 /* a GroupContext of another epoch */
    bool suite;                 /* and of another suite */
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
    struct mls_key_package *kp = NULL;
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
    struct mls_key_bundle keys = {d->bundle.init_priv,
                                  lie->other_key ? t->p[0].bundle.leaf_priv : d->bundle.leaf_priv};
    struct mls_join_params join = {.bundle = &keys,
                                   .psks = {&held, 1},
                                   .key_package = dt_buf_view(&d->key_package),
                                   .signature_priv = dt_secret_view(&d->seed)};
    const struct mls_group *in = lie->without_us ? t->p[0].group : t->p[0].group->pending->next;
    struct dt_buf psks = DT_BUF_INIT(MLS_MESSAGE_MAX);
    uint8_t tag[32];
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
    dt_buf_clear(&info);
    assert_ok(mls_group_info_sign(suite, dt_buf_view(&ctx.raw), dt_buf_view(&ext), dt_view_of(tag),
                                  lie->signer,
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
    assert_ok(mls_encrypt_with_label(suite, kp->init_key, "Welcome", dt_buf_view(&sealed),
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
test_welcome_lies(void **state)
{
    struct trio t;
    struct gu_party d;
    struct dt_view add;
    struct mls_commit_opts opts = {
        .adds = &add, .n_adds = 1, .force_path = true, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    const struct lie honest = {.joiner_len = 32, .path_len = 32, .welcome_suite = 1};
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
    REFUSED_WITH(DT_ERR_FORMAT, transcript_cut, 1);
    REFUSED_WITH(DT_ERR_FORMAT, transcript_cut, 32);
    REFUSED_WITH(DT_ERR_NOT_FOUND, no_tree, true);
    REFUSED_WITH(DT_ERR_AUTH, wrong_tree, true);
    REFUSED_WITH(DT_ERR_AUTH, signer, 1);
    REFUSED_WITH(DT_ERR_AUTH, signer, 7);
    REFUSED_WITH(DT_ERR_AUTH, signed_by_other, true);
    REFUSED_WITH(DT_ERR_FORMAT, joiner_len, 31);
    REFUSED_WITH(DT_ERR_FORMAT, joiner_len, 33);
    REFUSED_WITH(DT_ERR_FORMAT, path_len, 31);
    REFUSED_WITH(DT_ERR_FORMAT, path_len, 33);
    REFUSED_WITH(DT_ERR_AUTH, path_secret, true);
    REFUSED_WITH(DT_ERR_REFUSED, without_us, true);
    REFUSED_WITH(DT_ERR_REFUSED, welcome_suite, 3);
    REFUSED_WITH(DT_ERR_UNSUPPORTED, welcome_suite, 99);
    /* Dan's own leaf is the fourth; whoever adds is in the group before. */
    lie = honest;
    lie.signer = 3;
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
#undef REFUSED_WITH
    mls_commit_out_clear(&out);
    gu_party_clear(&d);
    trio_clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_welcome_lies),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
