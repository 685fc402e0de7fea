/*
 * log/policy.h - who has to have signed: trusted logs, witnesses, groups, the quorum.
 *
 * Source: c2sp.org/tlog-policy. Layer: log.
 *
 * In detente each party has one group of witnesses and so has the neutral side; any one witness
 * speaks for its group; these groups are the members of the quorum group and are called "sides"
 * here:
 *
 *     log <vkey> [url]
 *     witness blue-1 <vkey> [url]
 *     group blue any blue-1 blue-2
 *     group sides 2 blue red neutral
 *     quorum sides
 *
 * An entry is attested when k sides have cosigned a checkpoint that holds it, final when all have.
 */
#ifndef DT_LOG_POLICY_H
#define DT_LOG_POLICY_H

#include "log/checkpoint.h"

#define TLOG_POLICY_NO_NODE SIZE_MAX

struct tlog_policy_log {
    struct tlog_vkey key;
    char *url; /* NULL when not given */
};

/* A witness (n_members is 0) or a group. */
struct tlog_policy_node {
    char *name;
    bool is_group;
    struct tlog_vkey key; /* of a witness */
    char *url;            /* of a witness; NULL when not given */
    size_t k;             /* of a group: how many members are needed */
    size_t *members;      /* of a group: places in policy->nodes, all before this one */
    size_t n_members;
    size_t parent; /* the group that lists it, or TLOG_POLICY_NO_NODE */
};

/* All zero is a policy under construction; release with tlog_policy_clear(). */
struct tlog_policy {
    struct tlog_policy_log *logs;
    size_t n_logs;
    struct tlog_policy_node *nodes;
    size_t n_nodes;
    bool has_quorum;
    size_t quorum; /* place in nodes, or TLOG_POLICY_NO_NODE for "none" */
};
void tlog_policy_clear(struct tlog_policy *p);

/* Parse a policy file. FORMAT with the line number in the message, LIMIT, AUTH, UNSUPPORTED (keys),
 * NOMEM. ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err tlog_policy_parse(struct dt_view text, struct tlog_policy *out);

/* Append ${p} in our one form: logs, nodes in order, quorum; numbers for k unless it is 1 ("any")
 * or all. */
DT_MUST_CHECK enum dt_err tlog_policy_write(const struct tlog_policy *p, struct dt_buf *out);

/* Building one by hand. ${url} may be empty. EXISTS (name or public key is there already),
 * NOT_FOUND (member), CONFLICT (member is in another group), RANGE (k), FORMAT (name, url), LIMIT,
 * NOMEM. */
DT_MUST_CHECK enum dt_err tlog_policy_add_log(struct tlog_policy *p, const struct tlog_vkey *key,
                                              struct dt_view url);
DT_MUST_CHECK enum dt_err tlog_policy_add_witness(struct tlog_policy *p, struct dt_view name,
                                                  const struct tlog_vkey *key, struct dt_view url);
DT_MUST_CHECK enum dt_err tlog_policy_add_group(struct tlog_policy *p, struct dt_view name,
                                                size_t k, const struct dt_view *members,
                                                size_t n_members);
DT_MUST_CHECK enum dt_err tlog_policy_set_quorum(struct tlog_policy *p, struct dt_view name);

/* The place of the node called ${name}, or TLOG_POLICY_NO_NODE. */
size_t tlog_policy_find(const struct tlog_policy *p, struct dt_view name);

/* The witness with this public key, or TLOG_POLICY_NO_NODE. */
size_t tlog_policy_find_key(const struct tlog_policy *p, const struct tlog_vkey *key);

/**
 * tlog_policy_sides(p, out, max):
 * The places of the sides into ${out} (at most ${max} of them are written); returns how many there
 * are. Sides are the members of the quorum's group; with "quorum none" all groups that are in no
 * other group; with a lone witness as quorum that witness.
 */
size_t tlog_policy_sides(const struct tlog_policy *p, size_t *out, size_t max);

/* The side that witness ${node} belongs to, or TLOG_POLICY_NO_NODE. */
size_t tlog_policy_side_of(const struct tlog_policy *p, size_t node);

/* What a note shows of one node. For a group: time is when its k-th member had signed. */
struct tlog_node_state {
    bool satisfied;
    uint64_t time; /* seconds; 0 unless satisfied */
};

/* What a checkpoint note is worth under a policy. Plain data. */
struct tlog_policy_state {
    struct tlog_checkpoint checkpoint; /* extension borrowed from the note */
    struct tlog_vkey log;              /* the log key that signed */
    bool quorum;
    uint64_t quorum_time; /* seconds; 0 unless quorum, or with "quorum none" */
    size_t n_nodes;
    struct tlog_node_state nodes[TLOG_POLICY_NODES_MAX]; /* by place in policy->nodes */
};

/**
 * tlog_policy_evaluate(p, log, note, out):
 * Parse the signed note ${note}, check the log's signature and every cosignature by a witness of
 * ${p}, and say which nodes are satisfied. A quorum that is not reached is no error: read
 * out->quorum.
 *
 * Shape:  ${log} NULL: any log of the policy; otherwise this key only.
 * Errors: FORMAT, LIMIT, AUTH (no log signed, a known key's line fails, origin is not the log's
 * name).
 */
DT_MUST_CHECK enum dt_err tlog_policy_evaluate(const struct tlog_policy *p,
                                               const struct tlog_vkey *log, struct dt_view note,
                                               struct tlog_policy_state *out);

/* Does a cosignature made at ${time_s} count: 1 to TLOG_TIME_COUNTS_MAX? Others verify, and satisfy
 * no witness. */
bool tlog_time_counts(uint64_t time_s);

/* How far a checkpoint is witnessed, side by side. */
struct tlog_attestation {
    size_t n_sides;
    size_t n_satisfied;
    bool attested;          /* at least k sides */
    uint64_t attested_time; /* when the k-th side had cosigned, in seconds */
    bool final;             /* all sides, and there is at least one */
    uint64_t final_time;
};

/* Count sides in ${state}. ${k} = 0: the quorum group's own k (all sides with "quorum none"). */
void tlog_attestation(const struct tlog_policy *p, const struct tlog_policy_state *state, size_t k,
                      struct tlog_attestation *out);

/* The earliest and the latest time at which a side other than ${not_side} (a place in nodes, or
 * TLOG_POLICY_NO_NODE) had cosigned; false when there is none. */
bool tlog_times_of_others(const struct tlog_policy *p, const struct tlog_policy_state *state,
                          size_t not_side, uint64_t *out_first_s, uint64_t *out_last_s);

#endif
