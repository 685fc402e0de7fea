/*
 * relay/handle_register.c - registers over HTTP: append, checkpoints, tiles, cosignatures.
 *
 * Source: docs/protocol-relay.md "Registers"; c2sp.org/tlog-tiles. Layer: relay.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "log/proof.h"
#include "log/tile_read.h"

#include "relay/handlers.h"

#define CACHE_FOR_EVER "public, max-age=31536000, immutable"

/* A read that succeeded. What needs a key is no matter for caches. */
static enum dt_http_next
reply_read(const struct dt_relay_store_register *reg, struct dt_http_reply *reply, const char *type,
           const char *cache, struct dt_buf *body)
{
    dt_http_reply_body(reply, 200, type, body);
    if (!reg->read_key)
        reply->cache_control = cache;
    return DT_HTTP_REPLY;
}

/* May ${req} read ${reg}? If not, ${reply} is filled. */
static bool
may_read(const struct dt_http_request *req, const struct dt_relay_store_register *reg,
         struct dt_http_reply *reply)
{
    uint8_t hash[32];

    if (!reg->read_key)
        return true;
    if (!relay_bearer(req, hash, reply))
        return false;
    if (dt_ct_equal(dt_view_of(hash), dt_view_of(reg->read_hash)))
        return true;
    (void)relay_error(reply, DT_ERR_REFUSED);
    return false;
}

/* ---- append ---- */

/* The proof file of entry ${index} under the newest checkpoint, which holds it. */
static enum dt_err
make_proof(struct dt_relay *r, int64_t reg, uint64_t index, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    struct tlog_checkpoint cp;
    struct tlog_path path;
    uint64_t size = 0;
    enum dt_err err;

    if ((err = dt_relay_store_checkpoint(r->store, reg, DT_RELAY_STORE_HELD, 0, &note, &size)) !=
            DT_OK ||
        (err = tlog_note_parse(dt_buf_view(&note), &parsed)) != DT_OK ||
        (err = tlog_checkpoint_parse(parsed.text, &cp)) != DT_OK ||
        (err = dt_relay_store_inclusion(r->store, reg, index, cp.size, &cp.root, &path, NULL)) !=
            DT_OK ||
        (err = tlog_proof_init(&proof, NULL, index, &path, dt_buf_view(&note))) != DT_OK)
        return err;
    return tlog_proof_write(&proof, out);
}

/* The entry is on disk at ${index}: that alone, or its proof when the query asks for one. */
static enum dt_http_next
reply_appended(struct dt_relay *r, const struct dt_http_request *req, int64_t reg, uint64_t index,
               struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    struct dt_view text = {0};
    bool proof = dt_http_query(req, "proof", &text);
    enum dt_err err = proof ? make_proof(r, reg, index, &b) : dt_wire_u64_encode(index, &b);

    if (err != DT_OK) {
        dt_buf_clear(&b);
        return proof ? relay_store_error(reply, err) : relay_error(reply, err);
    }
    dt_http_reply_body(reply, 200, proof ? RELAY_TEXT : RELAY_BINARY, &b);
    return DT_HTTP_REPLY;
}

static enum dt_http_next
append(struct dt_relay *r, struct dt_http_request *req, const struct dt_relay_store_register *reg,
       struct dt_http_reply *reply)
{
    struct relay_wait *w = req->state;
    uint8_t key_hash[32], seal[32];
    struct dt_view proof = {0}, urgent = {0};
    enum dt_err err;

