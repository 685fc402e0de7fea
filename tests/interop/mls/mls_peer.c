/*
 * tests/interop/mls/mls_peer.c - one member of one MLS group behind a line protocol.
 *
 * One command a line on standard input, one answer a line on standard output: "ok ..." or
 * "error CLASS MESSAGE"; bytes are hex. tests/interop/mls/README.md lists the commands. A second
 * program, ts_peer.mjs, speaks the same lines for another implementation, and run_mls.py lets both
 * talk to each other. For tests alone: it keeps every key in memory and prints exporter secrets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "crypto/suite.h"
#include "mls/group.h"

#define LINE_MAX_BYTES (16u << 20)
#define PSKS_MAX       16
#define ITEMS_MAX      64
#define TOKENS_MAX     (ITEMS_MAX + 4)
#define LIFETIME_S     UINT64_C(604800)
#define PAD            3

struct psk {
    struct dt_buf id;
    struct dt_buf value;
};

static struct {
    const struct dt_suite *suite;
    struct dt_secret seed;
    uint8_t pub[DT_SIG_PUB_MAX];
    struct dt_secret next_seed; /* of a rotation; the group has its own copy */
    uint8_t next_pub[DT_SIG_PUB_MAX];
    struct dt_buf identity;
    struct dt_buf key_package;
    struct mls_key_bundle bundle;
    struct mls_group *group;
    struct psk psks[PSKS_MAX];
    size_t n_psks;
} me;

static void
forget(void)
{
    dt_secret_clear(&me.seed);
    dt_secret_clear(&me.next_seed);
    mls_key_bundle_clear(&me.bundle);
    mls_group_free(me.group);
    me.group = NULL;
    me.suite = NULL;
    dt_buf_clear(&me.identity);
    dt_buf_clear(&me.key_package);
    dt_buf_init(&me.identity, 1024);
    dt_buf_init(&me.key_package, MLS_MESSAGE_MAX);
    for (size_t i = 0; i < me.n_psks; i++) {
        dt_buf_clear(&me.psks[i].id);
        dt_buf_wipe(&me.psks[i].value);
    }
    me.n_psks = 0;
}

static uint64_t
now_ms(void)
{
    struct dt_clock clock = dt_clock_system();

    return dt_clock_now(&clock);
}

/* Lifetimes are judged as an agent would judge them: nothing that lives longer than 30 days. */
static struct mls_time_policy
lifetime(void)
{
    struct mls_time_policy p = {
        .check = true, .now_ms = now_ms(), .max_total_ms = 30 * DT_MS_DAY, .skew_ms = DT_MS_HOUR};

    return p;
}

static struct mls_group_policy
policy(void)
{
    struct mls_group_policy p = {.past_epochs = 3, .past_age_ms = DT_MS_HOUR};

    return p;
}

static struct mls_psk_list
psks(struct mls_psk out[PSKS_MAX])
{
    struct mls_psk_list list = {out, me.n_psks};

    for (size_t i = 0; i < me.n_psks; i++) {
        out[i] = (struct mls_psk){.id = dt_buf_view(&me.psks[i].id),
                                  .value = dt_buf_view(&me.psks[i].value)};
    }
    return list;
}

static struct mls_leaf_params
leaf(void)
{
    struct mls_leaf_params p = {
        .suite = me.suite->id,
        .signature_priv = dt_secret_view(&me.seed),
        .signature_pub = dt_view(me.pub, me.suite->sig_pub_len),
        .identity = dt_buf_view(&me.identity),
        .allow_malleable = true,
    };

    return p;
}

/* ---- commands: ${arg} are the words after the command; the answer is appended to ${out} ---- */

struct args {
    struct dt_view v[TOKENS_MAX];
    size_t n;
};

static enum dt_err
need(const struct args *a, size_t least, bool group)
{
    if (a->n < least)
        return dt_fail(DT_ERR_USAGE, "%zu words are missing", least - a->n);
    if (group && me.group == NULL)
        return dt_fail(DT_ERR_USAGE, "no group yet");
    if (!group && me.suite == NULL)
        return dt_fail(DT_ERR_USAGE, "init comes first");
    return DT_OK;
}

