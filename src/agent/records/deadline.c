/*
 * agent/records/deadline.c - see deadline.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/records/deadline.h"
#include "agent/records/due.h"

static void
earliest(uint64_t *deadline, uint64_t ms)
{
    if (*deadline == 0 || ms < *deadline)
        *deadline = ms;
}

/* The time of the record with ${commitment}: of its entry where that is known, else of writing; 0
 * when it is not here. */
static enum dt_err
time_of_record(struct dt_agent *a, struct dt_view commitment, uint64_t *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    struct dt_entry_info entry;
    enum dt_err err;

    *out = 0;
    if (commitment.n != 32)
        return DT_OK; /* talk has no entry */
    err = dt_agent_record(a, commitment.p, &r);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err != DT_OK || (err = dt_agent_entry(a, r.seal, &entry)) != DT_OK)
        return err;
    *out = entry.attested_ms != 0 ? entry.attested_ms : r.time_ms;
    return DT_OK;
}

/* The time that a field of a rule gives; 0 for none. The first of several records counts. A day
 * begins at ${end} of day 0. */
static enum dt_err
time_of_field(struct dt_agent *a, const struct dt_record_draft *d, struct dt_view name, bool end,
              uint64_t *out)
{
    struct dt_field f;
    struct dt_view value, item;
    struct dt_reader r;
    uint64_t days = 0, ms = 0;
    size_t slot = 0;
    enum dt_err err;

    *out = 0;
    if ((err = dt_template_slot_find(d->tmpl, name, &slot)) != DT_OK || !d->has[slot])
        return err;
    dt_template_slot(d->tmpl, slot, &f);
    value = dt_buf_view(&d->value[slot]);
    if (f.type == DT_TYPE_DATETIME)
        return dt_value_u64(value, out);
    if (f.type == DT_TYPE_DATE) {
        uint32_t raw = 0;

        r = dt_reader_init(value);
        if ((err = dt_read_u32(&r, &raw)) != DT_OK)
            return err;
        days = raw <= INT32_MAX ? raw : 0; /* before 1970 nothing was due */
        *out = (days + (end ? 1 : 0)) * DT_MS_DAY;
        return DT_OK;
    }
    if (f.type == DT_TYPE_REF)
        return time_of_record(a, value, out);
    while (dt_type_is_list(f.type) && dt_value_list_next(&value, &item)) {
        if ((err = time_of_record(a, item, &ms)) != DT_OK)
            return err;
        if (ms != 0)
            earliest(out, ms);
    }
    return DT_OK;
}

/* The end of the first of the rule's days from today on. */
static enum dt_err
next_day(const struct dt_deadline_rule *rule, uint64_t now, uint64_t *out)
{
    int year = 0, month = 0;
    enum dt_err err;

    *out = 0;
    dt_time_year_month(now, &year, &month);
    for (int y = year; y <= year + 1; y++)
        for (size_t i = 0; i < rule->n_days; i++) {
            int32_t days = 0;
            uint64_t end;

            if ((err = dt_days_from_date(y, rule->days[i].month, rule->days[i].day, &days)) !=
                DT_OK)
                return err;
            end = ((uint64_t)days + 1) * DT_MS_DAY;
            if (end > now)
                earliest(out, end);
        }
    return DT_OK;
}

static enum dt_err
by_template(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_record_draft *d,
            uint64_t *out)
{
    struct dt_deadline_rule rule;
    uint64_t from = 0;
    enum dt_err err = DT_OK;

    *out = 0;
    dt_template_deadline(d->tmpl, &rule);
    switch (rule.kind) {
    case DT_DEADLINE_NONE:
        return DT_OK;
    case DT_DEADLINE_BEFORE:
        err = time_of_field(a, d, rule.field, false, &from);
        *out = from > rule.span_ms ? from - rule.span_ms : 0;
        return err;
    case DT_DEADLINE_EACH:
        return next_day(&rule, dt_agent_now(a), out);
    case DT_DEADLINE_AFTER:
    case DT_DEADLINE_REPLY:
        err = time_of_field(a, d, rule.field, true, &from);
        break;
    case DT_DEADLINE_EVERY:
        err = dt_agent_due_last(a, group_id, d->tmpl, &from);
        break;
    }
    if (from != 0)
        *out = from + rule.span_ms;
    return err;
}

/* The time within which the record answered asks to be. */
static enum dt_err
by_subject(struct dt_agent *a, const struct dt_record_draft *d, uint64_t *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    uint64_t within = 0, from = 0;
    struct dt_view about;
    size_t slot = 0;
    enum dt_answer answer = dt_answer_of(dt_template_id(d->tmpl));
    enum dt_err err;

    *out = 0;
    if (answer == DT_ANSWER_NONE)
        return DT_OK;
    if ((err = dt_template_slot_find(d->tmpl, dt_view_str("about"), &slot)) != DT_OK)
        return err;
    about = dt_buf_view(&d->value[slot]);
    if (about.n != 32)
        return DT_OK;
    err = dt_agent_record(a, about.p, &subject);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if (!dt_due_acknowledges(answer, dt_template_ack(subject.tmpl, &within)) || within == 0)
        return DT_OK;
    if ((err = time_of_record(a, about, &from)) == DT_OK && from != 0)
        *out = from + within;
    return err;
}

enum dt_err
dt_agent_entry_plan(struct dt_agent *a, const uint8_t group_id[static 32],
                    const struct dt_record_draft *draft, struct dt_entry_plan *out)
{
    struct dt_entry_plan plan = {.cadence = a->cadence.period_ms != 0};
    const uint64_t now = dt_agent_now(a);
    uint64_t asked = 0;
    enum dt_err err;

    if ((err = dt_agent_next_slot(a, &plan.slot_ms)) != DT_OK ||
        (err = by_template(a, group_id, draft, &plan.deadline_ms)) != DT_OK ||
        (err = by_subject(a, draft, &asked)) != DT_OK)
        return err;
    if (asked != 0)
        earliest(&plan.deadline_ms, asked);
    plan.late = plan.deadline_ms != 0 && plan.deadline_ms <= now;
    plan.urgent = plan.cadence && plan.deadline_ms != 0 && !plan.late && plan.slot_ms > now &&
                  plan.slot_ms + DT_ENTRY_MARGIN_MS > plan.deadline_ms;
    *out = plan;
    return DT_OK;
}
