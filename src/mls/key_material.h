/*
 * mls/key_material.h - what a caller hands in (extensions, PSKs, policies), and its own keys:
 * leaves and key packages.
 *
 * Source: RFC 9420 sections 7.2, 8.4, 10 and 12.1.5. Layer: mls; part of the public face (group.h).
 */
#ifndef DT_MLS_KEY_MATERIAL_H
#define DT_MLS_KEY_MATERIAL_H

#include "crypto/secret.h"
#include "mls/group_limits.h"

/* An extension or a proposal of a type that this library does not interpret. Borrowed. */
struct mls_typed {
    uint16_t type;
    struct dt_view body;
};

struct mls_typed_list {
    const struct mls_typed *v;
    size_t n;
};

/* A list of type numbers, borrowed. */
struct mls_type_list {
    const uint16_t *v;
    size_t n;
};

/* A PSK that the caller holds: an external one, or the resumption PSK of an epoch of some group
 * (RFC 9420 section 8.6). Borrowed. A group finds its own resumption PSKs itself, by its policy; to
 * name one in a Commit ${value} may then be empty. */
struct mls_psk {
    struct dt_view id; /* external: psk_id; resumption: the group's id */
    struct dt_view value;
    bool resumption;
    uint64_t epoch; /* resumption */
};

struct mls_psk_list {
    const struct mls_psk *v;
    size_t n;
};

/* What a ReInit proposal asks for (RFC 9420 section 12.1.5). Borrowed. */
struct mls_reinit {
    struct dt_view group_id;
    uint16_t version; /* 1: mls10, the only one there is */
    uint16_t suite;
    struct mls_typed_list extensions; /* the successor's GroupContext extensions */
};

/* The same as a group or a Commit has it. Views are tied to either; ${extensions} is the content of
 * the list, as encoded. */
struct mls_reinit_info {
    struct dt_view group_id;
    uint16_t version;
    uint16_t suite;
    struct dt_view extensions;
};

/* A new signature key or a new identity for the own leaf; what is empty stays as it is. Borrowed.
 */
struct mls_rotation {
    struct dt_view new_signature_priv; /* both halves or none */
    struct dt_view new_signature_pub;
    struct dt_view new_identity;
    uint16_t new_credential_type; /* of ${new_identity}; 0: basic */
};

/* How key package lifetimes are judged (RFC 9420 section 7.3). check = false: not at all. */
struct mls_time_policy {
    bool check;
    uint64_t now_ms;
    uint64_t max_total_ms; /* longest not_after - not_before; 0: any */
    uint64_t skew_ms;      /* how far our clock may be off */
};

/* ---- own key material ---- */

/* What a new leaf says of its owner. All borrowed. */
struct mls_leaf_params {
    uint16_t suite;
    struct dt_view signature_priv; /* the seed */
    struct dt_view signature_pub;
    /* A suite whose signatures are malleable (ECDSA: 2, 5, 7) is refused unless asked for: the
     * bytes of what such a key signed, and every hash of them, can be changed by anyone. */
    bool allow_malleable;
    uint16_t credential_type; /* 0: basic */
    struct dt_view identity;  /* basic; other types: the content of the credential's one vector */
    struct mls_type_list cipher_suites;    /* capabilities beyond ${suite} */
    struct mls_type_list credential_types; /* capabilities beyond the own type */
    struct mls_type_list extension_types;  /* capabilities beyond the default ones */
    struct mls_type_list proposal_types;
    struct mls_typed_list leaf_extensions; /* each type must be among extension_types */
    /* Put values that mean nothing (RFC 9420 section 13.5, GREASE) into the lists of the
     * capabilities, the leaf's and the key package's extensions, so that peers keep to passing over
     * such. */
    bool grease;
};

/* The private half of a key package. Release with mls_key_bundle_clear(). */
struct mls_key_bundle {
    struct dt_secret init_priv;
    struct dt_secret leaf_priv;
};
void mls_key_bundle_clear(struct mls_key_bundle *b);

/**
 * mls_key_package_new(leaf, not_before_s, not_after_s, extensions, out, bundle):
 * A fresh key package as MLSMessage, appended to ${out}, valid from ${not_before_s} to
 * ${not_after_s} (seconds since the epoch); its private keys go to ${bundle}. Errors: UNSUPPORTED
 * (suite), RANGE (key lengths, lifetime), LIMIT, NOMEM. Source: RFC 9420 section 10.
 */
DT_MUST_CHECK enum dt_err mls_key_package_new(const struct mls_leaf_params *leaf,
                                              uint64_t not_before_s, uint64_t not_after_s,
                                              struct mls_typed_list extensions, struct dt_buf *out,
                                              struct mls_key_bundle *bundle);

/* What a key package (an MLSMessage) says. Views lie in the message. */
struct mls_key_package_info {
    uint16_t suite;
    uint16_t credential_type;
    struct dt_view identity;   /* of a basic credential; empty for another type */
    struct dt_view credential; /* the content of its one vector, of any type */
    struct dt_view signature_key;
    struct dt_view init_key;
    struct dt_view encryption_key;
    uint64_t not_before_s;
    uint64_t not_after_s;
};

/* Decode and check ${message} (signatures, lifetime by ${policy}; RFC 9420 section 10.1), and
 * append its KeyPackageRef to ${ref} unless that is NULL. FORMAT, AUTH, REFUSED, EXPIRED,
 * UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_key_package_open(struct dt_view message,
                                               const struct mls_time_policy *policy,
                                               struct mls_key_package_info *out,
                                               struct dt_buf *ref);

#endif
