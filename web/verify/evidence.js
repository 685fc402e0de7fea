// verify/evidence.js - proof that one key signed two registers that cannot both be true.
//
// Source: docs/protocol-register.md "Evidence of a split view".

import { Reader, bytesOf, concat, equal, hex, lineOf, need, u8, vec } from './bytes.js';
import { openCheckpoint, parseKey } from './note.js';
import { verifyConsistency } from './tree.js';

const LABEL = bytesOf('detente 1 split view'), NOTE_MAX = 256 << 10, VKEY_MAX = 512, HASHES_MAX = 64;

export function isEvidence(bytes) {
  return bytes.length > LABEL.length && bytes[0] === LABEL.length && equal(bytes.subarray(1, 1 + LABEL.length), LABEL);
}

/** {key, first, second (checkpoints), oldRoot (null where the sizes are equal)}; refused unless it shows a split view. */
export async function verifyEvidence(bytes) {
  const r = new Reader(bytes);
  need(equal(r.vec(255), LABEL), 'not evidence of a split view in a form known here');
  const key = await parseKey(lineOf(r.vec(VKEY_MAX), 'key'));
  const first = await openCheckpoint(r.vec(NOTE_MAX), key), second = await openCheckpoint(r.vec(NOTE_MAX), key);
  const has = r.u8(), path = [];
  need(has <= 1, 'neither a prefix nor none');
  const oldRoot = has ? r.take(32) : null;
  if (has)
    for (const q = r.sub(32 * HASHES_MAX); q.more;)
      path.push(q.take(32));
  r.end();
  need(first.size <= second.size && (has === 1) === (first.size < second.size), 'it has not the form for its sizes');
  if (has) {
    await verifyConsistency(first.size, second.size, path, oldRoot, second.root);
    need(!equal(oldRoot, first.root), 'the larger tree begins with the smaller one');
  } else {
    need(!equal(first.root, second.root), 'both checkpoints say the same');
  }
  return { key, first, second, oldRoot };
}

/** The file: two notes (bytes), the smaller first; prefix {root, path} of the larger one where sizes differ. */
export function writeEvidence(key, first, second, prefix) {
  const head = concat(vec(LABEL), vec(bytesOf(key.toString())), vec(first), vec(second));
  return prefix ? concat(head, u8(1), prefix.root, vec(concat(...prefix.path))) : concat(head, u8(0));
}

/** A name for the file, as our programs give it. */
export function evidenceName(cp) {
  return 'evidence-' + cp.size + '-' + hex(cp.root).slice(0, 8) + '.txt';
}
