/*
 * tests/mls/group_util.h - parties and groups for the tests of the group half.
 */
#ifndef DT_TESTS_GROUP_UTIL_H
#define DT_TESTS_GROUP_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "mls/outside.h"

#include "rows.h"

#define GU_EXT     0xf7a0u
#define GU_WARRANT 0xf7a1u
#define GU_NOW_S   UINT64_C(1760000000)
#define GU_NOW_MS  (GU_NOW_S * 1000)

#define assert_ok(expr)                                                                            \
    do {                                                                                           \
        enum dt_err gu_err_ = (expr);                                                              \
        if (gu_err_ != DT_OK)                                                                      \
            fail_msg("%s: %s (%s, %s)", #expr, dt_err_name(gu_err_), dt_err_message(),             \
                     dt_err_place());                                                              \
    } while (0)

#define assert_err(want, expr)                                                                     \
    do {                                                                                           \
        enum dt_err gu_err_ = (expr);                                                              \
        if (gu_err_ != (want))                                                                     \
            fail_msg("%s: got %s (%s, %s), want %s", #expr, dt_err_name(gu_err_),                  \
                     dt_err_message(), dt_err_place(), dt_err_name(want));                         \
    } while (0)

/* Processed, and refused for ${want} with the sender named. */
#define assert_refused(want, g, psks, message, who)                                                \
    do {                                                                                           \
        struct mls_event gu_e_ = {0};                                                              \
        assert_ok(mls_group_process((g), (psks), dt_buf_view(message), &gu_e_));                   \
        assert_int_equal(gu_e_.kind, MLS_EVENT_REFUSED);                                           \
        assert_int_equal(gu_e_.refused, (want));                                                   \
        assert_int_equal(gu_e_.sender.leaf, (who));                                                \
        assert_null(gu_e_.staged);                                                                 \
        mls_event_clear(&gu_e_);                                                                   \
    } while (0)

#define assert_views_equal(a, b) assert_true(dt_view_equal((a), (b)))

/* One client with its keys, a key package and, once in it, the group. */
struct gu_party {
    uint16_t suite;
    char identity[32];
    struct dt_secret seed;
    uint8_t pub[DT_ED25519_PUB];
    struct dt_buf key_package;
    struct mls_key_bundle bundle;
    uint8_t outside; /* what its groups take from outside: MLS_OUTSIDE_ bits */
    struct mls_group *group;
    struct rows rows; /* the group as gu_store() put it away */
};

/* A policy that checks nothing; and one at GU_NOW with four days at most. */
extern const struct mls_time_policy gu_no_clock;
extern const struct mls_time_policy gu_clock;

void gu_party_init(struct gu_party *p, uint16_t suite, const char *identity);
void gu_party_clear(struct gu_party *p);
/* A fresh key package, valid a day around GU_NOW. */
void gu_key_package(struct gu_party *p);
struct mls_leaf_params gu_leaf(const struct gu_party *p);

/* ${p} creates a group with the extension GU_EXT ("forum") and capabilities required. */
void gu_create(struct gu_party *p);
/* ${p} joins from ${welcome} with its key package. */
void gu_join(struct gu_party *p, struct dt_view welcome, struct mls_psk_list psks);

/* ${from} adds ${who} and everyone in ${all} (members so far, NULL entries passed over) follows. */
void gu_add(struct gu_party *from, struct gu_party *who, struct gu_party *const *all, size_t n_all);

/* ${p} takes in a commit and moves on; the effects' authenticator becomes the group's. */
void gu_follow(struct gu_party *p, struct dt_view commit);
/* ${from} commits with ${opts}, everyone else in ${all} follows, ${from} takes it. ${out} may be
 * NULL. */
void gu_commit(struct gu_party *from, const struct mls_commit_opts *opts,
               struct gu_party *const *all, size_t n_all, struct mls_commit_out *out);

/* A message from ${from} that all others in ${all} read. */
void gu_say(struct gu_party *from, const char *text, struct gu_party *const *all, size_t n_all);
void gu_protect(struct gu_party *from, const char *text, struct dt_buf *out);
/* ${p} processes ${message}, which must be application data that says ${text}. */
void gu_hear(struct gu_party *p, struct dt_view message, const char *text);

/* Ada, bob and cyd in one group, added one after the other. */
struct trio {
    struct gu_party p[3];
    struct gu_party *all[3];
};
void trio_init(struct trio *t);
void trio_clear(struct trio *t);

/* Ada, bob and cyd, whose groups take from outside what ${outside} says, with room on the right;
 * eve is no member, and has bob's GroupInfo with the tree. */
enum { ADA, BOB, CYD, EVE };
struct quartet {
    struct gu_party p[4];
    struct gu_party *all[4];
    struct dt_buf info;
};
void quartet_init(struct quartet *q, uint8_t outside);
void quartet_clear(struct quartet *q);

/* All in ${all} have the same epoch, authenticator, tree hash and exporter. */
void gu_agree(struct gu_party *const *all, size_t n_all);

/* The GroupInfo of ${p}'s group, with the key to join by and, if wanted, the tree. */
void gu_info(const struct gu_party *p, bool ratchet_tree, struct dt_buf *out);
/* ${p} joins by an external Commit on ${info} with what else ${params} says (NULL: nothing). */
void gu_enter(struct gu_party *p, const struct dt_buf *info,
              const struct mls_external_join_params *params, struct dt_buf *commit);

/* Put away what changed in the group of ${p} since the last time. Returns the bytes written. */
size_t gu_store(struct gu_party *p);
/* Save and load the group of ${p}, whole and in parts: there is one saved form, and what was put
 * away part by part is the group. It is replaced. */
void gu_reload(struct gu_party *p);

#endif
