/*
 * agent/observer/look.c - one look at a register: who signed, that it only grew, that every entry
 * is there; or that its key signed two. See observer.h.
 *
 * Source: docs/protocol-register.md "Tiles", "Policy", "Evidence of a split view". Layer: agent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "log/tile_read.h"
#include "log/witness.h"

#include "agent/observer/internal.h"

#define NEWS      1024u /* attested checkpoints taken in by one look */
#define QUESTIONS 512u  /* about earlier ones */
#define PROBES    3u    /* sizes side by side, of which one may have been signed */
#define INTERVALS 128u

/* What a look found, before the state gets it. */
struct look {
    struct dt_buf note; /* the newest that was signed */
    struct tlog_policy_state signed_state;
    struct dt_observed_group *groups; /* as in the state, brought up to now */
    struct dt_attested *attested;     /* in the order found */
    size_t n_attested;
};

static void
look_clear(struct look *l)
{
    dt_buf_clear(&l->note);
    dt_free(l->groups);
    dt_free(l->attested);
}

/* ---- split views ---- */

enum dt_err
observer_evidence_write(struct dt_observer *o)
{
    const char *dir = o->config.evidence_dir, *state = o->config.state_path;
    const char *slash = state != NULL ? strrchr(state, '/') : NULL;
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    struct tlog_checkpoint second;
    char root[9];
    int n, dir_len = 1;
    bool fresh = false;
    enum dt_err err;

    if ((err = tlog_evidence_read(dt_buf_view(&o->state.evidence), &e)) != DT_OK ||
        (err = tlog_evidence_verify(&e, NULL, &second)) != DT_OK)
        return err;
    if (dir != NULL)
        dir_len = (int)strlen(dir);
    else if (slash != NULL)
        dir_len = (int)(slash - state);
    dt_hex_str(root, dt_view(second.root.b, 4));
    n = snprintf(o->evidence, sizeof o->evidence, "%.*s/evidence-%llu-%s.txt", dir_len,
                 dir != NULL     ? dir
                 : slash != NULL ? state
                                 : ".",
                 (unsigned long long)second.size, root);
    if (n < 0 || (size_t)n >= sizeof o->evidence)
        return dt_fail(DT_ERR_IO, "the evidence's path is too long");
    err = dt_file_keep(o->evidence, sizeof o->evidence, dt_buf_view(&o->state.evidence), 0644,
                       &fresh);
    if (err != DT_OK)
        return dt_fail_context(err, "the evidence of the split view");
    o->evidence_there = true;
    return DT_OK;
}

/*
 * Two signed notes of which one cannot be an earlier state of the other, if that can be shown: then
 * CONFLICT, with the evidence in the state. Else ${otherwise}, or what kept us from seeing it.
 */
static enum dt_err
split_view(struct dt_observer *o, struct dt_view a, struct dt_view b,
           const struct tlog_hash *old_root, const struct tlog_path *proof, enum dt_err otherwise)
{
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    struct observer_state *s = &o->state;
    enum dt_err err = tlog_evidence_make(&o->log, a, b, old_root, proof, &e);

    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return err;
    if (err != DT_OK)
        return otherwise;
    s->evidence.n = 0;
    if ((err = tlog_evidence_write(&e, &s->evidence)) != DT_OK)
        return err;
    s->split_ms = o->now_ms;
    return dt_fail(DT_ERR_CONFLICT,
                   "split view: the register's key signed two registers that cannot "
                   "both be true");
}

/*
 * Does the tree of ${big}, which is larger, begin with that of ${small}? Both notes are signed. OK;
 * CONFLICT; PROOF when the tiles show neither.
 */
static enum dt_err
begins_with(struct dt_observer *o, struct dt_view small, uint64_t small_size,
            const struct tlog_hash *small_root, struct dt_view big, uint64_t big_size,
            const struct tlog_hash *big_root)
{
    struct tlog_hash then;
    struct tlog_path path;
    enum dt_err err;

    if (small_size == 0)
        return DT_OK;
    if (small_size == big_size) {
        if (tlog_hash_equal(small_root, big_root))
            return DT_OK;
        return split_view(o, small, big, NULL, NULL, DT_ERR_PROOF);
    }
    /* What root the larger one's own tiles show at the smaller size. */
    err = tlog_tiles_prefix(dt_register_source_tile, &o->src, small_size, big_size, big_root, &then,
                            &path);
    if (err == DT_ERR_PROOF)
        return dt_fail(err, "the register's tiles do not lead to what it signed");
    if (err != DT_OK || tlog_hash_equal(&then, small_root))
        return err;
    return split_view(o, small, big, &then, &path,
                      dt_fail(DT_ERR_PROOF, "the register's tiles do not show that it only grew"));
}

