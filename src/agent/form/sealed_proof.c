/*
 * agent/form/sealed_proof.c - see sealed_proof.h.
 */
#include <string.h>

#include "base/wire.h"
#include "crypto/hpke.h"

#include "agent/form/sealed_proof.h"

#define SEALED_MAGIC "detente sealed proof 1\n"
#define SEALED_SUITE 1 /* of the suite table: X25519, SHA-256, AES-128-GCM */

static enum dt_err
seal_info(const uint8_t forum[static 32], struct dt_view letter, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 sealed proof");
    dt_write_view(&w, dt_view(forum, 32));
    dt_write_view(&w, letter);
    return dt_writer_end(&w);
}

bool
dt_sealed_proof_is(struct dt_view file)
{
    size_t n = sizeof SEALED_MAGIC - 1;

    return file.n >= n && memcmp(file.p, SEALED_MAGIC, n) == 0;
}

enum dt_err
dt_sealed_proof_seal(const uint8_t forum[static 32], const uint8_t letter[static 32],
                     const uint8_t pub[static DT_X25519], struct dt_view proof, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(DT_SEALED_PROOF_MAX);
    uint8_t enc[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = seal_info(forum, dt_view(letter, 32), &info)) != DT_OK ||
        (err = dt_hpke_seal(dt_suite_get(SEALED_SUITE), dt_view(pub, DT_X25519), dt_buf_view(&info),
                            dt_view(NULL, 0), proof, enc, &ct)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(SEALED_MAGIC))) != DT_OK ||
        (err = dt_buf_append(out, dt_view(letter, 32))) != DT_OK ||
        (err = dt_buf_append(out, dt_view(enc, DT_X25519))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&ct));
}

enum dt_err
dt_sealed_proof_open(const uint8_t forum[static 32], struct dt_view priv, struct dt_view file,
                     struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_SEALED_PROOF_PLAIN_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(128);
    struct dt_view letter = {0};
    struct dt_view enc = {0};
    struct dt_reader r;
    enum dt_err err;

    if (!dt_sealed_proof_is(file))
        return dt_fail(DT_ERR_FORMAT, "not a sealed proof (or of a version not known here)");
    r = dt_reader_init(dt_view(file.p + sizeof SEALED_MAGIC - 1, file.n - sizeof SEALED_MAGIC + 1));
    if ((err = dt_read_view(&r, 32, &letter)) != DT_OK ||
        (err = dt_read_view(&r, DT_X25519, &enc)) != DT_OK)
        return dt_fail_context(err, "a sealed proof");
    if ((err = seal_info(forum, letter, &info)) != DT_OK)
        return err;
    err = dt_hpke_open(dt_suite_get(SEALED_SUITE), priv, enc, dt_buf_view(&info), dt_view(NULL, 0),
                       dt_view(r.p, r.n), &plain);
    if (err == DT_ERR_AUTH || err == DT_ERR_FORMAT || err == DT_ERR_RANGE)
        return dt_fail(DT_ERR_AUTH, "sealed to another person than that of this home, or altered");
    if (err != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&plain));
}
