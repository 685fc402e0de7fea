/*
 * relay/store/grant.c - making a grant: register, policy, tokens, in one transaction. See store.h.
 *
 * Layer: relay. May run while another process serves the same store.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/address.h"

#include "relay/store/internal.h"

#define ATTESTED_GROUPS 2u

/* ---- the witness policy ---- */

/* The order's groups, each once, in order of appearance. */
struct groups {
    const char *names[DT_GRANT_WITNESS_MAX];
    size_t n;
};

static void
collect_groups(const struct dt_grant_order *order, struct groups *g)
{
    g->n = 0;
    for (size_t i = 0; i < order->n_witnesses; i++) {
        bool known = false;

        for (size_t k = 0; k < g->n; k++)
            known = known || strcmp(g->names[k], order->witnesses[i].group) == 0;
        if (!known)
            g->names[g->n++] = order->witnesses[i].group;
    }
}

static enum dt_err
add_group(struct tlog_policy *p, const struct dt_grant_order *order, const char *group)
{
    char names[DT_GRANT_WITNESS_MAX][24], name[DT_GRANT_NAME_MAX + 8];
    struct dt_view members[DT_GRANT_WITNESS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < order->n_witnesses; i++) {
        if (strcmp(order->witnesses[i].group, group) != 0)
            continue;
        (void)snprintf(names[n], sizeof(names[n]), "w-%zu", i);
        members[n] = dt_view_str(names[n]);
        n++;
    }
    (void)snprintf(name, sizeof(name), "g-%s", group);
    return tlog_policy_add_group(p, dt_view_str(name), 1, members, n);
}

/* log, witnesses w-0.., one group g-NAME a party, "sides" of all groups with two needed. */
static enum dt_err
build_policy(const struct dt_grant_order *order, const struct tlog_vkey *log, struct tlog_policy *p)
{
    char names[DT_GRANT_WITNESS_MAX][DT_GRANT_NAME_MAX + 8];
    struct dt_view members[DT_GRANT_WITNESS_MAX];
    struct tlog_vkey keys[DT_GRANT_WITNESS_MAX];
    struct groups groups;
    enum dt_err err;

    if ((err = tlog_policy_add_log(p, log, dt_view_str(""))) != DT_OK)
        return err;
    for (size_t i = 0; i < order->n_witnesses; i++) {
        char name[24];

        if (!dt_grant_name_ok(order->witnesses[i].group))
            return dt_fail(DT_ERR_USAGE, "a witness's name must be 1 to 64 of a-z, 0-9 and -");
        err = tlog_vkey_parse(dt_view_str(order->witnesses[i].vkey), &keys[i]);
        if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
            return err;
        if (err != DT_OK || keys[i].type != TLOG_KEY_COSIGNATURE)
            return dt_fail(DT_ERR_USAGE, "witness of %s: not a witness's verifier key",
                           order->witnesses[i].group);
        for (size_t k = 0; k < i; k++) {
            if (keys[k].id == keys[i].id)
                return dt_fail(DT_ERR_USAGE, "witness of %s: its key is there twice",
                               order->witnesses[i].group);
        }
        (void)snprintf(name, sizeof(name), "w-%zu", i);
        err = tlog_policy_add_witness(
            p, dt_view_str(name), &keys[i],
            dt_view_str(order->witness_urls == NULL ? "" : order->witness_urls[i]));
        if (err == DT_ERR_FORMAT || err == DT_ERR_LIMIT)
            return dt_fail(DT_ERR_USAGE, "witness of %s: not a URL", order->witnesses[i].group);
        if (err != DT_OK)
            return err;
    }
    collect_groups(order, &groups);
    if (groups.n < ATTESTED_GROUPS)
        return dt_fail(DT_ERR_USAGE, "witnesses of at least two groups are needed, there are %zu",
                       groups.n);
    for (size_t i = 0; i < groups.n; i++) {
        if ((err = add_group(p, order, groups.names[i])) != DT_OK)
            return err;
        (void)snprintf(names[i], sizeof(names[i]), "g-%s", groups.names[i]);
        members[i] = dt_view_str(names[i]);
    }
    if ((err = tlog_policy_add_group(p, dt_view_str("sides"), ATTESTED_GROUPS, members,
                                     groups.n)) != DT_OK)
        return err;
    return tlog_policy_set_quorum(p, dt_view_str("sides"));
}

