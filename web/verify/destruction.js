// verify/destruction.js - proof that a record went by its own rule: what is left of it, and who says that it is gone.
//
// Source: docs/protocol-record.md "Destroyed by rule".

import { Reader, Refused, concat, equal, hex, need, toNumber, u64, within } from './bytes.js';
import { AMENDMENTS_MAX, AMENDMENT_MAX } from './amendment.js';
import { CHARTER_MAX } from './charter.js';
import { FIRST, LATER, NONE, STATE_ATTESTED, STATE_NONE, STATE_NOT_LATER, TLOG_PROOF_MAX, checkEntry } from './entry.js';
import { DESTROY_AFTER, SLOT_NUMBERS, checkSlot, commitmentOf, fieldLeaf, openingsRoot, readOpened,
  sealOf } from './fieldtree.js';
import { needSignature } from './hash.js';
import { LETTERS_MAX, checkLetter } from './letter.js';
import { PROOF_MAX, readWhole, splitAmendments, startsWith, unarmor } from './proof.js';
import { builtIn } from './template.js';
import { DAY, spanText, timeText } from './time.js';

const MAGIC = 'detente destruction 1\n', TRACE_MAX = 512, WORDS_MAX = 64, WORD_LENGTH = 169;

export function isDestruction(file) {
  return startsWith(file, MAGIC);
}

/** {after, key, commitment, seal}: slot 7 leads to a commitment that its author signed. */
async function readTrace(bytes, forum) {
  const r = new Reader(bytes), version = r.u8(), nSlots = r.u8();
  need(version === 1 && SLOT_NUMBERS.includes(nSlots), 'a record has 16, 32 or 64 slots');
  const ctx = r.take(32), salt = r.take(32), after = r.u64(), path = r.take(32 * Math.log2(nSlots));
  const key = r.take(32), signature = r.take(64);
  r.end();
  // Of any template: the slot is one of the envelope, and is the same everywhere.
  const template = await builtIn('receipt'), value = u64(after);
  checkSlot(template, DESTROY_AFTER, 1, value);
  const leaf = await fieldLeaf(ctx, DESTROY_AFTER, salt, 1, template.slot(DESTROY_AFTER), value);
  const commitment = await commitmentOf(ctx, await openingsRoot(nSlots, new Map([[DESTROY_AFTER, leaf]]), path));
  await needSignature(key, 'record', concat(forum, commitment), signature, "the author's signature does not hold");
  return { after: toNumber(value), key, commitment, seal: await sealOf(commitment, key, signature) };
}

async function readLetters(r, charter) {
  const out = [];
  while (r.more)
    await within('letter ' + (out.length + 1), async () => {
      need(out.length < LETTERS_MAX, 'more than ' + LETTERS_MAX + ' letters');
      const l = await checkLetter(charter, readOpened(r, false));
      need(!out.some((x) => equal(x.hash, l.hash)), 'a second time');
      out.push(l);
    });
  return out;
}

/** The author's letter, and when the record was entered. */
async function checkAuthor(v, letters, how, text) {
  const l = letters.find((x) => equal(x.key, v.trace.key));
  need(l, 'the letter of credence of its author is not in the file');
  l.used = true;
  v.party = l.party;
  need(l.rights.includes('record') || l.rights.includes('consent'),
    "its author's letter of credence does not give the right to make it");
  need([NONE, FIRST, LATER].includes(how) && (how === NONE) === (text.length === 0), 'how its entry is shown');
  if (text.length > 0) {
    const e = await within('its register entry', () => checkEntry(v.charter, text, v.trace.seal, l.party.place, how));
    Object.assign(v, { state: e.state, entry: e.index, ms: e.ms });
  }
  need(l.root.to === null || ((v.state === STATE_ATTESTED || v.state === STATE_NOT_LATER) && v.entry < l.root.to),
    'amendment ' + l.root.endedBy + " replaced the root that signed its author's letter of credence, and it is not shown " +
    'to be attested among the first ' + l.root.to + ' entries');
  need(v.ms === 0 || (v.ms >= l.notBefore && v.ms <= l.notAfter),
    "its author's letter of credence was not valid at that time");
}

