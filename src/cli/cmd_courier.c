/*
 * cli/cmd_courier.c - detente psk new | carry | confirm | commit | list | drop: a key carried by
 * hand, so that what is said from its Commit on stays closed to a later quantum reader.
 *
 * Source: docs/protocol-channel.md, "Courier keys". Layer: cli.
 */
#include <stdio.h>
#include <string.h>

#include <qrencode.h>
#include <unistd.h>

#include "agent/channel/courier.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "record/words.h"

#include "cli/commands.h"

#define QUIET_ZONE 2 /* modules around the code; readers want some */

static enum dt_err
channel_of(struct cli *c, uint8_t group_id[static 32])
{
    return cli_channel(c, c->n_operands > 0 ? c->operand[0] : NULL, group_id);
}

/* The key that --key names, by the hex of its id; or the one that there is. */
static enum dt_err
key_of(struct cli *c, const uint8_t group_id[static 32], struct dt_courier_info *out)
{
    DT_CLEANUP(dt_free_p) struct dt_courier_info *v = NULL;
    const char *name = cli_get(c, "key");
    size_t n = 0, i = 0;
    enum dt_err err = dt_agent_courier_keys(c->agent, group_id, &v, &n);

    if (err != DT_OK)
        return err;
    if (name != NULL)
        err = cli_pick("courier key", name, (const uint8_t *)v, n, sizeof *v, &i);
    else if (n == 0)
        err = dt_fail(DT_ERR_NOT_FOUND, "no courier key of the channel is here: make one with "
                                        "detente psk new, or carry one in");
    else if (n > 1)
        err = dt_fail(DT_ERR_CONFLICT,
                      "%zu courier keys of the channel are here: name one with "
                      "--key",
                      n);
    if (err == DT_OK)
        *out = v[i];
    return err;
}

static void
print_key(const uint8_t id[static DT_COURIER_ID])
{
    char words[DT_KEY_WORDS_STR], name[13];

    dt_key_words(id, words);
    cli_short(name, dt_view(id, DT_COURIER_ID));
    cli_print("courier key  %s\nfingerprint  %s\n", name, words);
}

static void
put_key(json_t *o, const uint8_t id[static DT_COURIER_ID])
{
    char words[DT_KEY_WORDS_STR];

    dt_key_words(id, words);
    cli_put_hex(o, "key", dt_view(id, DT_COURIER_ID));
    cli_put(o, "fingerprint", words);
}

/* The whole answer of a command about one key. */
static enum dt_err
key_json(const uint8_t id[static DT_COURIER_ID])
{
    json_t *o = json_object();

    put_key(o, id);
    return cli_json(o);
}

enum dt_err
cmd_psk_new(struct cli *c)
{
    uint8_t group_id[32], id[DT_COURIER_ID];
    enum dt_err err;

    if ((err = channel_of(c, group_id)) != DT_OK ||
        (err = dt_agent_courier_new(c->agent, group_id, id)) != DT_OK)
        return err;
    if (c->json)
        return key_json(id);
    print_key(id);
    cli_note(c, "Nobody else has it yet. Carry it to every member by hand (detente psk carry "
                "--to FILE, --qr or --words): never by this network, nor by any other.");
    return DT_OK;
}

/* ---- carrying ---- */

/* Two modules in one sign: a terminal's are about twice as high as wide. */
static void
print_modules(const QRcode *qr)
{
    static const char *const signs[4] = {" ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88"};
    const int n = qr->width;

    /* Light on dark is how most terminals are, so light modules are what is printed. */
    for (int y = -QUIET_ZONE; y < n + QUIET_ZONE; y += 2) {
        for (int x = -QUIET_ZONE; x < n + QUIET_ZONE; x++) {
            unsigned int light = 0;

            for (int k = 0; k < 2; k++) {
                int row = y + k;
                bool inside = x >= 0 && x < n && row >= 0 && row < n;

                if (!inside || (qr->data[row * n + x] & 1) == 0)
                    light |= 1u << k;
            }
            (void)fputs(signs[light], cli_out());
        }
        (void)fputc('\n', cli_out());
    }
}

