// verify/tlogproof.js - c2sp.org/tlog-proof@v1: an entry's place, its path and the checkpoint that holds it.
//
// Source: docs/protocol-register.md "Proof files".

import { base64, bytesOf, concat, decimal, equal, fromBase64, need, textOf } from './bytes.js';
import { parseCheckpoint, parseHash, parseNote } from './note.js';
import { evaluate } from './policy.js';
import { inclusionLength, verifyInclusion } from './tree.js';

const FIRST = 'c2sp.org/tlog-proof@v1';
const FILE_MAX = (256 << 10) + (64 << 10) / 3 * 4 + 4096, EXTRA_MAX = 64 << 10, PATH_MAX = 63;

/** {extra (bytes or null), index, path, note (bytes)}. */
export function parseTlogProof(bytes) {
  need(bytes.length <= FILE_MAX, 'a register proof that is too long');
  let at = 0;
  const line = () => {
    const end = bytes.indexOf(10, at);
    need(end >= 0, 'a register proof that is cut off');
    const text = textOf(bytes.subarray(at, end), 'register proof');
    at = end + 1;
    return text;
  };
  need(line() === FIRST, 'not a tlog-proof of version 1');
  let text = line(), extra = null;
  if (text.startsWith('extra ')) {
    extra = fromBase64(text.slice(6), 'extra line');
    need(extra.length > 0 && extra.length <= EXTRA_MAX, 'extra data that is empty or too long');
    text = line();
  }
  need(text.startsWith('index '), 'a register proof without an index line');
  const index = decimal(text.slice(6), 'index'), path = [];
  for (text = line(); text !== ''; text = line()) {
    need(path.length < PATH_MAX, 'more than ' + PATH_MAX + ' hashes');
    path.push(parseHash(text));
  }
  const note = bytes.subarray(at), cp = parseCheckpoint(parseNote(note).text);
  need(index < cp.size, 'the index lies outside of the tree');
  need(path.length === inclusionLength(index, cp.size), 'not the number of hashes for this place');
  return { extra, index, path, note };
}

export function writeTlogProof(p) {
  let head = FIRST + '\n';
  if (p.extra !== null)
    head += 'extra ' + base64(p.extra) + '\n';
  head += 'index ' + p.index + '\n' + p.path.map((h) => base64(h) + '\n').join('') + '\n';
  return concat(bytesOf(head), p.note);
}

/** Its one form, without extra: what a proof file of ours holds. */
export function parsePlainTlogProof(bytes) {
  const p = parseTlogProof(bytes);
  need(p.extra === null && equal(writeTlogProof(p), bytes), 'the register proof is not in its one form');
  return p;
}

/** What its checkpoint is worth under the policy, after the leaf was shown to be in it. */
export async function evaluateTlogProof(proof, leaf, policy) {
  const state = await evaluate(policy, proof.note);
  await verifyInclusion(leaf, proof.index, state.checkpoint.size, proof.path, state.checkpoint.root);
  return state;
}