async function checkWord(v, letters, bytes) {
  const r = new Reader(bytes);
  need(r.u8() === 1, 'a version not known here');
  const forum = r.take(32), commitment = r.take(32), hash = r.take(32), when = Number(r.u64());
  const body = bytes.subarray(0, r.at), signature = r.take(64);
  r.end();
  need(equal(forum, v.charter.forum) && equal(commitment, v.trace.commitment), 'it is about another record');
  const l = letters.find((x) => equal(x.hash, hash));
  need(l, 'the letter of credence of who says so is not in the file');
  await needSignature(l.key, 'destroyed', body, signature, 'the signature does not hold');
  need(when >= l.notBefore && when <= l.notAfter, 'the letter of credence of who says so was not valid then');
  l.used = true;
  // The record cannot have come before it was made; the entry may be late by days.
  const early = v.state === STATE_ATTESTED && when + DAY < v.ms;
  v.words.push({ party: l.party, when });
  return 'destroyed: a delegate of ' + l.party.name + ' says so, of ' + timeText(when) +
    (early ? ', before the record was entered' : l.root.to !== null ? ', under a letter of a root that was replaced' : '');
}

function timeLine(v) {
  if (v.state === STATE_NONE)
    return 'time: no register entry is shown';
  if (v.ms === 0)
    return 'time: entry ' + v.entry + "; no other party's witness cosigned it";
  return 'time: entry ' + v.entry + ', ' + (v.state === STATE_ATTESTED ? '' : 'not later than ') + timeText(v.ms);
}

async function verify(file, given) {
  const r = new Reader(unarmor(MAGIC, file)), v = { state: STATE_NONE, entry: null, ms: 0, words: [] };
  need(r.u16() === 1, 'a version not known here');
  const charterBytes = r.vec(CHARTER_MAX), amendments = r.vec(AMENDMENTS_MAX * (AMENDMENT_MAX + 4));
  const trace = r.vec(TRACE_MAX), how = String.fromCharCode(...r.take(4)), text = r.vec(TLOG_PROOF_MAX);
  const letterList = r.sub(PROOF_MAX), words = r.sub(PROOF_MAX);
  r.end();
  v.charter = await readWhole(charterBytes, splitAmendments(amendments), given.amendments);
  need(!given.forum || equal(given.forum, v.charter.forum), 'it is of another forum than the one asked for');
  const letters = await readLetters(letterList, v.charter);
  v.trace = await within('what is left of a record', () => readTrace(trace, v.charter.forum));
  await checkAuthor(v, letters, how, text);
  const lines = ['forum: ' + hex(v.charter.forum),
    'record: one of ' + v.party.name + ', with the rule to be destroyed after ' + spanText(v.trace.after), timeLine(v)];
  while (words.more)
    await within('word ' + (v.words.length + 1), async () => {
      need(v.words.length < WORDS_MAX, 'more than ' + WORDS_MAX + ' say so');
      lines.push(await checkWord(v, letters, words.vec(WORD_LENGTH)));
    });
  for (const [i, l] of letters.entries())
    need(l.used, 'letter ' + (i + 1) + ': of nobody in the file');
  lines.push('shown is that there was a record and by which rule it went; not what it said, nor of what kind it was');
  v.findings = lines.map((x) => x + '\n').join('');
  v.verdict = given.forum ? 'verified' : 'consistent, but whose?';
  return v;
}

/** As verifyProof(): key words do not help here, only the forum id does. */
export async function verifyDestruction(file, given) {
  try {
    return await verify(file, { nowMs: Date.now(), ...given });
  } catch (e) {
    if (e instanceof Refused)
      return { verdict: 'refused', reason: e.message, destruction: true };
    throw e;
  }
}
