// verify/tree.js - the RFC 6962 tree: hashes, roots, inclusion and consistency.
//
// Source: RFC 6962 section 2.1, RFC 9162 section 2.1.4.2; docs/protocol-register.md "Tree". Sizes and indexes are
// BigInts: they go up to 2^63 - 1.

import { equal, need, u8 } from './bytes.js';
import { sha256 } from './hash.js';

export const HASH = 32;

export function leafHash(entry) {
  return sha256(u8(0), entry);
}

export function nodeHash(left, right) {
  return sha256(u8(1), left, right);
}

export function emptyRoot() {
  return sha256(new Uint8Array(0));
}

function bitLength(n) {
  return n === 0n ? 0 : n.toString(2).length;
}

function popcount(n) {
  return n.toString(2).replaceAll('0', '').length;
}

export function inclusionLength(index, size) {
  const inner = bitLength(index ^ (size - 1n));
  return inner + popcount(index >> BigInt(inner));
}

/** Refuses unless path leads from the leaf at index to the root of size leaves. */
export async function verifyInclusion(leaf, index, size, path, root) {
  need(index < size, 'the index lies outside of the tree');
  const inner = bitLength(index ^ (size - 1n));
  need(path.length === inner + popcount(index >> BigInt(inner)), 'not the number of hashes for this place');
  let h = leaf;
  for (let i = 0; i < path.length; i++) {
    const left = i >= inner || (index >> BigInt(i) & 1n) === 1n;
    h = left ? await nodeHash(path[i], h) : await nodeHash(h, path[i]);
  }
  need(equal(h, root), 'the hashes lead to another root');
}

/** Refuses unless the tree of newSize leaves begins with that of oldSize, 0 < oldSize. */
export async function verifyConsistency(oldSize, newSize, path, oldRoot, newRoot) {
  need(oldSize <= newSize, 'the older tree is the larger one');
  if (oldSize === newSize) {
    need(path.length === 0 && equal(oldRoot, newRoot), 'two roots of one size');
    return;
  }
  need(oldSize > 0n, 'nothing follows from an empty tree');
  need(path.length > 0, 'no hashes');
  let fn = oldSize - 1n, sn = newSize - 1n, rest = path;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  // A complete older tree is a node of the newer one, and its root is left out.
  let fr = oldRoot, sr = oldRoot;
  if (fn !== 0n) {
    fr = sr = path[0];
    rest = path.slice(1);
  }
  for (const c of rest) {
    need(sn !== 0n, 'too many hashes');
    if ((fn & 1n) === 1n || fn === sn) {
      fr = await nodeHash(c, fr);
      sr = await nodeHash(c, sr);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      sr = await nodeHash(sr, c);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  need(sn === 0n, 'too few hashes');
  need(equal(fr, oldRoot) && equal(sr, newRoot), 'the larger tree does not begin with the smaller one');
}

/** The same, where the older tree may be empty: then no hash is given. What a register's growth is. */
export async function verifyGrowth(oldSize, newSize, path, oldRoot, newRoot) {
  if (newSize === 0n)
    need(equal(newRoot, await emptyRoot()), 'a tree of size 0 has not the root of the empty tree');
  if (oldSize !== 0n)
    return verifyConsistency(oldSize, newSize, path, oldRoot, newRoot);
  need(path.length === 0 && equal(oldRoot, await emptyRoot()), 'an empty tree has one root and no proof');
}

/** Root of a row of nodes, a power of two of them; the browser hashes each level at once. */
export async function rootOfRow(row) {
  while (row.length > 1) {
    const above = [];
    for (let i = 0; i < row.length; i += 2)
      above.push(nodeHash(row[i], row[i + 1]));
    row = await Promise.all(above);
  }
  return row[0];
}

const CHUNK = 256; // leaves that are hashed together where they can be: a full tile

/** The right edge of a growing tree: the roots of its complete parts, largest first. */
export class Frontier {
  constructor(size = 0n, parts = []) {
    this.size = size;
    this.parts = parts;
  }

  copy() {
    return new Frontier(this.size, this.parts.slice());
  }

  append(leaf) {
    return this.appendNode(leaf, 0n);
  }

  /** The root of 2^level leaves; so many divide the size so far. */
  async appendNode(node, level) {
    let h = node, n = this.size >> level;
    for (; (n & 1n) === 1n; n >>= 1n)
      h = await nodeHash(this.parts.pop(), h);
    this.parts.push(h);
    this.size += 1n << level;
  }

  async appendAll(leaves) {
    for (let at = 0; at < leaves.length;) {
      const n = this.size % BigInt(CHUNK) === 0n && leaves.length - at >= CHUNK ? CHUNK : 1;
      await this.appendNode(await rootOfRow(leaves.slice(at, at + n)), BigInt(Math.log2(n)));
      at += n;
    }
  }

  async root() {
    if (this.parts.length === 0)
      return emptyRoot();
    let h = this.parts[this.parts.length - 1];
    for (let i = this.parts.length - 2; i >= 0; i--)
      h = await nodeHash(this.parts[i], h);
    return h;
  }
}
