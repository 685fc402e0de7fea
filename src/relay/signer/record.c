/*
 * relay/signer/record.c - see record.h.
 */
#include <string.h>

#include "base/wire.h"
#include "crypto/crypto.h"
#include "log/limits.h"

#include "relay/signer/record.h"

#define CHECK_BYTES 8u
#define NAME        "detente signed"
#define NAME_BYTES  (sizeof(NAME) - 1)
#define VERSION     2u
#define FILL        (SIGNER_HEADER - NAME_BYTES - 2u - CHECK_BYTES)

static const uint8_t nothing[SIGNER_SLOT];

/* ---- 64 bytes with their check ---- */

static enum dt_err
check_write(struct dt_view bytes, struct dt_buf *out)
{
    uint8_t hash[DT_SHA256];
    enum dt_err err = dt_sha256(bytes, hash);

    return err != DT_OK ? err : dt_buf_append(out, dt_view(hash, CHECK_BYTES));
}

/* Are the last of ${bytes} the check of the rest? */
static enum dt_err
check_read(struct dt_view bytes, bool *out)
{
    struct dt_view rest = dt_view(bytes.p, bytes.n - CHECK_BYTES);
    uint8_t hash[DT_SHA256];
    enum dt_err err = dt_sha256(rest, hash);

    if (err == DT_OK)
        *out = memcmp(bytes.p + rest.n, hash, CHECK_BYTES) == 0;
    return err;
}

/* ---- records ---- */

enum dt_err
signer_record_write(const struct signer_record *r, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t begin = out->n;
    enum dt_err err;

    dt_write_view(&w, dt_view_of(r->reg));
    dt_write_u64(&w, r->size);
    dt_write_view(&w, tlog_hash_view(&r->root));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return check_write(dt_view(out->p + begin, out->n - begin), out);
}

enum dt_err
signer_record_read(struct dt_view bytes, struct signer_record *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct signer_record got = {0};
    struct dt_view check;
    bool good = false;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, got.reg, sizeof(got.reg))) != DT_OK ||
        (err = dt_read_u64(&r, &got.size)) != DT_OK ||
        (err = dt_read_fixed(&r, got.root.b, TLOG_HASH)) != DT_OK ||
        (err = dt_read_view(&r, CHECK_BYTES, &check)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK || (err = check_read(bytes, &good)) != DT_OK)
        return err;
    if (!good || got.size > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_FORMAT, "a record of what was signed is damaged");
    *out = got;
    return DT_OK;
}

/* ---- slots ---- */

enum dt_err
signer_slot_read(struct dt_view bytes, struct signer_record *out, size_t *out_place)
{
    struct signer_record best = {0}, r;
    size_t best_place = SIGNER_PLACES;
    enum dt_err err;

    if (bytes.n > SIGNER_SLOT)
        return dt_fail(DT_ERR_FORMAT, "a record of what was signed is damaged");
    for (size_t i = 0; (i + 1) * SIGNER_RECORD <= bytes.n; i++) {
        err = signer_record_read(dt_view(bytes.p + i * SIGNER_RECORD, SIGNER_RECORD), &r);
        if (err == DT_ERR_FORMAT)
            continue; /* not written yet, or torn: nobody was told of it */
        if (err != DT_OK)
            return err;
        /* Two of one size are there when what a failed sync may have lost was written again. */
        if (best_place < SIGNER_PLACES &&
            (memcmp(r.reg, best.reg, sizeof(r.reg)) != 0 ||
             (r.size == best.size && !tlog_hash_equal(&r.root, &best.root))))
            return dt_fail(DT_ERR_FORMAT, "a record of what was signed is damaged");
        if (best_place == SIGNER_PLACES || r.size > best.size) {
            best = r;
            best_place = i;
        }
    }
    /* A second is begun when the first is on the disk. */
    if (best_place == SIGNER_PLACES && bytes.n <= SIGNER_RECORD)
        return dt_fail(DT_ERR_NOT_FOUND, "a record of what was signed is damaged");
    if (best_place == SIGNER_PLACES)
        return dt_fail(DT_ERR_FORMAT, "a record of what was signed is damaged");
    *out = best;
    *out_place = best_place;
    return DT_OK;
}

enum dt_err
signer_slot_write(const struct signer_record *r, struct dt_buf *out)
{
    enum dt_err err = signer_record_write(r, out);

    return err != DT_OK ? err : dt_buf_append(out, dt_view(nothing, SIGNER_SLOT - SIGNER_RECORD));
}

/* ---- the header ---- */

enum dt_err
signer_header_write(struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t begin = out->n;
    enum dt_err err;

    dt_write_view(&w, dt_view_str(NAME));
    dt_write_u16(&w, VERSION);
    for (size_t i = 0; i < FILL; i++)
        dt_write_u8(&w, 0xff);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return check_write(dt_view(out->p + begin, out->n - begin), out);
}

enum dt_err
signer_header_read(struct dt_view bytes)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_view name, fill, check;
    uint16_t version = 0;
    bool good = false;
    enum dt_err err;

    if (bytes.n < NAME_BYTES || memcmp(bytes.p, NAME, NAME_BYTES) != 0)
        return dt_fail(DT_ERR_NOT_FOUND, "the header of what was signed is damaged");
    if ((err = dt_read_view(&r, NAME_BYTES, &name)) != DT_OK ||
        (err = dt_read_u16(&r, &version)) != DT_OK ||
        (err = dt_read_view(&r, FILL, &fill)) != DT_OK ||
        (err = dt_read_view(&r, CHECK_BYTES, &check)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK || (err = check_read(bytes, &good)) != DT_OK)
        return err;
    if (good && version != VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED,
                       "what was signed is of a later version of detente-relay");
    for (size_t i = 0; i < fill.n; i++)
        good = good && fill.p[i] == 0xff;
    return good ? DT_OK : dt_fail(DT_ERR_FORMAT, "the header of what was signed is damaged");
}
