/*
 * relay/program/cmd_grant.c - `detente-relay grant`: a register, and one file for each party.
 *
 * Layer: relay.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/address.h"
#include "relay/program/program.h"
#include "relay/store/store.h"

const struct option program_grant_options[] = {
    PROGRAM_STORE,
    PROGRAM_CONFIG,
    {"--url", "URL", "the relay's address as the parties will reach it", true, false},
    {"--out", "DIR", "folder for one NAME.grant per party (mode 0600)", true, false},
    {"--party", "NAME", "a party that gets a grant; may be repeated", true, true},
    {"--witness", "NAME=VKEY",
     "a witness's verifier key and the party it speaks for, behind it after a space the URL of one"
     " that waits to be asked (c2sp.org/tlog-witness); repeated",
     true, true},
    {"--read-key", NULL, "make a key without which the register is not read", false, false},
    {"--cadence", "K/PERIOD",
     "each party appends exactly K entries every 30m, 12h, 1d or 1w, one a slot", false, false},
    {"--continue", "FILE",
     "begin with the entries of a lost register, as detente register export wrote them", false,
     false},
    {"--size", "N", "with the first N of them (default: all)", false, false},
    {"--root", "ROOT", "and only if they have this root (base64, as in checkpoints)", false, false},
    {"--daily-entries", "N", "register entries a party may append each day (1000)", false, false},
    PROGRAM_BOUNDS,
    PROGRAM_SEALING_KEY,
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};

#define CONTINUED_MAX ((size_t)DT_REGISTER_ENTRY << 24) /* entries that an agent holds at most */

/* "NAME=VKEY" or "NAME=VKEY URL" of each --witness into ${out} and ${urls}. */
static enum dt_err
read_witnesses(const struct options *o, struct dt_grant_witness *out, const char **urls,
               size_t *out_n)
{
    size_t n = 0;

    for (const char *text; (text = option_value(o, "--witness", n)) != NULL; n++) {
        const char *equals = strchr(text, '='), *space;
        size_t len;

        if (n == DT_GRANT_WITNESS_MAX)
            return dt_fail(DT_ERR_USAGE, "at most %u witnesses", DT_GRANT_WITNESS_MAX);
        /* A key's name holds no space. */
        space = equals == NULL ? NULL : strchr(equals, ' ');
        len = equals == NULL  ? 0
              : space != NULL ? (size_t)(space - equals) - 1
                              : strlen(equals + 1);
        if (equals == NULL || equals == text || (size_t)(equals - text) > DT_GRANT_NAME_MAX ||
            len > DT_GRANT_VKEY_MAX)
            return dt_fail(DT_ERR_USAGE, "--witness: expected NAME=VERIFIER-KEY");
        if (space != NULL && strncmp(space + 1, "http://", 7) != 0 &&
            strncmp(space + 1, "https://", 8) != 0)
            return dt_fail(DT_ERR_USAGE, "--witness: behind the key stands an http or https URL");
        memcpy(out[n].group, text, (size_t)(equals - text));
        out[n].group[equals - text] = '\0';
        memcpy(out[n].vkey, equals + 1, len);
        out[n].vkey[len] = '\0';
        urls[n] = space == NULL ? "" : space + 1;
    }
    *out_n = n;
    return DT_OK;
}

