/*
 * witness/run.c - the witness's loop. See witness.h. Layer: witness.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "log/tile_read.h"
#include "net/grant.h"
#include "net/relay_client.h"

#include "witness/witness_internal.h"

#define PAUSE_FIRST_MS 200u
#define PAUSE_MAX      25u /* first ones: 5 s */
#define QUICK          5u /* first ones: a wait that is answered sooner, with nothing new, was none */
#define STEP_BACK_S    300u /* how far a clock may go back without a word */

struct run {
    const struct dt_witness_config *config;
    const atomic_bool *stop;
    struct dt_clock clock;
    struct tlog_signer signer;
    struct tlog_vkey log;
    struct witness_state state;
    struct dt_http_client *http;
    uint8_t read_key[32];
    bool away;      /* it was told that something is wrong, and not yet that it is over */
    uint64_t told;  /* bits of the errors that the operator was told of since all was well */
    uint64_t below; /* smallest size below ours that the operator was told of; UINT64_MAX: none */
    bool broken;    /* our own state file fails: waiting does not mend that */
    bool split;     /* a split view was shown: from now on nothing is signed */
    struct tlog_evidence evidence; /* of that, */
    struct tlog_witness_tree seen; /* the checkpoint that showed it, */
    bool kept;                     /* and that it is in a file */
};

static void say(const struct run *w, const char *fmt, ...) DT_PRINTF(2, 3);

static void
say(const struct run *w, const char *fmt, ...)
{
    char line[512];
    va_list args;

    if (w->config->say == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    w->config->say(w->config->say_ctx, line);
}

/* ${err} of our own state file. */
static enum dt_err
own_file(struct run *w, enum dt_err err)
{
    if (err != DT_OK && err != DT_ERR_BUSY)
        w->broken = true;
    return err;
}

/* Did ${err} keep us from seeing something, rather than show it? */
static bool
unseen(enum dt_err err)
{
    return err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL || err == DT_ERR_NET ||
           err == DT_ERR_STATE;
}

/* ---- split views ---- */

/* Write the evidence beside the state file or into the folder asked for. */
static enum dt_err
evidence_write(struct run *w)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    const char *dir = w->config->evidence_dir, *slash = strrchr(w->config->state_path, '/');
    char path[4096], root[9];
    int n, dir_len;
    bool fresh = false;
    enum dt_err err;

    dt_hex_str(root, dt_view(w->seen.root.b, 4));
    if (dir == NULL) {
        dir = slash == NULL ? "." : w->config->state_path;
        dir_len = slash == NULL ? 1 : (int)(slash - w->config->state_path);
    } else {
        dir_len = (int)strlen(dir);
    }
    n = snprintf(path, sizeof(path), "%.*s/evidence-%llu-%s.txt", dir_len, dir,
                 (unsigned long long)w->seen.size, root);
    if (n < 0 || (size_t)n >= sizeof(path))
        return dt_fail(DT_ERR_IO, "the evidence's path is too long");
    if ((err = tlog_evidence_write(&w->evidence, &text)) != DT_OK)
        return err;
    if ((err = dt_file_keep(path, sizeof(path), dt_buf_view(&text), 0644, &fresh)) != DT_OK)
        return dt_fail_context(err, "the evidence of the split view");
    w->kept = true;
    say(w, "evidence of the split view: %s", path);
    return DT_OK;
}

/*
 * After a split view: the state says for ever that nothing is signed, and the evidence is in a
 * file. Each is done whatever becomes of the other. CONFLICT when both are; anything else is to be
 * tried again.
 */
static enum dt_err
halt(struct run *w)
{
    enum dt_err stop = DT_OK, keep = DT_OK;

    if (!w->state.stopped)
        stop = witness_state_stop(&w->state);
    if (!w->kept)
        keep = evidence_write(w);
    if (stop != DT_OK || keep != DT_OK)
        return keep != DT_OK ? keep : stop;
    return dt_fail(DT_ERR_CONFLICT, "%s: split view, the holder of its key signed two trees",
                   w->log.name);
}

/*
 * Try to show that ${note} (checkpoint ${cp}) and the one of our state contradict each other. With
 * proof: never sign again, as halt(). Without: the caller's ${otherwise}.
 */
