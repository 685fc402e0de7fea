// verify/note.js - keys, signed notes, checkpoints and cosignatures.
//
// Source: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature; docs/protocol-register.md "Keys" to "Cosignatures".

import { Refused, base64, bytesOf, concat, decimal, equal, fromBase64, hex, need, textOf, toBig, u8 } from './bytes.js';
import { edVerify, sha256, usableKey } from './hash.js';

export const KEY_NOTE = 1, KEY_COSIGNATURE = 4;

const NAME_MAX = 255, VKEY_MAX = 512, NOTE_MAX = 256 << 10, LINES_MAX = 100, SIGNATURE_MIN = 5;
const TIME_MAX = (1n << 63n) - 1n;
// The characters that c2sp.org/signed-note calls Unicode spaces (property White_Space), controls, and the plus.
// eslint-disable-next-line no-control-regex
const NOT_IN_NAME = /[\u0000-\u0020+\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function nameFits(name) {
  return name !== '' && !NOT_IN_NAME.test(name);
}

export class Key {
  constructor(name, type, pub, id) {
    this.name = name;
    this.type = type;
    this.pub = pub;
    this.id = id;
  }

  equals(other) {
    return this.type === other.type && this.id === other.id && this.name === other.name && equal(this.pub, other.pub);
  }

  toString() {
    return this.name + '+' + this.id + '+' + base64(concat(u8(this.type), this.pub));
  }
}

/** Key of a name, a type and a public key. */
export async function makeKey(name, type, pub) {
  need(nameFits(name) && bytesOf(name).length <= NAME_MAX, 'not usable as the name of a key');
  need(type === KEY_NOTE || type === KEY_COSIGNATURE, 'a key of a type that is not known here');
  need(usableKey(pub), 'not an Ed25519 public key');
  const id = (await sha256(bytesOf(name), u8(10), u8(type), pub)).subarray(0, 4);
  return new Key(name, type, pub, hex(id));
}

/** "name+hhhhhhhh+base64(type || key)": split at the first and the second '+', base64 may hold more of them. */
export async function parseKey(text) {
  need(bytesOf(text).length <= VKEY_MAX, 'a key that is too long');
  const first = text.indexOf('+'), second = text.indexOf('+', first + 1);
  need(first >= 0 && second >= 0, 'a key has the form name+id+base64');
  const id = text.slice(first + 1, second), raw = fromBase64(text.slice(second + 1), 'key');
  need(/^[0-9a-f]{8}$/.test(id), 'the id of a key is 8 lower-case hex digits');
  need(raw.length > 0 && (raw[0] === KEY_NOTE || raw[0] === KEY_COSIGNATURE), 'a key of a type that is not known here');
  need(raw.length === 33, 'an Ed25519 key has 32 bytes');
  const key = await makeKey(text.slice(0, first), raw[0], raw.slice(1));
  need(key.id === id, 'the id of a key does not fit its name and public key');
  return key;
}

// ---- notes

/** No byte below 0x20 but line feeds, and valid UTF-8; the text. */
function clean(bytes, what) {
  for (const b of bytes)
    need(b >= 0x20 || b === 10, what + ' holds a control character');
  return textOf(bytes, what);
}

/** Signature lines, each with its line feed. */
export function parseLines(bytes) {
  const text = clean(bytes, 'a note'), sigs = [];
  need(text.endsWith('\n'), 'the last signature line has no line feed');
  for (const line of text.slice(0, -1).split('\n')) {
    need(sigs.length < LINES_MAX, 'more than ' + LINES_MAX + ' signature lines');
    const at = line.indexOf(' ', 2);
    need(line.startsWith('\u2014 ') && at > 0 && nameFits(line.slice(2, at)), 'a signature line has not the form of one');
    const raw = fromBase64(line.slice(at + 1), 'signature line');
    need(raw.length >= SIGNATURE_MIN, 'a signature that is too short');
    sigs.push({ line, name: line.slice(2, at), id: hex(raw.subarray(0, 4)), sig: raw.subarray(4) });
  }
  return sigs;
}

/** {bytes, text (bytes up to the empty line), sigs}: text and signatures part at the last empty line. */
export function parseNote(bytes) {
  need(bytes.length <= NOTE_MAX, 'a note that is too long');
  clean(bytes, 'a note');
  let at = bytes.length;
  while (at >= 2 && !(bytes[at - 1] === 10 && bytes[at - 2] === 10))
    at--;
  need(at >= 2, 'a note without an empty line before its signatures');
  need(at < bytes.length, 'a note without signature lines');
  return { bytes, text: bytes.subarray(0, at - 1), sigs: parseLines(bytes.subarray(at)) };
}

async function verifyLine(key, text, sig) {
  if (key.type === KEY_NOTE)
    return await edVerify(key.pub, text, sig) ? 0n : null;
  if (sig.length !== 72)
    return null;
  const time = toBig(sig.subarray(0, 8));
  if (time > TIME_MAX || !await edVerify(key.pub, cosignatureMessage(text, time), sig.subarray(8)))
    return null;
  return time;
}

/** What is signed with a cosignature: the time and the whole note text. */
export function cosignatureMessage(text, time) {
  return concat(bytesOf('cosignature/v1\ntime ' + time + '\n'), text);
}

/**
 * Did key sign? {ok, time}: the earliest time of its lines. A line that bears its name and id and does not hold
 * spoils the note: refused. Lines of other keys are passed over.
 */
export async function checkNote(sigs, text, key) {
  let ok = false, time = 0n;
  const seen = new Set();
  for (const s of sigs) {
    if (s.id !== key.id || s.name !== key.name || seen.has(s.line))
      continue;
    seen.add(s.line);
    const at = await verifyLine(key, text, s.sig);
    need(at !== null, 'a line of a known key in a note: the signature does not hold');
    if (!ok || at < time)
      time = at;
    ok = true;
  }
  return { ok, time };
}

/** For each key whether and when it signed; refused when none did. */
export async function verifyNote(note, keys) {
  const out = [];
  for (const key of keys)
    out.push(await checkNote(note.sigs, note.text, key));
  need(out.some((v) => v.ok), 'no trusted key signed this note');
  return out;
}

// ---- checkpoints

export function parseHash(text) {
  need(text.length === 44, 'a hash is 44 characters of base64');
  const h = fromBase64(text, 'hash');
  need(h.length === 32, 'a hash is 32 bytes');
  return h;
}

/** {origin, size, root, extension (text)} of a note's text. */
export function parseCheckpoint(bytes) {
  const text = clean(bytes, 'a checkpoint');
  need(text.endsWith('\n'), 'a checkpoint that does not end in a line feed');
  const lines = text.slice(0, -1).split('\n');
  need(lines.length >= 3, 'a checkpoint has fewer than three lines');
  const n = bytesOf(lines[0]).length;
  need(n > 0 && n <= NAME_MAX, 'not usable as the origin of a log');
  const size = decimal(lines[1], 'size of a checkpoint');
  const root = parseHash(lines[2]);
  need(!lines.slice(3).includes(''), 'a checkpoint has an empty extension line');
  return { origin: lines[0], size, root, extension: lines.slice(3).map((x) => x + '\n').join('') };
}

export function writeCheckpoint(cp) {
  return bytesOf(cp.origin + '\n' + cp.size + '\n' + base64(cp.root) + '\n' + cp.extension);
}

/** A checkpoint that the log's own key signed. */
export async function openCheckpoint(bytes, key) {
  const note = parseNote(bytes), cp = parseCheckpoint(note.text);
  if (key.type !== KEY_NOTE || key.name !== cp.origin)
    throw new Refused('the checkpoint is of another log');
  await verifyNote(note, [key]);
  return { ...cp, note };
}