static enum dt_err
grant_path(const char *dir, const char *party, struct dt_buf *out)
{
    dt_buf_clear(out);
    dt_buf_init(out, 4096);
    if (dt_buf_printf(out, "%s/%s.grant", dir, party) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--out: too long a path");
    return dt_buf_append(out, dt_view((const uint8_t *)"", 1)); /* its NUL */
}

/* The path of the read key's file. No party's grant is named like that. */
static enum dt_err
read_key_path(const char *dir, struct dt_buf *out)
{
    dt_buf_clear(out);
    dt_buf_init(out, 4096);
    if (dt_buf_printf(out, "%s/read-key", dir) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--out: too long a path");
    return dt_buf_append(out, dt_view((const uint8_t *)"", 1)); /* its NUL */
}

/* No file of an earlier grant may stand where one of ours goes: tokens cannot be printed again. */
static enum dt_err
none_there(const char *dir, const char *const *parties, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    enum dt_err err;

    if ((err = read_key_path(dir, &path)) != DT_OK)
        return err;
    if (dt_file_exists((const char *)path.p))
        return dt_fail(DT_ERR_EXISTS, "%s is there already; choose another folder",
                       (const char *)path.p);
    for (size_t i = 0; i < n; i++) {
        if (!dt_grant_name_ok(parties[i]))
            return dt_fail(DT_ERR_USAGE, "a party's name must be 1 to 64 of a-z, 0-9 and -");
        if ((err = grant_path(dir, parties[i], &path)) != DT_OK)
            return err;
        if (dt_file_exists((const char *)path.p))
            return dt_fail(DT_ERR_EXISTS, "%s is there already; choose another folder",
                           (const char *)path.p);
    }
    return DT_OK;
}

static enum dt_err
write_grant(const char *dir, const struct dt_grant *g, bool json, bool quiet, bool first)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_NET_GRANT_MAX);
    enum dt_err err;

    if ((err = grant_path(dir, g->party, &path)) != DT_OK ||
        (err = dt_grant_write(g, &text)) != DT_OK ||
        (err = dt_file_create((const char *)path.p, dt_buf_view(&text), 0600)) != DT_OK)
        return err;
    if (json)
        printf("%s\n  {\"party\": \"%s\", \"file\": \"%s.grant\"}", first ? "" : ",", g->party,
               g->party);
    else if (!quiet)
        printf("%s: %s\n", g->party, (const char *)path.p);
    return DT_OK;
}

static enum dt_err
write_grants(const struct options *o, const struct dt_grant *grants, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    bool json = option_value(o, "--json", 0) != NULL, quiet = option_value(o, "--quiet", 0) != NULL;
    enum dt_err err = DT_OK;

    if (grants[0].has_read_key &&
        ((err = read_key_path(option_value(o, "--out", 0), &path)) != DT_OK ||
         (err = dt_read_key_write((const char *)path.p, grants[0].read_key)) != DT_OK))
        return err;
    if (json)
        printf(
            "{\"format\": 1, \"register\": {\"origin\": \"%s\", \"vkey\": \"%s\"}, \"grants\": [",
            grants[0].origin, grants[0].vkey);
    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = write_grant(option_value(o, "--out", 0), &grants[i], json, quiet, i == 0);
    if (json)
        printf("\n]}\n");
    else if (!quiet && err == DT_OK)
        printf("register: %s\n", grants[0].vkey);
    return err;
}

/* How many entries a party may append a day when nothing is said: with a cadence at least twice
 * what it asks for, so that there is room for what is urgent. */
static uint64_t
daily_standard(const struct dt_cadence *c)
{
    uint64_t asked = c->period_ms == 0 ? 0 : c->k * (DT_MS_DAY / c->period_ms + 1);

    return 2 * asked > DT_RELAY_DAILY_ENTRIES ? 2 * asked : DT_RELAY_DAILY_ENTRIES;
}

/* What --continue, --size and --root say of the lost register. ${entries} and ${root} back
 * ${order}. */
