// verify/bytes.js - bytes, text and the one reader: everything that comes from outside goes through here.
//
// Source: docs/protocol.md "Notation", docs/protocol-register.md "Conventions". A reader refuses what is not exactly of
// the form: trailing bytes, longer length headers, base64 with stray bits, text that is not UTF-8.

/** The first thing that does not hold, in words. Anything else that is thrown is our fault or the browser's. */
export class Refused extends Error {}

export function need(holds, why) {
  if (!holds)
    throw new Refused(why);
}

/** Run fn; what it refuses gets "where: " before it. */
export async function within(where, fn) {
  try {
    return await fn();
  } catch (e) {
    if (e instanceof Refused)
      throw new Refused(where + ': ' + e.message);
    throw e;
  }
}

export function equal(a, b) {
  if (a.length !== b.length)
    return false;
  for (let i = 0; i < a.length; i++)
    if (a[i] !== b[i])
      return false;
  return true;
}

/** Below, at or above 0 as a stands before, at or after b in the order of their bytes. */
export function compareBytes(a, b) {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++)
    if (a[i] !== b[i])
      return a[i] - b[i];
  return a.length - b.length;
}

export function concat(...parts) {
  let n = 0;
  for (const p of parts)
    n += p.length;
  const out = new Uint8Array(n);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

// ---- numbers

export function u8(n) {
  return Uint8Array.of(n);
}

export function u16(n) {
  return Uint8Array.of(n >> 8, n & 255);
}

/** A uint64 from a BigInt or a whole number. */
export function u64(n) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(n));
  return out;
}

/** All bytes as one unsigned number; exact as long as there are at most six of them that matter. */
export function toNumber(b) {
  return Number(toBig(b));
}

export function toBig(b) {
  let n = 0n;
  for (const x of b)
    n = n << 8n | BigInt(x);
  return n;
}

export function toSigned(b) {
  return BigInt.asIntN(8 * b.length, toBig(b));
}

/** ASCII decimal, no sign, no leading zero, at most max (2^63 - 1 unless said); a BigInt. */
export function decimal(text, what, max = (1n << 63n) - 1n) {
  need(/^(0|[1-9][0-9]{0,18})$/.test(text), what + ': not a decimal number');
  const n = BigInt(text);
  need(n <= max, what + ': the number is too large');
  return n;
}

// ---- text

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function bytesOf(text) {
  return encoder.encode(text);
}

/** Strict UTF-8, any characters. */
export function textOf(bytes, what) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Refused(what + ': not UTF-8');
  }
}

/** UTF-8 without control characters (U+0000 to 1F, 7F to 9F), line feeds apart where lines is true. */
export function isLine(bytes, lines = false) {
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    return false;
  }
  // eslint-disable-next-line no-control-regex
  return !(lines ? /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/ : /[\u0000-\u001f\u007f-\u009f]/).test(text);
}

export function lineOf(bytes, what, lines = false) {
  need(isLine(bytes, lines), what + ': not UTF-8 text without control characters');
  return decoder.decode(bytes);
}

export function hex(bytes) {
  let out = '';
  for (const b of bytes)
    out += b.toString(16).padStart(2, '0');
  return out;
}

export function fromHex(text, what = 'hex') {
  need(text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text), what + ': not hex digits');
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++)
    out[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export function base64(bytes) {
  let out = '';
  for (let i = 0; i < bytes.length; i += 0x3000)
    out += btoa(String.fromCharCode(...bytes.subarray(i, i + 0x3000)));
  return out;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 section 4 with padding, strictly: alphabet, length, and no bits left over. */
export function fromBase64(text, what) {
  need(text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text), what + ': not base64');
  const stray = text.endsWith('==') ? 15 : text.endsWith('=') ? 3 : 0;
  need(stray === 0 || (ALPHABET.indexOf(text[text.indexOf('=') - 1]) & stray) === 0, what + ': bits are left over in base64');
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++)
    out[i] = raw.charCodeAt(i);
  return out;
}

// ---- the reader: TLS presentation language (RFC 8446 section 3), vectors of RFC 9420 section 2.1.2

export class Reader {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  take(n) {
    need(n <= this.data.length - this.at, 'it ends too early');
    this.at += n;
    return this.data.subarray(this.at - n, this.at);
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    return toNumber(this.take(2));
  }

  /** A BigInt. */
  u64() {
    return toBig(this.take(8));
  }

  /** opaque<V> of at most max bytes: the length header is the shortest that fits. */
  vec(max) {
    const first = this.u8(), size = 1 << (first >> 6);
    need(size < 8, 'a length of eight bytes');
    let n = first & 63;
    for (const b of this.take(size - 1))
      n = n * 256 + b;
    need(size === 1 || n >= (size === 2 ? 64 : 16384), 'a length in more bytes than it takes');
    need(n <= max, 'a length of ' + n + ' where at most ' + max + ' is allowed');
    return this.take(n);
  }

  /** A reader of the bytes of a vector. */
  sub(max) {
    return new Reader(this.vec(max));
  }

  get more() {
    return this.at < this.data.length;
  }

  end() {
    need(!this.more, 'bytes are left over');
  }
}

export function vec(b) {
  const n = b.length;
  if (n < 64)
    return concat(u8(n), b);
  if (n < 16384)
    return concat(u16(n | 0x4000), b);
  return concat(Uint8Array.of(0x80 | n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255), b);
}