static enum dt_err
number(struct dt_view text, uint64_t max, uint64_t *out)
{
    return dt_decimal_read(text, max, out);
}

static enum dt_err
do_init(const struct args *a, struct dt_buf *out)
{
    uint64_t id;
    enum dt_err err;

    (void)out;
    if (a->n != 1 || (err = number(a->v[0], 0xffff, &id)) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "init SUITE");
    forget();
    me.suite = dt_suite_get((uint16_t)id);
    return me.suite != NULL ? DT_OK : dt_fail(DT_ERR_UNSUPPORTED, "suite %u", (unsigned)id);
}

static enum dt_err
do_kp(const struct args *a, struct dt_buf *out)
{
    struct mls_typed_list none = {NULL, 0};
    struct mls_leaf_params params;
    uint64_t now_s = now_ms() / 1000;
    enum dt_err err;

    if ((err = need(a, 1, false)) != DT_OK)
        return err;
    dt_buf_clear(&me.identity);
    dt_buf_clear(&me.key_package);
    mls_key_bundle_clear(&me.bundle);
    dt_secret_clear(&me.seed);
    if ((err = dt_hex_read(&me.identity, a->v[0])) != DT_OK ||
        (err = dt_suite_sig_new(me.suite, &me.seed, me.pub)) != DT_OK)
        return err;
    params = leaf();
    if ((err = mls_key_package_new(&params, now_s - 3600, now_s + LIFETIME_S, none, &me.key_package,
                                   &me.bundle)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&me.key_package));
}

static enum dt_err
do_create(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf id = DT_BUF_INIT(256);
    uint64_t now_s = now_ms() / 1000;
    struct mls_group_params params = {
        .not_before_s = now_s - 3600, .not_after_s = now_s + LIFETIME_S, .policy = policy()};
    enum dt_err err;

    (void)out;
    if ((err = need(a, 1, false)) != DT_OK || (err = dt_hex_read(&id, a->v[0])) != DT_OK)
        return err;
    params.leaf = leaf();
    params.group_id = dt_buf_view(&id);
    mls_group_free(me.group);
    me.group = NULL;
    return mls_group_create(&params, &me.group);
}

