/*
 * cli/charter_io.c - see charter_io.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "log/limits.h"

#include "cli/charter_io.h"
#include "cli/rootfile.h"

enum dt_err
cli_charter_draft(const char *path, struct dt_charter *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    enum dt_err err = cli_file(path, &b);

    if (err != DT_OK || (err = dt_charter_decode(dt_buf_view(&b), out)) == DT_OK)
        return err;
    /* Which of the two a file holds nobody sees from outside. */
    if (dt_amendment_decode(dt_buf_view(&b), &am) == DT_OK)
        return dt_fail(DT_ERR_USAGE,
                       "%s: is an amendment: say with --charter FILE of which charter", path);
    err = dt_charter_decode(dt_buf_view(&b), out);
    return dt_fail_context(err, "charter %s", path);
}

enum dt_err
cli_charter(struct cli *c, const char *path, struct dt_charter *out)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter ch = {0};
    const char *file;
    size_t at = 0;
    enum dt_err err;

    if ((err = cli_charter_draft(path, &ch)) != DT_OK ||
        (err = dt_fail_context(dt_charter_verify(&ch), "charter %s", path)) != DT_OK)
        return err;
    while ((file = cli_next(c, "amendment", &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX);

        if ((err = cli_file(file, &b)) != DT_OK ||
            (err = dt_fail_context(dt_charter_amend(&ch, dt_buf_view(&b)), "%s", file)) != DT_OK)
            return err;
    }
    *out = ch;
    ch = (struct dt_charter){0}; /* moved */
    return DT_OK;
}

enum dt_err
cli_root_of_party(const struct dt_charter *ch, const char *option, const char *value,
                  size_t *out_party, uint8_t *out_root, uint8_t out_id[static 32])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
    const char *equals = strrchr(value, '=');
    uint8_t root[32];
    enum dt_err err;

    if (equals == NULL || equals == value || equals[1] == '\0')
        return dt_fail(DT_ERR_USAGE,
                       "--%s: write NAME=FILE, with the public line of a root in FILE", option);
    err = dt_charter_party_by_name(ch, dt_view((const uint8_t *)value, (size_t)(equals - value)),
                                   out_party);
    if (err != DT_OK)
        return dt_fail_context(err, "--%s %s", option, value);
    if (out_root == NULL && dt_hex_read_fixed(out_id, 32, dt_view_str(equals + 1)) == DT_OK)
        return DT_OK;
    if ((err = cli_file(equals + 1, &b)) != DT_OK ||
        (err = dt_fail_context(dt_rootfile_pub(dt_buf_view(&b), root), "%s", equals + 1)) != DT_OK)
        return err;
    if (out_root != NULL)
        memcpy(out_root, root, sizeof root);
    return dt_root_id(root, out_id);
}

enum dt_err
cli_grant(const char *path, struct dt_grant *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    enum dt_err err = cli_file(path, &b);

    return err != DT_OK ? err : dt_fail_context(dt_grant_read(dt_buf_view(&b), out), "%s", path);
}

/* "United States" -> "united-states": how the grant names the same party. */
static void
slug(struct dt_view name, char *out, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < name.n && k + 1 < n; i++) {
        char x = (char)name.p[i];

        if (x >= 'A' && x <= 'Z')
            x = (char)(x - 'A' + 'a');
        if ((x >= 'a' && x <= 'z') || (x >= '0' && x <= '9'))
            out[k++] = x;
        else if (k > 0 && out[k - 1] != '-')
            out[k++] = '-';
    }
    while (k > 0 && out[k - 1] == '-')
        k--;
    out[k] = '\0';
}

static enum dt_err
party_of_group(struct cli *c, const struct dt_charter *ch, const char *group, uint8_t *out)
{
    size_t at = 0;
    size_t n = strlen(group);
    const char *value;

    while ((value = cli_next(c, "group", &at)) != NULL)
        for (size_t i = 0; i < ch->n_parties; i++)
            if (strncmp(value, group, n) == 0 && value[n] == '=' &&
                dt_view_equal(dt_view_str(value + n + 1), ch->parties[i].name)) {
                *out = (uint8_t)i;
                return DT_OK;
            }
    for (size_t i = 0; i < ch->n_parties; i++) {
        char s[DT_GRANT_NAME_MAX + 1];

        slug(ch->parties[i].name, s, sizeof s);
        if (strcmp(s, group) == 0) {
            *out = (uint8_t)i;
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_USAGE,
                   "the grant's witness group '%s' is no party's name; say --group %s=NAME", group,
                   group);
}

enum dt_err
cli_register_part(struct cli *c, const struct dt_grant *g, char path[static CLI_REGISTER_PATH],
                  struct dt_charter *ch)
{
    enum dt_err err;

    ch->relays[0] = dt_view_str(g->relay);
    ch->n_relays = 1;
    ch->register_origin = dt_view_str(g->origin);
    ch->register_vkey = dt_view_str(g->vkey);
    (void)snprintf(path, CLI_REGISTER_PATH, "/r/%s", g->register_id);
    ch->register_path = dt_view_str(path);
    ch->quorum_attested = (uint8_t)g->quorum_attested;
    ch->quorum_final = 0;
    if (g->n_witnesses > DT_CHARTER_WITNESSES)
        return dt_fail(DT_ERR_LIMIT, "the grant names more than %u witnesses",
                       DT_CHARTER_WITNESSES);
    for (size_t i = 0; i < g->n_witnesses; i++) {
        if ((err = party_of_group(c, ch, g->witnesses[i].group, &ch->witnesses[i].party)) != DT_OK)
            return err;
        ch->witnesses[i].vkey = dt_view_str(g->witnesses[i].vkey);
        ch->n_witnesses++;
    }
    return DT_OK;
}

enum dt_err
cli_root_seed(struct cli *c, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(DT_ROOTFILE_MAX);
    const char *root = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "root", &root)) != DT_OK || (err = cli_file(root, &key)) != DT_OK ||
        (err = cli_passphrase(c, root, false, &passphrase)) != DT_OK)
        return err;
    return dt_fail_context(dt_rootfile_open(dt_buf_view(&key), dt_secret_view(&passphrase), out),
                           "%s", root);
}
