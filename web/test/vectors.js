// web/test/vectors.js - the shared vectors of transparency logs, and what the verifier says of each: under node and in
// the browser, the same cases with the same verdicts as tests/vectors has for the C code.
//
// runVectors(read): read(name) gives the bytes of a file of vectors/tlog. What comes back is
// [{file, passed, failures: [text]}].

import { base64, bytesOf, equal, fromBase64, fromHex, hex, Refused, textOf } from '../verify/bytes.js';
import { edVerify, sha256, usableKey } from '../verify/hash.js';
import { checkNote, cosignatureMessage, makeKey, openCheckpoint, parseCheckpoint, parseKey, parseLines, parseNote,
  verifyNote, writeCheckpoint } from '../verify/note.js';
import { parsePolicy } from '../verify/policy.js';
import { Tiles, parseBundle, parseTilePath, tilePath, tilesOfLevel } from '../verify/tile.js';
import { evaluateTlogProof, parseTlogProof, writeTlogProof } from '../verify/tlogproof.js';
import { Frontier, leafHash, rootOfRow, verifyConsistency, verifyGrowth, verifyInclusion } from '../verify/tree.js';

// The cases that hold under the one rule, as docs/protocol-register.md lists them.
const HOLDS = [7, 117, 139, 161, 182, 249, 305, 411, 425, 438, 497, 511, 525, 538, 573, 581, 589, 625, 638, 665, 673, 689,
  711, 725, 738, 765, 781, 789, 832];
const TESSERA = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const MIRROR = '000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706';

function check(holds, why) {
  if (!holds)
    throw new Error(why);
}

/** Does it hold? What is thrown and is no refusal is a fault of ours. */
async function accepts(fn) {
  try {
    await fn();
    return true;
  } catch (e) {
    if (e instanceof Refused)
      return false;
    throw e;
  }
}

async function expect(want, fn, what = '') {
  const got = await accepts(fn);
  check(got === want, (what ? what + ': ' : '') + (got ? 'accepted' : 'refused'));
  return got;
}

/** Numbers that a double cannot hold become text. */
function parse(text) {
  return JSON.parse(text.replace(/:\s*([0-9]{16,})/g, ':"$1"'));
}

const hash = (text) => {
  const h = fromBase64(text || '', 'hash');
  if (h.length !== 32)
    throw new Refused('a hash of ' + h.length + ' bytes');
  return h;
};
const path = (list) => (list || []).map(hash);

// ---- the generated tree

async function leafOf(tag, i) {
  switch (i % 5) {
  case 0:
    return bytesOf(tag + '/' + i);
  case 1:
    return new Uint8Array(0);
  case 2:
    return new Uint8Array(i % 300 + 1).fill(i % 256);
  case 3:
    return sha256(bytesOf(tag + ':' + i));
  default:
    return bytesOf('d\u00e9tente '.repeat(i % 7 + 1));
  }
}

class Generated {
  constructor(tag) {
    this.tag = tag;
    this.leaves = [];
  }

  async grow(n) {
    while (this.leaves.length < n) {
      const batch = [];
      for (let i = this.leaves.length; i < n && batch.length < 512; i++)
        batch.push(leafOf(this.tag, i).then(leafHash));
      this.leaves.push(...await Promise.all(batch));
    }
  }

  /** Level 0 tiles from the leaves, those above from full tiles below. */
  async tile(t) {
    const out = new Uint8Array(32 * t.width);
    for (let i = 0; i < t.width; i++) {
      const at = Number(t.index) * 256 + i;
      out.set(t.level === 0 ? this.leaves[at] : await this.full(t.level - 1, at), 32 * i);
    }
    return out;
  }

  /** Root of a full tile. */
  async full(level, index) {
    const key = level + '/' + index;
    this.roots = this.roots || new Map();
    if (!this.roots.has(key))
      this.roots.set(key, await rootOf(await this.tile({ level, index: BigInt(index), width: 256, entries: false })));
    return this.roots.get(key);
  }
}

function rootOf(tile) {
  const row = [];
  for (let i = 0; i < tile.length; i += 32)
    row.push(tile.subarray(i, i + 32));
  return rootOfRow(row);
}