static enum dt_err
do_psk(const struct args *a, struct dt_buf *out)
{
    struct psk *p = &me.psks[me.n_psks];
    enum dt_err err;

    (void)out;
    if ((err = need(a, 2, false)) != DT_OK)
        return err;
    if (me.n_psks == PSKS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
    dt_buf_init(&p->id, 256);
    dt_buf_init(&p->value, 256);
    me.n_psks++;
    if ((err = dt_hex_read(&p->id, a->v[0])) != DT_OK)
        return err;
    return dt_hex_read(&p->value, a->v[1]);
}

/* A commit's words: add:KEYPACKAGE remove:LEAF psk:ID held:ID path cached
 * update rotate. */
struct items {
    struct dt_buf adds[ITEMS_MAX];
    struct dt_view add_views[ITEMS_MAX];
    size_t n_adds;
    uint32_t removes[ITEMS_MAX];
    size_t n_removes;
    struct mls_psk psks[PSKS_MAX];
    size_t n_psks;
    struct mls_psk held[PSKS_MAX];
    size_t n_held;
    bool path;
    bool cached;
    bool update;
    bool rotate;
};

static void
items_clear(struct items *it)
{
    for (size_t i = 0; i < it->n_adds; i++)
        dt_buf_clear(&it->adds[i]);
}

static bool
after(struct dt_view word, const char *prefix, struct dt_view *rest)
{
    size_t n = strlen(prefix);

    if (word.n < n || memcmp(word.p, prefix, n) != 0)
        return false;
    *rest = dt_view(word.p + n, word.n - n);
    return true;
}

static enum dt_err
psk_named(struct dt_view hex, struct mls_psk *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf id = DT_BUF_INIT(256);
    enum dt_err err = dt_hex_read(&id, hex);

    for (size_t i = 0; err == DT_OK && i < me.n_psks; i++)
        if (dt_view_equal(dt_buf_view(&me.psks[i].id), dt_buf_view(&id))) {
            *out = (struct mls_psk){.id = dt_buf_view(&me.psks[i].id),
                                    .value = dt_buf_view(&me.psks[i].value)};
            return DT_OK;
        }
    return err != DT_OK ? err : dt_fail(DT_ERR_USAGE, "that PSK was not given");
}

static enum dt_err
item_read(struct dt_view word, struct items *it)
{
    struct dt_view rest;
    uint64_t n;
    enum dt_err err;

    if (after(word, "add:", &rest)) {
        dt_buf_init(&it->adds[it->n_adds], MLS_MESSAGE_MAX);
        err = dt_hex_read(&it->adds[it->n_adds], rest);
        it->add_views[it->n_adds] = dt_buf_view(&it->adds[it->n_adds]);
        it->n_adds++;
        return err;
    }
    if (after(word, "remove:", &rest)) {
        if ((err = number(rest, UINT32_MAX, &n)) == DT_OK)
            it->removes[it->n_removes++] = (uint32_t)n;
        return err;
    }
    if (after(word, "psk:", &rest)) {
        if (it->n_psks == PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
        return psk_named(rest, &it->psks[it->n_psks++]);
    }
    if (after(word, "held:", &rest)) {
        if (it->n_held == PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
        return psk_named(rest, &it->held[it->n_held++]);
    }
    if (dt_view_equal(word, dt_view_str("path")))
        it->path = true;
    else if (dt_view_equal(word, dt_view_str("cached")))
        it->cached = true;
    else if (dt_view_equal(word, dt_view_str("update")))
        it->update = true;
    else if (dt_view_equal(word, dt_view_str("rotate")))
        it->rotate = true;
    else
        return dt_fail(DT_ERR_USAGE, "a word that a commit does not know");
    return DT_OK;
}

static enum dt_err
items_read(const struct args *a, struct items *it)
{
    enum dt_err err = DT_OK;

    if (a->n > ITEMS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more words than %d", ITEMS_MAX);
    for (size_t i = 1; err == DT_OK && i < a->n; i++)
        err = item_read(a->v[i], it);
    return err;
}

/* A new signature key for the own leaf, when ${it} asks for one. */
static enum dt_err
rotation(const struct items *it, struct mls_rotation *out)
{
    enum dt_err err;

    if (!it->rotate)
        return DT_OK;
    dt_secret_clear(&me.next_seed);
    if ((err = dt_suite_sig_new(me.suite, &me.next_seed, me.next_pub)) != DT_OK)
        return err;
    out->new_signature_priv = dt_secret_view(&me.next_seed);
    out->new_signature_pub = dt_view(me.next_pub, me.suite->sig_pub_len);
    return DT_OK;
}

static enum dt_err
do_commit(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(items_clear) struct items it = {0};
    DT_CLEANUP(mls_commit_out_clear) struct mls_commit_out made = {0};
    struct mls_commit_opts opts = {.padding = PAD};
    struct mls_rotation keys = {0};
    uint64_t public;
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = number(a->v[0], 1, &public)) != DT_OK ||
        (err = items_read(a, &it)) != DT_OK || (err = rotation(&it, &keys)) != DT_OK)
        return err;
    if (public)
        return dt_fail(DT_ERR_UNSUPPORTED, "PublicMessage is not written yet");
    opts.removes = it.removes;
    opts.n_removes = it.n_removes;
    opts.adds = it.add_views;
    opts.n_adds = it.n_adds;
    opts.psks.v = it.psks;
    opts.psks.n = it.n_psks;
    opts.held_psks.v = it.held;
    opts.held_psks.n = it.n_held;
    opts.force_path = it.path;
    opts.commit_cached = it.cached;
    opts.new_signature_priv = keys.new_signature_priv;
    opts.new_signature_pub = keys.new_signature_pub;
    opts.lifetime = lifetime();
    if ((err = mls_group_commit(me.group, &opts, &made)) != DT_OK ||
        (err = dt_hex_write(out, dt_buf_view(&made.commit))) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(" "))) != DT_OK)
        return err;
    return made.welcome.n == 0 ? dt_buf_append(out, dt_view_str("-"))
                               : dt_hex_write(out, dt_buf_view(&made.welcome));
}

