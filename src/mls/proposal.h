/*
 * mls/proposal.h - all proposals, structurally, and PreSharedKeyID.
 *
 * Source: RFC 9420 sections 8.4, 12.1, 13.2 and 17.4. Private-use types (0xf000 to 0xffff) are
 * carried as `opaque body<V>` and mean nothing to this room; other unknown types are UNSUPPORTED,
 * since their length cannot be known. What a proposal may do in a group is checked by the group,
 * not here. Layer: mls.
 */
#ifndef DT_MLS_PROPOSAL_H
#define DT_MLS_PROPOSAL_H

#include "mls/key_package.h"

enum mls_proposal_type {
    MLS_PROPOSAL_ADD = 1,
    MLS_PROPOSAL_UPDATE = 2,
    MLS_PROPOSAL_REMOVE = 3,
    MLS_PROPOSAL_PSK = 4,
    MLS_PROPOSAL_REINIT = 5,
    MLS_PROPOSAL_EXTERNAL_INIT = 6,
    MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS = 7,
    MLS_PROPOSAL_PRIVATE_MIN = 0xf000,
};

enum mls_psk_type { MLS_PSK_EXTERNAL = 1, MLS_PSK_RESUMPTION = 2 };
enum mls_psk_usage { MLS_PSK_APPLICATION = 1, MLS_PSK_REINIT = 2, MLS_PSK_BRANCH = 3 };

/* PreSharedKeyID of section 8.4, borrowed. */
struct mls_psk_id {
    uint8_t type;
    struct dt_view id;       /* external */
    uint8_t usage;           /* resumption */
    struct dt_view group_id; /* resumption */
    uint64_t epoch;          /* resumption */
    struct dt_view nonce;
};
DT_MUST_CHECK enum dt_err mls_psk_id_read(struct dt_reader *r, struct mls_psk_id *out);
void mls_psk_id_write(struct dt_writer *w, const struct mls_psk_id *x);

/* Counted and immutable; only the members of its ${type} mean something. */
struct mls_proposal {
    unsigned refs;
    uint16_t type;     /* enum mls_proposal_type, or a private-use number */
    struct dt_buf raw; /* the whole Proposal, type included */
    struct mls_key_package *add;
    struct mls_leaf_node *update;
    bool update_verified; /* its signature holds, for the sender it is cached with */
    uint32_t remove;      /* leaf index */
    struct mls_psk_id psk;
    struct {
        struct dt_view group_id;
        uint16_t version;
        uint16_t cipher_suite;
        struct mls_extensions extensions;
    } reinit;
    struct dt_view kem_output;        /* external_init */
    struct mls_extensions extensions; /* group_context_extensions */
    struct dt_view body;              /* private use */
};

/* Owner of *${out}: the caller. FORMAT, LIMIT, UNSUPPORTED, NOMEM. */
DT_MUST_CHECK enum dt_err mls_proposal_read(struct dt_reader *r, struct mls_proposal **out);
/* The same for bytes without the ProposalType, whose ${type} is known (vectors). */
DT_MUST_CHECK enum dt_err mls_proposal_parse_body(uint16_t type, struct dt_view body,
                                                  struct mls_proposal **out);
void mls_proposal_write(struct dt_writer *w, const struct mls_proposal *p);
struct mls_proposal *mls_proposal_ref(struct mls_proposal *p);
void mls_proposal_unref(struct mls_proposal *p);
void mls_proposal_unref_p(struct mls_proposal **p);

/* New proposals of ours. Owner of *${out}: the caller. */
DT_MUST_CHECK enum dt_err mls_proposal_new_add(struct mls_key_package *kp,
                                               struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_proposal_new_update(struct mls_leaf_node *leaf,
                                                  struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_proposal_new_remove(uint32_t leaf_index, struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_proposal_new_psk(const struct mls_psk_id *id,
                                               struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_proposal_new_group_context_extensions(const struct mls_extensions *x,
                                                                    struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_proposal_new_reinit(struct dt_view group_id, uint16_t version,
                                                  uint16_t cipher_suite,
                                                  const struct mls_extensions *x,
                                                  struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_proposal_new_external_init(struct dt_view kem_output,
                                                         struct mls_proposal **out);
/* RANGE unless ${type} is private use. */
DT_MUST_CHECK enum dt_err mls_proposal_new_private(uint16_t type, struct dt_view body,
                                                   struct mls_proposal **out);

#endif
