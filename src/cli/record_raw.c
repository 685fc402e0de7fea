/*
 * cli/record_raw.c - records of kinds that are not known here, as they came.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records/raw.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/record_io.h"

#define SHOWN_MAX 512u /* bytes of a value that are shown in hex */

enum dt_err
cli_raw_print(struct cli *c, const uint8_t *group_id)
{
    DT_CLEANUP(dt_free_p) struct dt_raw_info *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_raw_records(c->agent, group_id, &list, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        char hex[13];
        char when[DT_TIME_STR];

        cli_short(hex, dt_view_of(list[i].id));
        dt_time_str(when, list[i].received_ms);
        cli_print("raw  %s  %s  %-12s sent by %s (%s): a kind not known here, kept as it came, "
                  "nothing of it was checked\n",
                  hex, when, list[i].kind, list[i].from.name, list[i].from.party_name);
    }
    return DT_OK;
}

enum dt_err
cli_put_raw(struct cli *c, json_t *root, const uint8_t *group_id)
{
    DT_CLEANUP(dt_free_p) struct dt_raw_info *list = NULL;
    json_t *array = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_raw_records(c->agent, group_id, &list, &n);

    for (size_t i = 0; i < n && err == DT_OK; i++) {
        json_t *o = json_object();

        cli_put_hex(o, "id", dt_view_of(list[i].id));
        cli_put_hex(o, "group_id", dt_view_of(list[i].group_id));
        cli_put(o, "kind", list[i].kind);
        cli_put_hex(o, "template", dt_view_of(list[i].template_hash));
        cli_put_person(o, "sender", &list[i].from);
        cli_put_time(o, "received", list[i].received_ms);
        cli_put_u64(o, "size", list[i].size);
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "raw", array);
    return err;
}

/* A value as text where it is text, else in hex, cut where it is long. */
static enum dt_err
value_text(struct dt_view v, struct dt_buf *out)
{
    enum dt_err err;

    if (v.n > 0 && dt_utf8_lines(v))
        return dt_buf_append(out, v);
    if ((err = dt_hex_write(out, dt_view(v.p, v.n < SHOWN_MAX ? v.n : SHOWN_MAX))) == DT_OK &&
        v.n > SHOWN_MAX)
        err = dt_buf_printf(out, "... (%zu bytes)", v.n);
    return err;
}

static enum dt_err
show_slots(const struct dt_record_raw *raw, json_t *slots)
{
    for (size_t i = 0; i < raw->header.n_slots; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
        char name[24];
        enum dt_err err;

        if (raw->kind[i] != DT_SLOT_VALUE)
            continue;
        (void)snprintf(name, sizeof name, "slot %zu", i);
        if ((err = value_text(raw->value[i], &text)) != DT_OK)
            return err;
        if (slots != NULL)
            cli_put_view(slots, name, dt_buf_view(&text));
        else
            cli_print_field(dt_view_str(name), dt_buf_view(&text));
    }
    return DT_OK;
}

enum dt_err
cli_raw_show(struct cli *c, const char *hex)
{
    DT_CLEANUP(dt_free_p) struct dt_raw_info *list = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_RECORD_MAX);
    struct dt_record_raw raw;
    size_t n = 0, at = SIZE_MAX;
    json_t *root = NULL, *slots = NULL;
    enum dt_err err = dt_agent_raw_records(c->agent, NULL, &list, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        char all[65];

        dt_hex_str(all, dt_view_of(list[i].id));
        if (strlen(hex) >= 4 && strncmp(all, hex, strlen(hex)) == 0)
            at = at == SIZE_MAX ? i : SIZE_MAX - 1;
    }
    if (at == SIZE_MAX)
        return DT_ERR_NOT_FOUND;
    if (at == SIZE_MAX - 1)
        return dt_fail(DT_ERR_CONFLICT, "more than one record begins like that");
    if ((err = dt_agent_raw_record(c->agent, list[at].id, &bytes)) != DT_OK ||
        (err = dt_record_raw_read(dt_buf_view(&bytes), &raw)) != DT_OK)
        return err;
    if (c->json) {
        root = json_object();
        slots = json_object();
        cli_put(root, "kind", list[at].kind);
        cli_put_hex(root, "template", dt_view_of(list[at].template_hash));
        cli_put_person(root, "sender", &list[at].from);
    } else {
        cli_print("A record of the kind '%s', which is not known here: detente template add FILE "
                  "when the charter names it.\nSent by %s (%s). Nothing of it was checked.\n",
                  list[at].kind, list[at].from.name, list[at].from.party_name);
    }
    err = show_slots(&raw, slots);
    if (!c->json)
        return err;
    (void)json_object_set_new(root, "slots", slots);
    if (err == DT_OK)
        return cli_json(root);
    json_decref(root);
    return err;
}
