/*
 * record/answer.c - the six answers: what each is, and how each is drafted.
 *
 * Source: docs/protocol-record.md, "Answers". Layer: record.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "record/answer.h"

#define ABOUT_SLOT DT_ENVELOPE_SLOTS /* the first field of every answer */

static const struct {
    enum dt_answer answer;
    const char *name, *caution;
} answers[] = {
    {DT_ANSWER_RECEIPT, "receipt",
     "A receipt says that the record arrived. It is no approval and says nothing on its content."},
    {DT_ANSWER_COUNTERSIGN, "countersign",
     "A countersignature attests the fields of the record, not its envelope. It is no approval of "
     "what they describe."},
    {DT_ANSWER_ANSWER, "answer",
     "An answer is a reply. It neither attests nor disputes the record that it answers."},
    {DT_ANSWER_DISPUTE, "dispute",
     "A dispute names fields and own values. It does not change the record; both accounts stand "
     "side by side."},
    {DT_ANSWER_WITHDRAW, "withdraw",
     "A withdrawal says that its author no longer stands by the record. It undoes nothing that was "
     "entered, and is no consent to anything."},
    {DT_ANSWER_CONSENT, "consent",
     "A consent allows the named fields to be opened to the named audience until it ends. It is no "
     "countersignature, and no agreement with what they say."},
};
#define N_ANSWERS (sizeof answers / sizeof answers[0])

enum dt_answer
dt_answer_of(struct dt_view template_id)
{
    for (size_t i = 0; i < N_ANSWERS; i++)
        if (dt_view_equal(template_id, dt_view_str(answers[i].name)))
            return answers[i].answer;
    return DT_ANSWER_NONE;
}

const char *
dt_answer_name(enum dt_answer a)
{
    for (size_t i = 0; i < N_ANSWERS; i++)
        if (answers[i].answer == a)
            return answers[i].name;
    return "record";
}

size_t
dt_answer_text_slot(enum dt_answer a)
{
    switch (a) {
    case DT_ANSWER_COUNTERSIGN:
    case DT_ANSWER_ANSWER:
    case DT_ANSWER_WITHDRAW:
        return ABOUT_SLOT + 1;
    case DT_ANSWER_DISPUTE:
        return ABOUT_SLOT + 3;
    case DT_ANSWER_NONE:
    case DT_ANSWER_RECEIPT:
    case DT_ANSWER_CONSENT:
    default:
        return 0;
    }
}

const char *
dt_answer_caution(enum dt_answer a)
{
    for (size_t i = 0; i < N_ANSWERS; i++)
        if (answers[i].answer == a)
            return answers[i].caution;
    return "A record is signed with your key, kept, and provable to others. It cannot be taken "
           "back.";
}

enum dt_answer
dt_record_answer(const struct dt_record *r, const uint8_t **out_about)
{
    enum dt_answer a = dt_answer_of(r->header.template_id);

    if (out_about != NULL)
        *out_about = a == DT_ANSWER_NONE ? NULL : r->slots[ABOUT_SLOT].value.p;
    return a;
}

