/*
 * record/words.h - root ids, and the eight key words that people compare.
 *
 * Source: docs/protocol-record.md, "Key words". Layer: record. No I/O: the list of 2,048 words is
 * data/words.txt, made part of the library while building.
 */
#ifndef DT_RECORD_WORDS_H
#define DT_RECORD_WORDS_H

#include "crypto/crypto.h"

#define DT_ROOT_ID       32
#define DT_KEY_WORDS     8
#define DT_WORD_LIST     2048
#define DT_KEY_WORDS_STR 96 /* room for eight words with spaces and the NUL */

/* The root id of a root's public key: dt_label_hash("root", pub). It is what names a party in
 * records. */
DT_MUST_CHECK enum dt_err dt_root_id(const uint8_t pub[static 32], uint8_t out[static DT_ROOT_ID]);

/* The eight words of ${root_id}, separated by one space, NUL-terminated. */
void dt_key_words(const uint8_t root_id[static DT_ROOT_ID], char out[static DT_KEY_WORDS_STR]);

/**
 * dt_key_words_read(text, out_bits):
 * Parse eight words as a person typed them (any case; spaces, tabs, hyphens, commas between) into
 * the first 88 bits of the root id they stand for. FORMAT: the message says which word, by its
 * place, is not in the list, or how many words there are.
 */
DT_MUST_CHECK enum dt_err dt_key_words_read(struct dt_view text, uint8_t out_bits[static 11]);

/* Do typed words ${bits} stand for ${root_id}? */
bool dt_key_words_match(const uint8_t bits[static 11], const uint8_t root_id[static DT_ROOT_ID]);

/* The ${i}-th word of ${bits}, from 0: its bits 11 i to 11 i + 10, most significant first, are the
 * word's place in the list. Borrowed from the library. */
struct dt_view dt_word(const uint8_t *bits, size_t i);

/* As dt_key_words_read() for ${n_words} words: ${out_bits} becomes (11 n_words + 7) / 8 bytes, and
 * with an error it may hold some of them. */
DT_MUST_CHECK enum dt_err dt_words_read(struct dt_view text, size_t n_words, uint8_t *out_bits);

#endif
