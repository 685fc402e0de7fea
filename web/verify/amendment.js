// verify/amendment.js - amendments: another register, or other roots, by the word of all parties.
//
// Source: docs/protocol-record.md "Amendment", "Succession of a root".

import { Reader, Refused, concat, equal, hex, need, toBig, textOf } from './bytes.js';
import { PARTIES_MAX, readRegister, rootTaken } from './charter.js';
import { commitmentOf, checkSlot, fieldLeaf, headerHash, openingsRoot, readAuthor, saltOf } from './fieldtree.js';
import { labelHash, needSignature, usableKey } from './hash.js';
import { builtIn } from './template.js';
import { emptyRoot } from './tree.js';
import { VALUE_MAX } from './value.js';

export const AMENDMENTS_MAX = 16, AMENDMENT_MAX = 72 << 10;
const RECORD_MAX = 900 << 10, SLOTS = [0, 1, 3, 8, 9, 10], NEW = 0x80, SIZE_MAX = (1n << 63n) - 1n;

async function readChanges(r, charter) {
  const out = [];
  for (const q = r.sub(AMENDMENT_MAX); q.more;) {
    need(out.length < PARTIES_MAX, 'more than ' + PARTIES_MAX + ' roots are changed');
    const party = q.u8(), root = q.take(32), successor = q.vec(32);
    need(out.length === 0 || party > out.at(-1).party, 'changes are in the order of the parties, each once');
    need(successor.length === 0 || successor.length === 32, 'a successor is said by its root id, of 32 bytes');
    need(party < charter.parties.length, 'it changes the root of no party');
    out.push({ party, root, id: await labelHash('root', root), successor: successor.length === 32 ? successor : null,
      replaces: !equal(root, charter.parties[party].root) });
  }
  need(out.length > 0, 'it changes nothing');
  return out;
}

/** Who may take over, and who may be announced: nobody who is, was or is to be a root already. */
function checkChanges(changes, charter) {
  for (const x of changes) {
    const p = charter.parties[x.party], who = 'party ' + (x.party + 1);
    need(x.replaces || x.successor !== null, 'it changes nothing of ' + who);
    if (x.replaces) {
      need(usableKey(x.root), 'the new root of ' + who + ': not an Ed25519 public key');
      need(!rootTaken(charter, x.id, x.party), 'the new root of ' + who + ' is, or was, or is to be, the root of a party');
      need(p.successor === null || equal(p.successor, x.id),
        'the new root of ' + who + ' is not the successor that was announced');
    }
    if (x.successor === null)
      continue;
    need(!rootTaken(charter, x.successor, x.party),
      'the successor of ' + who + ' is, or was, or is to be, the root of a party');
    need(x.replaces || p.successor === null, who + ' has announced a successor: it stands until it takes over');
  }
  const ids = changes.flatMap((x) => (x.successor === null ? [hex(x.id)] : [hex(x.id), hex(x.successor)]));
  need(new Set(ids).size === ids.length, 'it names one key twice');
}

/** Commitment, slots and signatures of an amendment's bytes. */
async function decode(bytes) {
  const r = new Reader(bytes), template = await builtIn('amendment');
  need(bytes.length <= AMENDMENT_MAX, 'an amendment that is too long');
  need(r.u16() === 1, 'a version not known here');
  const forum = r.take(32), templateId = textOf(r.vec(40), 'id of a template'), templateHash = r.take(32);
  const recordId = r.take(16), nSlots = r.u8();
  need(nSlots === template.nSlots && templateId === 'amendment' && equal(templateHash, template.hash),
    'not the slots of an amendment');
  const rows = r.sub(RECORD_MAX), slots = [];
  for (let i = 0; i < nSlots; i++)
    slots.push({ kind: rows.u8(), value: rows.vec(VALUE_MAX) });
  rows.end();
  const secret = r.take(32), sigs = r.sub(AMENDMENT_MAX), signatures = [];
  r.end();
  while (sigs.more) {
    const place = sigs.u8();
    need((place & ~NEW) < PARTIES_MAX && (signatures.length === 0 || place > signatures.at(-1).place),
      'signatures are in the order of the parties, each once');
    signatures.push({ place, signature: sigs.take(64) });
  }
  const ctx = await headerHash(forum, templateId, templateHash, recordId, nSlots), leaves = new Map();
  for (const [i, s] of slots.entries()) {
    checkSlot(template, i, s.kind, s.value);
    need((s.kind === 1) === SLOTS.includes(i), 'not the fields of an amendment');
    leaves.set(i, await fieldLeaf(ctx, i, await saltOf(ctx, secret, i), s.kind, template.slot(i), s.value));
  }
  need(textOf(slots[1].value, 'kind') === 'amendment', "the kind is not the template's id");
  const author = readAuthor(slots[0].value);
  need(author.letter.every((b) => b === 0), 'its author is no root');
  return { forum, author, number: toBig(slots[8].value), previous: slots[9].value, body: slots[10].value, signatures,
    commitment: await commitmentOf(ctx, await openingsRoot(nSlots, leaves, new Uint8Array(0))) };
}