/* A row of the code a text, '1' for what is dark: whoever shows it draws it. */
static enum dt_err
put_modules(const QRcode *qr)
{
    json_t *o = json_object(), *rows = json_array();
    const int n = qr->width;

    for (int y = 0; y < n; y++) {
        char row[178]; /* a code has 177 at most */

        for (int x = 0; x < n; x++)
            row[x] = (qr->data[y * n + x] & 1) != 0 ? '1' : '0';
        row[n] = '\0';
        (void)json_array_append_new(rows, json_string(row));
        dt_wipe(row, sizeof row);
    }
    (void)json_object_set_new(o, "qr", rows);
    return cli_json(o);
}

static enum dt_err
show_qr(struct cli *c, struct dt_view text)
{
    enum dt_err err = DT_OK;
    char line[128];
    QRcode *qr;

    if (text.n >= sizeof line)
        return dt_fail(DT_ERR_INTERNAL, "a courier key's code of %zu signs", text.n);
    memcpy(line, text.p, text.n);
    line[text.n] = '\0';
    qr = QRcode_encodeString(line, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    dt_wipe(line, sizeof line);
    if (qr == NULL)
        return dt_nomem();
    if (c->json)
        err = put_modules(qr);
    else
        print_modules(qr);
    dt_wipe(qr->data, (size_t)qr->width * (size_t)qr->width);
    QRcode_free(qr);
    return err;
}

/* The key's 24 words. */
static enum dt_err
show_words(struct cli *c, struct dt_view text)
{
    json_t *o;

    if (!c->json) {
        cli_print_view(text);
        return DT_OK;
    }
    o = json_object();
    while (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    cli_put_view(o, "words", text);
    return cli_json(o);
}

/* The passphrase of the sealed file. A page's call hands it on as the command's own; on a terminal
 * --passphrase-fd is the home's. */
static enum dt_err
file_passphrase(struct cli *c, bool fresh, struct dt_secret *out)
{
    if (cli_front() != NULL && cli_has(c, "passphrase-fd"))
        return cli_passphrase(c, "the courier file", fresh, out);
    return cli_passphrase_of(c, "file-passphrase-file", "the courier file", fresh, out);
}

static enum dt_err
carry_out(struct cli *c, const uint8_t group_id[static 32])
{
    const struct dt_courier_channel ch = dt_agent_courier_channel(c->agent, group_id);
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0}, pass = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    const char *to = cli_get(c, "to");
    struct dt_courier_info info;
    enum dt_err err;

    if ((err = key_of(c, group_id, &info)) != DT_OK ||
        (err = dt_agent_courier_key(c->agent, group_id, info.id, &key)) != DT_OK)
        return err;
    if (to != NULL) {
        if ((err = file_passphrase(c, true, &pass)) != DT_OK ||
            (err = dt_courier_seal(&ch, dt_secret_view(&key), dt_secret_view(&pass), &text)) !=
                DT_OK ||
            (err = dt_file_write(to, dt_buf_view(&text), 0600)) != DT_OK)
            return err;
        cli_note(c,
                 "Tell the passphrase of %s another way than the file goes; then compare the "
                 "fingerprint, and destroy the file.",
                 to);
        return DT_OK;
    }
    err = cli_has(c, "words") ? dt_courier_words(dt_secret_view(&key), &text)
                              : dt_courier_code(dt_secret_view(&key), &text);
    if (err != DT_OK)
        return err;
    cli_complain("This is the key itself, not sealed: whoever sees it has it.\n");
    return cli_has(c, "words") ? show_words(c, dt_buf_view(&text)) : show_qr(c, dt_buf_view(&text));
}

static enum dt_err
carry_in(struct cli *c, const uint8_t group_id[static 32], const char *from)
{
    const struct dt_courier_channel ch = dt_agent_courier_channel(c->agent, group_id);
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0}, pass = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_COURIER_FILE_MAX);
    uint8_t id[DT_COURIER_ID];
    enum dt_err err = cli_file(from, &text);

    if (err != DT_OK) /* which names the file */
        return err;
    if (dt_courier_form_of(dt_buf_view(&text)) == DT_COURIER_SEALED) {
        if ((err = file_passphrase(c, false, &pass)) == DT_OK)
            err = dt_courier_open(&ch, dt_buf_view(&text), dt_secret_view(&pass), &key);
    } else {
        err = dt_courier_read(dt_buf_view(&text), &key);
    }
    if (err != DT_OK ||
        (err = dt_agent_courier_take(c->agent, group_id, dt_secret_view(&key), id)) != DT_OK)
        return dt_fail_context(err, "%s", from);
    if (c->json)
        return key_json(id);
    print_key(id);
    cli_note(c,
             "Have the other side read its fingerprint to you, and confirm it: detente psk "
             "confirm. Destroy %s.",
             from);
    return DT_OK;
}