/* ---- growth ---- */

/* Every entry that is new, fetched and hashed: do they lead from the tree seen last to ${cp}? */
static enum dt_err
take_entries(struct dt_observer *o, const struct tlog_checkpoint *cp)
{
    DT_CLEANUP(tlog_tile_reader_clear)
    struct tlog_tile_reader tiles = {
        .fn = dt_register_source_tile, .ctx = &o->src, .size = cp->size};
    struct tlog_frontier f = {0};
    struct tlog_hash root;
    enum dt_err err;

    if (cp->size - o->state.size > DT_OBSERVER_ENTRIES_MAX)
        return dt_fail(DT_ERR_LIMIT,
                       "the register claims %llu new entries, more than are taken in at "
                       "once",
                       (unsigned long long)(cp->size - o->state.size));
    if (o->state.size > 0 &&
        (err = tlog_frontier_make(tlog_tile_node, &tiles, o->state.size, &f)) != DT_OK)
        return err;
    if ((err = dt_register_source_entries(&o->src, cp->size, &f, NULL)) != DT_OK ||
        (err = tlog_frontier_root(&f, &root)) != DT_OK)
        return err;
    if (!tlog_hash_equal(&root, &cp->root))
        return dt_fail(DT_ERR_PROOF,
                       "the register's %llu entries do not lead to its signed checkpoint",
                       (unsigned long long)cp->size);
    return DT_OK;
}

/* Fewer entries than were seen: old, or another register's. */
static enum dt_err
look_behind(struct dt_observer *o, const struct look *l)
{
    const struct tlog_checkpoint *cp = &l->signed_state.checkpoint;
    struct observer_state *s = &o->state;
    enum dt_err err = begins_with(o, dt_buf_view(&l->note), cp->size, &cp->root,
                                  dt_buf_view(&s->note), s->size, &s->root);

    /* Whoever shows an old register need not have the tiles of the newer one. */
    if (err == DT_ERR_CONFLICT || (err != DT_OK && dt_err_is_local(err)))
        return err;
    if (s->behind_since_ms == 0)
        s->behind_since_ms = o->now_ms;
    s->behind_size = cp->size;
    return DT_OK;
}

/* ---- who vouches for it ---- */

/* As far as times go here. */
static uint64_t
time_of(uint64_t s)
{
    return s < DT_TIME_MAX_MS / DT_MS_SECOND ? s * DT_MS_SECOND : DT_TIME_MAX_MS;
}

/* What the witnesses' lines on a note of this register say; its tree fits. */
static void
take_witnesses(struct dt_observer *o, struct look *l, const struct tlog_policy_state *st)
{
    uint64_t size = st->checkpoint.size;

    for (size_t i = 0; i < o->n_sides; i++) {
        const struct tlog_node_state *node = &st->nodes[o->sides[i]];
        struct dt_observed_group *g = &l->groups[o->groups[i]];

        if (node->satisfied && size > g->size) {
            g->size = size;
            g->time_ms = time_of(node->time);
        }
    }
    if (o->n_sides > 0 && st->quorum && size > 0 && l->n_attested < NEWS)
        l->attested[l->n_attested++] = (struct dt_attested){
            .size = size, .time_ms = time_of(st->quorum_time), .seen_ms = o->now_ms};
}

/* Does ${st} say anything that is not known yet? */
static bool
tells(const struct dt_observer *o, const struct look *l, const struct tlog_policy_state *st)
{
    const struct observer_state *s = &o->state;

    if (st->quorum && o->n_sides > 0 &&
        (s->n_attested == 0 || st->checkpoint.size > s->attested[s->n_attested - 1].size))
        return true;
    for (size_t i = 0; i < o->n_sides; i++)
        if (st->nodes[o->sides[i]].satisfied && st->checkpoint.size > l->groups[o->groups[i]].size)
            return true;
    return false;
}

