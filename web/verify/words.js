// verify/words.js - eight key words of a root, as people compare them by voice.
//
// Source: docs/protocol-record.md "Key words". The list is data/words.txt, given by the caller.

import { need } from './bytes.js';

const WORDS = 8, BITS = 11;

/** The first 88 bits of a root id. */
export function readWords(text, list) {
  const parts = text.split(/[ \t\r\n\-,_.]+/).filter((w) => w !== '');
  let n = 0n;
  for (const [i, part] of parts.entries()) {
    const at = list.indexOf(part.replace(/[A-Z]/g, (c) => c.toLowerCase()));
    need(at >= 0, 'word ' + (i + 1) + ' is not in the list of key words');
    need(i < WORDS, 'more than ' + WORDS + ' key words');
    n = n << BigInt(BITS) | BigInt(at);
  }
  need(parts.length === WORDS, parts.length + ' key words where ' + WORDS + ' are needed');
  const out = new Uint8Array(WORDS * BITS / 8);
  for (let i = out.length - 1; i >= 0; i--, n >>= 8n)
    out[i] = Number(n & 255n);
  return out;
}

export function showWords(rootId, list) {
  let n = 0n;
  for (const b of rootId.subarray(0, WORDS * BITS / 8))
    n = n << 8n | BigInt(b);
  const out = [];
  for (let i = 0; i < WORDS; i++, n >>= BigInt(BITS))
    out.unshift(list[Number(n & 2047n)]);
  return out.join(' ');
}
