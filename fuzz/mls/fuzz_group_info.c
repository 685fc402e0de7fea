/*
 * fuzz/mls/fuzz_group_info.c - joining by an external Commit on a GroupInfo that was altered: as it
 * is (0), signed again by its signer (1), or with the tree beside it and the tree altered (2).
 *
 * First byte: which; then edits of four bytes: place, kind, value. Who gets in by it and whose
 * Commit a member takes, is where that member is.
 */
#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/welcome.h"

#include "../edits.h"
#include "fuzz_mls.h"

static struct dt_secret ada_sig, eve_sig;
static uint8_t ada_pub[32], eve_pub[32];
static struct dt_buf ada_saved;
static struct dt_buf with;    /* GroupInfo with the tree, as MLSMessage */
static struct dt_buf without; /* without it */
static struct dt_buf tree;

static void
must(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "%s: %s\n", dt_err_place(), dt_err_message());
        abort();
    }
}

static struct mls_leaf_params
leaf_of(const struct dt_secret *sig, const uint8_t pub[static 32], const char *name)
{
    return (struct mls_leaf_params){.suite = 1,
                                    .signature_priv = dt_secret_view(sig),
                                    .signature_pub = dt_view(pub, 32),
                                    .identity = dt_view_str(name)};
}

static void
add_member(struct mls_group *g, const char *name)
{
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out out = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret sig = {0};
    DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf kp = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_leaf_params leaf;
    struct dt_view add;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
    uint8_t pub[32];

    must(dt_ed25519_new(&sig, pub) == DT_OK);
    leaf = leaf_of(&sig, pub, name);
    must(mls_key_package_new(&leaf, 0, 4000000000u, (struct mls_typed_list){NULL, 0}, &kp,
                             &bundle) == DT_OK);
    add = dt_buf_view(&kp);
    must(mls_group_commit(g, &opts, &out) == DT_OK);
    must(mls_group_take_pending(g, 1) == DT_OK);
}

static void
set_up(void)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_group_params params = {.group_id = dt_view_str("info"),
                                      .not_after_s = 4000000000u,
                                      .policy = {.past_epochs = 2, .outside = MLS_OUTSIDE_JOIN}};
    struct mls_group_info_opts opts = {.external_pub = true};
    struct dt_writer w;

    dt_buf_init(&ada_saved, MLS_GROUP_STATE_MAX);
    dt_buf_init(&with, MLS_MESSAGE_MAX);
    dt_buf_init(&without, MLS_MESSAGE_MAX);
    dt_buf_init(&tree, MLS_MESSAGE_MAX);
    must(dt_ed25519_new(&ada_sig, ada_pub) == DT_OK && dt_ed25519_new(&eve_sig, eve_pub) == DT_OK);
    params.leaf = leaf_of(&ada_sig, ada_pub, "ada");
    must(mls_group_create(&params, &g) == DT_OK);
    add_member(g, "bob");
    add_member(g, "cyd");
    must(mls_group_save(g, &ada_saved) == DT_OK);
    must(mls_group_info_export(g, &opts, &without) == DT_OK);
    opts.ratchet_tree = true;
    must(mls_group_info_export(g, &opts, &with) == DT_OK);
    w = dt_writer_init(&tree);
    mls_tree_write(&w, &g->tree);
    must(dt_writer_end(&w) == DT_OK);
}

/* ${m} with the signature that ada would give it; false when it is no GroupInfo. */
static bool
sign_again(const struct dt_suite *suite, struct dt_buf *m)
{
    DT_CLEANUP(mls_group_info_clear) struct mls_group_info info = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&again);
    struct dt_view body;

    if (mls_message_body(dt_buf_view(m), MLS_WIRE_GROUP_INFO, &body) != DT_OK ||
        mls_group_info_parse(body, &info) != DT_OK)
        return false;
    mls_message_write(&w, MLS_WIRE_GROUP_INFO);
    must(dt_writer_end(&w) == DT_OK);
    must(mls_group_info_sign(suite, dt_buf_view(&info.context.raw), info.extensions.raw,
                             info.confirmation_tag, info.signer, dt_secret_view(&ada_sig),
                             &again) == DT_OK);
    return dt_buf_set(m, dt_buf_view(&again)) == DT_OK;
}

/* Its state can be kept; and ada, if she takes ${commit}, is where it is. */
static void
check(const struct mls_group *g, struct dt_view commit, bool edited)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf one = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf two = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    DT_CLEANUP(mls_group_free_p) struct mls_group *back = NULL;
    DT_CLEANUP(mls_group_free_p) struct mls_group *ada = NULL;
    DT_CLEANUP(mls_event_clear) struct mls_event e = {0};
    bool taken;

    must(mls_group_save(g, &one) == DT_OK);
    must(mls_group_load(dt_buf_view(&one), &back) == DT_OK);
    must(mls_group_save(back, &two) == DT_OK);
    must(dt_view_equal(dt_buf_view(&one), dt_buf_view(&two)));
    must(mls_group_load(dt_buf_view(&ada_saved), &ada) == DT_OK);
    taken = mls_group_process(ada, (struct mls_psk_list){NULL, 0}, commit, &e) == DT_OK &&
            e.kind == MLS_EVENT_COMMIT;
    must(taken || edited);
    if (taken)
        must(dt_view_equal(mls_staged_effects(e.staged)->epoch_authenticator,
                           mls_group_epoch_authenticator(g)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dt_suite *suite = fuzz_suite();
    DT_CLEANUP(dt_buf_clear) struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf t = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_external_join_params x = {.policy = {.past_epochs = 2}};
    struct mls_group_info_peeked peeked;

    if (ada_saved.n == 0)
        set_up();
    if (size == 0 || data[0] > 2)
        return 0;
    must(dt_buf_set(&m, dt_buf_view(data[0] == 2 ? &without : &with)) == DT_OK);
    if (data[0] == 2)
        must(dt_buf_set(&t, dt_buf_view(&tree)) == DT_OK);
    edit(data[0] == 2 ? &t : &m, data + 1, size - 1);
    if (data[0] == 1 && !sign_again(suite, &m))
        return 0;
    x.group_info = dt_buf_view(&m);
    x.ratchet_tree = dt_buf_view(&t);
    x.leaf = leaf_of(&eve_sig, eve_pub, "eve");
    if (mls_group_join_external(&x, &g, &commit, NULL) == DT_OK) {
        must(mls_group_info_peek(dt_buf_view(&m), &peeked) == DT_OK && peeked.external_pub);
        check(g, dt_buf_view(&commit), size >= 5);
        fuzz_accepted();
    } else {
        must(size >= 5 && g == NULL && commit.n == 0);
    }
    return 0;
}