static enum dt_err
split_view(struct run *w, struct dt_view note, const struct tlog_checkpoint *cp,
           const struct tlog_hash *old_root, const struct tlog_path *proof, enum dt_err otherwise)
{
    enum dt_err err;

    if (w->state.note.n == 0) /* what it has to begin with is no checkpoint of its own */
        return dt_fail(DT_ERR_PROOF,
                       "not signed: the register does not begin with the %llu entries of the one "
                       "that it continues",
                       (unsigned long long)w->state.tree.size);
    err = tlog_evidence_make(&w->log, dt_buf_view(&w->state.note), note, old_root, proof,
                             &w->evidence);
    if (err != DT_OK)
        return unseen(err) ? err : otherwise;
    w->split = true;
    w->seen.size = cp->size;
    w->seen.root = cp->root;
    w->told = 0; /* what fails from now on is another matter */
    say(w, "SPLIT VIEW: the register's key signed two trees; nothing more is signed");
    return halt(w);
}

/* ---- growth from tiles ---- */

static enum dt_err
fetch_tile(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);
    struct run *w = ctx;
    struct tlog_tile full = *tile;
    enum dt_err err;

    if ((err = tlog_tile_path_write(tile, &path)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    err = dt_register_file(w->http, w->config->register_url, (const char *)path.p, out);
    if (err != DT_ERR_NOT_FOUND || tile->width == TLOG_TILE_WIDTH)
        return err;
    /* c2sp.org/tlog-tiles: a partial tile may be gone once the full one is there. */
    full.width = TLOG_TILE_WIDTH;
    dt_buf_clear(&path);
    if ((err = tlog_tile_path_write(&full, &path)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    return dt_register_file(w->http, w->config->register_url, (const char *)path.p, out);
}

/* Does ${cp} of ${note} extend our state? OK with ${out} the proof; CONFLICT when it provably does
 * not; PROOF when the tiles show neither. */
static enum dt_err
growth(struct run *w, struct dt_view note, const struct tlog_checkpoint *cp, struct tlog_path *out)
{
    const struct tlog_witness_tree *old = &w->state.tree;
    struct tlog_hash old_root;
    struct tlog_path proof = {0};
    enum dt_err err;

    out->n = 0;
    if (old->size == 0)
        return DT_OK; /* everything extends the empty tree */
    if (cp->size == old->size) {
        if (tlog_hash_equal(&cp->root, &old->root))
            return DT_OK;
        return split_view(w, note, cp, NULL, NULL, DT_ERR_PROOF);
    }
    err = tlog_tiles_consistency(fetch_tile, w, old->size, &old->root, cp->size, &cp->root, out);
    if (err != DT_ERR_PROOF)
        return err;
    /* Its own tiles may show what root it had at our size: then both signatures stand against each
     * other. */
    err = tlog_tiles_prefix(fetch_tile, w, old->size, cp->size, &cp->root, &old_root, &proof);
    if (unseen(err))
        return err;
    if (err != DT_OK)
        return dt_fail(DT_ERR_PROOF, "the register's tiles do not lead to what it signed");
    return split_view(w, note, cp, &old_root, &proof,
                      dt_fail(DT_ERR_PROOF, "the register's tiles do not show that it only grew"));
}

/* ---- cosigning ---- */

/* Is our own good cosignature on ${bytes}? Then ${out_time_s} is its time. NOMEM, INTERNAL: that
 * could not be seen, which is no "no": a witness that was restored would sign below what it signed.
 */
static enum dt_err
has_ours(const struct run *w, struct dt_view bytes, bool *out, uint64_t *out_time_s)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_verified v = {0};
    enum dt_err err = tlog_note_parse(bytes, &note);

    *out = false;
    if (err == DT_OK)
        err = tlog_note_check(&note, note.text, &w->signer.vkey, &v);
    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return err;
    *out = err == DT_OK && v.ok;
    *out_time_s = *out ? v.time : 0;
    return DT_OK;
}

/*
 * The time for the next cosignature. It never goes back: one earlier than a smaller tree's would
 * say that there were fewer entries after there were more, and a clock that someone sets back would
 * make entries look older than they are. A small step back (NTP) takes the latest time again.
 */
static enum dt_err
next_time(const struct run *w, uint64_t *out_s)
{
    uint64_t now = dt_clock_now(&w->clock) / 1000, last = w->state.time_s;
    char span[DT_TIME_STR], was[DT_TIME_STR];

    if (now == 0)
        return dt_fail(DT_ERR_EXPIRED, "not signed: this machine's clock shows no time");
    if (now + STEP_BACK_S < last) {
        dt_span_str(span, (last - now) * 1000);
        dt_time_str(was, last * 1000);
        return dt_fail(
            DT_ERR_EXPIRED,
            "not signed: the clock is %s behind the last cosignature (%s): set it; if it "
            "was wrong then, start once with --clock-was-ahead",
            span, was);
    }
    *out_s = now > last ? now : last;
    return DT_OK;
}

/* Sign the state's checkpoint with its time, and hand it in. The state is on disk already. */
static enum dt_err
hand_in(struct run *w)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(TLOG_NOTE_MAX);
    enum dt_err err;

    if ((err = tlog_note_parse(dt_buf_view(&w->state.note), &note)) != DT_OK ||
        (err = dt_buf_append(&out, dt_buf_view(&w->state.note))) != DT_OK ||
        (err = tlog_cosign(&w->signer, note.text, w->state.time_s, &out)) != DT_OK ||
        (err = dt_register_cosign(w->http, w->config->register_url, dt_buf_view(&out))) != DT_OK)
        return err;
    say(w, "cosigned size %llu", (unsigned long long)w->state.tree.size);
    return DT_OK;
}

/* One held checkpoint: check, decide, commit, and only then sign. */
static enum dt_err
consider(struct run *w, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf kept = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_witness_decision d = {0};
    struct tlog_witness_tree next;
    struct tlog_checkpoint cp;
    struct tlog_path proof = {0};
    uint64_t time_s = 0;
    bool ours = false;
    enum dt_err err;

    if ((err = tlog_checkpoint_open(bytes, &w->log, &cp)) != DT_OK)
        return dt_fail_context(err, "the checkpoint held by the relay");
    if (cp.size < w->state.tree.size) {
        /* Old ones in turn are no news: only one that is smaller still. */
        if (cp.size < w->below) {
            say(w, "the relay holds size %llu, below the %llu cosigned before: not signed",
                (unsigned long long)cp.size, (unsigned long long)w->state.tree.size);
            w->below = cp.size;
        }
        return DT_OK;
    }
    if (cp.size > w->state.tree.size)
        w->below = UINT64_MAX;
    if ((err = growth(w, bytes, &cp, &proof)) != DT_OK)
        return err;
    tlog_witness_decide(&w->state.tree, &cp, w->state.tree.size, &proof, &d);
    if (d.status != TLOG_WITNESS_OK)
        return dt_fail(DT_ERR_PROOF, "not signed: %s", d.why);
    if (d.refresh && (err = has_ours(w, bytes, &ours, &time_s)) != DT_OK)
        return err;
    if (ours)
        return DT_OK; /* the earliest stands; a later one would say nothing new */
    next.size = cp.size;
    next.root = cp.root;
    /* What the register signed, without other witnesses' lines: this is what is kept. */
    if ((err = tlog_note_keep(bytes, &w->log, 1, &kept)) != DT_OK ||
        (err = next_time(w, &time_s)) != DT_OK ||
        (err = own_file(w, witness_state_put(&w->state, &next, dt_buf_view(&kept), time_s))) !=
            DT_OK)
        return err;
    return hand_in(w);
}

/* ---- the restore rule ---- */

/* Take over a signed checkpoint larger than our state, without signing it. */
static enum dt_err
take_over(struct run *w, struct dt_view bytes, const char *whose)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf kept = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_witness_tree next;
    struct tlog_checkpoint cp;
    struct tlog_path proof = {0};
    enum dt_err err;

    if ((err = tlog_checkpoint_open(bytes, &w->log, &cp)) != DT_OK)
        return dt_fail_context(err, "the checkpoint %s", whose);
    if (cp.size < w->state.tree.size || cp.size == 0)
        return DT_OK;
    if ((err = growth(w, bytes, &cp, &proof)) != DT_OK)
        return err;
    if (cp.size == w->state.tree.size)
        return DT_OK;
    say(w, "the state file is an old copy: taking over size %llu %s", (unsigned long long)cp.size,
        whose);
    next.size = cp.size;
    next.root = cp.root;
    if ((err = tlog_note_keep(bytes, &w->log, 1, &kept)) != DT_OK)
        return err;
    return own_file(w, witness_state_put(&w->state, &next, dt_buf_view(&kept), w->state.time_s));
}

