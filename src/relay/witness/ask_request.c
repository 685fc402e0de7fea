/*
 * relay/witness/ask_request.c - asking one witness for one checkpoint: the request, the answer, the
 * cosignature into the store. Source: c2sp.org/tlog-witness. Layer: relay.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "log/tile_read.h"
#include "log/witness.h"
#include "relay/handlers.h"

#include "relay/witness/ask_internal.h"

#define ROUNDS 3 /* requests for one checkpoint: what a 409 says may be out of date again */

/* Who is asked about what. */
struct target {
    int64_t reg;
    const struct tlog_vkey *key;
    const char *url;
};

/* ---- waiting for the writer ---- */

struct pending {
    struct dt_relay_store_job job;
    struct dt_hub *hub;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
};

static void
on_cosigned(struct dt_relay_store_job *job)
{
    struct pending *p = job->ctx;
    uint8_t key[DT_HUB_KEY];

    if (job->result == DT_OK) {
        dt_hub_register_key(job->u.cosign.reg, key);
        dt_hub_news(p->hub, key);
    }
    pthread_mutex_lock(&p->lock);
    p->done = true;
    pthread_cond_signal(&p->cond);
    pthread_mutex_unlock(&p->lock);
}

/* Hand ${p}'s job in and wait until it is on disk. */
static enum dt_err
run_job(struct relay_ask_tools *t, struct pending *p)
{
    enum dt_err err;

    p->hub = t->hub;
    p->job.ctx = p;
    p->job.done = on_cosigned;
    if ((err = dt_writer_submit(t->writer, &p->job)) != DT_OK)
        return err;
    pthread_mutex_lock(&p->lock);
    while (!p->done)
        pthread_cond_wait(&p->cond, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return p->job.result;
}

/* ---- one request ---- */

struct tiles {
    struct dt_relay_store *store;
    int64_t reg;
};

static enum dt_err
own_tile(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    const struct tiles *t = ctx;

    return dt_relay_store_tile(t->store, t->reg, tile, out);
}

/* The body that leads from ${old} to the checkpoint ${cp} of ${note}. */
static enum dt_err
make_body(struct relay_ask_tools *t, int64_t reg, uint64_t old, const struct tlog_checkpoint *cp,
          struct dt_view note, struct dt_buf *out)
{
    struct tiles tiles = {t->store, reg};
    struct tlog_add_checkpoint req = {.old_size = old, .note = note};
    struct tlog_hash old_root;
    enum dt_err err;

    if (old > 0 && old < cp->size &&
        (err = tlog_tiles_prefix(own_tile, &tiles, old, cp->size, &cp->root, &old_root,
                                 &req.proof)) != DT_OK)
        return err;
    out->n = 0;
    return tlog_add_checkpoint_write(&req, out);
}

/* The signature lines of a 200: verified, and into the store. */
static enum dt_err
take_lines(struct relay_ask_tools *t, const struct target *l, struct dt_view text,
           struct dt_view lines, struct relay_ask_outcome *out)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct pending *p = dt_alloc(1, sizeof(*p)); /* a job is large */
    bool ours = false;
    enum dt_err err;

    if (p == NULL)
        return dt_nomem();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->cond, NULL);
    p->job.kind = DT_JOB_COSIGN;
    p->job.u.cosign.reg = l->reg;
    if ((err = dt_relay_store_policy(t->store, l->reg, &policy)) != DT_OK ||
        (err = dt_buf_append(&note, text)) != DT_OK ||
        (err = dt_buf_append(&note, dt_view_str("\n"))) != DT_OK)
        goto done;
    /* Too long, not of the form, a stranger's, or a line that does not verify: no cosignature. */
    if (dt_buf_append(&note, lines) != DT_OK ||
        relay_cosign_read(&policy, dt_buf_view(&note), &p->job) != DT_OK) {
        out->trouble = RELAY_TROUBLE_UNSIGNED;
        goto done;
    }
    for (size_t i = 0; i < p->job.u.cosign.n_sigs; i++)
        ours = ours || p->job.u.cosign.sigs[i].key_id == l->key->id;
    if (!ours) {
        out->trouble = RELAY_TROUBLE_UNSIGNED;
        goto done;
    }
    if ((err = run_job(t, p)) == DT_OK) {
        out->trouble = RELAY_TROUBLE_NONE;
        out->size = p->job.u.cosign.size;
    }

