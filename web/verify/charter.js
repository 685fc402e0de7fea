// verify/charter.js - charters: the parties and their roots, the register and who vouches for it.
//
// Source: docs/protocol-record.md "Charter". What amendments make of one is amendment.js's.

import { Reader, bytesOf, compareBytes, equal, hex, isLine, need, textOf, within } from './bytes.js';
import { labelHash, needSignature, usableKey } from './hash.js';
import { KEY_COSIGNATURE, KEY_NOTE, parseKey } from './note.js';
import { parsePolicy } from './policy.js';
import { checkRule, readCadence, readLineRule, successorOf } from './rules.js';
import { TIME_MAX } from './time.js';

export const PARTIES_MAX = 16, CHARTER_MAX = 64 << 10;
const RELAYS_MAX = 8, WITNESSES_MAX = 32, RULES_MAX = 16, TITLE_MAX = 200, NAME_MAX = 120, URL_MAX = 500, RULE_MAX = 200;
const VKEY_MAX = 4096, ORIGIN_MAX = 255;

function asciiLower(text) {
  return text.replace(/[A-Z]/g, (c) => c.toLowerCase());
}

/** A line of 1 to max bytes without control characters, as text. */
function line(b, max, what) {
  need(b.length > 0 && b.length <= max && isLine(b), what + ' is one line');
  return textOf(b, what);
}

/** Where the register is and who vouches for it: the part that an amendment replaces whole. */
export async function readRegister(r, nParties) {
  const relays = [], witnesses = [];
  const list = r.sub(CHARTER_MAX), origin = r.vec(ORIGIN_MAX), vkey = r.vec(VKEY_MAX), path = r.vec(URL_MAX);
  const rows = r.sub(CHARTER_MAX), attested = r.u8(), final = r.u8();
  while (list.more)
    relays.push(line(list.vec(URL_MAX), URL_MAX, 'the address of a relay'));
  need(relays.length >= 1 && relays.length <= RELAYS_MAX, 'a charter has 1 to ' + RELAYS_MAX + ' relays');
  const key = await within('register key', () => parseKey(textOf(vkey, 'key')));
  need(key.type === KEY_NOTE && equal(origin, bytesOf(key.name)), "the register's key is a log key named like its origin");
  need(isLine(path), "the register's path is one line");
  while (rows.more) {
    need(witnesses.length < WITNESSES_MAX, 'more than ' + WITNESSES_MAX + ' witnesses');
    const n = witnesses.length + 1, party = rows.u8(), text = rows.vec(VKEY_MAX);
    need(party < nParties, 'witness ' + n + ' is of no party');
    const w = await within('witness ' + n, () => parseKey(textOf(text, 'key')));
    need(w.type === KEY_COSIGNATURE, 'witness ' + n + ": not a witness's key");
    need(!equal(w.pub, key.pub), 'witness ' + n + " has the register's key");
    need(!witnesses.some((x) => equal(x.key.pub, w.pub)), 'witness ' + n + ' has the key of another one');
    witnesses.push({ party, key: w });
  }
  const groups = new Set(witnesses.map((w) => w.party)).size;
  need(attested <= groups && (attested > 0 || groups === 0) && final <= groups && (final === 0 || final >= attested),
    'the quorums do not fit ' + groups + ' groups of witnesses');
  return { relays, origin: key.name, key, path: textOf(path, 'path'), witnesses, attested, final };
}

// ---- policy