/* ---- what is the same in every party's grant ---- */

static enum dt_err
check_order(const struct dt_grant_order *order)
{
    if (!dt_address_is_grant(order->url))
        return dt_fail(DT_ERR_USAGE,
                       "the URL must be http:// or https:// with a host and no final /, or "
                       "file:NAME for a relay that is carried in a file");
    if (order->n_parties == 0 || order->n_parties > DT_GRANT_PARTIES_MAX)
        return dt_fail(DT_ERR_USAGE, "1 to %u parties are needed", DT_GRANT_PARTIES_MAX);
    /* A day, whenever it begins, may take in a period more than fits into it. */
    if (order->cadence.period_ms != 0 &&
        order->daily_entries / order->cadence.k < DT_MS_DAY / order->cadence.period_ms + 1)
        return dt_fail(
            DT_ERR_USAGE,
            "the entries that a party may append each day are fewer than the cadence asks "
            "for");
    if (order->n_witnesses > DT_GRANT_WITNESS_MAX)
        return dt_fail(DT_ERR_USAGE, "at most %u witnesses", DT_GRANT_WITNESS_MAX);
    for (size_t i = 0; i < order->n_parties; i++) {
        if (!dt_grant_name_ok(order->parties[i]))
            return dt_fail(DT_ERR_USAGE, "a party's name must be 1 to 64 of a-z, 0-9 and -");
        for (size_t k = 0; k < i; k++) {
            if (strcmp(order->parties[i], order->parties[k]) == 0)
                return dt_fail(DT_ERR_USAGE, "party %s is there twice", order->parties[i]);
        }
    }
    return DT_OK;
}

static enum dt_err
fill_common(const struct dt_grant_order *order, struct dt_grant *g, struct tlog_signer *signer)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(DT_GRANT_VKEY_MAX);
    struct groups groups;
    uint8_t id[DT_REGISTER_ID];
    enum dt_err err;

    if ((err = dt_random(id, sizeof(id))) != DT_OK ||
        (err = dt_random(g->queue_token, sizeof(g->queue_token))) != DT_OK ||
        (order->read_key && (err = dt_random(g->read_key, sizeof(g->read_key))) != DT_OK))
        return err;
    g->has_read_key = order->read_key;
    g->cadence = order->cadence;
    dt_hex_str(g->register_id, dt_view_of(id));
    (void)snprintf(g->origin, sizeof(g->origin), "register.detente/%s", g->register_id);
    if ((err = tlog_signer_new(dt_view_str(g->origin), TLOG_KEY_ED25519, signer)) != DT_OK ||
        (err = tlog_vkey_write(&signer->vkey, &vkey)) != DT_OK)
        return err;
    memcpy(g->vkey, vkey.p, vkey.n);
    g->vkey[vkey.n] = '\0';
    (void)snprintf(g->relay, sizeof(g->relay), "%s", order->url);
    memcpy(g->witnesses, order->witnesses, order->n_witnesses * sizeof(g->witnesses[0]));
    g->n_witnesses = order->n_witnesses;
    collect_groups(order, &groups);
    g->quorum_attested = ATTESTED_GROUPS;
    g->quorum_final = (uint32_t)groups.n;
    g->daily_entries = order->daily_entries;
    g->queues_max = order->bounds.queues;
    g->queue_cells_max = order->bounds.queue_cells;
    return DT_OK;
}

/* ---- rows ---- */

