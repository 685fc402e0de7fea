/*
 * agent/register/heard.h - checkpoints of the register in receipts: members find a split view by
 * themselves, even when the relay never shows its two halves to one witness.
 *
 * Source: docs/protocol-agent.md "A register that stands still, and comparing". Layer: agent,
 * internal.
 */
#ifndef DT_AGENT_REGISTER_HEARD_H
#define DT_AGENT_REGISTER_HEARD_H

#include "agent/core.h"
#include "agent/form/payload.h"

/* The newest checkpoint held here, for a receipt. NOT_FOUND: none is held yet. */
DT_MUST_CHECK enum dt_err dt_heard_say(struct dt_agent *a, struct dt_heard *out);

/**
 * dt_heard_take(a, letter_hash, h):
 * Another member's receipt says ${h}; inside the transaction that takes it. What does not fit our
 * tree, or is larger, is kept to be judged. REFUSED: the register did not sign it.
 */
DT_MUST_CHECK enum dt_err dt_heard_take(struct dt_agent *a, const uint8_t letter_hash[static 32],
                                        const struct dt_heard *h);

/* Forget what was kept: the register is another one. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_heard_forget(struct dt_agent *a);

/* Judge what was kept: two trees become evidence and an alarm that names the member; a larger tree
 * that we are not shown is told after a while, a longer one unless the register has ${answered} us
 * since. Not inside a transaction; local errors alone. */
DT_MUST_CHECK enum dt_err dt_heard_judge(struct dt_agent *a, bool answered);

#endif
