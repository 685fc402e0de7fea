/*
 * tests/interop/mls/mls_words.c - see mls_words.h.
 */
#include <string.h>

#include "base/text.h"

#include "mls_words.h"

void
items_clear(struct items *it)
{
    for (size_t i = 0; i < it->n_adds; i++)
        dt_buf_clear(&it->adds[i]);
    typed_words_clear(&it->extensions);
    typed_words_clear(&it->private_use);
}

void
typed_words_clear(struct typed_words *t)
{
    for (size_t i = 0; i < t->n; i++)
        dt_buf_clear(&t->body[i]);
    t->n = 0;
}

enum dt_err
typed_words_read(struct dt_view text, struct typed_words *t)
{
    struct dt_view one;
    struct dt_view type;
    uint64_t number;
    enum dt_err err;

    while (text.n > 0 && dt_text_split(&text, ',', &one)) {
        if (t->n == TYPED_MAX)
            return dt_fail(DT_ERR_LIMIT, "more of a kind than %d", TYPED_MAX);
        if (!dt_text_split(&one, '=', &type) || one.p == NULL)
            return dt_fail(DT_ERR_FORMAT, "not TYPE=HEX");
        if ((err = dt_decimal_read(type, UINT16_MAX, &number)) != DT_OK)
            return err;
        dt_buf_init(&t->body[t->n], MLS_MESSAGE_MAX);
        if ((err = dt_hex_read(&t->body[t->n++], one)) != DT_OK)
            return err;
        t->v[t->n - 1] =
            (struct mls_typed){.type = (uint16_t)number, .body = dt_buf_view(&t->body[t->n - 1])};
    }
    return DT_OK;
}

struct mls_typed_list
typed_words_list(const struct typed_words *t)
{
    return (struct mls_typed_list){t->v, t->n};
}

enum dt_err
typed_words_write(bool more, uint16_t type, struct dt_view body, struct dt_buf *out)
{
    enum dt_err err = dt_buf_printf(out, "%s%u=", more ? "," : "", type);

    return err != DT_OK ? err : dt_hex_write(out, body);
}

bool
word_after(struct dt_view word, const char *prefix, struct dt_view *rest)
{
    size_t n = strlen(prefix);

    if (word.n < n || memcmp(word.p, prefix, n) != 0)
        return false;
    *rest = dt_view(word.p + n, word.n - n);
    return true;
}

void
psk_store_clear(struct psk_store *s)
{
    for (size_t i = 0; i < s->n; i++) {
        dt_buf_clear(&s->id[i]);
        dt_buf_wipe(&s->value[i]);
    }
    s->n = 0;
}

enum dt_err
psk_store_add(struct psk_store *s, struct dt_view id_hex, struct dt_view value_hex)
{
    size_t i = s->n;
    enum dt_err err;

    if (i == PSKS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
    dt_buf_init(&s->id[i], 256);
    dt_buf_init(&s->value[i], 256);
    s->n++;
    if ((err = dt_hex_read(&s->id[i], id_hex)) != DT_OK ||
        (err = dt_hex_read(&s->value[i], value_hex)) != DT_OK)
        return err;
    s->v[i] = (struct mls_psk){.id = dt_buf_view(&s->id[i]), .value = dt_buf_view(&s->value[i])};
    return DT_OK;
}

enum dt_err
psk_store_add_former(struct psk_store *s, const struct mls_group *g)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret value = {0};
    size_t i = s->n;
    enum dt_err err;

    if (i == PSKS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
    if ((err = mls_group_resumption_psk(g, mls_group_epoch(g), &value)) != DT_OK)
        return err;
    dt_buf_init(&s->id[i], 256);
    dt_buf_init(&s->value[i], 256);
    s->n++;
    if ((err = dt_buf_append(&s->id[i], mls_group_id(g))) != DT_OK ||
        (err = dt_buf_append(&s->value[i], dt_secret_view(&value))) != DT_OK)
        return err;
    s->v[i] = (struct mls_psk){.id = dt_buf_view(&s->id[i]),
                               .value = dt_buf_view(&s->value[i]),
                               .resumption = true,
                               .epoch = mls_group_epoch(g)};
    return DT_OK;
}

enum dt_err
psk_named(const struct psk_store *s, struct dt_view hex, struct mls_psk *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf id = DT_BUF_INIT(256);
    bool former = dt_view_equal(hex, dt_view_str("former"));
    enum dt_err err = former ? DT_OK : dt_hex_read(&id, hex);

    for (size_t i = s->n; err == DT_OK && i-- > 0;)
        if (former ? s->v[i].resumption : dt_view_equal(s->v[i].id, dt_buf_view(&id))) {
            *out = s->v[i];
            return DT_OK;
        }
    return err != DT_OK ? err : dt_fail(DT_ERR_USAGE, "that PSK was not given");
}

enum dt_err
items_add(struct dt_view hex, struct items *it)
{
    size_t i = it->n_adds;
    enum dt_err err;

    if (i == ITEMS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more key packages than %d", ITEMS_MAX);
    dt_buf_init(&it->adds[i], MLS_MESSAGE_MAX);
    it->n_adds++;
    err = dt_hex_read(&it->adds[i], hex);
    it->add_views[i] = dt_buf_view(&it->adds[i]);
    return err;
}

static enum dt_err
item_read(struct dt_view word, const struct psk_store *s, struct dt_view group_id, struct items *it)
{
    struct dt_view rest;
    uint64_t n;
    enum dt_err err;

    if (word_after(word, "add:", &rest))
        return items_add(rest, it);
    if (word_after(word, "remove:", &rest)) {
        if ((err = dt_decimal_read(rest, UINT32_MAX, &n)) == DT_OK)
            it->removes[it->n_removes++] = (uint32_t)n;
        return err;
    }
    if (word_after(word, "psk:", &rest)) {
        if (it->n_psks == PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
        return psk_named(s, rest, &it->psks[it->n_psks++]);
    }
    if (word_after(word, "held:", &rest)) {
        if (it->n_held == PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
        return psk_named(s, rest, &it->held[it->n_held++]);
    }
    if (word_after(word, "resume:", &rest)) {
        if (it->n_psks == PSKS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more PSKs than %d", PSKS_MAX);
        if ((err = dt_decimal_read(rest, UINT64_MAX, &n)) == DT_OK)
            it->psks[it->n_psks++] =
                (struct mls_psk){.id = group_id, .resumption = true, .epoch = n};
        return err;
    }
    if (word_after(word, "ext:", &rest)) {
        it->set_extensions = true;
        return typed_words_read(rest, &it->extensions);
    }
    if (word_after(word, "private:", &rest))
        return typed_words_read(rest, &it->private_use);
    if (dt_view_equal(word, dt_view_str("path")))
        it->path = true;
    else if (dt_view_equal(word, dt_view_str("cached")))
        it->cached = true;
    else if (dt_view_equal(word, dt_view_str("update")))
        it->update = true;
    else if (dt_view_equal(word, dt_view_str("rotate")))
        it->rotate = true;
    else if (dt_view_equal(word, dt_view_str("apart")))
        it->apart = true;
    else
        return dt_fail(DT_ERR_USAGE, "a word that a commit does not know");
    return DT_OK;
}

enum dt_err
items_read(const struct args *a, const struct psk_store *s, struct dt_view group_id,
           struct items *it)
{
    enum dt_err err = DT_OK;

    if (a->n > ITEMS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more words than %d", ITEMS_MAX);
    for (size_t i = 1; err == DT_OK && i < a->n; i++)
        err = item_read(a->v[i], s, group_id, it);
    return err;
}