// ---- one runner a file

/** All changes of one bit a hash, one hash more and one less must be refused. */
async function spoiled(proof, verify) {
  for (let i = 0; i < proof.length; i++) {
    const p = proof.map((h) => h.slice());
    p[i][i % 32] ^= 0x10;
    await expect(false, () => verify(p), 'altered hash ' + i);
  }
  await expect(false, () => verify([...proof, new Uint8Array(32)]), 'a hash more');
  if (proof.length > 0)
    await expect(false, () => verify(proof.slice(0, -1)), 'a hash less');
}

const RUNNERS = {
  'ed25519_edge.json': async (c) => {
    const key = fromHex(c.key), sig = fromHex(c.sig), holds = await edVerify(key, bytesOf(c.msg), sig);
    check(holds === HOLDS.includes(c.number), 'number ' + c.number + ' is ' + (holds ? 'accepted' : 'refused'));
    check(!holds || (usableKey(key) && usableKey(sig.subarray(0, 32))), 'accepted with an A or R of no proper form');
  },
  'merkle_inclusion.jsonl': (c) => expect(!c.wantErr, () => verifyInclusion(hash(c.leafHash), BigInt(c.leafIdx),
    BigInt(c.treeSize), path(c.proof), hash(c.root))),
  'merkle_consistency.jsonl': async (c) => {
    // A hash that is not 32 bytes is refused in any case, whatever the file says.
    const fits = [c.root1, c.root2, ...(c.proof || [])].every((h) => fromBase64(h || '', 'hash').length === 32);
    await expect(!c.wantErr && fits, () => verifyConsistency(BigInt(c.size1), BigInt(c.size2), path(c.proof), hash(c.root1),
      hash(c.root2)));
  },
  'published_notes.jsonl': (c) => expect(c.ok, async () => verifyNote(parseNote(bytesOf(c.note)), await keys(c.vkeys))),
  'rekor_v2.jsonl': (c) => expect(c.ok, async () => {
    const key = await makeKey(c.origin, 1, fromBase64(c.vkey_spki_b64, 'key').slice(12));
    const cp = await openCheckpoint(bytesOf(c.checkpoint), key);
    if (cp.size !== BigInt(c.tree_size) || !equal(cp.root, hash(c.root)))
      throw new Refused('another tree');
    await verifyInclusion(await leafHash(fromBase64(c.leaf_b64, 'leaf')), BigInt(c.index), cp.size, path(c.hashes), cp.root);
  }),
  'gen/inclusion.jsonl': async (c, g) => {
    const leaf = hash(c.leaf_hash), index = BigInt(c.index), size = BigInt(c.size), root = hash(c.root), proof = path(c.proof);
    const verify = (p) => verifyInclusion(leaf, index, size, p, root);
    await verify(proof);
    await spoiled(proof, verify);
    await g.tree.grow(c.size);
    const made = await g.tiles(size).inclusion(index, root);
    check(equal(made.leaf, leaf) && made.path.length === proof.length && made.path.every((h, i) => equal(h, proof[i])),
      'our proof from tiles is another one');
  },
  'gen/consistency.jsonl': async (c, g) => {
    const m = BigInt(c.old), n = BigInt(c.new), a = hash(c.root_old), b = hash(c.root_new), proof = path(c.proof);
    const verify = (p) => verifyGrowth(m, n, p, a, b);
    await verify(proof);
    await spoiled(proof, verify);
    await g.tree.grow(c.new);
    const made = await g.tiles(n).consistency(m, a, b);
    check(made.length === proof.length && made.every((h, i) => equal(h, proof[i])), 'our proof from tiles is another one');
  },
  'gen/tree_roots.jsonl': async (c, g) => {
    await g.tree.grow(c.size);
    check(equal(await g.tiles(BigInt(c.size)).root(), hash(c.root)), 'another root from tiles');
    // Again by appending, when the file goes upwards.
    g.frontier = g.frontier && g.frontier.size <= BigInt(c.size) ? g.frontier : new Frontier();
    await g.frontier.appendAll(g.tree.leaves.slice(Number(g.frontier.size), c.size));
    check(equal(await g.frontier.root(), hash(c.root)), 'another root by appending');
  },
  'gen/notes.jsonl': (c) => note(c, fromBase64(c.note_b64, 'note')),
  'gen/checkpoint_bodies.jsonl': async (c) => {
    const body = bytesOf(c.body);
    if (!await expect(c.spec_ok === true, () => parseCheckpoint(body)))
      return;
    const cp = parseCheckpoint(body);
    check(equal(writeCheckpoint(cp), body), 'written again it is another one');
    if (c.origin !== undefined)
      check(cp.origin === c.origin && cp.size === BigInt(c.size) && equal(cp.root, hash(c.root)) &&
        cp.extension === c.extension, 'read as another one');
  },
  'gen/cosignatures.jsonl': async (c) => {
    check(textOf(cosignatureMessage(bytesOf(c.body), BigInt(c.timestamp)), 'message') === c.signed_message, 'another message');
    const v = await checkNote(parseLines(bytesOf(c.line)), bytesOf(c.body), await parseKey(c.vkey));
    check(v.ok && v.time === BigInt(c.timestamp), 'the cosignature does not count');
  },
  'gen/keys.jsonl': async (c) => {
    const key = await parseKey(c.vkey);
    check(key.name === c.name && key.type === c.type && key.toString() === c.vkey, 'read as another key');
  },
  'gen/tlog_proofs.jsonl': async (c, g) => {
    g.policy = g.policy || await parsePolicy(await g.text('gen/policy.txt'));
    let state = null;
    await expect(c.spec_ok, async () => {
      const p = parseTlogProof(bytesOf(c.proof));
      check(equal(writeTlogProof(p), bytesOf(c.proof)), 'written again it is another one');
      state = await evaluateTlogProof(p, hash(c.leaf_hash), g.policy);
      if (!state.quorum)
        throw new Refused('too few witnesses');
    });
  },
  'gen/tile_paths.jsonl': async (c) => {
    if (!await expect(c.spec_ok, () => parseTilePath(c.path)))
      return;
    const t = parseTilePath(c.path);
    check(t.level === c.level && t.index === BigInt(c.index) && t.width === c.width && t.entries === c.entries,
      'read as another tile');
    check(tilePath(t) === c.path, 'written again it is another one');
  },
  'gen/tiles_for_size.jsonl': async (c) => {
    for (let level = 0; level < 64; level++) {
      const { full, width } = tilesOfLevel(level, BigInt(c.size));
      const f = (c.full || []).find((x) => x.level === level), p = (c.partial || []).find((x) => x.level === level);
      check(full === BigInt(f ? f.full_tiles : 0), 'level ' + level + ' has other full tiles');
      check(p ? width === p.width && tilePath({ level, index: full, width, entries: false }) === p.path : width === 0,
        'level ' + level + ' has another partial tile');
    }
  },
  'gen/tile_digests.jsonl': async (c, g) => {
    await g.tree.grow(c.size);
    const t = parseTilePath(c.path), bytes = await g.tree.tile(t);
    check(bytes.length === c.bytes && hex(await sha256(bytes)) === c.sha256, 'another tile');
  },
  'gen/entry_bundles.jsonl': async (c, g) => {
    if (c.hex === undefined)
      return check(hex(await sha256(await g.read('gen/bundle_000.bin'))) === c.sha256, 'another file');
    const bytes = fromHex(c.hex);
    if (!await expect(c.ok, () => parseBundle(bytes)))
      return undefined;
    const entries = parseBundle(bytes);
    check(entries.length === c.entries.length, 'another number of entries');
    for (const [i, e] of entries.entries())
      check(hex(e) === c.entries[i] && base64(await leafHash(e)) === c.leaf_hashes[i], 'entry ' + i);
    return undefined;
  },
};