static enum dt_err
do_propose(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(items_clear) struct items it = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_propose_opts opts = {.padding = PAD};
    uint64_t public;
    enum dt_err err;

    if ((err = need(a, 2, true)) != DT_OK || (err = number(a->v[0], 1, &public)) != DT_OK ||
        (err = items_read(a, &it)) != DT_OK)
        return err;
    if (public)
        return dt_fail(DT_ERR_UNSUPPORTED, "PublicMessage is not written yet");
    if (it.n_adds == 1) {
        opts.kind = MLS_PROPOSE_ADD;
        opts.add = it.add_views[0];
    } else if (it.n_removes == 1) {
        opts.kind = MLS_PROPOSE_REMOVE;
        opts.remove = it.removes[0];
    } else if (it.n_psks == 1) {
        opts.kind = MLS_PROPOSE_PSK;
        opts.psk = it.psks[0];
    } else if (it.update) {
        opts.kind = MLS_PROPOSE_UPDATE;
        if ((err = rotation(&it, &opts.rotation)) != DT_OK)
            return err;
    } else {
        return dt_fail(DT_ERR_USAGE, "propose add:, remove:, psk: or update");
    }
    opts.lifetime = lifetime();
    if ((err = mls_group_propose(me.group, &opts, &made)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made));
}

static enum dt_err
do_drop(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    (void)out;
    if (err == DT_OK)
        mls_group_drop_pending(me.group);
    return err;
}

static enum dt_err
do_join(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf welcome = DT_BUF_INIT(LINE_MAX_BYTES);
    struct mls_psk held[PSKS_MAX];
    struct mls_join_params params = {.bundle = &me.bundle, .allow_malleable = true};
    struct mls_group *group = NULL;
    enum dt_err err;

    (void)out;
    if ((err = need(a, 1, false)) != DT_OK || (err = dt_hex_read(&welcome, a->v[0])) != DT_OK)
        return err;
    params.welcome = dt_buf_view(&welcome);
    params.key_package = dt_buf_view(&me.key_package);
    params.signature_priv = dt_secret_view(&me.seed);
    params.psks = psks(held);
    params.lifetime = lifetime();
    params.policy = policy();
    if ((err = mls_group_join(&params, &group, NULL)) != DT_OK)
        return err;
    mls_group_free(me.group);
    me.group = group;
    return DT_OK;
}

static enum dt_err
event_say(struct mls_event *e, struct dt_buf *out)
{
    enum dt_err err;

    switch (e->kind) {
    case MLS_EVENT_APPLICATION:
        if ((err = dt_buf_append(out, dt_view_str("message "))) != DT_OK)
            return err;
        return dt_hex_write(out, dt_buf_view(&e->plaintext));
    case MLS_EVENT_COMMIT:
        if ((err = mls_group_take(me.group, e->staged, now_ms())) != DT_OK)
            return err;
        e->staged = NULL;
        return dt_buf_printf(out, mls_group_is_member(me.group) ? "commit" : "removed");
    case MLS_EVENT_PROPOSAL:
        return dt_buf_printf(out, "proposal");
    case MLS_EVENT_OWN_COMMIT:
        if ((err = mls_group_take_pending(me.group, now_ms())) != DT_OK)
            return err;
        return dt_buf_printf(out, "own");
    case MLS_EVENT_OWN_MESSAGE:
        return dt_buf_printf(out, "own");
    case MLS_EVENT_REFUSED:
        return e->refused;
    default:
        return dt_fail(DT_ERR_STATE, "event %d", (int)e->kind);
    }
}

static enum dt_err
do_process(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(mls_event_clear) struct mls_event e = {0};
    struct mls_psk held[PSKS_MAX];
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = dt_hex_read(&message, a->v[0])) != DT_OK ||
        (err = mls_group_process(me.group, psks(held), dt_buf_view(&message), &e)) != DT_OK)
        return err;
    return event_say(&e, out);
}

static enum dt_err
do_protect(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(LINE_MAX_BYTES);
    DT_CLEANUP(dt_buf_clear) struct dt_buf made = DT_BUF_INIT(MLS_MESSAGE_MAX);
    enum dt_err err;

    if ((err = need(a, 1, true)) != DT_OK || (err = dt_hex_read(&text, a->v[0])) != DT_OK ||
        (err = mls_group_protect(me.group, dt_view_str("aad"), dt_buf_view(&text), PAD, &made)) !=
            DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&made));
}

