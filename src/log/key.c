/*
 * log/key.c - verifier and signing keys of notes; see note.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "log/line.h"
#include "log/note.h"
#include "log/parse.h"

/* The characters that c2sp.org/signed-note calls Unicode spaces (property White_Space). */
static bool
is_unicode_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* One character of valid UTF-8. */
static uint32_t
utf8_next(struct dt_view *v)
{
    uint8_t b = v->p[0];
    size_t i, n = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? b : b & (0x7fu >> n);

    for (i = 1; i < n && i < v->n; i++)
        c = (c << 6) | (v->p[i] & 0x3fu);
    *v = dt_view(v->p + i, v->n - i);
    return c;
}

bool
tlog_name_chars_valid(struct dt_view name)
{
    if (name.n == 0 || !dt_utf8_valid(name))
        return false;
    while (name.n > 0) {
        uint32_t c = utf8_next(&name);

        if (c < 0x20 || c == '+' || is_unicode_space(c))
            return false;
    }
    return true;
}

bool
tlog_name_valid(struct dt_view name)
{
    return name.n <= TLOG_NAME_MAX && tlog_name_chars_valid(name);
}

static enum dt_err
key_id(struct dt_view name, enum tlog_key_type type, const uint8_t *pub, uint32_t *out)
{
    const uint8_t middle[2] = {'\n', (uint8_t)type};
    const struct dt_view parts[3] = {name, dt_view_of(middle), dt_view(pub, DT_ED25519_PUB)};
    uint8_t hash[DT_SHA256];
    struct dt_reader r;
    enum dt_err err;

    err = dt_hash(DT_HASH_SHA256, parts, 3, hash);
    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_view_of(hash));
    return dt_read_u32(&r, out);
}

static enum dt_err
type_check(unsigned int type)
{
    if (type != TLOG_KEY_ED25519 && type != TLOG_KEY_COSIGNATURE)
        return dt_fail(DT_ERR_UNSUPPORTED, "key type 0x%02x is not known here", type);
    return DT_OK;
}

enum dt_err
tlog_vkey_init(struct tlog_vkey *out, struct dt_view name, enum tlog_key_type type,
               const uint8_t pub[static DT_ED25519_PUB])
{
    struct tlog_vkey key = {0};
    enum dt_err err;

    if (!tlog_name_valid(name))
        return dt_fail(DT_ERR_FORMAT, "not usable as the name of a key");
    if ((err = type_check(type)) != DT_OK ||
        (err = dt_ed25519_pub_check(dt_view(pub, DT_ED25519_PUB))) != DT_OK ||
        (err = key_id(name, type, pub, &key.id)) != DT_OK)
        return err;
    memcpy(key.name, name.p, name.n);
    memcpy(key.pub, pub, DT_ED25519_PUB);
    key.type = type;
    *out = key;
    return DT_OK;
}

/* "name+hhhhhhhh+base64(type || key)"; ${key} gets the decoded last part. */
static enum dt_err
key_parts(struct dt_view text, struct dt_view *name, uint32_t *id, struct dt_buf *key)
{
    struct dt_view rest, hex;
    uint8_t bytes[4];
    struct dt_reader r;
    enum dt_err err;
    size_t i;

    if (text.n > TLOG_VKEY_MAX)
        return dt_fail(DT_ERR_LIMIT, "key is longer than %d characters", TLOG_VKEY_MAX);
    /* The base64 part may hold '+' too, so the first two count. */
    if (!tlog_line_cut(text, '+', name, &rest) || !tlog_line_cut(rest, '+', &hex, &rest))
        return dt_fail(DT_ERR_FORMAT, "key has not the form name+id+base64");
    if (!tlog_name_valid(*name))
        return dt_fail(DT_ERR_FORMAT, "not usable as the name of a key");
    for (i = 0; i < hex.n; i++) {
        if (hex.p[i] >= 'A' && hex.p[i] <= 'F')
            return dt_fail(DT_ERR_FORMAT, "key id is not 8 lower-case hex digits");
    }
    err = dt_hex_read_fixed(bytes, sizeof(bytes), hex);
    if (err != DT_OK)
        return dt_fail_context(err, "key id");
    r = dt_reader_init(dt_view_of(bytes));
    if ((err = dt_read_u32(&r, id)) != DT_OK || (err = dt_base64_read(key, rest)) != DT_OK)
        return dt_fail_context(err, "key");
    if (key->n == 0)
        return dt_fail(DT_ERR_FORMAT, "key is empty");
    err = type_check(key->p[0]);
    if (err == DT_OK && key->n != 1 + DT_ED25519_PUB)
        err = dt_fail(DT_ERR_FORMAT, "an Ed25519 key has %d bytes", DT_ED25519_PUB);
    return err;
}