/*
 * The times of our cosignatures known so far, one of which ${note} bears if there is any, were
 * wrong: from now on they bind no more. That is kept, as is up to which size, so that it holds
 * after the next start too, when the register has not grown and shows them again.
 */
static enum dt_err
forget_times(struct run *w, bool ours, uint64_t size)
{
    uint64_t below = w->state.tree.size;

    if (ours && size > below)
        below = size;
    return own_file(w, witness_state_forget(&w->state, below + 1));
}

/* Before anything is signed: the largest tree that we, or our party's agent, are known to have
 * seen. */
static enum dt_err
restore(struct run *w)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    uint8_t id[4] = {(uint8_t)(w->signer.vkey.id >> 24), (uint8_t)(w->signer.vkey.id >> 16),
                     (uint8_t)(w->signer.vkey.id >> 8), (uint8_t)w->signer.vkey.id};
    char key_id[9];
    struct tlog_checkpoint cp = {0};
    uint64_t time_s = 0;
    bool ours = false;
    enum dt_err err;

    dt_hex_str(key_id, dt_view_of(id));
    err = dt_register_checkpoint_by(w->http, w->config->register_url, key_id, &note);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    if (err == DT_OK && (err = has_ours(w, dt_buf_view(&note), &ours, &time_s)) != DT_OK)
        return err;
    if (ours && (err = tlog_checkpoint_open(dt_buf_view(&note), &w->log, &cp)) != DT_OK)
        return dt_fail_context(err, "the checkpoint that bears our own cosignature");
    if (w->config->clock_was_ahead && (err = forget_times(w, ours, cp.size)) != DT_OK)
        return err;
    if (ours) {
        if (time_s > w->state.time_s && cp.size >= w->state.void_below)
            w->state.time_s = time_s;
        err = take_over(w, dt_buf_view(&note), "that bears our own cosignature");
        if (err != DT_OK)
            return err;
    }
    if (w->config->agent_checkpoint.n == 0)
        return DT_OK;
    return take_over(w, w->config->agent_checkpoint, "that our party's agent saw");
}