    if (w != NULL) {
        if (!relay_job_done(w))
            return DT_HTTP_WAIT;
        if (w->job.result != DT_OK)
            return relay_job_error(reply, &w->job);
        return reply_appended(r, req, reg->id, w->job.u.entry.index, reply);
    }
    if (dt_http_query(req, "proof", &proof) && !dt_view_equal(proof, dt_view_str("1"))) {
        dt_http_reply_error(reply, 400, "format", "proof=1 or nothing");
        return DT_HTTP_REPLY;
    }
    if (dt_http_query(req, "urgent", &urgent) && !dt_view_equal(urgent, dt_view_str("1"))) {
        dt_http_reply_error(reply, 400, "format", "urgent=1 or nothing");
        return DT_HTTP_REPLY;
    }
    if (!relay_bearer(req, key_hash, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_relay_store_append_key(r->store, reg->id, key_hash)) != DT_OK)
        return relay_store_error(reply, err);
    if ((err = dt_wire_entry_decode(req->body, seal)) != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, DT_ERR_STATE);
    w->job.kind = DT_JOB_ENTRY;
    w->job.u.entry.reg = reg->id;
    memcpy(w->job.u.entry.key_hash, key_hash, sizeof(key_hash));
    memcpy(w->job.u.entry.seal, seal, sizeof(seal));
    w->job.u.entry.urgent = urgent.n > 0;
    dt_hub_register_key(reg->id, w->key);
    return relay_submit(w, reply);
}

/* ---- checkpoints ---- */

/* Wait for a checkpoint larger than the one asked about; fills ${reply} unless it goes on waiting.
 */
static enum dt_http_next
checkpoint_wait(struct dt_relay *r, struct dt_http_request *req, int64_t reg, uint64_t wait_s,
                struct dt_http_reply *reply)
{
    struct relay_wait *w = req->state;

    if (w == NULL) {
        if ((w = relay_wait_new(r, req, 1)) == NULL)
            return relay_store_error(reply, DT_ERR_STATE);
        w->deadline_ms = dt_monotonic_ms() + wait_s * 1000;
        dt_hub_register_key(reg, w->watches[0].key);
        if (dt_hub_add(r->hub, &w->watches[0]) != DT_OK)
            return relay_store_error(reply, DT_ERR_STATE);
    }
    if (req->timed_out || req->stopping || dt_monotonic_ms() >= w->deadline_ms)
        return relay_store_error(reply, DT_ERR_NOT_FOUND);
    if (!relay_wait_polls(w, 0, reply))
        return DT_HTTP_REPLY;
    req->deadline_ms = w->deadline_ms;
    return DT_HTTP_WAIT;
}

/* Which checkpoint the query asks for; false with ${reply} filled when it makes no sense. */
static bool
checkpoint_query(const struct dt_http_request *req, enum dt_relay_store_which *which, uint64_t *arg,
                 struct dt_http_reply *reply)
{
    struct dt_view text;
    uint8_t id[4];

    if (*which != DT_RELAY_STORE_ATTESTED)
        return true;
    if (dt_http_query(req, "size", &text)) {
        *which = DT_RELAY_STORE_SIZE;
        return relay_number(req, "size", INT64_MAX, 0, arg, reply);
    }
    if (!dt_http_query(req, "by", &text))
        return true;
    if (dt_hex_read_fixed(id, sizeof(id), text) != DT_OK) {
        dt_http_reply_error(reply, 400, "format", "a key id has 8 hex digits");
        return false;
    }
    *which = DT_RELAY_STORE_BY;
    *arg = (uint64_t)id[0] << 24 | (uint64_t)id[1] << 16 | (uint64_t)id[2] << 8 | id[3];
    return true;
}

static enum dt_http_next
checkpoint(struct dt_relay *r, struct dt_http_request *req,
           const struct dt_relay_store_register *reg, enum dt_relay_store_which which,
           struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    uint64_t arg = 0, larger_than = 0, wait_s = 0, size = 0;
    struct dt_view text;
    bool has_after = dt_http_query(req, "after", &text);
    enum dt_err err;

    if (!checkpoint_query(req, &which, &arg, reply) ||
        !relay_number(req, "after", INT64_MAX, 0, &larger_than, reply) ||
        !relay_number(req, "wait", DT_NET_WAIT_MAX_S, 0, &wait_s, reply))
        return DT_HTTP_REPLY;
    /* Before the first look the watch is set, so that no news falls between the two. */
    if (wait_s > r->wait_max_s)
        wait_s = r->wait_max_s;
    if (has_after && wait_s > 0 && req->state == NULL &&
        checkpoint_wait(r, req, reg->id, wait_s, reply) == DT_HTTP_REPLY)
        return DT_HTTP_REPLY;
    err = dt_relay_store_checkpoint(r->store, reg->id, which, arg, &b, &size);
    if (err == DT_OK && has_after && size <= larger_than)
        err = DT_ERR_NOT_FOUND;
    if (err == DT_ERR_NOT_FOUND && has_after && wait_s > 0) {
        dt_buf_clear(&b);
        return checkpoint_wait(r, req, reg->id, wait_s, reply);
    }
    if (err != DT_OK) {
        dt_buf_clear(&b);
        return relay_store_error(reply, err);
    }
    return reply_read(reg, reply, RELAY_TEXT, "no-cache", &b);
}