enum dt_err
dt_answer_draft(struct dt_record_draft *d, const struct dt_templates *templates,
                enum dt_answer answer, const struct dt_record *subject,
                const struct dt_letter *letter, uint64_t time_ms)
{
    const struct dt_template *tmpl = dt_templates_get_str(templates, dt_answer_name(answer));
    bool own = memcmp(letter->party, subject->author.party, 32) == 0;
    DT_CLEANUP(dt_buf_clear) struct dt_buf time = DT_BUF_INIT(8);
    enum dt_err err;

    if (tmpl == NULL || answer == DT_ANSWER_NONE)
        return dt_fail(DT_ERR_NOT_FOUND, "no such answer");
    if (own && (answer == DT_ANSWER_COUNTERSIGN || answer == DT_ANSWER_DISPUTE))
        return dt_fail(DT_ERR_REFUSED, "a party does not %s its own record",
                       dt_answer_name(answer));
    if (!own && answer == DT_ANSWER_WITHDRAW)
        return dt_fail(DT_ERR_REFUSED, "only the author's party withdraws a record");
    if (memcmp(letter->forum, subject->header.forum, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "the record is of another forum");
    if ((err = dt_record_draft_init(d, tmpl, letter, subject->channel, time_ms)) != DT_OK)
        return err;
    if ((err = dt_record_draft_set(d, ABOUT_SLOT, dt_view_of(subject->commitment))) != DT_OK ||
        (err = dt_record_draft_refer(d, DT_REFERENCE_RECORD, dt_view_of(subject->commitment))) !=
            DT_OK ||
        (answer == DT_ANSWER_RECEIPT &&
         ((err = dt_value_put_u64(&time, time_ms)) != DT_OK ||
          (err = dt_record_draft_set(d, ABOUT_SLOT + 1, dt_buf_view(&time))) != DT_OK)))
        dt_record_draft_clear(d);
    return err;
}

/* ---- lists of slots ---- */

static enum dt_err
put_slots(uint64_t slots, struct dt_buf *out)
{
    enum dt_err err;

    for (size_t i = 0; i < DT_SLOTS_MAX; i++) {
        uint8_t index[8] = {0};

        index[7] = (uint8_t)i;
        if ((slots >> i & 1) != 0 && (err = dt_value_put_item(out, dt_view_of(index))) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
dt_slots_read(struct dt_view value, uint64_t *out)
{
    struct dt_view rest = value, item = {0};
    uint64_t slots = 0, index = 0, next = 0;

    while (dt_value_list_next(&rest, &item)) {
        if (dt_value_u64(item, &index) != DT_OK || index < next || index >= DT_SLOTS_MAX)
            return dt_fail(DT_ERR_FORMAT, "slots are numbers from 0 to 63, ascending");
        slots |= (uint64_t)1 << index;
        next = index + 1;
    }
    *out = slots;
    return DT_OK;
}

enum dt_err
dt_answer_check_slots(const struct dt_record *r, const struct dt_record *subject)
{
    enum dt_answer answer = dt_record_answer(r, NULL);
    uint64_t slots = 0;
    enum dt_err err;

    if (answer != DT_ANSWER_CONSENT && answer != DT_ANSWER_DISPUTE)
        return DT_OK;
    if ((err = dt_slots_read(r->slots[ABOUT_SLOT + 1].value, &slots)) != DT_OK)
        return dt_fail_context(err, "%s", dt_answer_name(answer));
    for (size_t i = 0; subject != NULL && i < DT_SLOTS_MAX; i++) {
        struct dt_field f = {0};

        if ((slots >> i & 1) == 0)
            continue;
        if (i < dt_template_slots(subject->tmpl))
            dt_template_slot(subject->tmpl, i, &f);
        if (f.name.n == 0)
            return dt_fail(DT_ERR_REFUSED, "%s: it names slots that the record does not have",
                           dt_answer_name(answer));
    }
    return DT_OK;
}

enum dt_err
dt_slots_from_names(const struct dt_template *tmpl, struct dt_view names, uint64_t *out)
{
    struct dt_view rest = names, name = {0};
    uint64_t slots = 0;
    size_t index = 0;
    enum dt_err err;

    while (dt_text_split(&rest, ',', &name)) {
        while (name.n > 0 && name.p[0] == ' ')
            name = dt_view(name.p + 1, name.n - 1);
        if (name.n == 0)
            continue;
        if ((err = dt_template_slot_find(tmpl, name, &index)) != DT_OK)
            return err;
        slots |= (uint64_t)1 << index;
    }
    *out = slots;
    return DT_OK;
}

uint64_t
dt_slots_all(const struct dt_template *tmpl)
{
    return ((UINT64_C(1) << dt_template_n_fields(tmpl)) - 1) << DT_ENVELOPE_SLOTS;
}

/* ---- disputes ---- */

void
dt_dispute_clear(struct dt_dispute *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < DT_SLOTS_MAX; i++)
        dt_buf_wipe(&d->value[i]);
    d->slots = 0;
}

enum dt_err
dt_dispute_set(struct dt_dispute *d, const struct dt_record *subject, size_t index,
               struct dt_view value)
{
    struct dt_field f;
    enum dt_err err;

    if (index < DT_ENVELOPE_SLOTS ||
        index - DT_ENVELOPE_SLOTS >= dt_template_n_fields(subject->tmpl))
        return dt_fail(DT_ERR_RANGE, "only fields of the template are disputed");
    dt_template_slot(subject->tmpl, index, &f);
    /* No bytes: the field should be absent. */
    if (value.n > 0 && (err = dt_value_check(f.type, f.n_values, value)) != DT_OK)
        return err;
    if (d->value[index].max == 0)
        dt_buf_init(&d->value[index], DT_VALUE_MAX);
    if ((err = dt_buf_set(&d->value[index], value)) != DT_OK)
        return err;
    d->slots |= (uint64_t)1 << index;
    return DT_OK;
}

enum dt_err
dt_dispute_set_text(struct dt_dispute *d, const struct dt_record *subject, const char *name,
                    struct dt_view text, const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_VALUE_MAX);
    size_t index = 0;
    enum dt_err err = dt_slot_from_text(subject->tmpl, name, text, charter, &index, &value);

    if (err != DT_OK)
        return err;
    return dt_dispute_set(d, subject, index, dt_buf_view(&value));
}

enum dt_err
dt_dispute_end(const struct dt_dispute *d, const struct dt_record *subject,
               struct dt_record_draft *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf slots = DT_BUF_INIT(DT_VALUE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf values = DT_BUF_INIT(DT_VALUE_MAX);
    uint64_t left = d->slots;
    enum dt_err err;

    if (left == 0)
        return dt_fail(DT_ERR_FORMAT, "a dispute names at least one field");
    if ((err = put_slots(d->slots, &slots)) != DT_OK)
        return err;
    while (left != 0) { /* by name, since a map is sorted by its keys */
        struct dt_value_pair first = {0};
        size_t at = DT_SLOTS_MAX;

        for (size_t i = 0; i < DT_SLOTS_MAX; i++) {
            struct dt_field f;

            if ((left >> i & 1) == 0)
                continue;
            dt_template_slot(subject->tmpl, i, &f);
            if (at == DT_SLOTS_MAX || dt_view_cmp(f.name, first.key) < 0) {
                at = i;
                first.key = f.name;
                first.type = f.type;
                first.value = dt_buf_view(&d->value[i]);
            }
        }
        if ((err = dt_value_put_pair(&values, &first)) != DT_OK)
            return err;
        left &= ~((uint64_t)1 << at);
    }
    if ((err = dt_record_draft_set(out, ABOUT_SLOT + 1, dt_buf_view(&slots))) != DT_OK)
        return err;
    return dt_record_draft_set(out, ABOUT_SLOT + 2, dt_buf_view(&values));
}

enum dt_err
dt_consent_set(struct dt_record_draft *d, uint64_t slots, struct dt_view audience,
               uint64_t expires_ms, enum dt_consent_standing standing)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_VALUE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf expires = DT_BUF_INIT(8);
    uint8_t place[2] = {0, (uint8_t)standing};
    enum dt_err err;

    if ((err = put_slots(slots, &list)) != DT_OK ||
        (err = dt_value_put_u64(&expires, expires_ms)) != DT_OK ||
        (err = dt_record_draft_set(d, ABOUT_SLOT + 1, dt_buf_view(&list))) != DT_OK ||
        (err = dt_record_draft_set(d, ABOUT_SLOT + 2, audience)) != DT_OK ||
        (err = dt_record_draft_set(d, ABOUT_SLOT + 3, dt_buf_view(&expires))) != DT_OK)
        return err;
    return dt_record_draft_set(d, ABOUT_SLOT + 4, dt_view_of(place));
}
