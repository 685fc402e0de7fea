/*
 * agent/records/opening_share.c - where a proof file goes: published beside the register, or sealed
 * to one person. See opening.h.
 *
 * Source: docs/protocol-register.md "Openings"; docs/protocol-record.md "Sealed proof". Layer:
 * agent.
 */
#include <string.h>

#include "net/relay_client.h"

#include "agent/core.h"
#include "agent/form/sealed_proof.h"
#include "agent/records/opening.h"

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
                                   dt_view_of(a->grant.append_key), file, name)) != DT_OK ||
        (err = dt_opening_mark(a, file, name)) != DT_OK)
        return err;
    memcpy(out_name, name, sizeof name);
    return DT_OK;
}

/* ---- sealed to a person ---- */

enum dt_err
dt_agent_opening_seal(struct dt_agent *a, const uint8_t letter_hash[static 32], struct dt_view file,
                      struct dt_buf *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter letter = {0};
    bool revoked = false;
    enum dt_err err;

    if ((err = dt_letter_load(a, letter_hash, &letter, NULL, NULL)) != DT_OK ||
        (err = dt_letter_ended(a, &letter, &revoked)) != DT_OK)
        return err;
    if (revoked)
        return dt_fail(DT_ERR_REFUSED,
                       "the letter of the one it is for was revoked, or its root replaced");
    if ((err = dt_letter_check_time(&letter, dt_agent_now(a))) != DT_OK)
        return dt_fail_context(err, "the letter of the one it is for");
    return dt_sealed_proof_seal(a->forum, letter_hash, letter.x25519, file, out);
}

bool
dt_opening_is_sealed(struct dt_view file)
{
    return dt_sealed_proof_is(file);
}

enum dt_err
dt_agent_opening_unseal(struct dt_agent *a, struct dt_view file, struct dt_buf *out)
{
    return dt_sealed_proof_open(a->forum, dt_secret_view(&a->x25519_priv), file, out);
}
