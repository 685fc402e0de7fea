/*
 * cli/rootfile.c - see rootfile.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "cli/rootfile.h"

#define KEY_LINE "detente root key 1\n"
#define PUB_LINE "detente-root-1+"

struct rootfile {
    struct dt_argon2 params;
    uint8_t pub[DT_ED25519_PUB];
    uint8_t sealed[DT_XCHACHA_NONCE + DT_ED25519_SEED + DT_XCHACHA_TAG];
};

static bool
begins(struct dt_view text, const char *with)
{
    return text.n >= strlen(with) && memcmp(text.p, with, strlen(with)) == 0;
}

/* The associated data: what the file is, and whose. */
static enum dt_err
associated(const uint8_t pub[static DT_ED25519_PUB], struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_str(&w, "detente 1 root key");
    dt_write_view(&w, dt_view(pub, DT_ED25519_PUB));
    return dt_writer_end(&w);
}

static enum dt_err
encode(const struct rootfile *f, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_view(&w, dt_view_of(f->params.salt));
    dt_write_u32(&w, f->params.mem_kib);
    dt_write_u32(&w, f->params.passes);
    dt_write_view(&w, dt_view_of(f->pub));
    dt_write_view(&w, dt_view_of(f->sealed));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(KEY_LINE))) != DT_OK ||
        (err = dt_base64_write(out, dt_buf_view(&b))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view_str("\n"));
}

/* One line of base64 with its LF and nothing after it. */
static enum dt_err
base64_line(struct dt_view text, struct dt_buf *out)
{
    if (text.n == 0 || text.p[text.n - 1] != '\n')
        return dt_fail(DT_ERR_FORMAT, "the last line has no end");
    return dt_base64_read(out, dt_view(text.p, text.n - 1));
}

static enum dt_err
decode(struct dt_view text, struct rootfile *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
    size_t skip = strlen(KEY_LINE);
    struct rootfile f = {0};
    struct dt_reader r;
    enum dt_err err;

    if (!begins(text, KEY_LINE))
        return dt_fail(DT_ERR_FORMAT, "this is no root key file");
    if ((err = base64_line(dt_view(text.p + skip, text.n - skip), &b)) != DT_OK)
        return dt_fail_context(err, "root key file");
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_fixed(&r, f.params.salt, sizeof f.params.salt)) == DT_OK &&
        (err = dt_read_u32(&r, &f.params.mem_kib)) == DT_OK &&
        (err = dt_read_u32(&r, &f.params.passes)) == DT_OK &&
        (err = dt_read_fixed(&r, f.pub, sizeof f.pub)) == DT_OK &&
        (err = dt_read_fixed(&r, f.sealed, sizeof f.sealed)) == DT_OK &&
        (err = dt_read_end(&r)) == DT_OK)
        *out = f;
    return dt_fail_context(err, "root key file");
}

enum dt_err
dt_rootfile_new(struct dt_view passphrase, struct dt_buf *key, struct dt_buf *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret wrap = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(128);
    struct rootfile f = {0};
    enum dt_err err;

    if ((err = dt_ed25519_new(&seed, f.pub)) != DT_OK ||
        (err = dt_argon2_new(&f.params)) != DT_OK ||
        (err = dt_argon2(&f.params, passphrase, &wrap)) != DT_OK ||
        (err = associated(f.pub, &aad)) != DT_OK ||
        (err = dt_box_seal(dt_secret_view(&wrap), dt_buf_view(&aad), dt_secret_view(&seed),
                           &sealed)) != DT_OK)
        return err;
    if (sealed.n != sizeof f.sealed)
        return dt_fail(DT_ERR_INTERNAL, "a sealed seed of %zu bytes", sealed.n);
    memcpy(f.sealed, sealed.p, sizeof f.sealed);
    if ((err = encode(&f, key)) != DT_OK ||
        (err = dt_buf_append(pub, dt_view_str(PUB_LINE))) != DT_OK ||
        (err = dt_base64_write(pub, dt_view_of(f.pub))) != DT_OK)
        return err;
    return dt_buf_append(pub, dt_view_str("\n"));
}

enum dt_err
dt_rootfile_pub(struct dt_view text, uint8_t out[static DT_ED25519_PUB])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);
    size_t skip = strlen(PUB_LINE);
    struct rootfile f;
    enum dt_err err;

    if (begins(text, PUB_LINE)) {
        if ((err = base64_line(dt_view(text.p + skip, text.n - skip), &b)) != DT_OK)
            return dt_fail_context(err, "root public key");
        if ((err = dt_ed25519_pub_check(dt_buf_view(&b))) != DT_OK)
            return dt_fail_context(err, "root public key");
        memcpy(out, b.p, DT_ED25519_PUB);
        return DT_OK;
    }
    if ((err = decode(text, &f)) != DT_OK)
        return err;
    if ((err = dt_ed25519_pub_check(dt_view_of(f.pub))) != DT_OK)
        return dt_fail_context(err, "root key file");
    memcpy(out, f.pub, DT_ED25519_PUB);
    return DT_OK;
}

enum dt_err
dt_rootfile_open(struct dt_view text, struct dt_view passphrase, struct dt_secret *seed)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret wrap = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_ED25519_SEED);
    DT_CLEANUP(dt_buf_clear) struct dt_buf aad = DT_BUF_INIT(128);
    uint8_t pub[DT_ED25519_PUB];
    struct rootfile f;
    enum dt_err err;

    if ((err = decode(text, &f)) != DT_OK ||
        (err = dt_argon2(&f.params, passphrase, &wrap)) != DT_OK ||
        (err = associated(f.pub, &aad)) != DT_OK)
        return err;
    if (dt_box_open(dt_secret_view(&wrap), dt_buf_view(&aad), dt_view_of(f.sealed), &plain) !=
        DT_OK)
        return dt_fail(DT_ERR_LOCKED, "the passphrase is wrong, or the root key file was altered");
    if ((err = dt_secret_set(&s, dt_buf_view(&plain))) != DT_OK ||
        (err = dt_ed25519_pub(dt_secret_view(&s), pub)) != DT_OK)
        return err;
    if (memcmp(pub, f.pub, sizeof pub) != 0)
        return dt_fail(DT_ERR_FORMAT, "the root key file holds a seed of another key");
    dt_secret_move(seed, &s);
    return DT_OK;
}