enum dt_err
cmd_psk_carry(struct cli *c)
{
    const char *from = cli_get(c, "from");
    uint8_t group_id[32];
    enum dt_err err;

    if ((from != NULL) + (cli_get(c, "to") != NULL) + cli_has(c, "qr") + cli_has(c, "words") != 1)
        return dt_fail(DT_ERR_USAGE,
                       "detente psk carry needs one of --to FILE, --qr, --words and --from FILE");
    if ((err = channel_of(c, group_id)) != DT_OK)
        return err;
    return from != NULL ? carry_in(c, group_id, from) : carry_out(c, group_id);
}

/* ---- confirming and committing ---- */

/* The eight words as the other side says them: from the command line, or typed. They are not shown
 * before: who only has to agree agrees to anything. */
static enum dt_err
fingerprint(struct cli *c, uint8_t out_bits[static 11])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(512);
    const char *given = cli_get(c, "fingerprint");
    enum dt_err err;

    if (given != NULL)
        return dt_fail_context(dt_key_words_read(dt_view_str(given), out_bits), "--fingerprint");
    if (!cli_can_ask())
        return dt_fail(DT_ERR_USAGE, "--fingerprint is needed where nobody can be asked");
    (void)fputs("The eight words that the other side reads to you: ", cli_err());
    if ((err = dt_fd_read_line(STDIN_FILENO, &line)) != DT_OK)
        return err;
    return dt_key_words_read(dt_buf_view(&line), out_bits);
}

enum dt_err
cmd_psk_confirm(struct cli *c)
{
    struct dt_courier_info info;
    uint8_t group_id[32], bits[11];
    enum dt_err err;

    if ((err = channel_of(c, group_id)) != DT_OK || (err = key_of(c, group_id, &info)) != DT_OK ||
        (err = fingerprint(c, bits)) != DT_OK)
        return err;
    if (!dt_key_words_match(bits, info.id))
        return dt_fail(DT_ERR_REFUSED, "the fingerprint is another one: it is not the same courier "
                                       "key, or not for this channel; nothing was confirmed");
    if ((err = dt_agent_courier_confirm(c->agent, group_id, info.id)) != DT_OK)
        return err;
    if (c->json)
        return key_json(info.id);
    cli_note(c, "Confirmed; the others are told with the next sync.");
    return DT_OK;
}

enum dt_err
cmd_psk_commit(struct cli *c)
{
    struct dt_courier_info info;
    const char *renew = cli_get(c, "renew");
    uint64_t renew_ms = DT_COURIER_RENEW;
    uint8_t group_id[32];
    enum dt_err err;

    if (renew != NULL && strcmp(renew, "never") == 0)
        renew_ms = 0;
    else if (renew != NULL && (err = cli_span(renew, &renew_ms)) != DT_OK)
        return err;
    if ((err = channel_of(c, group_id)) != DT_OK || (err = key_of(c, group_id, &info)) != DT_OK ||
        (err = dt_agent_courier_commit(c->agent, group_id, info.id, renew_ms)) != DT_OK)
        return err;
    if (c->json)
        return key_json(info.id);
    cli_note(c, "The key is committed with the next sync. See detente status.");
    return DT_OK;
}