/* ---- the loop ---- */

static bool
stopped(const struct run *w)
{
    return w->stop != NULL && atomic_load(w->stop);
}

static void
pause_for(const struct run *w, uint64_t ms)
{
    uint64_t end = dt_monotonic_ms() + ms, now;

    while (!stopped(w) && (now = dt_monotonic_ms()) < end) {
        struct timespec t = {0, (end - now < 50 ? (long)(end - now) : 50) * 1000000L};

        (void)nanosleep(&t, NULL);
    }
}

/*
 * Errors that time may heal; the others end the run. Whatever the relay answers is among them: a
 * witness that any relay can end with a word is not there when it is needed.
 */
static bool
passing(const struct run *w, enum dt_err err)
{
    if (w->split) /* who ends now would not know after the next start */
        return !w->state.stopped || !w->kept;
    switch (err) {
    case DT_ERR_NET:
    case DT_ERR_BUSY:
    case DT_ERR_PROOF:
    case DT_ERR_AUTH:
    case DT_ERR_LIMIT:
    case DT_ERR_NOT_FOUND:
    case DT_ERR_EXPIRED:
    case DT_ERR_FORMAT:
    case DT_ERR_RANGE:
    case DT_ERR_UNSUPPORTED:
    case DT_ERR_REFUSED:
    case DT_ERR_CONFLICT: /* the relay says so, with a 409 */
        return !w->broken;
    default:
        return false;
    }
}

/* One turn: what is held now (${wait} false), or the next that is larger. */
static enum dt_err
turn(struct run *w, bool wait)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    unsigned int wait_s = w->config->wait_s == 0 ? 30 : w->config->wait_s;
    enum dt_err err;

    if (wait) {
        err = dt_register_checkpoint_after(w->http, w->config->register_url, DT_CHECKPOINT_HELD,
                                           w->state.tree.size, wait_s, &note);
        if (err == DT_ERR_NOT_FOUND)
            return DT_OK; /* nothing new in this time */
    } else {
        err = dt_register_checkpoint(w->http, w->config->register_url, DT_CHECKPOINT_HELD, &note);
    }
    if (err != DT_OK)
        return err;
    return consider(w, dt_buf_view(&note));
}