static enum dt_err
put_grant(struct dt_relay_store *s, const struct dt_grant *g, const struct dt_relay_bounds *bounds,
          uint64_t *out_id)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t hash[32];
    enum dt_err err;

    if ((err = dt_sha256(dt_view_of(g->queue_token), hash)) != DT_OK ||
        (err = dt_db_prepare(
             s->w,
             "INSERT INTO grants(token_hash, queues_max, queue_cells_max, queues, created_ms)"
             " VALUES (?1, ?2, ?3, 0, ?4) RETURNING id",
             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(hash));
    dt_bind_u64(st, 2, g->queues_max);
    dt_bind_u64(st, 3, g->queue_cells_max);
    dt_bind_u64(st, 4, dt_clock_now(&s->clock));
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    if ((err = dt_col_u64(st, 0, INT64_MAX, out_id)) != DT_OK)
        return err;
    dt_stmt_done(&st);
    return store_bounds_put(s, *out_id, bounds);
}

static enum dt_err
put_register(struct dt_relay_store *s, const struct dt_grant *g, uint64_t grant_id,
             struct dt_view seed, const struct tlog_policy *policy, uint64_t *out_id)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t name[DT_REGISTER_ID], read_hash[32];
    enum dt_err err;

    if ((err = dt_sha256(dt_view_of(g->read_key), read_hash)) != DT_OK ||
        (err = tlog_policy_write(policy, &text)) != DT_OK ||
        (err = dt_hex_read_fixed(name, sizeof(name), dt_view_str(g->register_id))) != DT_OK ||
        (err = dt_db_prepare(
             s->w,
             "INSERT INTO register(name, grant_id, origin, seed, policy, quorum_attested,"
             " quorum_final, size, root, read_hash, cadence_k, cadence_ms)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11) RETURNING id",
             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(name));
    dt_bind_u64(st, 2, grant_id);
    dt_bind_text(st, 3, dt_view_str(g->origin));
    dt_bind_blob(st, 4, seed);
    dt_bind_text(st, 5, dt_buf_view(&text));
    dt_bind_u64(st, 6, g->quorum_attested);
    dt_bind_u64(st, 7, g->quorum_final);
    dt_bind_blob(st, 8, tlog_hash_view(&tlog_empty_root));
    if (g->has_read_key)
        dt_bind_blob(st, 9, dt_view_of(read_hash));
    else
        dt_bind_null(st, 9);
    dt_bind_u64(st, 10, g->cadence.k);
    dt_bind_u64(st, 11, g->cadence.period_ms);
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    return dt_col_u64(st, 0, INT64_MAX, out_id);
}

/* The checkpoint of the empty tree. */
static enum dt_err
sign_empty(struct dt_relay_store *s, uint64_t reg, const struct store_key *key)
{
    struct relay_signing v;
    enum dt_err err;

    store_signing(key, 0, &tlog_empty_root, &v);
    if ((err = relay_signer_sign(s->signer, &v, 1)) == DT_OK)
        err = store_checkpoint_put(s, (int64_t)reg, 0, &tlog_empty_root, dt_buf_view(&v.note));
    dt_buf_clear(&v.note);
    return err;
}

/* The new register's seed, sealed for the store. */
static enum dt_err
seal_key(struct dt_relay_store *s, const struct dt_grant *g, const struct tlog_signer *signer,
         struct store_key *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(RELAY_SEALED_MAX);
    struct relay_signer *by = NULL;
    enum dt_err err;

    (void)snprintf(out->name, sizeof(out->name), "register.detente/%s", g->register_id);
    if ((err = dt_hex_read_fixed(out->reg, sizeof(out->reg), dt_view_str(g->register_id))) !=
            DT_OK ||
        (err = store_signer(s, true, &by)) != DT_OK ||
        (err = relay_signer_seal(by, out->reg, dt_secret_view(&signer->seed), &sealed)) != DT_OK)
        return err;
    memcpy(out->sealed, sealed.p, sealed.n);
    out->sealed_len = sealed.n;
    return DT_OK;
}

/* The first thing that the register signs: the empty tree, or that of the entries it continues. No
 * checkpoint of a part of these is ever there: it would say that the register once was smaller. */
static enum dt_err
sign_first(struct dt_relay_store *s, const struct dt_grant_order *order, uint64_t reg,
           const struct store_key *key)
{
    struct dt_reader r = dt_reader_init(order->entries);
    struct open_register *open = NULL;
    struct tlog_hash root;
    struct dt_view one;
    enum dt_err err;

    if (r.n == 0) {
        if (order->root != NULL && !tlog_hash_equal(order->root, &tlog_empty_root))
            return dt_fail(DT_ERR_PROOF, "no entries do not have the root asked for");
        return sign_empty(s, reg, key);
    }
    if ((err = store_register_open(s, (int64_t)reg, &open)) != DT_OK)
        return err;
    while (r.n > 0)
        if ((err = dt_read_view(&r, DT_REGISTER_ENTRY, &one)) != DT_OK ||
            (err = store_entry_put(s, open, one)) != DT_OK)
            return err;
    if ((err = tlog_edge_root(open->edge, &root)) != DT_OK)
        return err;
    if (order->root != NULL && !tlog_hash_equal(order->root, &root))
        return dt_fail(DT_ERR_PROOF, "the %llu entries do not have the root asked for",
                       (unsigned long long)tlog_edge_size(open->edge));
    return store_register_seal(s);
}

static enum dt_err
put_append_key(struct dt_relay_store *s, uint64_t reg, const struct dt_grant *g)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t hash[32];
    enum dt_err err;

    if ((err = dt_sha256(dt_view_of(g->append_key), hash)) != DT_OK ||
        (err = dt_db_prepare(s->w,
                             "INSERT INTO append_key(hash, register, daily, day, used)"
                             " VALUES (?1, ?2, ?3, 0, 0)",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(hash));
    dt_bind_u64(st, 2, reg);
    dt_bind_u64(st, 3, g->daily_entries);
    return dt_stmt_run(st);
}

enum dt_err
dt_relay_store_grant(struct dt_relay_store *s, const struct dt_grant_order *order,
                     struct dt_grant *out)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer signer = {0};
    DT_CLEANUP(dt_grant_wipe) struct dt_grant common = {0};
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_grant *each = NULL;
    struct store_key key = {0};
    uint64_t grant_id = 0, reg = 0;
    enum dt_err err;

    if ((err = check_order(order)) != DT_OK ||
        (err = fill_common(order, &common, &signer)) != DT_OK ||
        (err = build_policy(order, &signer.vkey, &policy)) != DT_OK ||
        (err = seal_key(s, &common, &signer, &key)) != DT_OK)
        return err;
    if ((each = dt_alloc(order->n_parties, sizeof(*each))) == NULL)
        return dt_nomem();
    if ((err = dt_tx_begin(s->w, &tx)) != DT_OK ||
        (err = put_grant(s, &common, &order->bounds, &grant_id)) != DT_OK ||
        (err = put_register(s, &common, grant_id,
                            s->carried ? dt_secret_view(&signer.seed)
                                       : dt_view(key.sealed, key.sealed_len),
                            &policy, &reg)) != DT_OK ||
        (err = sign_first(s, order, reg, &key)) != DT_OK)
        goto done;
    for (size_t i = 0; i < order->n_parties; i++) {
        each[i] = common;
        (void)snprintf(each[i].party, sizeof(each[i].party), "%s", order->parties[i]);
        if ((err = dt_random(each[i].append_key, sizeof(each[i].append_key))) != DT_OK ||
            (err = put_append_key(s, reg, &each[i])) != DT_OK)
            goto done;
    }
    if ((err = dt_tx_commit(&tx)) != DT_OK)
        goto done;
    memcpy(out, each, order->n_parties * sizeof(*each));

done:
    store_register_drop_dirty(
        s); /* what it began with is read from the disk when it is asked for */
    dt_wipe(each, order->n_parties * sizeof(*each));
    dt_free(each);
    return err;
}