async function keys(list) {
  const out = [];
  for (const k of list)
    out.push(await parseKey(k));
  return out;
}

async function note(c, bytes) {
  let v = null, n = null, k = null;
  await expect(c.ok, async () => {
    k = await keys(c.vkeys);
    n = parseNote(bytes);
    v = await verifyNote(n, k);
  });
  if (!c.ok)
    return;
  const same = (a, b) => a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
  check(same(k.filter((_, i) => v[i].ok).map((x) => x.name + '+' + x.id), c.verified), 'other keys count');
  check(same(n.sigs.filter((s) => !k.some((x) => x.id === s.id && x.name === s.name)).map((s) => s.name + '+' + s.id),
    c.unverified), 'other lines are of strangers');
  check(textOf(n.text, 'text') === c.text, 'another text');
}

/** Whole files that are one case, or several that their runner counts itself. */
const WHOLE = {
  'gen/policy.txt': async (g, one) => one('policy', async () => {
    const p = await parsePolicy(await g.text('gen/policy.txt'));
    check(p.logs.length > 0 && p.nodes.length > 0, 'an empty policy');
  }),
  'gen/bundle_000.bin': async (g, one) => one('bundle', async () => {
    await g.tree.grow(256);
    const entries = parseBundle(await g.read('gen/bundle_000.bin'));
    check(entries.length === 256, 'another number of entries');
    for (const [i, e] of entries.entries())
      check(equal(await leafHash(e), g.tree.leaves[i]), 'entry ' + i);
  }),
  'tessera_log15': async (g, one) => {
    const key = await parseKey(TESSERA), fetch = (t) => g.read('tessera_log15/' + tilePath(t)), seen = [];
    for (let size = 0; size <= 15; size++)
      await one('size ' + size, async () => {
        const cp = await openCheckpoint(await g.read('tessera_log15/checkpoint.' + size), key);
        check(cp.size === BigInt(size), 'size');
        seen.push(cp);
        const tiles = new Tiles(fetch, cp.size);
        if (size > 0) {
          check(await tiles.sameAs(cp.root), 'the tiles lead to another root');
          const entries = parseBundle(await g.read('tessera_log15/' +
            tilePath({ level: 0, index: 0n, width: size, entries: true })));
          check(entries.length === size, 'another number of entries');
          for (const [i, e] of entries.entries())
            check(equal((await tiles.inclusion(BigInt(i), cp.root)).leaf, await leafHash(e)), 'entry ' + i);
        }
        for (const old of seen)
          await tiles.consistency(old.size, old.root, cp.root);
      });
  },
  'sunlight_mirror300': async (g, one) => one('mirror', async () => {
    const info = JSON.parse(await g.text('sunlight_mirror300/mirror.v0.json'));
    const n = parseNote(await g.read('sunlight_mirror300/' + MIRROR + '/checkpoint'));
    await verifyNote(n, [await parseKey(info.verifier_keys[0])]);
    const cp = parseCheckpoint(n.text);
    const tiles = new Tiles((t) => g.read('sunlight_mirror300/' + MIRROR + '/' + tilePath(t)), cp.size);
    check(await tiles.sameAs(cp.root), 'the tiles lead to another root');
  }),
};

