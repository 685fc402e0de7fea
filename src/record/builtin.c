/*
 * record/builtin.c - the templates that the protocol itself relies on, as tables.
 *
 * Source: docs/protocol-record.md, "Built-in templates". Layer: record. Their hashes are fixed for
 * ever: a change here is a new version of the protocol.
 */
#include <string.h>

#include "record/template_internal.h"

struct builtin_field {
    const char *name, *type;
    bool required;
    const char *values; /* separated by spaces */
    const char *doc;
};

#define BUILTIN_FIELDS 10

static const struct {
    const char *id, *title;
    struct builtin_field fields[BUILTIN_FIELDS];
} builtins[] = {
    {"letter",
     "Letter of credence",
     {{"name", "text", true, NULL, "The delegate's name."},
      {"title", "text", false, NULL, "Office or function."},
      {"rights", "list<enum>", true, "talk record admit consent found",
       "What the delegate may do."},
      {"not_before", "datetime", true, NULL, "Start of validity."},
      {"not_after", "datetime", true, NULL, "End of validity."},
      {"key", "hash", true, NULL, "The delegate's signature key (Ed25519)."},
      {"encryption_key", "hash", true, NULL, "The delegate's encryption key (X25519)."},
      {"party", "hash", true, NULL, "Root id of the party."},
      {"inbox_address", "bytes", false, NULL, "Never opened in a proof."},
      {"inbox_token", "bytes", false, NULL, "Never opened in a proof."}}},
    {"amendment",
     "Amendment of the charter",
     {{"number", "int", true, NULL, "1 and up, without gaps."},
      {"previous", "hash", true, NULL,
       "The charter's id, or the commitment of the amendment before."},
      {"body", "bytes", true, NULL, "What changes."}}},
    {"receipt",
     "Receipt",
     {{"about", "hash", true, NULL, "Commitment of the record that arrived."},
      {"received_at", "datetime", true, NULL, "When, by the receiver's clock."},
      {"desk", "text", false, NULL, "The desk that has it."}}},
    {"countersign",
     "Countersignature",
     {{"about", "hash", true, NULL, "Commitment of the record whose fields are attested."},
      {"remark", "ltext", false, NULL, "A remark; it changes nothing in what is attested."}}},
    {"answer",
     "Answer",
     {{"about", "hash", true, NULL, "Commitment of the record answered."},
      {"text", "ltext", true, NULL, "The reply."}}},
    {"dispute",
     "Dispute",
     {{"about", "hash", true, NULL, "Commitment of the record disputed."},
      {"slots", "list<int>", true, NULL, "Slots held to be wrong, ascending."},
      {"values", "account", true, NULL,
       "Own values of these fields by name; no bytes: should be absent."},
      {"text", "ltext", false, NULL, "Reasons."}}},
    {"withdraw",
     "Withdrawal",
     {{"about", "hash", true, NULL, "Commitment of the author's own record."},
      {"reason", "ltext", false, NULL, "Why; a withdrawal undoes nothing."}}},
    {"consent",
     "Consent to open",
     {{"about", "hash", true, NULL, "Commitment of the record that may be opened."},
      {"slots", "list<int>", true, NULL, "Slots that may be opened, ascending."},
      {"audience", "text", true, NULL, "To whom; 'public' is everyone."},
      {"expires", "datetime", true, NULL, "The consent holds until then."},
      {"standing", "enum", true, "none countersigned disputed withdrawn",
       "The consenting party's own standing to the record."}}},
    {"tally",
     "Tally of contacts",
     {{"first_entry", "int", true, NULL, "First register entry of the range."},
      {"last_entry", "int", true, NULL, "Last register entry of the range."},
      {"count", "int", true, NULL, "Records of the counted kind in it."},
      {"counted", "text", true, NULL, "Template id of what is counted."}}},
    {"cover", "Cover entry", {{NULL, NULL, false, NULL, NULL}}},
    {"carried",
     "Carried from another channel",
     {{"proof", "bytes", true, NULL,
       "A proof file: what is told, its author's signature, and the author's leave."}}},
    {"readout_line",
     "Line of a joint readout",
     {{"readout", "hash", true, NULL, "Commitment of the readout it is a line of."},
      {"line", "int", true, NULL, "Its number, 1 and up."},
      {"languages", "list<lang>", true, NULL, "The languages of its texts."},
      {"texts", "list<text>", true, NULL, "One in each language, in their order."},
      {"replaces", "hash", false, NULL, "Commitment of the line whose place it takes."}}},
};

const size_t dt_builtin_count = sizeof builtins / sizeof builtins[0];

/* Append the names of ${values} as a vector's items. */
static enum dt_err
put_values(const char *values, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    while (values != NULL && *values != '\0') {
        size_t n = strcspn(values, " ");

        dt_write_vec(&w, dt_view((const uint8_t *)values, n));
        values += n + (values[n] == ' ' ? 1 : 0);
    }
    return dt_writer_end(&w);
}

enum dt_err
dt_builtin_make(size_t i, struct dt_template **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf values = DT_BUF_INIT(DT_TEMPLATE_MAX);
    size_t from[BUILTIN_FIELDS] = {0}, len[BUILTIN_FIELDS] = {0};
    struct dt_view docs[BUILTIN_FIELDS] = {{0}};
    struct dt_template_parts parts = {
        .id = dt_view_str(builtins[i].id), .version = 1, .disclosure = DT_DISCLOSE_SEALED};
    struct dt_template *t = NULL;
    enum dt_err err;

    for (size_t k = 0; k < BUILTIN_FIELDS && builtins[i].fields[k].name != NULL; k++) {
        const struct builtin_field *f = &builtins[i].fields[k];

        parts.n_fields = k + 1;
        parts.fields[k].name = dt_view_str(f->name);
        parts.fields[k].flags = f->required ? DT_FIELD_REQUIRED : 0;
        docs[k] = dt_view_str(f->doc);
        from[k] = values.n;
        if ((err = dt_type_read(dt_view_str(f->type), &parts.fields[k].type)) != DT_OK ||
            (err = put_values(f->values, &values)) != DT_OK)
            return err;
        len[k] = values.n - from[k];
    }
    for (size_t k = 0; k < parts.n_fields; k++)
        if (len[k] > 0)
            parts.fields[k].values = dt_view(values.p + from[k], len[k]);
    if ((err = dt_template_from_parts(&parts, &t)) != DT_OK)
        return dt_fail_context(err, "%s", builtins[i].id);
    if ((err = dt_template_set_words(
             t, &(const struct dt_template_words){.title = dt_view_str(builtins[i].title),
                                                  .docs = docs})) != DT_OK) {
        dt_template_free(t);
        return err;
    }
    dt_template_set_builtin(t);
    *out = t;
    return DT_OK;
}

enum dt_err
dt_builtin_find(struct dt_view id, struct dt_template **out)
{
    for (size_t i = 0; i < dt_builtin_count; i++)
        if (dt_view_equal(id, dt_view_str(builtins[i].id)))
            return dt_builtin_make(i, out);
    return dt_fail(DT_ERR_NOT_FOUND, "no built-in template of this id");
}
