/*
 * cli/form.h - the fields of one record as what a person wrote, right or wrong: a form to edit, or
 * to be asked for field by field.
 *
 * Layer: cli. Texts are secrets: wiped when the form is cleared.
 */
#ifndef DT_CLI_FORM_H
#define DT_CLI_FORM_H

#include "record/record.h"

#include "cli/cli.h"

#define CLI_FORM_MAX (1u << 20) /* a form as a file: bytes */

struct cli_form {
    const struct dt_template *tmpl;         /* borrowed */
    struct dt_buf text[DT_TEMPLATE_FIELDS]; /* empty: absent */
};

/* An empty form of ${tmpl}. */
void cli_form_init(struct cli_form *f, const struct dt_template *tmpl);
void cli_form_clear(struct cli_form *f);

/* Take over what ${d} has. */
DT_MUST_CHECK enum dt_err cli_form_take(struct cli_form *f, const struct dt_record_draft *d,
                                        const struct dt_charter *charter);

/* Put the form's fields in place of those of ${d}; the envelope stays. Each error is appended to
 * ${errors} as a line, and counted in *${wrong}. NOMEM. */
DT_MUST_CHECK enum dt_err cli_form_fill(const struct cli_form *f, const struct dt_charter *charter,
                                        struct dt_record_draft *d, struct dt_buf *errors,
                                        size_t *wrong);

/* The form as a text with every field's rules as comments, and ${errors} at its top. */
DT_MUST_CHECK enum dt_err cli_form_write(const struct cli_form *f, const struct dt_charter *charter,
                                         struct dt_view errors, struct dt_buf *out);

/* Read such a text; what is no line of a form goes into ${errors}, and is counted. */
DT_MUST_CHECK enum dt_err cli_form_parse(struct cli_form *f, struct dt_view text,
                                         struct dt_buf *errors, size_t *wrong);

/* Keep what was written in a new file of this folder, in clear, and say how to go on with it. */
DT_MUST_CHECK enum dt_err cli_form_keep(struct cli *c, const struct cli_form *f);

/* Take over such a file. */
DT_MUST_CHECK enum dt_err cli_form_resume(struct cli_form *f, const char *path);

/* form_edit.c: have the form of ${d} edited in $VISUAL or $EDITOR until it is right. REFUSED: it
 * was left unchanged or empty. */
DT_MUST_CHECK enum dt_err cli_form_edit(struct cli *c, struct cli_form *f,
                                        struct dt_record_draft *d);

/* form_ask.c: ask for one field after the other on the terminal. REFUSED: cancelled; then what was
 * typed was offered to be kept. */
DT_MUST_CHECK enum dt_err cli_form_ask(struct cli *c, struct cli_form *f,
                                       struct dt_record_draft *d);

/* Offer on the terminal to keep what was typed in a file. */
void cli_form_offer(struct cli *c, const struct cli_form *f);

/* From here on Ctrl-C ends the question that is open, and not the program. */
DT_MUST_CHECK enum dt_err cli_form_catch(void);

#endif