/* A further note that the register shows, with more cosignatures than the newest may have. */
static enum dt_err
take_note(struct dt_observer *o, struct look *l, struct dt_view note)
{
    const struct tlog_checkpoint *newest = &l->signed_state.checkpoint;
    struct tlog_policy_state st;
    enum dt_err err;

    if ((err = tlog_policy_evaluate(o->config.policy, &o->log, note, &st)) != DT_OK)
        return dt_fail_context(err, "checkpoint of the register");
    /* Larger: it came while we looked; the next look has it. */
    if (st.checkpoint.size > newest->size)
        return DT_OK;
    if (st.checkpoint.size != newest->size && !tells(o, l, &st))
        return DT_OK;
    if ((err = begins_with(o, note, st.checkpoint.size, &st.checkpoint.root, dt_buf_view(&l->note),
                           newest->size, &newest->root)) != DT_OK)
        return err;
    take_witnesses(o, l, &st);
    return DT_OK;
}

/* The note in ${path} of a folder or below a URL; NOT_FOUND. */
static enum dt_err
fetch_note(const struct dt_observer *o, const char *path, enum dt_checkpoint_kind kind,
           struct dt_buf *out)
{
    out->n = 0;
    if (o->http != NULL)
        return dt_register_checkpoint(o->http, o->src.url, kind, out);
    return dt_register_source_file(&o->src, path, out);
}

static enum dt_err
take_kind(struct dt_observer *o, struct look *l, const char *path, enum dt_checkpoint_kind kind)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    enum dt_err err = fetch_note(o, path, kind, &note);

    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    return err != DT_OK ? err : take_note(o, l, dt_buf_view(&note));
}

/* A relay can be asked what a witness cosigned last, so that one that lags is not called silent. */
static enum dt_err
ask_for_laggards(struct dt_observer *o, struct look *l)
{
    const struct tlog_policy *p = o->config.policy;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < p->n_nodes && err == DT_OK && o->http != NULL; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
        size_t side = p->nodes[i].is_group ? TLOG_POLICY_NO_NODE : tlog_policy_side_of(p, i), k = 0;
        char id[9];

        while (k < o->n_sides && o->sides[k] != side)
            k++;
        if (k == o->n_sides || l->groups[o->groups[k]].size >= l->signed_state.checkpoint.size)
            continue;
        (void)snprintf(id, sizeof id, "%08x", p->nodes[i].key.id);
        err = dt_register_checkpoint_by(o->http, o->src.url, id, &note);
        if (err == DT_OK)
            err = take_note(o, l, dt_buf_view(&note));
        else if (!dt_err_is_local(err))
            err = DT_OK; /* a server of files knows no such question */
    }
    return err;
}

/* ---- what was cosigned before we looked ---- */

struct interval {
    uint64_t low, low_ms, high, high_ms; /* sizes, and when they had their quorum */
};

/* The cosigned checkpoint of about ${size}, below ${high}, if the relay has it; ${out_size} 0: no.
 */
static enum dt_err
ask_about(struct dt_observer *o, struct look *l, uint64_t size, uint64_t high, uint64_t *out_size,
          uint64_t *out_ms)
{
    const size_t known = l->n_attested;
    enum dt_err err = DT_OK;

    *out_size = 0;
    for (uint64_t at = size; at < size + PROBES && at < high && l->n_attested == known; at++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);

        err = dt_register_checkpoint_of(o->http, o->src.url, at, &note);
        if (err == DT_OK)
            err = take_note(o, l, dt_buf_view(&note));
        if (err != DT_OK && (dt_err_is_local(err) || err == DT_ERR_CONFLICT))
            return err;
    }
    /* A server of files knows no such question, and shows its newest. */
    if (l->n_attested > known && l->attested[known].size < high &&
        l->attested[known].size >= size) {
        *out_size = l->attested[known].size;
        *out_ms = l->attested[known].time_ms;
    }
    return DT_OK;
}

/*
 * Who looks seldom, or for the first time, asks a relay for the checkpoints in between, until it is
 * known on which day each entry was there: halving what grew in more than a day.
 */