function safe(name) {
  return asciiLower(name).replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

/** "g1-name"; a name of which nothing is left gives "g1". */
function nodeName(letter, number, party) {
  const s = safe(party);
  return letter + number + (s === '' ? '' : '-' + s);
}

/** The policy that a charter's register stands for: what attested takes. */
export function policyText(register, parties) {
  let out = 'log ' + register.key + '\n';
  const groups = [];
  for (const [i, w] of register.witnesses.entries())
    out += 'witness ' + nodeName('w', i + 1, parties[w.party].name) + ' ' + w.key + '\n';
  for (const [p, party] of parties.entries()) {
    const own = register.witnesses.flatMap((w, i) => (w.party === p ? [nodeName('w', i + 1, party.name)] : []));
    if (own.length === 0)
      continue;
    groups.push(nodeName('g', p + 1, party.name));
    out += 'group ' + groups.at(-1) + ' any ' + own.join(' ') + '\n';
  }
  if (groups.length === 0)
    return out + 'quorum none\n';
  return out + 'group sides ' + register.attested + ' ' + groups.join(' ') + '\nquorum sides\n';
}

export async function registerPolicy(register, parties) {
  return parsePolicy(policyText(register, parties));
}

/** The side of a policy that a party's witnesses belong to; -1: it has none. */
export function sideOfParty(register, policy, party) {
  const w = register.witnesses.find((x) => x.party === party);
  return w ? policy.sideOf(policy.nodes.findIndex((n) => n.key && n.key.equals(w.key))) : -1;
}

// ---- the charter

export class Charter {
  partyById(id) {
    return this.parties.find((p) => equal(p.id, id)) || null;
  }

  rule(name) {
    return this.rules.get(name);
  }

  /** {k, period (ms)} that the charter promises for each party, or null. */
  cadence() {
    return this.rules.has('cadence') ? readCadence(this.rules.get('cadence')) : null;
  }

  /** ms between two line tests, or null. */
  lineTests() {
    return this.rules.has('line_test') ? readLineRule(this.rules.get('line_test')) : null;
  }

  /** The register in force. */
  get register() {
    return this.registers.at(-1);
  }
}

async function readParties(r) {
  const parties = [];
  while (r.more) {
    const place = parties.length, what = 'party ' + (place + 1);
    need(place < PARTIES_MAX, 'more than ' + PARTIES_MAX + ' parties');
    const root = r.take(32), kind = r.u8(), name = line(r.vec(NAME_MAX), NAME_MAX, what + ': its name');
    need(kind >= 1 && kind <= 3, what + ': no such kind of party');
    need(name !== 'both' && name !== 'mediator', what + ': a name that is taken');
    need(usableKey(root), what + ': not an Ed25519 public key');
    need(!parties.some((p) => equal(p.root, root)), what + ' has the root of another one');
    need(!parties.some((p) => asciiLower(p.name) === asciiLower(name)), what + ' has the name of another one');
    const id = await labelHash('root', root);
    parties.push({ place, kind, name, root, id, successor: null, vouched: false,
      roots: [{ root, id, from: 0n, to: null, endedBy: 0 }] }); // each root and the entries for which its letters count
  }
  need(parties.length >= 2, 'a charter has 2 to ' + PARTIES_MAX + ' parties');
  return parties;
}

function readRules(r) {
  const rules = new Map();
  let last = null;
  while (r.more) {
    need(rules.size < RULES_MAX, 'more than ' + RULES_MAX + ' rules');
    const name = r.vec(RULE_MAX), value = r.vec(RULE_MAX);
    need(last === null || compareBytes(last, name) < 0, 'the rules are not sorted by name, each once');
    last = name;
    checkRule(textOf(name, 'rule'), textOf(value, 'rule'));
    rules.set(textOf(name, 'rule'), textOf(value, 'rule'));
  }
  return rules;
}

/** Does any party have this root id, or had it, or is another one than place to have it? */
export function rootTaken(charter, id, place) {
  return charter.parties.some((p) => p.roots.some((x) => equal(x.id, id)) ||
    (p.place !== place && p.successor !== null && equal(p.successor, id)));
}

function takeSuccessors(c) {
  for (const [name, value] of c.rules) {
    const s = successorOf(name, value);
    if (s === null)
      continue;
    need(s.party < c.parties.length, 'a successor is announced for no party');
    need(!rootTaken(c, s.id, s.party), 'a successor is, or is to be, the root of a party');
    c.parties[s.party].successor = s.id;
  }
}

/** A charter that every root has signed. */
export async function readCharter(bytes) {
  const c = new Charter(), r = new Reader(bytes);
  need(bytes.length <= CHARTER_MAX, 'a charter that is too long');
  need(r.u16() === 1, 'a version not known here');
  const title = r.vec(TITLE_MAX);
  r.take(16);
  const created = r.u64();
  c.title = line(title, TITLE_MAX, "a charter's title");
  need(created <= BigInt(TIME_MAX), "a charter's date");
  c.parties = await readParties(r.sub(CHARTER_MAX));
  c.registers = [await readRegister(r, c.parties.length)];
  c.rules = readRules(r.sub(CHARTER_MAX));
  takeSuccessors(c);
  const body = bytes.subarray(0, r.at), sigs = r.sub(CHARTER_MAX);
  r.end();
  for (const p of c.parties) {
    need(sigs.more, 'party ' + (p.place + 1) + ' of the charter (' + p.name + ') has not signed it');
    need(sigs.u8() === p.place, 'the signatures are not those of all parties, in their order');
    await needSignature(p.root, 'charter signature', body, sigs.take(64),
      'the signature of party ' + (p.place + 1) + ' does not hold');
  }
  sigs.end();
  c.forum = await labelHash('charter', body);
  c.amendments = []; // of each {commitment, lastSize, roots: names of the parties whose roots it replaced, or null}
  return c;
}

export function forumText(charter) {
  return hex(charter.forum);
}