enum dt_err
tlog_vkey_parse(struct dt_view text, struct tlog_vkey *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf key = DT_BUF_INIT(TLOG_VKEY_MAX);
    struct tlog_vkey vkey;
    struct dt_view name;
    uint32_t id = 0;
    enum dt_err err;

    err = key_parts(text, &name, &id, &key);
    if (err != DT_OK)
        return err;
    err = tlog_vkey_init(&vkey, name, (enum tlog_key_type)key.p[0], key.p + 1);
    if (err != DT_OK)
        return err;
    if (vkey.id != id)
        return dt_fail(DT_ERR_FORMAT, "key id does not fit name and public key");
    *out = vkey;
    return DT_OK;
}

/* Append "name+hhhhhhhh+base64(type || material)". */
static enum dt_err
key_write(const struct tlog_vkey *key, struct dt_view material, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(64);
    const uint8_t type = (uint8_t)key->type;
    enum dt_err err;

    if ((err = dt_buf_reserve(&bytes, 1 + material.n)) != DT_OK ||
        (err = dt_buf_append(&bytes, dt_view(&type, 1))) != DT_OK ||
        (err = dt_buf_append(&bytes, material)) != DT_OK ||
        (err = dt_buf_printf(out, "%s+%08x+", key->name, key->id)) != DT_OK)
        return err;
    return dt_base64_write(out, dt_buf_view(&bytes));
}

enum dt_err
tlog_vkey_write(const struct tlog_vkey *key, struct dt_buf *out)
{
    return key_write(key, dt_view_of(key->pub), out);
}

bool
tlog_vkey_equal(const struct tlog_vkey *a, const struct tlog_vkey *b)
{
    return a->type == b->type && a->id == b->id && strcmp(a->name, b->name) == 0 &&
           memcmp(a->pub, b->pub, sizeof(a->pub)) == 0;
}

/* ---- signing keys ---- */

void
tlog_signer_clear(struct tlog_signer *s)
{
    if (s == NULL)
        return;
    dt_secret_clear(&s->seed);
    memset(&s->vkey, 0, sizeof(s->vkey));
}

enum dt_err
tlog_signer_from_seed(struct dt_view name, enum tlog_key_type type, struct dt_view seed,
                      struct tlog_signer *out)
{
    struct tlog_vkey vkey;
    uint8_t pub[DT_ED25519_PUB];
    enum dt_err err;

    if ((err = dt_ed25519_pub(seed, pub)) != DT_OK ||
        (err = tlog_vkey_init(&vkey, name, type, pub)) != DT_OK ||
        (err = dt_secret_set(&out->seed, seed)) != DT_OK)
        return err;
    out->vkey = vkey;
    return DT_OK;
}

enum dt_err
tlog_signer_new(struct dt_view name, enum tlog_key_type type, struct tlog_signer *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    uint8_t pub[DT_ED25519_PUB];
    enum dt_err err;

    err = dt_ed25519_new(&seed, pub);
    return err != DT_OK ? err : tlog_signer_from_seed(name, type, dt_secret_view(&seed), out);
}

enum dt_err
tlog_signer_parse(struct dt_view text, struct tlog_signer *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(TLOG_VKEY_MAX);
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    struct dt_view rest, name;
    uint32_t id = 0;
    enum dt_err err;

    if (!tlog_line_after(text, "PRIVATE+KEY+", &rest))
        return dt_fail(DT_ERR_FORMAT, "not a private key of a note");
    err = key_parts(rest, &name, &id, &key);
    if (err != DT_OK)
        return err;
    err = tlog_signer_from_seed(name, (enum tlog_key_type)key.p[0],
                                dt_view(key.p + 1, DT_ED25519_SEED), &s);
    if (err != DT_OK)
        return err;
    if (s.vkey.id != id)
        return dt_fail(DT_ERR_FORMAT, "key id does not fit name and private key");
    out->vkey = s.vkey;
    dt_secret_move(&out->seed, &s.seed);
    return DT_OK;
}

enum dt_err
tlog_signer_write(const struct tlog_signer *s, struct dt_buf *out)
{
    enum dt_err err = dt_buf_append(out, dt_view_str("PRIVATE+KEY+"));

    return err != DT_OK ? err : key_write(&s->vkey, dt_secret_view(&s->seed), out);
}