static enum dt_err
loop(struct run *w, bool once)
{
    uint64_t first_ms = w->config->pause_ms == 0 ? PAUSE_FIRST_MS : w->config->pause_ms;
    uint64_t pause_ms = first_ms, quick_ms = first_ms * QUICK;
    bool restored = false, looked = false;
    enum dt_err err = DT_OK;

    while (!stopped(w)) {
        uint64_t began = dt_monotonic_ms(), size = w->state.tree.size;
        bool waited = restored && looked;

        err = w->split ? halt(w) : restored ? turn(w, looked) : restore(w);
        if (err == DT_OK) {
            looked = restored;
            if (once && restored)
                return DT_OK;
            restored = true;
            if (w->away)
                say(w, "the relay answers again");
            w->away = false;
            /* Well is what brought something, or waited: not what a relay can answer without end.
             */
            if (w->state.tree.size != size || (waited && dt_monotonic_ms() - began >= quick_ms)) {
                w->told = 0;
                pause_ms = first_ms;
            } else if (waited) {
                pause_for(w, quick_ms);
            }
            continue;
        }
        if (stopped(w))
            break;
        if (once || !passing(w, err))
            return err;
        if ((w->told & UINT64_C(1) << err) == 0) {
            say(w, "waiting: %s", dt_err_message());
            w->told |= UINT64_C(1) << err;
            w->away = true;
        }
        looked = false; /* what is held is looked at anew */
        pause_for(w, pause_ms);
        pause_ms = pause_ms * 2 > first_ms * PAUSE_MAX ? first_ms * PAUSE_MAX : pause_ms * 2;
    }
    return w->split ? err : DT_OK;
}

static void
run_clear(struct run *w)
{
    dt_http_client_free(w->http);
    dt_wipe(w->read_key, sizeof(w->read_key));
    witness_state_close(&w->state);
    tlog_evidence_clear(&w->evidence);
    tlog_signer_clear(&w->signer);
}

enum dt_err
dt_witness_run(const struct dt_witness_config *config, const atomic_bool *stop, bool once)
{
    DT_CLEANUP(run_clear)
    struct run w = {.config = config, .stop = stop, .state = {.lock_fd = -1}, .below = UINT64_MAX};
    struct tlog_checkpoint cp;
    struct dt_http_client_config http = {.stop = stop, .ca_file = config->ca_file};
    enum dt_err err;

    w.clock = config->clock.now_ms != NULL ? config->clock : dt_clock_system();
    if ((err = witness_key_load(config->key_path, &w.signer)) != DT_OK)
        return err;
    err = tlog_vkey_parse(dt_view_str(config->register_vkey), &w.log);
    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return err;
    if (err != DT_OK || w.log.type != TLOG_KEY_ED25519)
        return dt_fail(DT_ERR_FORMAT, "the register's verifier key is not one");
    if ((err = witness_state_open(config->state_path, &w.log, &w.state)) != DT_OK)
        return err;
    if (w.state.stopped)
        return dt_fail(DT_ERR_CONFLICT,
                       "%s: a split view was found before (see the evidence file);"
                       " this witness signs nothing for this register any more",
                       w.log.name);
    /* As if it had cosigned these: what does not extend them is never signed. */
    if (config->begins.size > 0 && w.state.tree.size == 0 &&
        (err = witness_state_put(&w.state, &config->begins, dt_view(NULL, 0), 0)) != DT_OK)
        return err;
    /* What our own operator gave is looked at now: later it would be taken for the relay's. */
    if (config->agent_checkpoint.n > 0 &&
        (err = tlog_checkpoint_open(config->agent_checkpoint, &w.log, &cp)) != DT_OK)
        return dt_fail_context(err, "the checkpoint that our party's agent saw");
    if (config->read_key_path != NULL) {
        if ((err = dt_read_key_load(config->read_key_path, w.read_key)) != DT_OK)
            return err;
        http.read_key = w.read_key;
    }
    if ((err = dt_http_client_new(&http, &w.http)) != DT_OK)
        return err;
    return loop(&w, once);
}
