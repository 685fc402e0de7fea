/*
 * mls/extension.h - extension lists, credentials, capabilities, lifetimes: the parts of a leaf.
 *
 * Source: RFC 9420 sections 5.3, 7.2, 11.1, 12.1.8.1, 13, 13.5, 17.3, 17.5. Everything here borrows
 * from the bytes it was read from and owns nothing; reading checks the whole structure once,
 * walking it later cannot fail. Layer: mls.
 */
#ifndef DT_MLS_EXTENSION_H
#define DT_MLS_EXTENSION_H

#include "base/wire.h"
#include "mls/limits.h"

#define MLS_VERSION_10 1u /* ProtocolVersion mls10 */

enum mls_extension_type {
    MLS_EXT_APPLICATION_ID = 1,
    MLS_EXT_RATCHET_TREE = 2,
    MLS_EXT_REQUIRED_CAPABILITIES = 3,
    MLS_EXT_EXTERNAL_PUB = 4,
    MLS_EXT_EXTERNAL_SENDERS = 5,
};

enum mls_credential_type { MLS_CREDENTIAL_BASIC = 1, MLS_CREDENTIAL_X509 = 2 };

/* Extension extensions<V>: ${raw} is the content of the vector, already checked. All zero: empty.
 */
struct mls_extensions {
    struct dt_view raw;
    size_t n;
};
struct mls_extension {
    uint16_t type;
    struct dt_view data;
};

/* Read a list; FORMAT also for a type that appears twice (section 13.4), LIMIT for too many. */
DT_MUST_CHECK enum dt_err mls_extensions_read(struct dt_reader *r, size_t max,
                                              struct mls_extensions *out);
/* The same from the content of the vector, without its length header. */
DT_MUST_CHECK enum dt_err mls_extensions_parse(struct dt_view raw, struct mls_extensions *out);
void mls_extensions_write(struct dt_writer *w, const struct mls_extensions *x);
/* Walk: ${rest} starts as x->raw and moves on; false at the end. */
bool mls_extensions_next(struct dt_view *rest, struct mls_extension *out);
/* Find ${type}; ${data} untouched when absent. */
bool mls_extensions_find(const struct mls_extensions *x, uint16_t type, struct dt_view *data);
/* Append one extension to ${raw}, a list content under construction (then mls_extensions_parse()).
 */
DT_MUST_CHECK enum dt_err mls_extension_append(struct dt_buf *raw, uint16_t type,
                                               struct dt_view data);

/* Where an extension list stands. */
enum mls_extension_place {
    MLS_IN_LEAF_NODE = 1,
    MLS_IN_KEY_PACKAGE = 2,
    MLS_IN_GROUP_CONTEXT = 4,
    MLS_IN_GROUP_INFO = 8,
};
/* REFUSED when ${x} has one of the types that RFC 9420 defines where it does not belong (section
 * 17.3). Others are whoever's who defined them. */
DT_MUST_CHECK enum dt_err mls_extensions_check(const struct mls_extensions *x,
                                               enum mls_extension_place place);

/* A random one of the values that RFC 9420 section 13.5 (GREASE) keeps for nobody; an extension of
 * such a ${type} with a few random bytes, appended to the list content ${raw} unless one of that
 * type is there. IO, LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_grease_pick(uint16_t *out);
DT_MUST_CHECK enum dt_err mls_grease_extension(struct dt_buf *raw, uint16_t type);

/* A list of uint16 as raw big-endian bytes (even length). */
bool mls_u16s_have(struct dt_view list, uint16_t x);
size_t mls_u16s_count(struct dt_view list);
uint16_t mls_u16s_at(struct dt_view list, size_t i);
DT_MUST_CHECK enum dt_err mls_u16s_read(struct dt_reader *r, struct dt_view *out);

/* Credential of section 5.3. A type that is not known here is read as one opaque<V>, the form that
 * both known ones have on the wire: whether it may be in a group is what capabilities say (section
 * 13.3), and what it proves is the application's to judge. FORMAT, LIMIT. */
struct mls_credential {
    uint16_t type;
    struct dt_view identity; /* basic */
    struct dt_view body;     /* other types; x509: content of Certificate certificates<V> */
};
DT_MUST_CHECK enum dt_err mls_credential_read(struct dt_reader *r, struct mls_credential *out);
/* Its one field as bytes: identity, or the content of certificates<V>. */
struct dt_view mls_credential_body(const struct mls_credential *x);
void mls_credential_write(struct dt_writer *w, const struct mls_credential *x);

/* Capabilities of section 7.2; each a uint16 list content. */
struct mls_capabilities {
    struct dt_view versions;
    struct dt_view cipher_suites;
    struct dt_view extensions;
    struct dt_view proposals;
    struct dt_view credentials;
};
DT_MUST_CHECK enum dt_err mls_capabilities_read(struct dt_reader *r, struct mls_capabilities *out);
void mls_capabilities_write(struct dt_writer *w, const struct mls_capabilities *x);

/* Types that every client has and that need not be listed (section 7.2): 1..5 and 1..7. */
bool mls_extension_is_default(uint16_t type);
bool mls_proposal_is_default(uint16_t type);

/* RequiredCapabilities of section 11.1; the whole of extension data. */
struct mls_required_capabilities {
    struct dt_view extensions;
    struct dt_view proposals;
    struct dt_view credentials;
};
DT_MUST_CHECK enum dt_err mls_required_capabilities_parse(struct dt_view data,
                                                          struct mls_required_capabilities *out);
void mls_required_capabilities_write(struct dt_writer *w,
                                     const struct mls_required_capabilities *x);
/* UNSUPPORTED unless ${caps} lists all that ${required} asks for (defaults count as listed). */
DT_MUST_CHECK enum dt_err
mls_capabilities_satisfy(const struct mls_capabilities *caps,
                         const struct mls_required_capabilities *required);

/* One ExternalSender of section 12.1.8.1; walk the extension's data. */
struct mls_external_sender {
    struct dt_view signature_key;
    struct mls_credential credential;
};
/* Checks the whole of ${data} (ExternalSender external_senders<V>); ${n} gets the count. */
DT_MUST_CHECK enum dt_err mls_external_senders_parse(struct dt_view data, size_t *n);
/* The sender at ${index}; RANGE. */
DT_MUST_CHECK enum dt_err mls_external_sender_at(struct dt_view data, size_t index,
                                                 struct mls_external_sender *out);

/* Lifetime of section 7.2, in seconds since 1970 UTC. */
struct mls_lifetime {
    uint64_t not_before;
    uint64_t not_after;
};

/* What the caller accepts; a policy because RFC 9420 section 7.3 leaves it to the application. */
struct mls_lifetime_policy {
    bool check;      /* false: lifetimes are not looked at (vectors, members of old trees) */
    uint64_t now_s;  /* the caller's clock */
    uint64_t skew_s; /* how far the clock may be off either way */
    uint64_t max_s;  /* longest not_after - not_before; 0: no maximum */
};
/* EXPIRED (not yet, or no more), REFUSED (longer than policy->max_s, or it ends before it begins).
 */
DT_MUST_CHECK enum dt_err mls_lifetime_check(const struct mls_lifetime *x,
                                             const struct mls_lifetime_policy *policy);

#endif
