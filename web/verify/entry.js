// verify/entry.js - the register entry of something that was sealed: under which of the forum's registers it is shown,
// and what that says of its time.
//
// Source: docs/protocol-record.md "Proof file", "Time", "Amendment".

import { concat, equal, need, u8 } from './bytes.js';
import { registerPolicy, sideOfParty } from './charter.js';
import { parseCheckpoint, parseNote } from './note.js';
import { attestation, timesOfOthers } from './policy.js';
import { evaluateTlogProof, parsePlainTlogProof } from './tlogproof.js';
import { leafHash } from './tree.js';

export const TLOG_PROOF_MAX = 64 << 10;
export const NONE = 'none', FIRST = 'frst', LATER = 'late'; // how an entry is held in a proof file

/** What an entry's time is: not shown; in the register; attested, not by the first such checkpoint; known. */
export const STATE_NONE = 0, STATE_HELD = 1, STATE_NOT_LATER = 2, STATE_ATTESTED = 3;

/** The entry of a seal: version and seal. */
export function registerEntry(seal) {
  return concat(u8(1), seal);
}

function lineOf(register, sig) {
  return [register.key, ...register.witnesses.map((w) => w.key)].some((k) => k.id === sig.id && k.name === sig.name);
}

/** What a register signed behind the end that an amendment gave it counts for nothing. */
function checkEnd(register, cp) {
  if (!register.end)
    return;
  const { size, root, amendment } = register.end;
  need(cp.size <= size, 'its checkpoint has ' + cp.size + ' entries, and amendment ' + amendment +
    ' says that only the first ' + size + ' of that register count');
  need(cp.size < size || equal(cp.root, root),
    'its checkpoint has not the root that amendment ' + amendment + ' names for that size');
}

/**
 * Check the register proof (bytes) of a seal. {state, index, ms (0: no time by another group), apart (ms), endedBy,
 * firm}: times are those of groups other than the party's.
 */
export async function checkEntry(charter, bytes, seal, party, how) {
  const proof = parsePlainTlogProof(bytes), note = parseNote(proof.note), cp = parseCheckpoint(note.text);
  const register = charter.registers.find((x) => x.origin === cp.origin) || charter.register;
  for (const [i, s] of note.sigs.entries())
    need(lineOf(register, s), 'signature line ' + (i + 1) + ' of the checkpoint is by no key of the charter');
  register.policy = register.policy || await registerPolicy(register, charter.parties);
  const state = await evaluateTlogProof(proof, await leafHash(registerEntry(seal)), register.policy);
  checkEnd(register, state.checkpoint);
  const att = attestation(register.policy, state, register.attested);
  const others = timesOfOthers(register.policy, state, sideOfParty(register, register.policy, party));
  const held = others === null || !att.attested || register.attested === 0;
  return { index: proof.index, endedBy: register.end ? register.end.amendment : 0,
    ms: others ? Number(others.first) * 1000 : 0, apart: others ? Number(others.last - others.first) * 1000 : 0,
    firm: att.attested || register.attested === 0,
    state: held ? STATE_HELD : how === FIRST ? STATE_ATTESTED : STATE_NOT_LATER };
}
