// verify/proof.js - a proof file checked from end to end.
//
// Source: docs/protocol-record.md "Proof file". Order: text and structure; charter and whose it is; letters;
// revocations; the opened records, each with its entry; then what the answers and consents make of the subject
// (decide.js), and that in words (say.js). The first thing that does not hold ends it, with its place and reason.

import { Reader, Refused, bytesOf, concat, equal, fromBase64, hex, need, textOf, within } from './bytes.js';
import { AMENDMENTS_MAX, AMENDMENT_MAX, amend } from './amendment.js';
import { CHARTER_MAX, readCharter } from './charter.js';
import { decide } from './decide.js';
import { FIRST, LATER, NONE, STATE_NONE, TLOG_PROOF_MAX, checkEntry } from './entry.js';
import { checkOpened, checkTreeSignature, openedFields, readOpened, sealOf } from './fieldtree.js';
import { LETTERS_MAX, REVOCATIONS_MAX, REVOCATION_MAX, checkLetter, checkRevocation } from './letter.js';
import { sayAll, standingText } from './say.js';
import { TEMPLATE_MAX, builtIn, isBuiltIn, knownTemplate, readTemplate } from './template.js';
import { valueText } from './value.js';

const MAGIC = 'detente proof 1\n', LINE = 76;
export const PROOF_FILE_MAX = 12 << 20, PROOF_MAX = 8 << 20;
const AMENDMENTS_BYTES_MAX = AMENDMENTS_MAX * (AMENDMENT_MAX + 4), TEMPLATES_MAX = 16, ITEMS_MAX = 256;

export const REFUSED = 'refused', VERIFIED = 'verified', WITHOUT_CONSENT = 'opened without consent',
  WHOSE = 'consistent, but whose?', ROOT_UNCHECKED = 'claimed by the charter, root not checked';

/** Does a file begin as this one does? */
export function startsWith(file, text) {
  const b = bytesOf(text);
  return file.length >= b.length && equal(file.subarray(0, b.length), b);
}

export function isProof(file) {
  return startsWith(file, MAGIC);
}

/** The bytes that a file holds as base64 behind its first line. */
export function unarmor(magic, file) {
  need(file.length <= PROOF_FILE_MAX, 'a proof file has at most ' + PROOF_FILE_MAX + ' bytes');
  need(startsWith(file, magic), 'line 1: not a proof file (or of a version not known here)');
  const rest = file.subarray(magic.length);
  need(rest.length > 0 && rest.at(-1) === 10, 'the last line of the file does not end: it is cut off');
  const lines = textOf(rest.subarray(0, -1), 'the file').split('\n'), parts = [];
  for (const [i, line] of lines.entries()) {
    const last = i + 1 === lines.length, where = 'line ' + (i + 2);
    need(line.length > 0 && line.length <= LINE && (last || line.length === LINE), where + ': not a whole line of a proof');
    const b = fromBase64(line, where);
    need(last || b.length === LINE / 4 * 3, where + ': padding before the end');
    parts.push(b);
  }
  const out = concat(...parts);
  need(out.length <= PROOF_MAX, 'a proof that is too large');
  return out;
}

// ---- structure

function list(r, max, what, read) {
  const out = [];
  while (r.more) {
    need(out.length < max, 'more than ' + max + ' ' + what + 's');
    out.push(read(r, out.length));
  }
  return out;
}

function readItem(r, paths) {
  const tree = readOpened(r, paths), entry = String.fromCharCode(...r.take(4)), text = r.vec(TLOG_PROOF_MAX);
  need([NONE, FIRST, LATER].includes(entry) && (entry === NONE) === (text.length === 0), 'how its entry is shown');
  return { tree, entry, text };
}

function readParts(bytes) {
  const r = new Reader(bytes), version = r.u16(), paths = version === 1;
  need(version >= 1 && version <= 3, 'a version not known here');
  const charter = r.vec(CHARTER_MAX), amendments = version === 3 ? r.vec(AMENDMENTS_BYTES_MAX) : new Uint8Array(0);
  need(version !== 3 || amendments.length > 0, 'no amendments, where there have to be some');
  const [templates, letters, revocations, items] = [1, 2, 3, 4].map(() => r.sub(PROOF_MAX));
  r.end();
  const parts = { charter, amendments: splitAmendments(amendments),
    templates: list(templates, TEMPLATES_MAX, 'template', (q) => q.vec(TEMPLATE_MAX)),
    letters: list(letters, LETTERS_MAX, 'letter', (q) => readOpened(q, paths)),
    revocations: list(revocations, REVOCATIONS_MAX, 'revocation',
      (q) => ({ bytes: q.vec(REVOCATION_MAX), text: q.vec(TLOG_PROOF_MAX) })),
    items: list(items, ITEMS_MAX, 'record', (q) => readItem(q, paths)) };
  need(parts.items.length > 0, 'no record is opened');
  return parts;
}

