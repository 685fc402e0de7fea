/*
 * cli/find.c - what --find, --last and --before leave of a list; see find.h.
 */
#include <string.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/mem.h"

#include "cli/find.h"

#define TEXT_MAX (4u << 20)

/* NFKC with case folded (Unicode Standard, section 3.13, D147), appended to ${out}. */
static enum dt_err
fold(struct dt_view text, struct dt_buf *out)
{
    DT_CLEANUP(dt_free_p) UChar *wide = NULL;
    DT_CLEANUP(dt_free_p) UChar *folded = NULL;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *n2 = unorm2_getNFKCCasefoldInstance(&status);
    int32_t wide_len = 0, len, n = 0;
    enum dt_err err;

    if (text.n == 0)
        return DT_OK;
    if (text.n > TEXT_MAX)
        return dt_fail(DT_ERR_LIMIT, "the text is longer than %u bytes", TEXT_MAX);
    wide = dt_alloc(text.n + 1, sizeof *wide);
    if (wide == NULL)
        return dt_nomem();
    (void)u_strFromUTF8(wide, (int32_t)text.n + 1, &wide_len, (const char *)text.p, (int32_t)text.n,
                        &status);
    if (U_FAILURE(status))
        return dt_fail(DT_ERR_FORMAT, "the text is not valid UTF-8");
    /* One unit becomes 18 at most (UAX 15, expansion factors). */
    len = unorm2_normalize(n2, wide, wide_len, NULL, 0, &status);
    if (status != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(status))
        return dt_fail(DT_ERR_FORMAT, "the text could not be brought into normal form");
    status = U_ZERO_ERROR;
    folded = dt_alloc((size_t)len + 1, sizeof *folded);
    if (folded == NULL)
        return dt_nomem();
    (void)unorm2_normalize(n2, wide, wide_len, folded, len + 1, &status);
    if ((err = dt_buf_reserve(out, 3 * (size_t)len + 1)) != DT_OK)
        return err;
    (void)u_strToUTF8((char *)out->p + out->n, 3 * len + 1, &n, folded, len, &status);
    if (U_FAILURE(status))
        return dt_fail(DT_ERR_FORMAT, "the text could not be brought into normal form");
    out->n += (size_t)n;
    return DT_OK;
}

void
cli_part_clear(struct cli_part *p)
{
    dt_buf_wipe(&p->find);
}

enum dt_err
cli_part(struct cli *c, struct cli_part *out)
{
    const char *find = cli_get(c, "find");
    enum dt_err err;

    if ((err = cli_number(c, "before", UINT64_MAX, UINT32_MAX, &out->before)) != DT_OK ||
        (err = cli_number(c, "last", UINT64_MAX, UINT32_MAX, &out->last)) != DT_OK || find == NULL)
        return err;
    if ((err = fold(dt_view_str(find), &out->find)) == DT_OK && out->find.n == 0)
        err = dt_fail(DT_ERR_USAGE, "--find: say what to look for");
    return err;
}

enum dt_err
cli_part_finds(const struct cli_part *p, struct dt_view text, bool *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf folded = DT_BUF_INIT(4 * TEXT_MAX);
    enum dt_err err = fold(text, &folded);

    if (err == DT_OK)
        *out = folded.p != NULL && folded.n >= p->find.n &&
               memmem(folded.p, folded.n, p->find.p, p->find.n) != NULL;
    return err;
}

static enum dt_err
talk_finds(struct cli *c, const struct cli_part *p, const uint8_t group_id[static 32],
           const struct dt_talk_info *t, bool *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    enum dt_err err;

    *out = false;
    if (t->rule.destroyed_ms != 0 || t->rule.past)
        return DT_OK;
    if (t->file)
        return cli_part_finds(p, dt_view_str(t->name), out);
    if ((err = dt_agent_talk_read(c->agent, group_id, t->seq, &b)) != DT_OK)
        return err;
    return cli_part_finds(p, dt_buf_view(&b), out);
}

struct looking {
    struct cli *c;
    const struct cli_part *p;
};

static enum dt_err
record_finds(void *ctx, const struct dt_record *r, bool *out)
{
    const struct looking *l = ctx;
    enum dt_err err = DT_OK;

    *out = false;
    for (size_t i = DT_ENVELOPE_SLOTS; err == DT_OK && !*out && i < r->header.n_slots; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TEXT_MAX);

        if (r->slots[i].kind == DT_SLOT_VALUE &&
            (err = dt_record_text(r, i, dt_agent_charter(l->c->agent), &text)) == DT_OK)
            err = cli_part_finds(l->p, dt_buf_view(&text), out);
    }
    return err;
}

/* Of ${n} the last ones that are asked for, moved to the front. */
static size_t
keep_last(const struct cli_part *p, void *list, size_t n, size_t size)
{
    if (n <= p->last)
        return n;
    memmove(list, (char *)list + (n - (size_t)p->last) * size, (size_t)p->last * size);
    return (size_t)p->last;
}

enum dt_err
cli_part_talk(struct cli *c, const struct cli_part *p, const uint8_t group_id[static 32],
              struct dt_talk_info *list, size_t *n)
{
    size_t kept = 0;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < *n && list[i].seq < p->before; i++) {
        bool found = true;

        if (p->find.n > 0 && (err = talk_finds(c, p, group_id, &list[i], &found)) != DT_OK)
            return err;
        if (found)
            list[kept++] = list[i];
    }
    *n = keep_last(p, list, kept, sizeof *list);
    return DT_OK;
}

enum dt_err
cli_part_records(struct cli *c, const struct cli_part *p, const uint8_t *group_id,
                 struct dt_record_info **out, size_t *out_n)
{
    struct looking l = {.c = c, .p = p};
    const struct dt_record_choice choice = {
        .before = p->before,
        .last = p->last > SIZE_MAX ? SIZE_MAX : (size_t)p->last,
        .wants = p->find.n > 0 ? record_finds : NULL,
        .ctx = &l,
    };

    return dt_agent_records_of(c->agent, group_id, &choice, out, out_n);
}
