// verify/letter.js - letters of credence as a proof opens them, and revocations.
//
// Source: docs/protocol-record.md "Letter of credence", "Proof file".

import { Reader, equal, need, textOf, toNumber } from './bytes.js';
import { FIRST, checkEntry } from './entry.js';
import { checkOpened, checkTreeSignature, openedValue, sealOf } from './fieldtree.js';
import { labelHash, needSignature } from './hash.js';
import { builtIn } from './template.js';
import { TIME_MAX } from './time.js';
import { listItems } from './value.js';

export const LETTERS_MAX = 64, REVOCATIONS_MAX = 64, REVOCATION_MAX = 4096;
const ALWAYS = ['rights', 'not_before', 'not_after', 'key', 'party'], BY_CHOICE = ['name', 'title'];

function text(t, name) {
  const v = openedValue(t, name);
  return v ? textOf(v, name) : '';
}

/** t, as readOpened() gave it, is a letter by a root of the charter. */
export async function checkLetter(charter, t) {
  const template = await builtIn('letter');
  await checkOpened(t, template, charter.forum);
  const must = [0, 1, ...ALWAYS.map((n) => template.place(n))], may = [...must, ...BY_CHOICE.map((n) => template.place(n))];
  need(must.every((i) => t.slots.has(i)) && [...t.slots.keys()].every((i) => may.includes(i)),
    'not the fields that a proof opens of a letter');
  await checkTreeSignature(t, 'letter', charter.forum);
  const party = charter.partyById(t.author.party), root = party && party.roots.find((x) => equal(x.root, t.key));
  need(party, "its root is none of the charter's");
  need(root && equal(t.author.key, t.key) && t.author.letter.every((b) => b === 0) &&
    equal(openedValue(t, 'party'), party.id), 'its author is not the root that signed it');
  const names = template.fields.find((f) => f.name === 'rights').values;
  return { hash: t.commitment, issuer: t.key, party, root, used: false, revoked: null,
    key: openedValue(t, 'key'), rights: listItems(openedValue(t, 'rights')).map((v) => names[toNumber(v) - 1]),
    notBefore: toNumber(openedValue(t, 'not_before')), notAfter: toNumber(openedValue(t, 'not_after')),
    name: text(t, 'name'), title: text(t, 'title') };
}

/** A revocation of one of these letters, and its register proof: the letter bears the earliest of all. */
export async function checkRevocation(charter, letters, bytes, proof) {
  const r = new Reader(bytes);
  need(r.u16() === 1, 'a version not known here');
  const forum = r.take(32), hash = r.take(32), partyId = r.take(32), time = r.u64(), root = r.take(32);
  const body = bytes.subarray(0, r.at), signature = r.take(64);
  r.end();
  need(time <= BigInt(TIME_MAX), "a revocation's date");
  need(equal(forum, charter.forum), 'it is of another forum');
  await needSignature(root, 'revocation', body, signature, 'the signature does not hold');
  const letter = letters.find((l) => equal(l.hash, hash));
  need(letter, 'of no letter in the file');
  need(equal(letter.party.id, partyId) && equal(letter.issuer, root), 'not by the root that issued the letter');
  const seal = await sealOf(await labelHash('revocation', body), root, signature);
  const entry = await checkEntry(charter, proof, seal, letter.party.place, FIRST);
  need(entry.ms !== 0, 'its entry has no time by another group, and so it says nothing');
  // A root that was replaced revokes nothing any more: a thief would undo what was.
  need(letter.root.to === null || entry.index < letter.root.to,
    'by a root that amendment ' + letter.root.endedBy + ' had replaced before');
  const before = letter.revoked;
  letter.revoked = { ms: before ? Math.min(before.ms, entry.ms) : entry.ms,
    entry: before && before.entry < entry.index ? before.entry : entry.index };
}

