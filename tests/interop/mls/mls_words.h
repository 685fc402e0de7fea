/*
 * tests/interop/mls/mls_words.h - the words of mls-peer's lines: PSKs by name, and what goes into a
 * Commit or is proposed.
 */
#ifndef DT_TESTS_MLS_WORDS_H
#define DT_TESTS_MLS_WORDS_H

#include "mls/group.h"

#define PSKS_MAX   16
#define ITEMS_MAX  64
#define TYPED_MAX  8
#define TOKENS_MAX (ITEMS_MAX + 4)

/* A line without its first word. Borrowed. */
struct args {
    struct dt_view v[TOKENS_MAX];
    size_t n;
};

/* The PSKs that a member was given. */
struct psk_store {
    struct dt_buf id[PSKS_MAX];
    struct dt_buf value[PSKS_MAX];
    struct mls_psk v[PSKS_MAX]; /* views of these */
    size_t n;
};
void psk_store_clear(struct psk_store *s);
DT_MUST_CHECK enum dt_err psk_store_add(struct psk_store *s, struct dt_view id_hex,
                                        struct dt_view value_hex);
/* The resumption PSK of the present epoch of ${g}, for use in another group. */
DT_MUST_CHECK enum dt_err psk_store_add_former(struct psk_store *s, const struct mls_group *g);
/* The PSK whose id is ${hex}; "former": the last of psk_store_add_former(). USAGE when it was not
 * given. */
DT_MUST_CHECK enum dt_err psk_named(const struct psk_store *s, struct dt_view hex,
                                    struct mls_psk *out);

/* Does ${word} begin with ${prefix}? Then ${rest} is what follows. */
bool word_after(struct dt_view word, const char *prefix, struct dt_view *rest);

/* Extensions or proposals as a word has them: TYPE=HEX, with a comma between two. */
struct typed_words {
    struct dt_buf body[TYPED_MAX];
    struct mls_typed v[TYPED_MAX]; /* views of these */
    size_t n;
};
void typed_words_clear(struct typed_words *t);
/* Append what ${text} lists; nothing when it is empty. LIMIT, FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err typed_words_read(struct dt_view text, struct typed_words *t);
struct mls_typed_list typed_words_list(const struct typed_words *t);
/* Append ${type} and ${body} to ${out}, a comma before them when ${more}. */
DT_MUST_CHECK enum dt_err typed_words_write(bool more, uint16_t type, struct dt_view body,
                                            struct dt_buf *out);

/* The words add:KEYPACKAGE remove:LEAF psk:ID held:ID resume:EPOCH ext:TYPED private:TYPED path
 * cached update rotate apart. */
struct items {
    struct dt_buf adds[ITEMS_MAX];
    struct dt_view add_views[ITEMS_MAX];
    size_t n_adds;
    uint32_t removes[ITEMS_MAX];
    size_t n_removes;
    struct mls_psk psks[PSKS_MAX];
    size_t n_psks;
    struct mls_psk held[PSKS_MAX];
    size_t n_held;
    struct typed_words extensions;
    bool set_extensions;
    struct typed_words private_use;
    bool apart;
    bool path;
    bool cached;
    bool update;
    bool rotate;
};
void items_clear(struct items *it);
/* One key package more. */
DT_MUST_CHECK enum dt_err items_add(struct dt_view hex, struct items *it);
/* Read ${a} from its second word on; ${group_id}: what resume: names an epoch of. USAGE, LIMIT,
 * FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err items_read(const struct args *a, const struct psk_store *s,
                                     struct dt_view group_id, struct items *it);

#endif
