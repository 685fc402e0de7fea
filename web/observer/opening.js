// observer/opening.js - proof files that are published beside a register.
//
// Source: docs/protocol-register.md "Openings". An opening counts when it verifies and what it opens stands in this
// register, as this browser saw it.

import { Refused, equal, need } from '../verify/bytes.js';
import { STATE_NONE, registerEntry } from '../verify/entry.js';
import { verifyProof } from '../verify/proof.js';
import { leafHash } from '../verify/tree.js';
import { PUBLIC } from '../verify/decide.js';

/** Its verdict; refused when it does not hold, or is about another register. */
export async function verifyOpening(file, look) {
  const v = await verifyProof(file, { ...look.anchor, nowMs: look.now, audience: PUBLIC });
  if (v.verdict === 'refused')
    throw new Refused('refused: ' + v.reason);
  need(v.charter.register.key.equals(look.policy.logs[0]), 'it is about another register');
  return v;
}

/** Does the entry of an opened record stand where it says, in this tree? */
export async function checkEntryPlace(r, tiles, checkpoint) {
  need(r.state !== STATE_NONE, 'it shows no entry in the register');
  need(r.entry < checkpoint.size, 'its entry ' + r.entry + ' is not in the register yet');
  const { leaf } = await tiles.inclusion(r.entry, checkpoint.root);
  need(equal(leaf, await leafHash(registerEntry(r.seal))), 'the register has something else at its entry ' + r.entry +
    ': the proof is of another register, signed by the same key');
}