static enum dt_err
read_continued(const struct options *o, struct dt_buf *entries, struct tlog_hash *root,
               struct dt_grant_order *order)
{
    const char *file = option_value(o, "--continue", 0), *text = option_value(o, "--root", 0);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_HASH);
    uint64_t size = 0;
    enum dt_err err;

    if (file == NULL) {
        return text == NULL && option_value(o, "--size", 0) == NULL
                   ? DT_OK
                   : dt_fail(DT_ERR_USAGE, "--size and --root go with --continue");
    }
    if (text != NULL && (dt_base64_read(&b, dt_view_str(text)) != DT_OK || b.n != TLOG_HASH))
        return dt_fail(DT_ERR_USAGE, "--root: expected a root in base64, as checkpoints have it");
    if ((err = dt_file_read(file, entries)) != DT_OK)
        return err;
    if (entries->n % DT_REGISTER_ENTRY != 0)
        return dt_fail(DT_ERR_FORMAT, "%s: not whole register entries of %u bytes", file,
                       DT_REGISTER_ENTRY);
    if ((err = program_number(o, "--size", INT64_MAX, entries->n / DT_REGISTER_ENTRY, &size)) !=
        DT_OK)
        return err;
    if (size > entries->n / DT_REGISTER_ENTRY)
        return dt_fail(DT_ERR_RANGE, "%s: has %zu entries, and not %llu", file,
                       entries->n / DT_REGISTER_ENTRY, (unsigned long long)size);
    order->entries = dt_view(entries->p, (size_t)size * DT_REGISTER_ENTRY);
    if (text != NULL) {
        memcpy(root->b, b.p, TLOG_HASH);
        order->root = root;
    }
    return DT_OK;
}

int
program_grant(const struct options *o)
{
    struct dt_relay_store_config config = {.path = option_value(o, "--store", 0),
                                           .create = true,
                                           .sealing_key = option_value(o, "--sealing-key", 0)};
    struct dt_grant_witness witnesses[DT_GRANT_WITNESS_MAX] = {0};
    const char *parties[DT_GRANT_PARTIES_MAX] = {0};
    const char *urls[DT_GRANT_WITNESS_MAX] = {0};
    struct dt_grant_order order = {.url = option_value(o, "--url", 0),
                                   .parties = parties,
                                   .witnesses = witnesses,
                                   .witness_urls = urls};
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(CONTINUED_MAX);
    struct dt_grant *grants = NULL;
    struct dt_relay_store *store = NULL;
    const char *cadence = option_value(o, "--cadence", 0);
    struct tlog_hash root;
    uint64_t daily = 0;
    enum dt_err err;

    config.carried = order.url != NULL && dt_address_is_file(order.url);
    if (cadence != NULL && dt_cadence_read(dt_view_str(cadence), &order.cadence) != DT_OK)
        return program_finish(
            dt_fail(DT_ERR_USAGE, "--cadence: entries a period, as 4/1d, 10/1w, 1/12h or 1/30m"));
    order.read_key = option_value(o, "--read-key", 0) != NULL;
    for (const char *name; (name = option_value(o, "--party", order.n_parties)) != NULL;) {
        if (order.n_parties == DT_GRANT_PARTIES_MAX)
            return program_finish(
                dt_fail(DT_ERR_USAGE, "at most %u parties", DT_GRANT_PARTIES_MAX));
        parties[order.n_parties++] = name;
    }
    if ((err = read_witnesses(o, witnesses, urls, &order.n_witnesses)) != DT_OK ||
        (err = read_continued(o, &entries, &root, &order)) != DT_OK ||
        (err = program_number(o, "--daily-entries", UINT32_MAX, daily_standard(&order.cadence),
                              &daily)) != DT_OK ||
        (err = program_bounds(o, &program_bounds_standard, &order.bounds)) != DT_OK)
        return program_finish(err);
    order.daily_entries = (uint32_t)daily;
    if ((grants = dt_alloc(order.n_parties, sizeof(*grants))) == NULL)
        return program_finish(dt_nomem());
    if ((err = dt_dir_make(option_value(o, "--out", 0), 0700)) == DT_OK &&
        (err = none_there(option_value(o, "--out", 0), parties, order.n_parties)) == DT_OK &&
        (err = dt_relay_store_open(&config, &store)) == DT_OK &&
        (err = dt_relay_store_grant(store, &order, grants)) == DT_OK)
        err = write_grants(o, grants, order.n_parties);
    dt_relay_store_close(store);
    dt_wipe(grants, order.n_parties * sizeof(*grants));
    dt_free(grants);
    return program_finish(err);
}
