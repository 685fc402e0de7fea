/*
 * agent/opening_share.c - where a proof file goes: published beside the register, or sealed to one
 * person. See opening.h.
 *
 * Source: docs/protocol-register.md "Openings"; docs/protocol-record.md "Sealed proof"; RFC 9180
 * (base mode, suite 1's KEM, KDF and AEAD). Layer: agent.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"
#include "crypto/hpke.h"
#include "net/relay_client.h"

#include "agent/core.h"
#include "agent/opening.h"

#define SEALED_MAGIC "detente sealed proof 1\n"
#define SEALED_SUITE 1 /* of the suite table: X25519, SHA-256, AES-128-GCM */
#define SEALED_MAX   (DT_PROOF_FILE_MAX + 256u)

enum dt_err
dt_agent_opening_publish(struct dt_agent *a, struct dt_view file, uint8_t out_name[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(DT_NET_URL_MAX + 128);
    uint8_t name[32];
    enum dt_err err;

    if ((err = dt_grant_register_url(&a->grant, &url)) != DT_OK ||
        (err = dt_buf_append(&url, dt_view((const uint8_t *)"", 1))) != DT_OK ||
        (err = dt_sha256(file, name)) != DT_OK ||
        (err = dt_register_publish(a->register_http, (const char *)url.p,
                                   dt_view_of(a->grant.append_key), file, name)) != DT_OK)
        return err;
    memcpy(out_name, name, sizeof name);
    return DT_OK;
}

/* ---- sealed to a person ---- */

static enum dt_err
seal_info(const uint8_t forum[static 32], struct dt_view letter, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 sealed proof");
    dt_write_view(&w, dt_view(forum, 32));
    dt_write_view(&w, letter);
    return dt_writer_end(&w);
}

enum dt_err
dt_agent_opening_seal(struct dt_agent *a, const uint8_t letter_hash[static 32], struct dt_view file,
                      struct dt_buf *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(SEALED_MAX);
    uint8_t enc[DT_HPKE_PUB_MAX];
    bool revoked = false;
    enum dt_err err;

    if ((err = dt_letter_load(a, letter_hash, &letter, NULL, NULL)) != DT_OK ||
        (err = dt_letter_revoked(a, &letter, &revoked, NULL)) != DT_OK)
        return err;
    if (revoked)
        return dt_fail(DT_ERR_REFUSED, "the letter of the one it is for was revoked");
    if ((err = dt_letter_check_time(&letter, dt_agent_now(a))) != DT_OK)
        return dt_fail_context(err, "the letter of the one it is for");
    if ((err = seal_info(a->forum, dt_view(letter_hash, 32), &info)) != DT_OK ||
        (err = dt_hpke_seal(dt_suite_get(SEALED_SUITE), dt_view_of(letter.x25519),
                            dt_buf_view(&info), dt_view(NULL, 0), file, enc, &ct)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(SEALED_MAGIC))) != DT_OK ||
        (err = dt_buf_append(out, dt_view(letter_hash, 32))) != DT_OK ||
        (err = dt_buf_append(out, dt_view(enc, DT_X25519))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&ct));
}

bool
dt_opening_is_sealed(struct dt_view file)
{
    size_t n = sizeof SEALED_MAGIC - 1;

    return file.n >= n && memcmp(file.p, SEALED_MAGIC, n) == 0;
}

enum dt_err
dt_agent_opening_unseal(struct dt_agent *a, struct dt_view file, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(128);
    struct dt_view letter = {0}, enc = {0};
    struct dt_reader r;
    enum dt_err err;

    if (!dt_opening_is_sealed(file))
        return dt_fail(DT_ERR_FORMAT, "not a sealed proof (or of a version not known here)");
    r = dt_reader_init(dt_view(file.p + sizeof SEALED_MAGIC - 1, file.n - sizeof SEALED_MAGIC + 1));
    if ((err = dt_read_view(&r, 32, &letter)) != DT_OK ||
        (err = dt_read_view(&r, DT_X25519, &enc)) != DT_OK)
        return dt_fail_context(err, "a sealed proof");
    if ((err = seal_info(a->forum, letter, &info)) != DT_OK)
        return err;
    err = dt_hpke_open(dt_suite_get(SEALED_SUITE), dt_secret_view(&a->x25519_priv), enc,
                       dt_buf_view(&info), dt_view(NULL, 0), dt_view(r.p, r.n), &plain);
    if (err == DT_ERR_AUTH || err == DT_ERR_FORMAT || err == DT_ERR_RANGE)
        return dt_fail(DT_ERR_AUTH, "sealed to another person than that of this home, or altered");
    if (err != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&plain));
}
