/*
 * record/template_say.c - what a template asks, in words.
 *
 * Source: docs/protocol-record.md, "Templates". Layer: record.
 */
#include "base/time.h"

#include "record/template.h"

enum dt_err
dt_template_say_deadline(const struct dt_template *t, struct dt_buf *out)
{
    struct dt_deadline_rule d;
    char span[DT_TIME_STR];
    enum dt_err err;

    dt_template_deadline(t, &d);
    dt_span_str(span, d.span_ms);
    switch (d.kind) {
    case DT_DEADLINE_NONE:
        break;
    case DT_DEADLINE_BEFORE:
        return dt_buf_printf(out, "in the register at least %s before %.*s", span, (int)d.field.n,
                             (const char *)d.field.p);
    case DT_DEADLINE_AFTER:
        return dt_buf_printf(out, "in the register at most %s after %.*s", span, (int)d.field.n,
                             (const char *)d.field.p);
    case DT_DEADLINE_REPLY:
        return dt_buf_printf(
            out, "in the register at most %s after what %.*s refers to entered it (the earliest)",
            span, (int)d.field.n, (const char *)d.field.p);
    case DT_DEADLINE_EVERY:
        return dt_buf_printf(out, "one entry of each station or party every %s", span);
    case DT_DEADLINE_EACH:
        err = dt_buf_printf(out, "in the register every year on or before");
        for (size_t i = 0; i < d.n_days && err == DT_OK; i++)
            err = dt_buf_printf(out, "%s %02u-%02u", i > 0 ? "," : "", d.days[i].month,
                                d.days[i].day);
        return err;
    }
    return dt_buf_printf(out, "no deadline");
}

enum dt_err
dt_template_say_ack(const struct dt_template *t, struct dt_buf *out)
{
    uint64_t within = 0;
    const enum dt_ack ack = dt_template_ack(t, &within);
    char span[DT_TIME_STR];

    dt_span_str(span, within);
    switch (ack) {
    case DT_ACK_NONE:
        break;
    case DT_ACK_RECEIPT:
        return dt_buf_printf(
            out, "a receipt of the other side within %s: a desk has it; receipt is not approval",
            span);
    case DT_ACK_COUNTERSIGN:
        return dt_buf_printf(
            out, "the other side attests the same fields within %s, or says which differ", span);
    case DT_ACK_ANSWER:
        return dt_buf_printf(
            out, "an answer of the other side within %s; an answer is not agreement", span);
    }
    return dt_buf_printf(out, "none is owed");
}

static const struct {
    const char *name;
    const char *says;
} levels[] = {{"sealed", "nothing but the entry"},
              {"type", "what kind of record it is"},
              {"meta", "its kind, who made it, on time or late, acknowledged or not"},
              {"summary", "the above and the fields marked public"},
              {"full", "every field"}};

static size_t
level(enum dt_disclosure d)
{
    size_t i = (size_t)d - DT_DISCLOSE_SEALED;

    return i < sizeof levels / sizeof levels[0] ? i : 0;
}

const char *
dt_disclosure_name(enum dt_disclosure d)
{
    return levels[level(d)].name;
}

const char *
dt_disclosure_says(enum dt_disclosure d)
{
    return levels[level(d)].says;
}
