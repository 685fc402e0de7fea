/*
 * agent/form/warrant.h - approvals, leaves, re-join requests, and the warrant that a Commit
 * carries.
 *
 * Source: docs/protocol.md, Channels: Warrants. Layer: agent; pure, no I/O.
 *
 * A leaf is named by its invitation id, which stays the same across rotations and is used once, for
 * ever. Who may sign what is checked by channel/check.c; here are bytes and signatures.
 */
#ifndef DT_AGENT_FORM_WARRANT_H
#define DT_AGENT_FORM_WARRANT_H

#include "agent/limits.h"
#include "base/bytes.h"

/* "This party agrees that the holder of this letter is added." */
struct dt_approval {
    uint8_t forum[32];
    uint8_t group_id[32];
    uint8_t founding_hash[32];
    uint8_t letter_hash[32];   /* of the one to be added */
    uint8_t invitation_id[16]; /* likewise */
    uint64_t epoch_from;       /* holds for epochs epoch_from to epoch_from + DT_APPROVAL_EPOCHS */
    uint8_t party;             /* index of the approving party in the charter */
    bool by_root;              /* signed by that party's root (then no letter) or by a delegate */
    struct dt_view letter;     /* the approving delegate's letter, borrowed; empty when by_root */
    uint8_t signature[64];     /* label "detente 1 approval" */
};

DT_MUST_CHECK enum dt_err dt_approval_sign(struct dt_approval *a, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_approval_verify(const struct dt_approval *a, struct dt_view pub);
bool dt_approval_holds(const struct dt_approval *a, uint64_t epoch);
DT_MUST_CHECK enum dt_err dt_approval_encode(const struct dt_approval *a, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_approval_decode(struct dt_view bytes, struct dt_approval *out);

/* "I leave": signed by the leaver's delegate key, label "detente 1 leave". */
struct dt_leave {
    uint8_t forum[32];
    uint8_t group_id[32];
    uint8_t invitation_id[16];
    uint8_t signature[64];
};
DT_MUST_CHECK enum dt_err dt_leave_sign(struct dt_leave *l, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_leave_verify(const struct dt_leave *l, struct dt_view pub);
DT_MUST_CHECK enum dt_err dt_leave_encode(const struct dt_leave *l, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_leave_decode(struct dt_view bytes, struct dt_leave *out);

/* "I lost my state": signed by the delegate's key, label "detente 1 rejoin". */
struct dt_rejoin {
    uint8_t forum[32];
    uint8_t group_id[32];
    uint8_t old_session_key[32];
    uint8_t old_invitation_id[16];
    uint8_t invitation_id[16]; /* the new one */
    uint8_t letter_hash[32];
    uint8_t signature[64];
};
DT_MUST_CHECK enum dt_err dt_rejoin_sign(struct dt_rejoin *x, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_rejoin_verify(const struct dt_rejoin *x, struct dt_view pub);
DT_MUST_CHECK enum dt_err dt_rejoin_encode(const struct dt_rejoin *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_rejoin_decode(struct dt_view bytes, struct dt_rejoin *out);

/* One ground: why one leaf is added or removed. */
enum dt_ground_kind {
    DT_GROUND_ADD = 1,        /* body: approvals<V>, each opaque<V> */
    DT_GROUND_LEAVE = 2,      /* body: dt_leave */
    DT_GROUND_REVOCATION = 3, /* body: the root's revocation of the leaf's letter (record room) */
    DT_GROUND_EXPIRED = 4,    /* body: an attested checkpoint whose cosignatures are 30 days past */
    DT_GROUND_OWN = 5,        /* body empty: the committer's own party removes its own leaf */
    DT_GROUND_REJOIN = 6,     /* body: dt_rejoin; removes one leaf and adds one */
    DT_GROUND_COURIER = 7     /* body: dt_courier_ground; nobody comes or goes */
};

struct dt_ground {
    enum dt_ground_kind kind;
    uint8_t invitation_id[16]; /* the leaf added, or (2 to 5) removed; for 6 the leaf added; for 7
                                  the committer's */
    uint8_t letter_hash[32];   /* letter of that leaf */
    struct dt_view body;       /* borrowed */
};

struct dt_warrant {
    size_t n_grounds;
    struct dt_ground grounds[DT_GROUNDS_MAX];
};

/* The body of the private-use proposal DT_PROP_WARRANT. Decoding refuses an empty list and two
 * grounds for one invitation id. Views point into ${bytes}. */
DT_MUST_CHECK enum dt_err dt_warrant_encode(const struct dt_warrant *w, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_warrant_decode(struct dt_view bytes, struct dt_warrant *out);

/* The approvals in the body of a DT_GROUND_ADD: append one; walk them (NOT_FOUND at the end). */
DT_MUST_CHECK enum dt_err dt_approvals_add(struct dt_buf *body, const struct dt_approval *a);
DT_MUST_CHECK enum dt_err dt_approvals_next(struct dt_view *rest, struct dt_approval *out);

#endif