/* ---- tiles ---- */

static enum dt_http_next
tile(struct dt_relay *r, const struct dt_relay_store_register *reg, const char *path,
     struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    struct tlog_tile t;
    enum dt_err err;

    if (tlog_tile_path_parse(dt_view_str(path), &t) != DT_OK)
        return relay_store_error(reply, DT_ERR_NOT_FOUND);
    if ((err = dt_relay_store_tile(r->store, reg->id, &t, &b)) != DT_OK) {
        dt_buf_clear(&b);
        return relay_store_error(reply, err);
    }
    return reply_read(reg, reply, RELAY_BINARY, CACHE_FOR_EVER, &b);
}

/* ---- cosignatures ---- */

/* Which side of the policy ${node} speaks for; false when for none. */
static bool
side_of(const struct tlog_policy *policy, size_t node, uint32_t *out)
{
    size_t sides[TLOG_POLICY_NODES_MAX], n, side = tlog_policy_side_of(policy, node);

    n = tlog_policy_sides(policy, sides, TLOG_POLICY_NODES_MAX);
    for (size_t i = 0; i < n && i < TLOG_POLICY_NODES_MAX; i++) {
        if (sides[i] == side) {
            *out = (uint32_t)i;
            return true;
        }
    }
    return false;
}

/* Add one signature line to ${job} if its key is a witness of the policy. AUTH when it does not
 * verify. */
static enum dt_err
take_line(const struct tlog_policy *policy, const struct tlog_note *note,
          const struct tlog_sig *sig, struct dt_relay_store_job *job)
{
    for (size_t i = 0; i < policy->n_nodes; i++) {
        const struct tlog_policy_node *node = &policy->nodes[i];
        struct dt_relay_store_cosignature *out = &job->u.cosign.sigs[job->u.cosign.n_sigs];
        enum dt_err err;

        if (node->is_group || node->key.id != sig->id ||
            !dt_view_equal(sig->name, dt_view_str(node->key.name)))
            continue;
        if (job->u.cosign.n_sigs == DT_GRANT_WITNESS_MAX)
            return dt_fail(DT_ERR_FORMAT, "more cosignatures than witnesses");
        if ((err = tlog_cosignature_verify(&node->key, note->text, sig->sig, &out->time_s)) !=
            DT_OK)
            return err;
        /* It would be the earliest, and take the place of those that say something. */
        if (!tlog_time_counts(out->time_s))
            return dt_fail(DT_ERR_REFUSED, "a cosignature without a time");
        if (!side_of(policy, i, &out->side))
            return DT_OK;
        out->key_id = sig->id;
        out->line = sig->line;
        job->u.cosign.n_sigs++;
        return DT_OK;
    }
    return DT_OK;
}

enum dt_err
relay_cosign_read(const struct tlog_policy *policy, struct dt_view bytes,
                  struct dt_relay_store_job *job)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    enum dt_err err;

    if ((err = tlog_note_parse(bytes, &note)) != DT_OK ||
        (err = tlog_checkpoint_parse(note.text, &cp)) != DT_OK)
        return err == DT_ERR_NOMEM ? err : DT_ERR_FORMAT;
    if (policy->n_logs != 1 || strcmp(cp.origin, policy->logs[0].key.name) != 0 ||
        cp.extension.n != 0)
        return dt_fail(DT_ERR_REFUSED, "a cosignature for another register");
    for (size_t i = 0; i < note.n_sigs; i++) {
        if ((err = take_line(policy, &note, &note.sigs[i], job)) != DT_OK)
            return err;
    }
    if (job->u.cosign.n_sigs == 0)
        return dt_fail(DT_ERR_REFUSED, "no cosignature by a witness of this register");
    job->u.cosign.size = cp.size;
    job->u.cosign.root = cp.root;
    return DT_OK;
}

