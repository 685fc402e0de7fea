// verify/hash.js - SHA-256 and Ed25519 of this browser (or of node), behind one rule.
//
// Source: docs/protocol.md "Labels", docs/protocol-register.md "Signed notes". Nothing here computes a hash or a curve:
// WebCrypto does. What it does not promise is which signatures it takes at the edges, so bytes are looked at before
// they reach it: S < L, A and R canonical, neither of small order. What is left is RFC 8032's equation without the
// cofactor, encode([S]B - [h]A) = R byte for byte, which BoringSSL and OpenSSL compute alike.

import { bytesOf, concat, hex, need, vec } from './bytes.js';

function subtle() {
  const c = globalThis.crypto;
  if (!c || !c.subtle)
    throw new Error('this browser offers no WebCrypto here');
  return c.subtle;
}

export async function sha256(...parts) {
  return new Uint8Array(await subtle().digest('SHA-256', parts.length === 1 ? parts[0] : concat(...parts)));
}

/** label(what): opaque<V> of "detente 1 " and what. */
export function label(what) {
  return vec(bytesOf('detente 1 ' + what));
}

export function labelHash(what, ...parts) {
  return sha256(label(what), ...parts);
}

// ---- Ed25519

const L = fromLittle('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
const P = fromLittle('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f');
const SMALL = ['0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'];

function fromLittle(digits) {
  return BigInt('0x' + digits.match(/../g).reverse().join(''));
}

/** The 32 bytes of a point: y below 2^255 - 19, and no point of small order, whatever the sign of x. */
function pointFits(b) {
  const y = Uint8Array.from(b);
  y[31] &= 0x7f;
  const digits = hex(y);
  return fromLittle(digits) < P && !SMALL.includes(digits);
}

export function usableKey(key) {
  return key.length === 32 && pointFits(key);
}

const imported = new Map();

async function importKey(key) {
  const name = hex(key);
  if (!imported.has(name)) {
    if (imported.size > 1024)
      imported.clear();
    imported.set(name, await subtle().importKey('raw', key, { name: 'Ed25519' }, false, ['verify']));
  }
  return imported.get(name);
}

export async function edVerify(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64)
    return false;
  const r = signature.subarray(0, 32), s = signature.subarray(32);
  if (!pointFits(key) || !pointFits(r) || fromLittle(hex(s)) >= L)
    return false;
  try {
    return await subtle().verify({ name: 'Ed25519' }, await importKey(key), signature, message);
  } catch (e) {
    // A key that is no point of the curve is no key. A browser without Ed25519 must not look like a bad signature.
    if (e && (e.name === 'DataError' || e.name === 'OperationError'))
      return false;
    throw e;
  }
}

export async function needSignature(key, what, message, signature, why) {
  need(await edVerify(key, concat(label(what), message), signature), why);
}

/**
 * What is missing here for verifying anything; null when nothing is. Asks the browser to verify RFC 8032 section
 * 7.1 test 2, and to refuse it altered.
 */
export async function cryptoMissing() {
  if (!globalThis.crypto || !globalThis.crypto.subtle)
    return 'no WebCrypto';
  const at = (x) => Uint8Array.from(x.match(/../g), (d) => parseInt(d, 16));
  const key = at('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = at('92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
    '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00');
  try {
    if (!await edVerify(key, Uint8Array.of(0x72), signature) || await edVerify(key, Uint8Array.of(0x73), signature))
      return 'Ed25519 does not work as it should';
    const digest = hex(await sha256(new Uint8Array(0)));
    return digest.startsWith('e3b0c442') ? null : 'SHA-256 does not work as it should';
  } catch {
    return 'no Ed25519';
  }
}