/* Save and load: what follows is done by the loaded group. */
static enum dt_err
do_reload(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *loaded = NULL;
    enum dt_err err;

    (void)out;
    if ((err = need(a, 0, true)) != DT_OK || (err = mls_group_save(me.group, &saved)) != DT_OK ||
        (err = mls_group_load(dt_buf_view(&saved), &loaded)) != DT_OK)
        return err;
    mls_group_free(me.group);
    me.group = loaded;
    return DT_OK;
}

static enum dt_err
do_auth(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    return err != DT_OK ? err : dt_hex_write(out, mls_group_epoch_authenticator(me.group));
}

static enum dt_err
do_export(const struct args *a, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    char label[64] = "";
    uint64_t n;
    enum dt_err err;

    if ((err = need(a, 3, true)) != DT_OK)
        return err;
    if (a->v[0].n >= sizeof label)
        return dt_fail(DT_ERR_LIMIT, "a label of %zu bytes", a->v[0].n);
    memcpy(label, a->v[0].p, a->v[0].n);
    if ((err = dt_hex_read(&context, a->v[1])) != DT_OK ||
        (err = number(a->v[2], 1024, &n)) != DT_OK ||
        (err = mls_group_export(me.group, label, dt_buf_view(&context), (size_t)n, &secret)) !=
            DT_OK)
        return err;
    return dt_hex_write(out, dt_secret_view(&secret));
}

static enum dt_err
do_leaf(const struct args *a, struct dt_buf *out)
{
    enum dt_err err = need(a, 0, true);

    return err != DT_OK ? err : dt_buf_printf(out, "%u", mls_group_own_leaf(me.group));
}

static enum dt_err
do_members(const struct args *a, struct dt_buf *out)
{
    struct mls_member m;
    enum dt_err err = need(a, 0, true);

    for (uint32_t i = 0; err == DT_OK && i < mls_group_n_leaves(me.group); i++)
        if (mls_group_member(me.group, i, &m) &&
            (err = dt_buf_printf(out, "%s%u:", out->n > 0 ? " " : "", i)) == DT_OK)
            err = dt_hex_write(out, m.identity);
    return err;
}

static const struct {
    const char *name;
    enum dt_err (*run)(const struct args *a, struct dt_buf *out);
} commands[] = {
    {"init", do_init},       {"kp", do_kp},           {"create", do_create},   {"psk", do_psk},
    {"commit", do_commit},   {"propose", do_propose}, {"drop", do_drop},       {"join", do_join},
    {"process", do_process}, {"protect", do_protect}, {"reload", do_reload},   {"auth", do_auth},
    {"export", do_export},   {"leaf", do_leaf},       {"members", do_members},
};

static enum dt_err
run_line(struct dt_view line, struct dt_buf *out)
{
    struct args a = {.n = 0};
    struct dt_view word;
    struct dt_view name = {NULL, 0};

    if (!dt_text_split(&line, ' ', &name))
        return dt_fail(DT_ERR_USAGE, "an empty line");
    while (dt_text_split(&line, ' ', &word)) {
        if (a.n == TOKENS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more words than %d", TOKENS_MAX);
        a.v[a.n++] = word;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (dt_view_equal(name, dt_view_str(commands[i].name)))
            return commands[i].run(&a, out);
    return dt_fail(DT_ERR_USAGE, "not a command");
}

int
main(void)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(2 * LINE_MAX_BYTES);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    enum dt_err err;

    if (dt_crypto_init() != DT_OK)
        return 1;
    dt_secret_set_policy(DT_SECRET_LOCK_IF_POSSIBLE);
    forget();
    while ((n = getline(&line, &cap, stdin)) > 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        dt_buf_wipe(&out);
        err = run_line(dt_view((const uint8_t *)line, (size_t)n), &out);
        if (err == DT_OK)
            printf("ok%s%.*s\n", out.n > 0 ? " " : "", (int)out.n, (const char *)out.p);
        else
            printf("error %s %s\n", dt_err_name(err), dt_err_message());
        (void)fflush(stdout);
    }
    free(line);
    forget();
    return 0;
}