done:
    pthread_cond_destroy(&p->cond);
    pthread_mutex_destroy(&p->lock);
    dt_free(p);
    return err;
}

/* "N" LF of a 409. */
static bool
read_size(struct dt_view body, uint64_t *out)
{
    return body.n > 1 && body.p[body.n - 1] == '\n' &&
           dt_decimal_read(dt_view(body.p, body.n - 1), TLOG_SIZE_MAX, out) == DT_OK;
}

/* Ask once, from ${old}. An error is about ourselves; about the witness speaks ${out}. */
static enum dt_err
ask_once(struct relay_ask_tools *t, const struct target *l, uint64_t old,
         const struct tlog_checkpoint *cp, struct dt_view text, struct dt_view note,
         struct relay_ask_outcome *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_REQUEST_MAX);
    struct dt_http_call call = {
        .method = "POST", .base = l->url, .path = "/add-checkpoint", .content_type = RELAY_TEXT};
    enum dt_err err;

    memset(out, 0, sizeof(*out));
    out->trouble = RELAY_TROUBLE_UNREACHED;
    if ((err = make_body(t, l->reg, old, cp, note, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    err = dt_http_call(t->http, &call, &a);
    if (err == DT_ERR_NET || err == DT_ERR_LIMIT || err == DT_ERR_USAGE)
        return DT_OK;
    if (err != DT_OK)
        return err;
    out->status = a.status;
    if (a.status == 200)
        return take_lines(t, l, text, dt_buf_view(&a.body), out);
    if (a.status == 409) {
        /* c2sp.org/tlog-witness: it says what it has, and we begin there. */
        if (!read_size(dt_buf_view(&a.body), &out->their_size))
            return DT_OK;
        out->again = out->their_size != old && out->their_size <= cp->size;
        out->trouble = out->their_size > cp->size ? RELAY_TROUBLE_AHEAD : RELAY_TROUBLE_REFUSED;
    } else if (a.status >= 400 && a.status < 500) {
        out->trouble = RELAY_TROUBLE_REFUSED;
    }
    return DT_OK;
}

/* What is held, and from where this witness has to be led to it; false: it has that already. */
static enum dt_err
prepare(struct relay_ask_tools *t, const struct target *l, struct dt_buf *note,
        struct tlog_checkpoint *cp, struct dt_view *text, bool *out_needed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf all = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    struct tlog_verified v;
    uint64_t size = 0;
    enum dt_err err;

    if ((err = dt_relay_store_policy(t->store, l->reg, &policy)) != DT_OK ||
        (err = dt_relay_store_checkpoint(t->store, l->reg, DT_RELAY_STORE_HELD, 0, &all, &size)) !=
            DT_OK ||
        (err = tlog_note_parse(dt_buf_view(&all), &parsed)) != DT_OK ||
        (err = tlog_note_check(&parsed, parsed.text, l->key, &v)) != DT_OK)
        return err;
    *out_needed = size > 0 && !v.ok;
    if (!*out_needed)
        return DT_OK;
    /* The register's line alone: what other witnesses said is no matter of this one. */
    if ((err = tlog_note_keep(dt_buf_view(&all), &policy.logs[0].key, policy.n_logs, note)) !=
            DT_OK ||
        (err = tlog_checkpoint_open(dt_buf_view(note), &policy.logs[0].key, cp)) != DT_OK)
        return err;
    *text = dt_view(note->p, parsed.text.n);
    return DT_OK;
}

enum dt_err
relay_ask(struct relay_ask_tools *t, int64_t reg, const struct tlog_vkey *key, const char *url,
          uint64_t *old, struct relay_ask_outcome *out, bool *out_needed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    const struct target l = {reg, key, url};
    struct tlog_checkpoint cp = {0};
    struct dt_view text = {0};
    enum dt_err err;

    if ((err = prepare(t, &l, &note, &cp, &text, out_needed)) != DT_OK || !*out_needed)
        return err;
    if (*old > cp.size)
        *old = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if ((err = ask_once(t, &l, *old, &cp, text, dt_buf_view(&note), out)) != DT_OK)
            return err;
        if (!out->again)
            break;
        *old = out->their_size;
    }
    if (out->trouble == RELAY_TROUBLE_NONE)
        *old = out->size;
    return DT_OK;
}
