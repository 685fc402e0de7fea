/*
 * cli/cmd_answer.c - detente receipt | countersign | answer | dispute | withdraw | consent.
 *
 * Each says on screen what it does not mean (DESIGN "What must hold" 7).
 */
#include <stdio.h>
#include <string.h>

#include "agent/home/shift.h"
#include "base/mem.h"
#include "instrument/obligations.h"

#include "cli/commands.h"
#include "cli/record_io.h"

/* What the record asks for, when ${answer} is something else. */
static void
say_asked(enum dt_answer answer, const struct dt_record *subject)
{
    static const char *const asked[] = {"", "a receipt", "a countersignature", "an answer"};
    static const char *const given[] = {"",          "a receipt", "a countersignature",
                                        "an answer", "a dispute", "a withdrawal",
                                        "a consent"};
    uint64_t within = 0;
    enum dt_ack ack = dt_template_ack(subject->tmpl, &within);
    char span[DT_TIME_STR];

    if (ack == DT_ACK_NONE || answer == DT_ANSWER_WITHDRAW || dt_due_acknowledges(answer, ack))
        return;
    dt_span_str(span, within);
    (void)fprintf(cli_err(), "The record asks for %s within %s: %s is none.\n", asked[ack], span,
                  given[answer]);
}

/* Find the record of operand 0 and begin the answer. What it is not is said whatever --quiet says.
 */
static enum dt_err
begin(struct cli *c, enum dt_answer answer, struct dt_record_draft *d, struct dt_record *subject)
{
    uint8_t commitment[32];
    enum dt_err err;

    if ((err = dt_agent_record_find(c->agent, c->operand[0], commitment)) != DT_OK ||
        (err = dt_agent_answer_draft(c->agent, commitment, answer, d, subject)) != DT_OK)
        return err;
    (void)fprintf(cli_err(), "%s: %s\n", dt_answer_name(answer), dt_answer_caution(answer));
    say_asked(answer, subject);
    return DT_OK;
}

/* A receipt names the desk that has it: who has this one, where shifts are kept. --set desk=...
 * says otherwise. Said before it is sent, for it can be proved. */
static enum dt_err
name_desk(struct cli *c, struct dt_record_draft *d)
{
    struct dt_shift_info x;
    enum dt_err err = dt_agent_shift(c->agent, &x);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    cli_note(c, "  It names the desk that has it: %s (another: --set desk=NAME).", x.name);
    return dt_record_draft_set_text(d, "desk", dt_view_str(x.name), dt_agent_charter(c->agent));
}

static enum dt_err
plain(struct cli *c, enum dt_answer answer)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    enum dt_err err;

    if ((err = begin(c, answer, &d, &subject)) != DT_OK ||
        (answer == DT_ANSWER_COUNTERSIGN && (err = cli_recount(c, &subject)) != DT_OK) ||
        (answer == DT_ANSWER_RECEIPT && (err = name_desk(c, &d)) != DT_OK) ||
        (err = cli_set_fields(c, &d)) != DT_OK)
        return err;
    return cli_send_record(c, subject.channel, &d);
}

enum dt_err
cmd_receipt(struct cli *c)
{
    return plain(c, DT_ANSWER_RECEIPT);
}

enum dt_err
cmd_countersign(struct cli *c)
{
    return plain(c, DT_ANSWER_COUNTERSIGN);
}

enum dt_err
cmd_answer(struct cli *c)
{
    return plain(c, DT_ANSWER_ANSWER);
}

enum dt_err
cmd_withdraw(struct cli *c)
{
    return plain(c, DT_ANSWER_WITHDRAW);
}

enum dt_err
cmd_dispute(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    DT_CLEANUP(dt_dispute_clear) struct dt_dispute dispute = {0};
    const char *value;
    size_t at = 0;
    enum dt_err err;

    if ((err = begin(c, DT_ANSWER_DISPUTE, &d, &subject)) != DT_OK)
        return err;
    while ((value = cli_next(c, "should-be", &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(1u << 20);
        DT_CLEANUP(dt_free_p) char *name = NULL;
        const char *equals = strchr(value, '=');

        if (equals == NULL || equals == value)
            return dt_fail(DT_ERR_USAGE, "--should-be: write FIELD=VALUE, not '%s'", value);
        name = dt_strndup(value, (size_t)(equals - value));
        if (name == NULL)
            return dt_nomem();
        if ((err = cli_nfc(dt_view_str(equals + 1), &text)) != DT_OK ||
            (err = dt_dispute_set_text(&dispute, &subject, name, dt_buf_view(&text),
                                       dt_agent_charter(c->agent))) != DT_OK)
            return err;
    }
    if (dispute.slots == 0)
        return dt_fail(DT_ERR_USAGE,
                       "a dispute says which field should be what: --should-be FIELD=VALUE");
    if ((err = dt_dispute_end(&dispute, &subject, &d)) != DT_OK ||
        (err = cli_set_fields(c, &d)) != DT_OK)
        return err;
    return cli_send_record(c, subject.channel, &d);
}

/* Our party's own standing to the record: what our answers in the store say. */
static enum dt_err
own_standing(struct cli *c, const struct dt_record *subject, enum dt_consent_standing *out)
{
    DT_CLEANUP(dt_agent_facts_free) struct dt_agent_facts f = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter own = {0};
    enum dt_err err;

    *out = DT_CONSENT_NONE;
    if ((err = dt_agent_letter_own(c->agent, &own)) != DT_OK ||
        (err = dt_agent_facts(c->agent, &f)) != DT_OK)
        return err;
    for (size_t i = 0; i < f.n; i++) {
        const uint8_t *about = NULL;
        enum dt_answer answer = dt_record_answer(&f.records[i], &about);

        if (about == NULL || memcmp(about, subject->commitment, 32) != 0 ||
            memcmp(f.records[i].author.party, own.party, 32) != 0)
            continue;
        if (answer == DT_ANSWER_COUNTERSIGN)
            *out = DT_CONSENT_COUNTERSIGNED;
        else if (answer == DT_ANSWER_DISPUTE)
            *out = DT_CONSENT_DISPUTED;
        else if (answer == DT_ANSWER_WITHDRAW)
            *out = DT_CONSENT_WITHDRAWN;
    }
    return DT_OK;
}

enum dt_err
cmd_consent(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record subject = {0};
    const char *audience = cli_get(c, "audience");
    enum dt_consent_standing standing;
    uint64_t now = dt_clock_now(&c->clock);
    uint64_t expires = now - now % 1000 + 30 * DT_MS_DAY; /* whole seconds: people read it */
    uint64_t slots = 0;
    enum dt_err err;

    if ((cli_has(c, "expires") && (err = cli_time(c, cli_get(c, "expires"), &expires)) != DT_OK) ||
        (err = begin(c, DT_ANSWER_CONSENT, &d, &subject)) != DT_OK ||
        (err = cli_slots(c, subject.tmpl, &slots)) != DT_OK ||
        (err = own_standing(c, &subject, &standing)) != DT_OK ||
        (err = dt_consent_set(&d, slots, dt_view_str(audience != NULL ? audience : "public"),
                              expires, standing)) != DT_OK)
        return err;
    return cli_send_record(c, subject.channel, &d);
}
