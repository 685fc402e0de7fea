// verify/fieldtree.js - field trees: the leaf of a slot, the root of those that are opened, the commitment, the seal.
//
// Source: docs/protocol-record.md "Field tree", "Proof file".

import { Reader, bytesOf, concat, equal, need, textOf, toBig, u16, u8, vec } from './bytes.js';
import { labelHash, needSignature, sha256 } from './hash.js';
import { leafHash, nodeHash } from './tree.js';
import { VALUE_MAX, checkValue } from './value.js';

const NODES_MAX = 1024, OPENINGS_MAX = 8 << 20, HOUR_MS = 3600000n, CENTURY_MS = 36500n * 86400000n;
export const AUTHOR = 0, KIND = 1, WRITTEN_AT = 3, DESTROY_AFTER = 7;
const FIELD_LABEL = vec(bytesOf('detente 1 field')), SALT_LABEL = vec(bytesOf('detente 1 salt'));
export const SLOT_NUMBERS = [16, 32, 64];

export function headerHash(forum, templateId, templateHash, recordId, nSlots) {
  return labelHash('header', forum, vec(bytesOf(templateId)), templateHash, recordId, u8(nSlots));
}

/** The leaf of a slot. One that is absent at the envelope's end is hashed as the spare slot that it was before. */
export function fieldLeaf(ctx, index, salt, kind, field, value) {
  const spare = index === DESTROY_AFTER && kind === 0;
  const name = spare ? '@spare' : field.name, type = spare ? 0 : field.type;
  return leafHash(concat(FIELD_LABEL, ctx, u16(index), salt, u8(kind), vec(bytesOf(name)), u8(type), vec(value)));
}

/** Root of a tree of which the leaves of a Map are known, with the other hashes that it takes. */
export async function openingsRoot(nSlots, leaves, nodes) {
  let row = leaves, rest = nodes;
  need(leaves.size > 0, 'no slots are opened');
  for (let width = nSlots; width > 1; width /= 2) {
    const above = new Map();
    for (let j = 0; j < width / 2; j++) {
      let left = row.get(2 * j), right = row.get(2 * j + 1);
      if (!left && !right)
        continue;
      if (!left || !right) {
        need(rest.length >= 32, 'fewer hashes of the tree than its openings take');
        const node = rest.subarray(0, 32);
        rest = rest.subarray(32);
        left = left || node;
        right = right || node;
      }
      above.set(j, await nodeHash(left, right));
    }
    row = above;
  }
  need(rest.length === 0, 'more hashes of the tree than its openings take');
  return row.get(0);
}

export function commitmentOf(ctx, root) {
  return labelHash('commitment', ctx, root);
}

export function sealOf(commitment, key, signature) {
  return labelHash('seal', commitment, key, signature);
}

/** HMAC-SHA256 (RFC 2104); keys here have 32 bytes. */
async function hmac(key, message) {
  const pad = (x) => concat(key.map((b) => b ^ x), new Uint8Array(64 - key.length).fill(x));
  return sha256(pad(0x5c), await sha256(pad(0x36), message));
}

/** The salt of a slot by the record's secret: HKDF-SHA256 (RFC 5869), one block. */
export async function saltOf(ctx, secret, index) {
  const prk = await hmac(ctx, secret);
  return hmac(prk, concat(SALT_LABEL, u16(index), u8(1)));
}

/** Refuses a slot that its template does not allow; kind: 0 absent, 1 value. */
export function checkSlot(template, index, kind, value) {
  const f = template.slot(index);
  if (kind === 0) {
    need(value.length === 0, 'slot ' + index + ': absent, and yet with a value');
    return need(!f.required, 'field ' + f.name + ' is required and absent');
  }
  need(kind === 1 && f.type !== 0, 'slot ' + index + ': neither a value nor absent');
  checkValue(f.type, f.values.length, value);
  if (index === DESTROY_AFTER)
    need(template.id !== 'letter' && template.id !== 'amendment' && toBig(value) >= HOUR_MS && toBig(value) <= CENTURY_MS,
      'after how long a record is to be destroyed');
  return undefined;
}

/** {party, key, letter} of the author slot. */
export function readAuthor(value) {
  need(value.length === 96, 'an author has 96 bytes');
  return { party: value.subarray(0, 32), key: value.subarray(32, 64), letter: value.subarray(64) };
}

// ---- opened in part

/** A tree as a proof file holds it: nothing of it is checked yet. paths: version 1, a path behind each opening. */
export function readOpened(r, paths) {
  const t = { templateId: textOf(r.vec(40), 'id of a template'), templateHash: r.take(32), recordId: r.take(16),
    nSlots: r.u8(), key: r.take(32), signature: r.take(64), openings: r.vec(OPENINGS_MAX), paths };
  t.nodes = paths ? null : r.vec(NODES_MAX);
  need(SLOT_NUMBERS.includes(t.nSlots), 'a record has 16, 32 or 64 slots');
  return t;
}

/**
 * Check the openings of t, which is of template and in forum: all lead to one root. Adds slots (a Map from place to
 * value, null where absent), author and commitment.
 */
export async function checkOpened(t, template, forum) {
  need(equal(t.templateHash, template.hash) && t.nSlots === template.nSlots,
    'its template is not the one its header names');
  const ctx = await headerHash(forum, t.templateId, t.templateHash, t.recordId, t.nSlots);
  const leaves = new Map(), slots = new Map(), depth = Math.log2(t.nSlots);
  let last = -1, root = null;
  for (const r = new Reader(t.openings); r.more;) {
    const index = r.u8(), salt = r.take(32), kind = r.u8(), value = r.vec(VALUE_MAX);
    const path = t.paths ? r.take(32 * depth) : null;
    need(index < t.nSlots, 'slot ' + index + ' of ' + t.nSlots);
    need(index > last, 'the opened slots are not in order, each once');
    last = index;
    checkSlot(template, index, kind, value);
    const leaf = await fieldLeaf(ctx, index, salt, kind, template.slot(index), value);
    leaves.set(index, leaf);
    slots.set(index, kind === 1 ? value : null);
    if (!t.paths)
      continue;
    const own = await openingsRoot(t.nSlots, new Map([[index, leaf]]), path);
    need(root === null || equal(root, own), 'slot ' + index + ' does not belong to the commitment of the slots before it');
    root = own;
  }
  need(slots.get(AUTHOR) && slots.get(KIND), 'author and kind are not opened');
  need(equal(slots.get(KIND), bytesOf(t.templateId)) && t.templateId === template.id, "its kind is not its template's id");
  if (!t.paths)
    root = await openingsRoot(t.nSlots, leaves, t.nodes);
  t.template = template;
  t.slots = slots;
  t.author = readAuthor(slots.get(AUTHOR));
  t.commitment = await commitmentOf(ctx, root);
  return t;
}

export function checkTreeSignature(t, what, forum) {
  return needSignature(t.key, what, concat(forum, t.commitment), t.signature,
    'the signature does not hold for what is opened');
}

/** Places of the opened slots but author and kind. */
export function openedFields(t) {
  return [...t.slots.keys()].filter((i) => i !== AUTHOR && i !== KIND);
}

/** The value of a field by its name: undefined where it is not opened, null where it is absent. */
export function openedValue(t, name) {
  return t.slots.get(t.template.place(name));
}