async function checkSignatures(am, charter, changes) {
  const replaced = new Map(changes.filter((x) => x.replaces).map((x) => [x.party, x.root]));
  const signed = new Set();
  for (const { place, signature } of am.signatures) {
    const party = place & ~NEW, key = place & NEW ? replaced.get(party) : charter.parties[party] && charter.parties[party].root;
    need(key, 'a signature of no party');
    await needSignature(key, 'amendment', concat(am.forum, am.commitment), signature,
      'the signature of party ' + (party + 1) + ' does not hold');
    signed.add(place);
  }
  for (const p of charter.parties) {
    // Where a successor was announced, the root before need not sign: it is lost, or speaks for a thief.
    const spared = replaced.has(p.place) && p.successor !== null;
    need(signed.has(p.place) || spared, 'party ' + (p.place + 1) + ' of the charter (' + p.name + ') has not signed it');
    need(!replaced.has(p.place) || signed.has(NEW | p.place),
      'the new root of party ' + (p.place + 1) + ' (' + p.name + ') has not signed it');
  }
}

async function check(am, charter) {
  const before = charter.amendments.at(-1), n = charter.amendments.length;
  need(equal(am.forum, charter.forum), 'it is of another forum');
  const author = charter.partyById(am.author.party);
  need(author, 'its author is no party of the charter');
  need(n < AMENDMENTS_MAX, 'a charter has at most ' + AMENDMENTS_MAX + ' amendments');
  need(am.number === BigInt(n + 1), 'it is number ' + am.number + ', and the next one is number ' + (n + 1));
  need(equal(am.previous, before ? before.commitment : charter.forum),
    'it does not follow the charter and the amendments that are here');
  const r = new Reader(am.body), version = r.u16();
  need(version === 1 || version === 2, 'it changes what is not known to this version');
  const lastSize = r.u64(), lastRoot = r.take(32);
  const register = version === 1 ? await readRegister(r, charter.parties.length) : null;
  const changes = version === 2 ? await readChanges(r, charter) : [];
  r.end();
  need(!before || lastSize >= before.lastSize, 'it ends the register below the size that the amendment before says is good');
  need(lastSize <= SIZE_MAX, "a register's size");
  need((lastSize === 0n) === equal(lastRoot, await emptyRoot()), 'its last good root is not that of its last good size');
  const own = changes.find((x) => x.replaces && x.party === author.place);
  need(equal(am.author.key, author.root) || (own && equal(am.author.key, own.root)),
    "its author's key is no root of that party");
  if (register)
    need(!charter.registers.some((x) => x.key.equals(register.key) || x.origin === register.origin),
      'its register is one that the forum had before');
  else
    checkChanges(changes, charter);
  await checkSignatures(am, charter, changes);
  return { lastSize, lastRoot, register, changes };
}

function take(charter, am, { lastSize, lastRoot, register, changes }) {
  const number = charter.amendments.length + 1, replaced = [];
  if (register) {
    charter.register.end = { size: lastSize, root: lastRoot, amendment: number };
    charter.registers.push(register);
  }
  for (const x of changes) {
    const p = charter.parties[x.party];
    if (x.replaces) {
      replaced.push(p.name);
      Object.assign(p.roots.at(-1), { to: lastSize, endedBy: number });
      p.roots.push({ root: x.root, id: x.id, from: lastSize, to: null, endedBy: 0 });
      p.root = x.root;
    }
    p.successor = x.successor;
  }
  charter.amendments.push({ commitment: am.commitment, lastSize, roots: register ? null : replaced });
}

/** Make of the charter what its next amendment does. known: one that it has already changes nothing. */
export async function amend(charter, bytes, known = false) {
  try {
    const am = await decode(bytes);
    if (known && charter.amendments.some((x) => equal(x.commitment, am.commitment)))
      return;
    take(charter, am, await check(am, charter));
  } catch (e) {
    if (e instanceof Refused)
      throw new Refused('amendment ' + (charter.amendments.length + 1) + ': ' + e.message);
    throw e;
  }
}