enum dt_err
cmd_psk_drop(struct cli *c)
{
    struct dt_courier_info info;
    uint8_t group_id[32];
    enum dt_err err;

    if ((err = channel_of(c, group_id)) != DT_OK || (err = key_of(c, group_id, &info)) != DT_OK)
        return err;
    return dt_agent_courier_drop(c->agent, group_id, info.id);
}

/* ---- showing ---- */

enum dt_err
cli_courier_put(struct cli *c, json_t *o, const uint8_t group_id[static 32])
{
    struct dt_courier_state s;
    json_t *x = json_object();
    enum dt_err err = dt_agent_courier_state(c->agent, group_id, &s);

    if (err == DT_OK) {
        cli_put_bool(x, "holds", s.holds);
        cli_put_u64(x, "keys_committed", s.n);
        cli_put_time(x, "since", s.holds ? s.since_ms : 0);
        cli_put_time(x, "renew_by", s.holds ? s.renew_by_ms : 0);
    }
    (void)json_object_set_new(o, "courier_key", x);
    return err;
}

enum dt_err
cli_courier_print(struct cli *c, const uint8_t group_id[static 32], const char *indent)
{
    uint64_t now = dt_clock_now(&c->clock);
    struct dt_courier_state s;
    char since[DT_TIME_STR], by[DT_TIME_STR];
    enum dt_err err = dt_agent_courier_state(c->agent, group_id, &s);

    if (err != DT_OK)
        return err;
    if (!s.holds) {
        cli_print("%sclassical only: %s\n", indent,
                  s.n == 0 ? "no courier key was committed (detente psk)"
                           : "somebody was added since the last courier key was committed");
        return DT_OK;
    }
    dt_time_str(since, s.since_ms);
    cli_print("%sclosed to a later quantum reader since %s (contents; not times, sizes and "
              "signatures)\n",
              indent, since);
    if (s.renew_by_ms != 0) {
        dt_time_str(by, s.renew_by_ms);
        cli_print("%sthe courier key %s %s\n", indent,
                  now > s.renew_by_ms ? "was to be renewed by" : "is to be renewed by", by);
    }
    return DT_OK;
}

static enum dt_err
print_seats(struct cli *c, const uint8_t group_id[static 32], const uint8_t id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_courier_seat *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_courier_seats(c->agent, group_id, id, &v, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        cli_print("  %s (%s): %s\n", v[i].who.name, v[i].who.party_name,
                  v[i].confirmed ? "has confirmed it" : "has not confirmed it");
    return err;
}

static enum dt_err
put_seats(struct cli *c, json_t *o, const uint8_t group_id[static 32], const uint8_t id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_courier_seat *v = NULL;
    json_t *list = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_courier_seats(c->agent, group_id, id, &v, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *x = json_object();

        cli_put_person(x, "who", &v[i].who);
        cli_put_bool(x, "confirmed", v[i].confirmed);
        (void)json_array_append_new(list, x);
    }
    (void)json_object_set_new(o, "members", list);
    return err;
}

enum dt_err
cmd_psk_list(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_courier_info *v = NULL;
    json_t *root = NULL, *list = NULL;
    uint8_t group_id[32];
    size_t n = 0;
    enum dt_err err;

    if ((err = channel_of(c, group_id)) != DT_OK ||
        (err = dt_agent_courier_keys(c->agent, group_id, &v, &n)) != DT_OK)
        return err;
    if (c->json) {
        root = json_object();
        list = json_array();
        err = cli_courier_put(c, root, group_id);
    } else {
        err = cli_courier_print(c, group_id, "");
    }
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *o;

        if (!c->json) {
            print_key(v[i].id);
            err = print_seats(c, group_id, v[i].id);
            continue;
        }
        o = json_object();
        put_key(o, v[i].id);
        cli_put_time(o, "since", v[i].since_ms);
        err = put_seats(c, o, group_id, v[i].id);
        (void)json_array_append_new(list, o);
    }
    if (!c->json)
        return err;
    (void)json_object_set_new(root, "waiting", list);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}
