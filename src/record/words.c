/*
 * record/words.c - root ids and key words.
 *
 * Source: docs/protocol-record.md, "Key words". Layer: record.
 */
#include <string.h>

#include "base/embed.h"

#include "record/words.h"

/* data/words.txt: 2,048 lines. */
extern const struct dt_embedded record_word_files[];
extern const size_t record_word_files_count;

#define BITS_BYTES 11

enum dt_err
dt_root_id(const uint8_t pub[static 32], uint8_t out[static DT_ROOT_ID])
{
    return dt_label_hash("root", dt_view(pub, 32), out);
}

/* Word ${index}; the list is ours and checked by a test, so an end too early is only an empty word.
 */
static struct dt_view
word_at(size_t index)
{
    const unsigned char *p = record_word_files[0].data;
    const unsigned char *end = p + record_word_files[0].len;

    for (; index > 0; index--) {
        const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));

        if (lf == NULL)
            return dt_view(NULL, 0);
        p = lf + 1;
    }
    const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));

    return dt_view(p, lf != NULL ? (size_t)(lf - p) : (size_t)(end - p));
}

static bool
word_find(struct dt_view word, size_t *out)
{
    const unsigned char *p = record_word_files[0].data;
    const unsigned char *end = p + record_word_files[0].len;

    for (size_t i = 0; i < DT_WORD_LIST && p < end; i++) {
        const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
        size_t n = lf != NULL ? (size_t)(lf - p) : (size_t)(end - p);

        if (dt_view_equal(dt_view(p, n), word)) {
            *out = i;
            return true;
        }
        p += n + 1;
    }
    return false;
}

/* Bits [11 i, 11 i + 11) of ${bits}, most significant first. */
static size_t
index_at(const uint8_t *bits, size_t i)
{
    size_t x = 0;

    for (size_t bit = 11 * i; bit < 11 * i + 11; bit++)
        x = x << 1 | (size_t)(bits[bit / 8] >> (7 - bit % 8) & 1);
    return x;
}

struct dt_view
dt_word(const uint8_t *bits, size_t i)
{
    return word_at(index_at(bits, i));
}

void
dt_key_words(const uint8_t root_id[static DT_ROOT_ID], char out[static DT_KEY_WORDS_STR])
{
    size_t n = 0;

    for (size_t i = 0; i < DT_KEY_WORDS; i++) {
        struct dt_view word = dt_word(root_id, i);

        if (word.p == NULL || n + word.n + 2 > DT_KEY_WORDS_STR)
            break; /* the list has all words, and none is that long (tested) */
        if (i > 0)
            out[n++] = ' ';
        memcpy(out + n, word.p, word.n);
        n += word.n;
    }
    out[n] = '\0';
}

static bool
is_separator(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '-' || c == ',' || c == '_' ||
           c == '.';
}

enum dt_err
dt_words_read(struct dt_view text, size_t n_words, uint8_t *out_bits)
{
    size_t n = 0, i = 0;

    memset(out_bits, 0, (11 * n_words + 7) / 8);
    while (i < text.n) {
        uint8_t word[32];
        size_t len = 0, index = 0;

        if (is_separator(text.p[i])) {
            i++;
            continue;
        }
        for (; i < text.n && !is_separator(text.p[i]); i++) {
            uint8_t c = text.p[i];

            if (len == sizeof word)
                return dt_fail(DT_ERR_FORMAT, "word %zu is not in the list of key words", n + 1);
            word[len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
        }
        if (!word_find(dt_view(word, len), &index))
            return dt_fail(DT_ERR_FORMAT, "word %zu is not in the list of key words", n + 1);
        if (n == n_words)
            return dt_fail(DT_ERR_FORMAT, "more than %zu key words", n_words);
        for (size_t b = 0; b < 11; b++)
            if (index >> (10 - b) & 1)
                out_bits[(11 * n + b) / 8] |= (uint8_t)(0x80 >> ((11 * n + b) % 8));
        n++;
    }
    if (n != n_words)
        return dt_fail(DT_ERR_FORMAT, "%zu key words where %zu are needed", n, n_words);
    return DT_OK;
}

enum dt_err
dt_key_words_read(struct dt_view text, uint8_t out_bits[static BITS_BYTES])
{
    uint8_t bits[BITS_BYTES];
    enum dt_err err = dt_words_read(text, DT_KEY_WORDS, bits);

    if (err == DT_OK)
        memcpy(out_bits, bits, BITS_BYTES);
    return err;
}

bool
dt_key_words_match(const uint8_t bits[static BITS_BYTES], const uint8_t root_id[static DT_ROOT_ID])
{
    return memcmp(bits, root_id, BITS_BYTES) == 0;
}