static enum dt_err
ask_for_earlier(struct dt_observer *o, struct look *l)
{
    const struct observer_state *s = &o->state;
    struct interval todo[INTERVALS] = {{0}};
    size_t n = 1;
    enum dt_err err;

    if (o->http == NULL || l->n_attested == 0)
        return DT_OK;
    if (s->n_attested > 0) {
        todo[0].low = s->attested[s->n_attested - 1].size;
        todo[0].low_ms = s->attested[s->n_attested - 1].time_ms;
    }
    for (size_t i = 0; i < l->n_attested; i++)
        if (l->attested[i].size > todo[0].high) {
            todo[0].high = l->attested[i].size;
            todo[0].high_ms = l->attested[i].time_ms;
        }
    for (unsigned int asked = 0; n > 0 && asked < QUESTIONS; asked++) {
        const struct interval at = todo[--n];
        uint64_t size = 0, ms = 0;

        if (at.high <= at.low + 1 || at.low_ms / DT_MS_DAY == at.high_ms / DT_MS_DAY)
            continue;
        if ((err = ask_about(o, l, at.low + (at.high - at.low) / 2, at.high, &size, &ms)) != DT_OK)
            return err;
        if (size == 0 || n + 2 > INTERVALS)
            continue;
        todo[n++] = (struct interval){size, ms, at.high, at.high_ms};
        todo[n++] = (struct interval){at.low, at.low_ms, size, ms};
    }
    return DT_OK;
}

/* ---- the look ---- */

static int
by_size(const void *a, const void *b)
{
    const struct dt_attested *x = a, *y = b;

    return x->size < y->size ? -1 : x->size > y->size;
}

static enum dt_err
take_newest(struct dt_observer *o, struct look *l)
{
    enum dt_err err = fetch_note(o, "checkpoint.held", DT_CHECKPOINT_HELD, &l->note);

    /* Registers of others, and such as hold nothing back, have the one. */
    if (err == DT_ERR_NOT_FOUND)
        err = fetch_note(o, "checkpoint", DT_CHECKPOINT_ATTESTED, &l->note);
    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_FORMAT, "%s: there is no checkpoint: is it a register?",
                       o->config.where);
    if (err == DT_OK)
        err = dt_fail_context(tlog_policy_evaluate(o->config.policy, &o->log, dt_buf_view(&l->note),
                                                   &l->signed_state),
                              "checkpoint of the register");
    return err;
}

static enum dt_err
keep(struct dt_observer *o, struct look *l)
{
    struct observer_state *s = &o->state;
    enum dt_err err;

    /* What may fail first. */
    qsort(l->attested, l->n_attested, sizeof *l->attested, by_size);
    for (size_t i = 0; i < l->n_attested; i++)
        if ((err = observer_state_attested(s, &l->attested[i])) != DT_OK)
            return err;
    if ((err = observer_state_shown(s, l->signed_state.checkpoint.size, o->now_ms)) != DT_OK)
        return err;
    for (size_t i = 0; i < s->n_groups; i++)
        s->groups[i] = l->groups[i];
    s->size = l->signed_state.checkpoint.size;
    s->root = l->signed_state.checkpoint.root;
    dt_buf_move(&s->note, &l->note);
    s->behind_size = 0;
    s->behind_since_ms = 0;
    return DT_OK;
}

enum dt_err
observer_look(struct dt_observer *o)
{
    DT_CLEANUP(look_clear) struct look l = {.note = DT_BUF_INIT(TLOG_NOTE_MAX)};
    const struct tlog_checkpoint *cp = &l.signed_state.checkpoint;
    struct observer_state *s = &o->state;
    enum dt_err err;

    l.groups = dt_alloc(s->n_groups + 1, sizeof *l.groups);
    l.attested = dt_alloc(NEWS, sizeof *l.attested);
    if (l.groups == NULL || l.attested == NULL)
        return dt_nomem();
    for (size_t i = 0; i < s->n_groups; i++)
        l.groups[i] = s->groups[i];
    if ((err = take_newest(o, &l)) != DT_OK)
        return err;
    if (cp->size < s->size)
        return look_behind(o, &l);
    if ((err = begins_with(o, dt_buf_view(&s->note), s->size, &s->root, dt_buf_view(&l.note),
                           cp->size, &cp->root)) != DT_OK ||
        (cp->size > s->size && (err = take_entries(o, cp)) != DT_OK) ||
        (err = take_kind(o, &l, "checkpoint.final", DT_CHECKPOINT_FINAL)) != DT_OK ||
        (err = take_kind(o, &l, "checkpoint", DT_CHECKPOINT_ATTESTED)) != DT_OK ||
        (err = ask_for_laggards(o, &l)) != DT_OK)
        return err;
    take_witnesses(o, &l, &l.signed_state);
    if ((err = ask_for_earlier(o, &l)) != DT_OK)
        return err;
    return keep(o, &l);
}
