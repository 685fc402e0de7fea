/*
 * agent/records/tally.c - see tally.h.
 */
#include "base/mem.h"

#include "agent/core.h"
#include "agent/records/tally.h"
#include "agent/register/store.h"

enum dt_err
dt_agent_tally(struct dt_agent *a, const struct dt_tally_question *q, struct dt_tally *out)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    struct tlog_frontier tree;
    enum dt_err err;

    if ((err = dt_register_tree(a, &tree)) != DT_OK)
        return err;
    if (q->last >= tree.size)
        return dt_fail(DT_ERR_STATE,
                       "our copy of the register has %llu entries, from 0 on: sync first, or ask "
                       "for fewer",
                       (unsigned long long)tree.size);
    if ((err = dt_agent_facts_with_cover(a, &f)) != DT_OK)
        return err;
    return dt_tally_fold(f.facts, f.n, q, out);
}

enum dt_err
dt_agent_tally_recount(struct dt_agent *a, const struct dt_record *tally,
                       struct dt_tally_stated *out_stated, struct dt_tally *out_own)
{
    struct dt_tally_stated s;
    struct dt_tally_question q;
    enum dt_err err = dt_tally_read(tally->slots, &s);

    if (err != DT_OK)
        return err;
    /* Text of a peer from here on only when it is a name that we know, too. */
    if (dt_templates_get(a->templates, s.counted) == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "what it counts is no template that is known here");
    q = (struct dt_tally_question){
        .first = s.first, .last = s.last, .channel = tally->channel, .counted = s.counted};
    if ((err = dt_agent_tally(a, &q, out_own)) != DT_OK)
        return err;
    *out_stated = s;
    return DT_OK;
}

enum dt_err
dt_agent_tally_compare(const struct dt_tally_stated *stated, const struct dt_tally *own)
{
    if (own->count == stated->count)
        return DT_OK;
    return dt_fail(DT_ERR_REFUSED,
                   "our own count is %llu, the tally's %llu: it is not countersigned",
                   (unsigned long long)own->count, (unsigned long long)stated->count);
}

enum dt_err
dt_agent_tally_check(struct dt_agent *a, const struct dt_record *r)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_tally_clear) struct dt_tally own = {0};
    struct dt_tally_stated stated;
    const uint8_t *about = NULL;
    enum dt_err err;

    if (dt_record_answer(r, &about) != DT_ANSWER_COUNTERSIGN)
        return DT_OK;
    if ((err = dt_agent_record(a, about, &subject)) != DT_OK)
        return err;
    if (!dt_template_is_tally(subject.tmpl))
        return DT_OK;
    if ((err = dt_agent_tally_recount(a, &subject, &stated, &own)) != DT_OK)
        return dt_fail_context(err, "the tally cannot be counted anew");
    return dt_agent_tally_compare(&stated, &own);
}

/* The first entry with a time from ${from_ms} on, and the last one with a time up to ${until_ms}.
 * Times need not grow with the entries: each witness has a clock of its own. */
static enum dt_err
entries_by_time(struct dt_agent *a, uint64_t from_ms, uint64_t until_ms, uint64_t *out_first,
                uint64_t *out_last)
{
    uint64_t at = 0;
    enum dt_err err = DT_OK;

    *out_first = UINT64_MAX;
    *out_last = UINT64_MAX;
    while (err == DT_OK) {
        DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
        struct tlog_policy_state state;
        uint64_t size = 0;

        if ((err = dt_register_note_first(a, at, &size, &note)) != DT_OK ||
            (err = dt_register_policy_of(a, DT_POLICY_ATTESTED, dt_buf_view(&note), &policy)) !=
                DT_OK ||
            (err = tlog_policy_evaluate(&policy, NULL, dt_buf_view(&note), &state)) != DT_OK)
            break;
        if (*out_first == UINT64_MAX && state.quorum_time * 1000 >= from_ms)
            *out_first = at;
        if (state.quorum_time * 1000 <= until_ms)
            *out_last = size - 1;
        at = size;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_agent_entry_from(struct dt_agent *a, uint64_t ms, uint64_t *out)
{
    uint64_t first;
    uint64_t last;
    enum dt_err err = entries_by_time(a, ms, 0, &first, &last);

    if (err != DT_OK)
        return err;
    if (first == UINT64_MAX)
        return dt_fail(DT_ERR_NOT_FOUND, "no attested entry is of that time or later");
    *out = first;
    return DT_OK;
}

enum dt_err
dt_agent_entry_until(struct dt_agent *a, uint64_t ms, uint64_t *out)
{
    uint64_t first;
    uint64_t last;
    enum dt_err err = entries_by_time(a, UINT64_MAX, ms, &first, &last);

    if (err != DT_OK)
        return err;
    if (last == UINT64_MAX)
        return dt_fail(DT_ERR_NOT_FOUND, "no attested entry is of that time or earlier");
    *out = last;
    return DT_OK;
}
