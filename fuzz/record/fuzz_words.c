/*
 * fuzz/record/fuzz_words.c - key words, rights, types, and the values of answers: the first byte
 * says which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/answer.h"
#include "record/record.h"
#include "record/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool cond)
{
    if (!cond)
        abort();
}

/* Words that were understood are the words of what they stand for. */
static bool
key_words(struct dt_view text)
{
    uint8_t bits[11], again[11], id[32] = {0};
    char words[DT_KEY_WORDS_STR];

    if (dt_key_words_read(text, bits) != DT_OK)
        return false;
    memcpy(id, bits, sizeof bits);
    must(dt_key_words_match(bits, id));
    dt_key_words(id, words);
    must(dt_key_words_read(dt_view_str(words), again) == DT_OK && memcmp(bits, again, 11) == 0);
    return true;
}

static bool
rights(struct dt_view text)
{
    uint32_t one = 0, two = 0;
    char str[64];

    if (dt_rights_read(text, &one) != DT_OK)
        return false;
    dt_rights_str(one, str);
    must(one == 0 || (dt_rights_read(dt_view_str(str), &two) == DT_OK && one == two));
    return true;
}

static bool
type(struct dt_view text)
{
    uint8_t t;

    return dt_type_read(text, &t) == DT_OK;
}

static bool
author(struct dt_view value)
{
    struct dt_author x;

    if (dt_author_read(value, &x) != DT_OK)
        return false;
    must(value.n >= sizeof x);
    return true;
}

static bool
slots(struct dt_view value)
{
    uint64_t mask = 0;

    return dt_slots_read(value, &mask) == DT_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const kinds[])(struct dt_view) = {key_words, rights, type, author, slots};

    if (size == 0 || data[0] < '0' || data[0] >= '0' + 5)
        return 0;
    if (kinds[data[0] - '0'](dt_view(data + 1, size - 1)) && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
