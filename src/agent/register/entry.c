/*
 * agent/register/entry.c - what our copy of the register says of one entry; see register.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "agent/register/store.h"

const char *
dt_entry_standing_name(enum dt_entry_standing s)
{
    switch (s) {
    case DT_ENTRY_IS_HELD:
        return "held";
    case DT_ENTRY_IS_ATTESTED:
        return "attested";
    case DT_ENTRY_IS_FINAL:
        return "final";
    case DT_ENTRY_WAITING:
        break;
    }
    return "waiting";
}

enum dt_err
dt_register_index_of(struct dt_agent *a, const uint8_t seal[static 32], uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8);
    struct dt_reader r;
    enum dt_err err;

    err = dt_store_get_blob(dt_agent_store(a), "register_seal", dt_view(seal, 32), &b);
    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&b));
    return dt_read_u64(&r, out);
}

enum dt_err
dt_agent_entry(struct dt_agent *a, const uint8_t seal[static 32], struct dt_entry_info *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct dt_entry_info info = {.standing = DT_ENTRY_WAITING};
    struct tlog_policy_state state;
    uint64_t size = 0;
    enum dt_err err = dt_register_index_of(a, seal, &info.index);

    if (err == DT_ERR_NOT_FOUND) {
        *out = info;
        return DT_OK;
    }
    if (err != DT_OK)
        return err;
    info.standing = DT_ENTRY_IS_HELD;
    err = dt_register_note_first(a, info.index, &size, &note);
    if (err == DT_OK) {
        info.standing = DT_ENTRY_IS_ATTESTED;
        info.first_known = true;
        if ((err = dt_register_policy_of(a, DT_POLICY_ATTESTED, dt_buf_view(&note), &policy)) !=
                DT_OK ||
            (err = tlog_policy_evaluate(&policy, NULL, dt_buf_view(&note), &state)) != DT_OK)
            return err;
        info.attested_ms = state.quorum_time * 1000;
        err = dt_register_note_last(a, "final", &size, NULL);
        if (err == DT_OK && size > info.index)
            info.standing = DT_ENTRY_IS_FINAL;
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out = info;
    return DT_OK;
}

enum dt_err
dt_register_note_times(struct dt_agent *a, struct dt_view note,
                       uint64_t out_ms[static DT_CHARTER_PARTIES])
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    const struct dt_charter *c = NULL;
    struct tlog_policy_state state;
    enum dt_err err;

    if ((err = dt_register_charter_of(a, note, &c)) != DT_OK ||
        (err = dt_register_policy_of(a, DT_POLICY_ATTESTED, note, &policy)) != DT_OK ||
        (err = tlog_policy_evaluate(&policy, NULL, note, &state)) != DT_OK)
        return err;
    for (size_t p = 0; p < DT_CHARTER_PARTIES; p++) {
        uint64_t first = 0, last = 0;
        size_t side = 0;

        out_ms[p] = 0;
        if (p >= c->n_parties)
            continue;
        if ((err = dt_charter_side(c, &policy, p, &side)) != DT_OK)
            return err;
        if (tlog_times_of_others(&policy, &state, side, &first, &last))
            out_ms[p] = first * DT_MS_SECOND;
    }
    return DT_OK;
}

enum dt_err
dt_agent_entry_proof(struct dt_agent *a, const uint8_t seal[static 32], struct dt_buf *out,
                     bool *out_first)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    DT_CLEANUP(dt_free_p) struct tlog_hash *h = NULL;
    struct tlog_leaves leaves;
    struct tlog_path path;
    uint64_t index = 0;
    uint64_t size = 0;
    bool first = true;
    enum dt_err err;

    if ((err = dt_register_index_of(a, seal, &index)) != DT_OK)
        return err == DT_ERR_NOT_FOUND
                   ? dt_fail(err, "not in our copy of the register yet; sync first")
                   : err;
    err = dt_register_note_first(a, index, &size, &note);
    if (err == DT_ERR_NOT_FOUND) {
        first = false;
        err = dt_register_note_last(a, "held", &size, &note);
    }
    if (err != DT_OK)
        return err;
    if (size <= index)
        return dt_fail(DT_ERR_NOT_FOUND, "no checkpoint kept here holds the entry yet; sync first");
    if ((err = dt_register_leaves(a, size, &h)) != DT_OK)
        return err;
    leaves = (struct tlog_leaves){h, size};
    if ((err = tlog_inclusion_make(tlog_leaves_node, &leaves, index, size, &path)) != DT_OK ||
        (err = tlog_proof_init(&proof, NULL, index, &path, dt_buf_view(&note))) != DT_OK ||
        (err = tlog_proof_write(&proof, out)) != DT_OK)
        return err;
    *out_first = first;
    return DT_OK;
}

/* The charter's party that a policy group "g<place+1>-<name>" stands for; its name, else the
 * group's. */
static void
group_name(struct dt_agent *a, const char *group, char *out, size_t n)
{
    const struct dt_charter *c = &a->charter;
    const char *dash = strchr(group, '-');
    uint64_t place = 0;

    if (group[0] == 'g' && dash != NULL &&
        dt_decimal_read(dt_view((const uint8_t *)group + 1, (size_t)(dash - group - 1)),
                        DT_CHARTER_PARTIES, &place) == DT_OK &&
        place >= 1 && place <= c->n_parties)
        (void)snprintf(out, n, "%.*s", (int)c->parties[place - 1].name.n,
                       (const char *)c->parties[place - 1].name.p);
    else
        (void)snprintf(out, n, "%s", group);
}

enum dt_err
dt_agent_register_groups(struct dt_agent *a, struct dt_group_info **out, size_t *out_n)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    size_t sides[TLOG_POLICY_NODES_MAX];
    struct dt_group_info *list;
    size_t n;
    enum dt_err err = dt_register_policy(a, DT_POLICY_FINAL, &policy);

    if (err != DT_OK)
        return err;
    n = tlog_policy_sides(&policy, sides, TLOG_POLICY_NODES_MAX);
    list = dt_alloc(n, sizeof *list);
    if (list == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        const char *group = policy.nodes[sides[i]].name;
        struct dt_group_mark g = {0};

        group_name(a, group, list[i].name, sizeof list[i].name);
        err = dt_group_mark_get(a, group, &g);
        if (err == DT_ERR_NOT_FOUND)
            err = DT_OK;
        if (err != DT_OK)
            break;
        list[i].size = g.size;
        list[i].time_ms = g.time_ms;
        list[i].off_ms = g.off_ms;
        list[i].ahead = g.ahead;
        list[i].behind_ms = g.behind_ms;
    }
    if (err != DT_OK) {
        dt_free(list);
        return err;
    }
    *out = list;
    *out_n = n;
    return DT_OK;
}