export function splitAmendments(bytes) {
  return list(new Reader(bytes), AMENDMENTS_MAX, 'amendment', (q) => q.vec(AMENDMENT_MAX));
}

// ---- whose it is

/** The charter with its amendments, those of the file and then others that are known (bytes each). */
export async function readWhole(charterBytes, amendments, known = []) {
  const charter = await within('charter', () => readCharter(charterBytes));
  for (const b of amendments)
    await amend(charter, b);
  for (const b of known)
    await amend(charter, b, true);
  return charter;
}

/** Which roots are vouched for: all by the forum id, else those that key words (88 bits each) name. */
export function vouch(charter, forum, words) {
  need(!forum || equal(forum, charter.forum), 'the charter in the file is not that of the forum asked for');
  for (const p of charter.parties)
    p.vouched = !!forum;
  for (const w of words) {
    const named = charter.parties.filter((p) => equal(w, p.id.subarray(0, 11)) ||
      equal(w, p.roots.at(-1).id.subarray(0, 11)));
    need(named.length > 0, 'no root of the charter in the file has the key words given');
    for (const p of named)
      p.vouched = true;
  }
}

// ---- templates and records

async function readTemplates(rows) {
  const out = [];
  for (const [i, bytes] of rows.entries())
    await within('template ' + (i + 1), async () => {
      const t = await readTemplate(bytes);
      need(!out.some((x) => equal(x.hash, t.hash)), 'a second time');
      need(!isBuiltIn(t.id), 'in the place of a built-in one');
      t.used = false;
      out.push(t);
    });
  return out;
}

async function findTemplate(templates, tree) {
  const carried = templates.find((t) => equal(t.hash, tree.templateHash));
  if (carried) {
    carried.used = true;
    return carried;
  }
  need(isBuiltIn(tree.templateId), 'its template is not in the file');
  const t = await builtIn(tree.templateId);
  need(equal(t.hash, tree.templateHash), 'a built-in template in a version not known here');
  return t;
}

/** Where the slot of an answer's own words is; 0: it has none. */
export const WORDS_SLOT = { answer: 9, countersign: 9, withdraw: 9, dispute: 11 };
const ANSWERS = ['receipt', 'countersign', 'answer', 'dispute', 'withdraw', 'consent'];

/** May an answer in a proof open just these slots? Its words by right of reply; nothing of its envelope. */
function answerMayOpen(tree) {
  const opened = openedFields(tree), words = WORDS_SLOT[tree.template.id], bare = opened.filter((i) => i !== words);
  const onlyAbout = bare.length === 1 && bare[0] === 8, whole = tree.template.whole();
  if (tree.template.id !== 'dispute' && tree.template.id !== 'consent')
    return onlyAbout;
  return (tree.template.id === 'dispute' && onlyAbout) ||
    (opened.length === whole.length && whole.every((i) => opened.includes(i)));
}

function checkLetterOf(r, letters, nowMs) {
  const l = letters.find((x) => equal(x.hash, r.tree.author.letter)), at = r.ms !== 0 ? r.ms : nowMs;
  need(l, 'the letter of credence of its author is not in the file');
  l.used = true;
  need(l.party === r.party && equal(l.key, r.tree.author.key), 'its author is not the delegate of the letter it names');
  need(l.rights.includes(r.answer === 'consent' ? 'consent' : 'record'),
    "its author's letter of credence does not give the right to make it");
  // Where its root was replaced, only a place in the register can say so, and one that a quorum cosigned.
  need(l.root.to === null || (r.firm && r.entry < l.root.to), 'amendment ' + l.root.endedBy +
    " replaced the root that signed its author's letter of credence, and it is not shown to be attested among the first " +
    l.root.to + ' entries');
  need(r.state === STATE_NONE || r.entry >= l.root.from,
    "its author's letter of credence is of a root whose letters count from entry " + l.root.from + ' on');
  need(at >= l.notBefore, "its author's letter of credence was not yet valid at that time");
  need(at <= l.notAfter, r.ms !== 0 ? "its author's letter of credence had ended at that time" :
    "its author's letter of credence has ended, and no entry shows that it was made before");
  need(!l.revoked || (r.ms !== 0 && l.revoked.ms > r.ms && l.revoked.entry >= r.entry),
    "its author's letter of credence was revoked, and it is not shown to be from before that");
  Object.assign(r, { name: l.name, title: l.title, revoked: l.revoked });
}