static enum dt_http_next
cosign(struct dt_relay *r, struct dt_http_request *req, const struct dt_relay_store_register *reg,
       struct dt_http_reply *reply)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct relay_wait *w = req->state;
    enum dt_err err;

    if (w != NULL) {
        if (!relay_job_done(w))
            return DT_HTTP_WAIT;
        if (w->job.result != DT_OK)
            return relay_job_error(reply, &w->job);
        reply->status = 200;
        return DT_HTTP_REPLY;
    }
    if (req->body.n > DT_REGISTER_NOTE_MAX) {
        dt_http_reply_error(reply, 413, "too-large", "a checkpoint has at most 64 KiB");
        return DT_HTTP_REPLY;
    }
    if ((err = dt_relay_store_policy(r->store, reg->id, &policy)) != DT_OK)
        return relay_store_error(reply, err);
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, DT_ERR_STATE);
    w->job.kind = DT_JOB_COSIGN;
    w->job.u.cosign.reg = reg->id;
    dt_hub_register_key(reg->id, w->key);
    /* The lines borrow from the request's body, which outlives the job. */
    if ((err = relay_cosign_read(&policy, req->body, &w->job)) != DT_OK)
        return relay_error(reply, err);
    return relay_submit(w, reply);
}

/* ---- the register's paths ---- */

static enum dt_http_next
read_path(struct dt_relay *r, struct dt_http_request *req,
          const struct dt_relay_store_register *reg, const char *name, struct dt_http_reply *reply)
{
    static const struct {
        const char *name;
        enum dt_relay_store_which which;
    } checkpoints[] = {{"checkpoint", DT_RELAY_STORE_ATTESTED},
                       {"checkpoint.held", DT_RELAY_STORE_HELD},
                       {"checkpoint.final", DT_RELAY_STORE_FINAL}};

    for (size_t i = 0; i < sizeof(checkpoints) / sizeof(checkpoints[0]); i++) {
        if (strcmp(name, checkpoints[i].name) == 0)
            return checkpoint(r, req, reg, checkpoints[i].which, reply);
    }
    if (strncmp(name, "tile/", 5) == 0)
        return tile(r, reg, name, reply);
    if (strcmp(name, "witnesses") == 0)
        return relay_witnesses(r, reg, reply);
    return relay_error(reply, DT_ERR_NOT_FOUND);
}

enum dt_http_next
relay_register(struct dt_relay *r, struct dt_http_request *req, const char *rest,
               struct dt_http_reply *reply)
{
    bool post = req->method == DT_HTTP_POST;
    struct dt_relay_store_register reg = {0};
    uint8_t id[DT_REGISTER_ID];
    enum dt_http_next next;
    const char *name;
    enum dt_err err;

    if (strlen(rest) < 2 * DT_REGISTER_ID + 1 || rest[2 * DT_REGISTER_ID] != '/' ||
        dt_hex_read_fixed(id, sizeof(id), dt_view((const uint8_t *)rest, 2 * DT_REGISTER_ID)) !=
            DT_OK)
        return relay_error(reply, DT_ERR_NOT_FOUND);
    name = rest + 2 * DT_REGISTER_ID + 1;
    if ((err = dt_relay_store_register(r->store, id, &reg)) != DT_OK)
        return relay_store_error(reply, err);
    if (post && strcmp(name, "append") == 0)
        return append(r, req, &reg, reply);
    if (post ? strcmp(name, "openings") == 0 : strncmp(name, "openings/", 9) == 0)
        return relay_openings(r, req, &reg, name + 8, reply);
    if (post && strcmp(name, "cosign") == 0)
        return cosign(r, req, &reg, reply);
    if (post) {
        dt_http_reply_error(reply, 405, "method", "this path takes another method");
        return DT_HTTP_REPLY;
    }
    if (!may_read(req, &reg, reply))
        return DT_HTTP_REPLY;
    next = read_path(r, req, &reg, name, reply);
    /* Any page may fetch what anyone may read, and see why it was not given. Nothing else. */
    if (next == DT_HTTP_REPLY && !reg.read_key)
        reply->allow_origin = "*";
    return next;
}
