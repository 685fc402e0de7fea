// verify/tile.js - tiles and entry bundles of a register, and proofs made of them.
//
// Source: c2sp.org/tlog-tiles; docs/protocol-register.md "Tiles". Whoever serves tiles may lie: every path that is
// made of them is verified against a signed root before anything is said.

import { equal, need, toNumber } from './bytes.js';
import { HASH, emptyRoot, nodeHash, rootOfRow, verifyGrowth, verifyInclusion } from './tree.js';

export const TILE_WIDTH = 256;
const LEVEL_MAX = 63;

/** "tile/0/x001/234.p/5" as {level, index, width, entries}. */
export function parseTilePath(path) {
  const m = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path);
  need(m, 'not the path of a tile');
  const level = m[1] === 'entries' ? 0 : Number(m[1]), groups = m[2].replaceAll('x', '').split('/');
  need(level <= LEVEL_MAX && (groups.length === 1 || groups[0] !== '000'), 'not the path of a tile');
  const width = m[3] === undefined ? TILE_WIDTH : Number(m[3]), index = BigInt(groups.join(''));
  need(width < TILE_WIDTH || m[3] === undefined, 'not the width of a partial tile');
  need(index < 1n << 63n, 'not the path of a tile');
  return { level, index, width, entries: m[1] === 'entries' };
}

export function tilePath(t) {
  const digits = t.index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g);
  const n = groups.map((g, i) => (i + 1 < groups.length ? 'x' : '') + g).join('/');
  return 'tile/' + (t.entries ? 'entries' : t.level) + '/' + n + (t.width === TILE_WIDTH ? '' : '.p/' + t.width);
}

/** How many full tiles a tree of size leaves has at a level, and how many hashes the one after them. */
export function tilesOfLevel(level, size) {
  const n = size >> BigInt(8 * level);
  return { full: n >> 8n, width: Number(n & 255n) };
}

/** Entries of a bundle: each uint16 length and bytes, 256 of them at most. */
export function parseBundle(bytes) {
  const out = [];
  for (let at = 0; at < bytes.length;) {
    need(out.length < TILE_WIDTH, 'a bundle of more than 256 entries');
    need(at + 2 <= bytes.length, 'a bundle that is cut off');
    const n = toNumber(bytes.subarray(at, at + 2));
    need(at + 2 + n <= bytes.length, 'a bundle that is cut off');
    out.push(bytes.subarray(at + 2, at + 2 + n));
    at += 2 + n;
  }
  return out;
}

/** Hashes of a tree of size leaves by the tiles that fetch(tile) gives (bytes, at least its width of hashes). */
export class Tiles {
  constructor(fetch, size) {
    this.fetch = fetch;
    this.size = size;
    this.kept = new Map();
  }

  async tile(level, index) {
    const key = level + '/' + index;
    if (!this.kept.has(key)) {
      const { full, width } = tilesOfLevel(level, this.size);
      const t = { level, index, width: index < full ? TILE_WIDTH : width, entries: false };
      need(index < full || (index === full && width > 0), 'a hash outside of the tree');
      const bytes = await this.fetch(t);
      need(bytes.length % HASH === 0 && bytes.length >= HASH * t.width && bytes.length <= HASH * TILE_WIDTH,
        tilePath(t) + ' is no tile');
      if (this.kept.size >= 256)
        this.kept.delete(this.kept.keys().next().value);
      this.kept.set(key, bytes);
    }
    return this.kept.get(key);
  }

  /** Root of the complete part number index of 2^level leaves. */
  async node(level, index) {
    const tileLevel = Math.min(Math.floor(level / 8), LEVEL_MAX), up = BigInt(level - 8 * tileLevel);
    const first = index << up, n = 1 << Number(up);
    const tile = await this.tile(tileLevel, first >> 8n);
    const at = Number(first & 255n);
    const row = [];
    for (let i = 0; i < n; i++)
      row.push(tile.subarray(HASH * (at + i), HASH * (at + i + 1)));
    return rootOfRow(row);
  }

  /** Root of leaves begin to end, begin a multiple of the largest power of two below their number. */
  async range(begin, end) {
    const n = end - begin;
    if (n === 0n)
      return emptyRoot();
    const level = n.toString(2).length - 1, k = 1n << BigInt(level);
    const left = await this.node(level, begin >> BigInt(level));
    return k === n ? left : nodeHash(left, await this.range(begin + k, end));
  }

  root() {
    return this.range(0n, this.size);
  }

  /** RFC 6962 section 2.1.1: the path of the leaf at index, verified against the root. */
  async inclusion(index, root) {
    need(index < this.size, 'the index lies outside of the tree');
    const path = await this.path(index, 0n, this.size), leaf = await this.node(0, index);
    await verifyInclusion(leaf, index, this.size, path, root);
    return { leaf, path };
  }

  async path(m, begin, end) {
    const n = end - begin;
    if (n === 1n)
      return [];
    const k = 1n << BigInt((n - 1n).toString(2).length - 1);
    if (m < k)
      return [...await this.path(m, begin, begin + k), await this.range(begin + k, end)];
    return [...await this.path(m - k, begin + k, end), await this.range(begin, begin + k)];
  }

  /** RFC 6962 section 2.1.2: that this tree, of this root, begins with the older one; its proof. */
  async consistency(oldSize, oldRoot, root) {
    const path = oldSize === 0n || oldSize === this.size ? [] : await this.subproof(oldSize, 0n, this.size, true);
    await verifyGrowth(oldSize, this.size, path, oldRoot, root);
    return path;
  }

  async subproof(m, begin, end, whole) {
    const n = end - begin;
    if (m === n)
      return whole ? [] : [await this.range(begin, end)];
    const k = 1n << BigInt((n - 1n).toString(2).length - 1);
    if (m <= k)
      return [...await this.subproof(m, begin, begin + k, whole), await this.range(begin + k, end)];
    return [...await this.subproof(m - k, begin + k, end, false), await this.range(begin, begin + k)];
  }

  /** The root that this tree's root fixes for its first size leaves, and the proof of that; null: as it was said. */
  async prefix(size, root) {
    const path = await this.subproof(size, 0n, this.size, true), old = await this.range(0n, size);
    await verifyGrowth(size, this.size, path, old, root);
    return { root: old, path };
  }

  async sameAs(root) {
    return equal(await this.root(), root);
  }
}
