/*
 * record/proof_register.c - the register entries of a proof file: under which of the forum's
 * registers each is shown, and what that says.
 *
 * Source: docs/protocol-record.md, "Proof file", "Amendment". Layer: record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/time.h"

#include "record/proof_internal.h"

void
dt_proof_registers_clear(struct dt_proof_registers *r)
{
    for (size_t i = 0; i < DT_AMENDMENTS + 1; i++)
        tlog_policy_clear(&r->policy[i]);
    memset(r, 0, sizeof *r);
}

/* The charter as it was with register ${i}: those that ended, then the one in force. */
static const struct dt_charter *
charter_at(const struct dt_proof_registers *r, size_t i)
{
    return i < r->charter->n_former ? &r->charter->former[i].was : r->charter;
}

enum dt_err
dt_proof_registers_init(struct dt_proof_registers *r, const struct dt_charter *charter)
{
    enum dt_err err = DT_OK;

    r->charter = charter;
    for (size_t i = 0; i <= charter->n_former && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_POLICY_MAX);

        if ((err = dt_charter_policy(charter_at(r, i), DT_POLICY_ATTESTED, &text)) == DT_OK)
            err = tlog_policy_parse(dt_buf_view(&text), &r->policy[i]);
    }
    return err;
}

/* Every line of the note must be by a key of the register, so that no byte of it goes unchecked. */
static enum dt_err
check_note_lines(const struct tlog_policy *policy, const struct tlog_note *n)
{
    for (size_t i = 0; i < n->n_sigs; i++) {
        const struct tlog_sig *s = &n->sigs[i];
        const struct tlog_vkey *log = &policy->logs[0].key;
        bool known = s->id == log->id && dt_view_equal(s->name, dt_view_str(log->name));

        for (size_t k = 0; k < policy->n_nodes && !known; k++) {
            const struct tlog_policy_node *node = &policy->nodes[k];

            known = !node->is_group && s->id == node->key.id &&
                    dt_view_equal(s->name, dt_view_str(node->key.name));
        }
        if (!known)
            return dt_fail(DT_ERR_AUTH,
                           "signature line %zu of the checkpoint is by no key of the charter",
                           i + 1);
    }
    return DT_OK;
}

/* Which register the checkpoint is of, by its name: the one in force when it is none of those that
 * ended; no two have the same. */
static enum dt_err
find_register(const struct dt_proof_registers *r, struct dt_view note, size_t *out)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note n = {0};
    struct tlog_checkpoint cp;
    size_t at = 0;
    enum dt_err err;

    if ((err = tlog_note_parse(note, &n)) != DT_OK ||
        (err = tlog_checkpoint_parse(n.text, &cp)) != DT_OK)
        return err;
    /* Where an amendment replaced roots the register went on: it is found where it ended. */
    while (at < r->charter->n_former &&
           (r->charter->former[at].roots ||
            !dt_view_equal(charter_at(r, at)->register_origin, dt_view_str(cp.origin))))
        at++;
    *out = at;
    return check_note_lines(&r->policy[at], &n);
}

/* What a register signed behind the end that an amendment gave it counts for nothing: its key may
 * be in anyone's hands. */
static enum dt_err
check_end(const struct dt_charter *c, size_t at, const struct tlog_checkpoint *cp)
{
    const struct dt_charter_former *f;

    if (at >= c->n_former)
        return DT_OK;
    f = &c->former[at];
    if (cp->size > f->last_size)
        return dt_fail(DT_ERR_PROOF,
                       "its checkpoint has %llu entries, and amendment %zu says that only the "
                       "first %llu of that register count",
                       (unsigned long long)cp->size, at + 1, (unsigned long long)f->last_size);
    if (cp->size == f->last_size && !tlog_hash_equal(&cp->root, &f->last_root))
        return dt_fail(DT_ERR_PROOF,
                       "its checkpoint has not the root that amendment %zu names for that size",
                       at + 1);
    return DT_OK;
}

enum dt_err
dt_proof_entry_check(const struct dt_proof_registers *r, struct dt_view text,
                     const uint8_t seal[static 32], size_t party, uint32_t how,
                     struct dt_entry_seen *out)
{
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    const struct dt_charter *c;
    struct tlog_policy_state state;
    struct tlog_attestation att;
    struct tlog_hash leaf;
    uint8_t entry[DT_REGISTER_ENTRY];
    uint64_t seconds = 0, last = 0;
    size_t side, at = 0;
    bool other;
    enum dt_err err;

    dt_register_entry(seal, entry);
    if ((err = tlog_proof_parse(text, &proof)) != DT_OK ||
        (err = tlog_proof_write(&proof, &again)) != DT_OK)
        return err;
    if (proof.has_extra || !dt_view_equal(text, dt_buf_view(&again)))
        return dt_fail(DT_ERR_FORMAT, "the register proof is not in its one form");
    if ((err = find_register(r, dt_buf_view(&proof.note), &at)) != DT_OK)
        return err;
    c = charter_at(r, at);
    if ((err = tlog_leaf_hash(dt_view_of(entry), &leaf)) != DT_OK ||
        (err = tlog_proof_evaluate(&proof, &leaf, &r->policy[at], NULL, &state)) != DT_OK ||
        (err = check_end(r->charter, at, &state.checkpoint)) != DT_OK ||
        (err = dt_charter_side(c, &r->policy[at], party, &side)) != DT_OK)
        return err;
    out->index = proof.index;
    out->ended_by = at < r->charter->n_former ? at + 1 : 0;
    tlog_attestation(&r->policy[at], &state, c->quorum_attested, &att);
    other = tlog_times_of_others(&r->policy[at], &state, side, &seconds, &last);
    out->ms = other ? seconds * DT_MS_SECOND : 0;
    out->apart_ms = other ? (last - seconds) * DT_MS_SECOND : 0;
    out->firm = att.attested || c->quorum_attested == 0;
    out->state = !other || !att.attested || c->quorum_attested == 0 ? DT_ENTRY_HELD
                 : how == DT_PROOF_FIRST                            ? DT_ENTRY_ATTESTED
                                                                    : DT_ENTRY_NOT_LATER;
    return DT_OK;
}
