/*
 * witness/key.c - the witness's key file. Source: c2sp.org/signed-note (signing key text). Layer:
 * witness.
 */
#include <string.h>

#include "base/file.h"

#include "witness/witness_internal.h"

#define KEY_FILE_MAX 1024u

/* The verifier key of ${s} as a string. */
static enum dt_err
vkey_text(const struct tlog_signer *s, char vkey[static DT_WITNESS_VKEY_MAX + 1])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_WITNESS_VKEY_MAX);
    enum dt_err err;

    err = tlog_vkey_write(&s->vkey, &b);
    if (err == DT_ERR_LIMIT)
        return dt_fail(DT_ERR_RANGE, "the witness's name is too long");
    if (err != DT_OK)
        return err;
    memcpy(vkey, b.p, b.n);
    vkey[b.n] = '\0';
    return DT_OK;
}

enum dt_err
dt_witness_keygen(const char *path, const char *name, char vkey[static DT_WITNESS_VKEY_MAX + 1])
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(KEY_FILE_MAX);
    char public[DT_WITNESS_VKEY_MAX + 1];
    enum dt_err err;

    if (!tlog_name_valid(dt_view_str(name)))
        return dt_fail(DT_ERR_RANGE, "a witness's name has no spaces and no '+'");
    if ((err = tlog_signer_new(dt_view_str(name), TLOG_KEY_COSIGNATURE, &s)) != DT_OK ||
        (err = vkey_text(&s, public)) != DT_OK || (err = tlog_signer_write(&s, &text)) != DT_OK ||
        (err = dt_buf_append(&text, dt_view_str("\n"))) != DT_OK ||
        (err = dt_file_create(path, dt_buf_view(&text), 0600)) != DT_OK)
        return err;
    memcpy(vkey, public, sizeof(public));
    return DT_OK;
}

enum dt_err
witness_key_load(const char *path, struct tlog_signer *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(KEY_FILE_MAX);
    enum dt_err err;

    if ((err = dt_file_read(path, &text)) != DT_OK)
        return err;
    if ((err = tlog_witness_key_parse(dt_buf_view(&text), out)) != DT_OK)
        return dt_fail_context(err, "%s", path);
    return DT_OK;
}

enum dt_err
dt_witness_vkey(const char *path, char vkey[static DT_WITNESS_VKEY_MAX + 1])
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    enum dt_err err;

    if ((err = witness_key_load(path, &s)) != DT_OK)
        return err;
    return vkey_text(&s, vkey);
}