/** The files that are run here: the names of all, for whoever serves them to a browser. */
export const VECTOR_FILES = [...Object.keys(RUNNERS), ...Object.keys(WHOLE)];

export async function runVectors(read, only = VECTOR_FILES) {
  const text = async (name) => textOf(await read(name), name);
  const tag = /^tag=(.*)$/m.exec(await text('gen/leaf_rule.txt'))[1];
  const g = { read, text, tree: new Generated(tag) }, out = [];
  g.tiles = (size) => new Tiles((t) => g.tree.tile(t), size);
  for (const file of only) {
    const result = { file, passed: 0, failures: [] };
    out.push(result);
    const one = async (name, fn) => {
      try {
        await fn();
        result.passed++;
      } catch (e) {
        result.failures.push(name + ': ' + (e instanceof Refused ? 'refused: ' : '') + e.message);
      }
    };
    if (WHOLE[file]) {
      await WHOLE[file](g, one);
      continue;
    }
    const body = await text(file);
    const cases = file.endsWith('.json') ? parse(body) : body.split('\n').filter((x) => x !== '').map(parse);
    for (const [i, c] of cases.entries())
      await one(String(i), () => RUNNERS[file](c, g));
    if (result.passed + result.failures.length === 0)
      result.failures.push('no case in the file');
  }
  return out;
}