async function readRecord(c, item, place) {
  const t = item.tree, r = { tree: t, state: STATE_NONE, entry: null, ms: 0, apart: 0, endedBy: 0, firm: false, seal: null };
  need(t.templateId !== 'letter', 'a letter is no record');
  await checkOpened(t, await findTemplate(c.templates, t), c.charter.forum);
  await checkTreeSignature(t, 'record', c.charter.forum);
  need(equal(t.author.key, t.key), 'the author it names is not the key that signed');
  r.party = c.charter.partyById(t.author.party);
  need(r.party, "its author's party is none of the charter's");
  r.answer = ANSWERS.includes(t.templateId) ? t.templateId : null;
  const known = knownTemplate(t.template);
  r.templateKnown = known === undefined ? c.charter.rule('template.' + t.templateId) === hex(t.templateHash) : known;
  if (place > 0) {
    need(r.answer === null || answerMayOpen(t), 'an answer that does not open what it has to, or more');
    need(r.answer !== null && equal(t.slots.get(8), c.records[0].tree.commitment),
      'no answer to the record that the file is about');
  }
  if (item.text.length > 0) {
    r.seal = await sealOf(t.commitment, t.key, t.signature);
    const e = await within('its register entry', () => checkEntry(c.charter, item.text, r.seal, r.party.place, item.entry));
    Object.assign(r, { state: e.state, entry: e.index, ms: e.ms, apart: e.apart, endedBy: e.endedBy, firm: e.firm });
  }
  checkLetterOf(r, c.letters, c.nowMs);
  return r;
}

// ---- all of it

async function verifyFile(file, given) {
  const parts = readParts(unarmor(MAGIC, file)), words = given.rootWords || [];
  const c = { nowMs: given.nowMs, letters: [], records: [] };
  c.charter = await readWhole(parts.charter, parts.amendments, given.amendments);
  vouch(c.charter, given.forum, words);
  c.templates = await readTemplates(parts.templates);
  for (const [i, t] of parts.letters.entries())
    await within('letter ' + (i + 1), async () => {
      const l = await checkLetter(c.charter, t);
      need(!c.letters.some((x) => equal(x.hash, l.hash)), 'a second time');
      c.letters.push(l);
    });
  for (const [i, v] of parts.revocations.entries())
    await within('revocation ' + (i + 1), () => checkRevocation(c.charter, c.letters, v.bytes, v.text));
  for (const [i, item] of parts.items.entries())
    await within('record ' + (i + 1) + ' (' + (i === 0 ? 'the one opened' : item.tree.templateId) + ')', async () => {
      const r = await readRecord(c, item, i);
      need(!c.records.some((x) => equal(x.tree.commitment, r.tree.commitment)), 'a second time');
      c.records.push(r);
      if (given.progress)
        given.progress(i + 1, parts.items.length);
    });
  for (const [i, l] of c.letters.entries())
    need(l.used, 'letter ' + (i + 1) + ': of nobody in the file');
  for (const [i, t] of c.templates.entries())
    need(t.used, 'template ' + (i + 1) + ': of nothing in the file');
  return { charter: c.charter, records: c.records, ...decide(c.charter, c.records, given) };
}

function fieldTexts(v) {
  const t = v.records[0].tree, out = {};
  for (const i of t.template.whole())
    if (t.slots.has(i))
      out[t.template.slot(i).name] = t.slots.get(i) === null ? null : valueText(t.template.slot(i), t.slots.get(i), v.charter);
  return out;
}

/**
 * Verify the bytes of a proof file. given: {forum (32 bytes) or none, rootWords (11 bytes each), amendments (bytes each),
 * audience, nowMs, progress(done, of)}. What comes back has a verdict; when it is 'refused' a reason and nothing else,
 * for nothing of a refused file is given on.
 */
export async function verifyProof(file, given) {
  try {
    const v = await verifyFile(file, { nowMs: Date.now(), ...given });
    v.standing = standingText(v);
    v.findings = sayAll(v);
    v.fields = fieldTexts(v);
    return v;
  } catch (e) {
    if (e instanceof Refused)
      return { verdict: REFUSED, reason: e.message };
    throw e;
  }
}

