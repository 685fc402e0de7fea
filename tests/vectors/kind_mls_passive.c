/*
 * tests/vectors/kind_mls_passive.c - whole groups, followed by a member that only listens: the
 * passive-client files, and those made from interop runs of other libraries.
 *
 * RFC 9420 sections 8, 12.3, 12.4.2, 12.4.3.1.
 */
#include <stdlib.h>

#include "mls/group.h"

#include "kind_mls.h"

#define PSKS_MAX 64

struct passive {
    struct dt_buf ids[PSKS_MAX];
    struct dt_buf values[PSKS_MAX];
    struct mls_psk psks[PSKS_MAX];
    size_t n_psks;
    struct mls_key_bundle bundle;
    struct mls_group *group;
};

static void
passive_clear(struct passive *p)
{
    for (size_t i = 0; i < p->n_psks; i++) {
        dt_buf_wipe(&p->ids[i]);
        dt_buf_wipe(&p->values[i]);
    }
    mls_key_bundle_clear(&p->bundle);
    mls_group_free(p->group);
}

static bool
read_psks(struct vector_run *run, const json_t *c, struct passive *p)
{
    const json_t *psks;
    const json_t *x;
    size_t i;

    if (!vec_array(run, c, "external_psks", &psks) ||
        !vec_check(run, json_array_size(psks) <= PSKS_MAX, "too many PSKs"))
        return false;
    json_array_foreach(psks, i, x)
    {
        dt_buf_init(&p->ids[i], VEC_MAX);
        dt_buf_init(&p->values[i], VEC_MAX);
        p->n_psks = i + 1;
        if (!vec_hex(run, x, "psk_id", &p->ids[i]) || !vec_hex(run, x, "psk", &p->values[i]))
            return false;
        p->psks[i].id = dt_buf_view(&p->ids[i]);
        p->psks[i].value = dt_buf_view(&p->values[i]);
    }
    return true;
}

static bool
authenticator_equal(struct vector_run *run, const json_t *c, const char *field,
                    const struct mls_group *g)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;

    return vec_hex(run, c, field, &want) &&
           vec_equal(run, field, mls_group_epoch_authenticator(g), dt_buf_view(&want));
}

static bool
join(struct vector_run *run, const struct dt_suite *suite, const json_t *c, struct passive *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf key_package = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf welcome = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret sig = {0};
    struct mls_join_params params = {.allow_malleable = true,
                                     .policy = {.past_epochs = 1,
                                                .resumption_psks = MLS_RESUMPTION_PSKS_MAX,
                                                .outside = MLS_OUTSIDE_ALL}};
    bool present = false;
    enum dt_err err;

    if (!vec_hex(run, c, "key_package", &key_package) || !vec_hex(run, c, "welcome", &welcome) ||
        !vec_hex_opt(run, c, "ratchet_tree", &tree, &present) ||
        !vec_mls_priv(run, suite, c, "signature_priv", suite->sig_priv_len, &sig) ||
        !vec_mls_priv(run, suite, c, "encryption_priv", suite->kem_priv_len,
                      &p->bundle.leaf_priv) ||
        !vec_mls_priv(run, suite, c, "init_priv", suite->kem_priv_len, &p->bundle.init_priv))
        return false;
    params.welcome = dt_buf_view(&welcome);
    params.key_package = dt_buf_view(&key_package);
    params.bundle = &p->bundle;
    params.signature_priv = dt_secret_view(&sig);
    params.psks.v = p->psks;
    params.psks.n = p->n_psks;
    params.ratchet_tree = dt_buf_view(&tree);
    err = mls_group_join(&params, &p->group, NULL);
    if (err == DT_ERR_UNSUPPORTED)
        return vec_skip(run, "a Welcome with something out of scope: %s", dt_err_message());
    return vec_ok(run, err, "join") &&
           authenticator_equal(run, c, "initial_epoch_authenticator", p->group);
}

/* The state after every step survives being saved. */
static bool
reload(struct vector_run *run, struct passive *p)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = VEC_BUF;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf again = VEC_BUF;
    struct mls_group *g = NULL;

    if (!vec_ok(run, mls_group_save(p->group, &saved), "save") ||
        !vec_ok(run, mls_group_load(dt_buf_view(&saved), &g), "load"))
        return false;
    mls_group_free(p->group);
    p->group = g;
    return vec_ok(run, mls_group_save(g, &again), "save again") &&
           vec_equal(run, "saved state", dt_buf_view(&again), dt_buf_view(&saved));
}

static bool
process(struct vector_run *run, struct passive *p, struct dt_view message, enum mls_event_kind want)
{
    DT_CLEANUP(mls_event_clear) struct mls_event e = {0};
    struct mls_psk_list psks = {p->psks, p->n_psks};
    enum dt_err err = mls_group_process(p->group, psks, message, &e);

    if (err == DT_OK && e.kind == MLS_EVENT_REFUSED)
        err = e.refused;
    if (err == DT_ERR_UNSUPPORTED)
        return vec_skip(run, "a message with something out of scope: %s", dt_err_message());
    if (!vec_ok(run, err, "process") ||
        !vec_check(run, e.kind == want, "event %d, not %d", (int)e.kind, (int)want))
        return false;
    if (want == MLS_EVENT_COMMIT) {
        if (!vec_check(run, !mls_staged_effects(e.staged)->removes_us, "removed") ||
            !vec_ok(run, mls_group_take(p->group, e.staged, 0), "take"))
            return false;
        e.staged = NULL;
    }
    return reload(run, p);
}

static bool
follow(struct vector_run *run, const json_t *epoch, struct passive *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = VEC_BUF;
    const json_t *proposals;
    const json_t *x;
    size_t i;

    if (!vec_array(run, epoch, "proposals", &proposals))
        return false;
    json_array_foreach(proposals, i, x)
    {
        if (!vec_hex_value(run, x, "proposal", &message) ||
            !process(run, p, dt_buf_view(&message), MLS_EVENT_PROPOSAL))
            return false;
    }
    return vec_hex(run, epoch, "commit", &message) &&
           process(run, p, dt_buf_view(&message), MLS_EVENT_COMMIT) &&
           authenticator_equal(run, epoch, "epoch_authenticator", p->group);
}

static void
passive_case(struct vector_run *run, const json_t *c)
{
    const struct dt_suite *suite = vec_mls_suite(run, c);
    struct passive *p;
    const json_t *epochs;
    const json_t *e;
    size_t i;

    if (suite == NULL)
        return;
    p = calloc(1, sizeof *p);
    if (!vec_check(run, p != NULL, "out of memory"))
        return;
    if (read_psks(run, c, p) && join(run, suite, c, p) && reload(run, p) &&
        vec_array(run, c, "epochs", &epochs)) {
        json_array_foreach(epochs, i, e)
        {
            if (!follow(run, e, p))
                break;
        }
    }
    passive_clear(p);
    free(p);
}

void
vec_mls_passive(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        vec_case(run, "%zu", i);
        passive_case(run, c);
        vec_end(run);
    }
}
