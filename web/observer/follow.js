// observer/follow.js - one look at a register: what it shows now, held against what this browser saw before.
//
// Source: docs/protocol-register.md "Observers", "Openings". Nothing is taken into the state before all of it holds.

import { Refused, equal, hex, need, textOf } from '../verify/bytes.js';
import { checkEntryPlace, verifyOpening } from './opening.js';
import { evidenceName, writeEvidence } from '../verify/evidence.js';
import { evaluate } from '../verify/policy.js';
import { TILE_WIDTH, Tiles, parseBundle, tilePath, tilesOfLevel } from '../verify/tile.js';
import { DAY } from '../verify/time.js';
import { leafHash } from '../verify/tree.js';
import { sha256 } from '../verify/hash.js';
import { noteAttested, noteShown } from './state.js';
import { Trouble } from './source.js';

const ENTRY = 33, BUNDLE_MAX = TILE_WIDTH * (ENTRY + 2), TILE_BYTES = TILE_WIDTH * 32, ENTRIES_MAX = 4n << 20n;
const QUESTIONS = 128, PROBES = 4n, OPENINGS_MAX = 1024, OPENING_MAX = 1 << 20, INDEX_MAX = 65 * 4096;

/** A split view: the register's key signed two registers that cannot both be true. */
export class SplitView extends Error {
  constructor(name, file) {
    super("the register's key signed two registers that cannot both be true");
    this.name = 'SplitView';
    this.fileName = name;
    this.file = file;
  }
}

/** A tile or bundle; of a partial one that is there no longer the full one is asked for. */
async function fetchTile(look, t) {
  const max = t.entries ? BUNDLE_MAX : TILE_BYTES;
  const bytes = await look.source.file(tilePath(t), max, look.signal) ||
    (t.width < TILE_WIDTH ? await look.source.file(tilePath({ ...t, width: TILE_WIDTH }), max, look.signal) : null);
  if (bytes === null)
    throw new Refused(tilePath(t) + ' is not there');
  return bytes;
}

/** The tree of a size; what was fetched of it serves all questions of one look. */
function tilesAt(look, size) {
  look.trees = look.trees || new Map();
  if (!look.trees.has(size))
    look.trees.set(size, new Tiles((t) => fetchTile(look, t), size));
  return look.trees.get(size);
}

function split(look, first, second, prefix, checkpoint) {
  return new SplitView(evidenceName(checkpoint), writeEvidence(look.policy.logs[0], first, second, prefix));
}

/** Does the larger tree begin with the smaller one? Both are {bytes, checkpoint}, signed. */
async function beginsWith(look, small, large) {
  const a = small.checkpoint, b = large.checkpoint;
  if (a.size === 0n)
    return;
  if (a.size === b.size) {
    if (!equal(a.root, b.root))
      throw split(look, small.bytes, large.bytes, null, b);
    return;
  }
  const prefix = await tilesAt(look, b.size).prefix(a.size, b.root);
  if (!equal(prefix.root, a.root))
    throw split(look, small.bytes, large.bytes, prefix, b);
}

// ---- growth

/** All new entries, hashed, lead from the tree that was seen to the new checkpoint; the new edge. */
async function takeEntries(look, frontier, cp) {
  const edge = frontier.copy(), { full, width } = tilesOfLevel(0, cp.size);
  need(cp.size - edge.size <= ENTRIES_MAX, 'the register claims ' + (cp.size - edge.size) +
    ' new entries, more than are taken in at once');
  for (let n = edge.size >> 8n; n < full || (n === full && width > 0); n++) {
    const w = n < full ? TILE_WIDTH : width, t = { level: 0, index: n, width: w, entries: true };
    const entries = parseBundle(await fetchTile(look, t)).slice(0, w);
    need(entries.length === w, tilePath(t) + ' has not the entries that it should');
    const fresh = entries.slice(Number(edge.size - (n << 8n)));
    need(fresh.every((e) => e.length === ENTRY && e[0] === 1), tilePath(t) + ' holds what is no entry of a register');
    await edge.appendAll(await Promise.all(fresh.map((e) => leafHash(e))));
    look.progress(Number(edge.size), Number(cp.size));
  }
  return edge;
}

/** The state's edge for the newest checkpoint, or null when it shows fewer entries than were seen. */
async function compare(look, state, newest) {
  const cp = newest.checkpoint, seen = state.frontier.size;
  const before = state.note && { bytes: state.note, checkpoint: { size: seen, root: state.root } };
  if (cp.size < seen) {
    try {
      await beginsWith(look, newest, before);
    } catch (e) {
      // Whoever shows an old register need not have the tiles of the newer one.
      if (!(e instanceof Refused) && !(e instanceof Trouble))
        throw e;
    }
    return null;
  }
  if (cp.size === seen && before) {
    await beginsWith(look, newest, { ...newest, bytes: before.bytes, checkpoint: { ...cp, root: state.root } });
    return state.frontier;
  }
  const edge = await takeEntries(look, state.frontier, cp);
  if (!equal(await edge.root(), cp.root)) {
    if (before)
      await beginsWith(look, before, newest);
    throw new Refused("the register's " + cp.size + ' entries do not lead to its signed checkpoint');
  }
  return edge;
}

// ---- who vouches for it

/** What the witnesses' lines on a note say; it is of the same tree. */
function takeWitnesses(look, found, state) {
  const size = state.checkpoint.size, sides = look.policy.sides();
  for (const s of sides) {
    const name = look.policy.nodes[s].name, time = state.states[s], g = found.groups.get(name);
    if (time !== null && (!g || size > g.size))
      found.groups.set(name, { size, time: Number(time) * 1000 });
  }
  if (sides.length > 0 && look.policy.quorum !== null && state.quorum && size > 0n)
    found.attested.push({ size, time: Number(state.quorumTime) * 1000 });
}

/** A further note, with more cosignatures than the newest may have. Its size, or null when it says nothing. */
async function takeNote(look, found, newest, bytes) {
  const state = await evaluate(look.policy, bytes);
  // Larger: it came while we looked, and the next look has it.
  if (state.checkpoint.size > newest.checkpoint.size)
    return null;
  await beginsWith(look, { bytes, checkpoint: state.checkpoint }, newest);
  takeWitnesses(look, found, state);
  return state.checkpoint.size;
}

async function takeKind(look, found, newest, path) {
  const bytes = await look.source.file(path, undefined, look.signal);
  return bytes === null ? null : takeNote(look, found, newest, bytes);
}

/** A relay is asked what a witness cosigned last, so that one that lags is not called silent. */
async function askForLaggards(look, found, newest) {
  for (const [i, node] of look.policy.nodes.entries()) {
    const side = node.key ? look.policy.sideOf(i) : -1, g = side >= 0 ? found.groups.get(look.policy.nodes[side].name) : null;
    if (side < 0 || (g && g.size >= newest.checkpoint.size))
      continue;
    await question(look, found, newest, 'checkpoint?by=' + node.key.id);
  }
}

/** A server of files does not know the question: what it answers, or does not, says nothing. */
async function question(look, found, newest, path) {
  try {
    return await takeKind(look, found, newest, path);
  } catch (e) {
    if (e instanceof Trouble)
      return null;
    throw e;
  }
}

/**
 * Who looks seldom, or for the first time, asks a relay for the checkpoints in between, until it is known on which day
 * each entry was there: halving what grew in more than a day.
 */
async function askForEarlier(look, found, newest, state) {
  const high = found.attested.reduce((a, b) => (b.size > a.size ? b : a), { size: 0n, time: 0 });
  const last = state.attested.at(-1) || { size: 0n, time: 0 }, todo = [[last, high]];
  for (let asked = 0; todo.length > 0 && asked < QUESTIONS;) {
    const [low, top] = todo.pop();
    if (top.size <= low.size + 1n || Math.floor(low.time / DAY) === Math.floor(top.time / DAY))
      continue;
    const middle = low.size + (top.size - low.size) / 2n, n = found.attested.length;
    for (let at = middle; at < middle + PROBES && at < top.size && found.attested.length === n; at++, asked++)
      await question(look, found, newest, 'checkpoint?size=' + at);
    const got = found.attested[n];
    if (!got || got.size < middle || got.size >= top.size)
      continue;
    todo.push([got, top], [low, got]);
  }
}

// ---- what was opened

async function takeOpening(look, state, newest, file, name, hash) {
  try {
    const v = await verifyOpening(file, look);
    await checkEntryPlace(v.subject, tilesAt(look, newest.checkpoint.size), newest.checkpoint);
    state.openings.push({ hash, first: look.now, gone: 0, file });
    return null;
  } catch (e) {
    if (e instanceof Refused)
      return name + ': ' + e.message;
    throw e;
  }
}

async function publishedNames(look) {
  const index = await look.source.file('openings/index', INDEX_MAX, look.signal);
  if (index === null)
    return look.source.under ? look.source.under('openings').filter((n) => n.endsWith('.proof')) : [];
  const lines = textOf(index, 'openings/index').split('\n');
  need(lines.pop() === '', 'openings/index: cut off');
  need(lines.every((l) => /^[0-9a-f]{64}$/.test(l)), 'openings/index: a line that is no hash');
  return lines.map((l) => l + '.proof');
}

async function lookAtOpenings(look, state, newest) {
  const refused = [], there = new Set();
  for (const name of (await publishedNames(look)).slice(0, OPENINGS_MAX)) {
    const named = name.slice(0, -6), known = state.openings.find((o) => o.hash === named && o.file);
    if (known) {
      there.add(named);
      continue;
    }
    const file = await look.source.file('openings/' + name, OPENING_MAX, look.signal);
    if (file === null) {
      refused.push(name + ': is not there');
      continue;
    }
    const hash = hex(await sha256(file));
    if (/^[0-9a-f]{64}$/.test(named) && hash !== named) {
      refused.push(name + ': not the file that its name says');
      continue;
    }
    there.add(hash);
    if (state.openings.some((o) => o.hash === hash && o.file))
      continue;
    state.openings = state.openings.filter((o) => o.hash !== hash);
    const why = await takeOpening(look, state, newest, file, name, hash);
    if (why)
      refused.push(why);
  }
  for (const o of state.openings)
    o.gone = there.has(o.hash) ? 0 : o.gone || look.now;
  return refused;
}

// ---- the look

/** A copy that a look can change; nothing of it counts when the look fails. */
function copyOf(s) {
  return { ...s, frontier: s.frontier.copy(), shown: s.shown.map((x) => ({ ...x })), attested: s.attested.map((x) => ({ ...x })),
    groups: new Map(s.groups), openings: s.openings.map((x) => ({ ...x })) };
}

/**
 * Look once. look: {source, policy, anchor (what proofs are checked against), now, progress(done, of), signal}. What
 * comes back is {state, refused (texts)}; a split view is thrown, and so is what does not hold.
 */
export async function lookOnce(look, before) {
  const state = copyOf(before);
  const bytes = await look.source.file('checkpoint.held', undefined, look.signal) ||
    await look.source.file('checkpoint', undefined, look.signal);
  if (bytes === null)
    throw new Trouble('There is no checkpoint at ' + look.source.name + ': is it a register?');
  const newest = { bytes, ...await evaluate(look.policy, bytes) };
  const edge = await compare(look, state, newest);
  if (edge === null) {
    state.behind = { size: newest.checkpoint.size.toString(), since: state.behind ? state.behind.since : look.now };
    return { state, refused: [] };
  }
  const found = { groups: new Map(state.groups), attested: [] };
  takeWitnesses(look, found, newest);
  for (const path of ['checkpoint', 'checkpoint.final'])
    await takeKind(look, found, newest, path);
  if (look.source.asks && look.policy.nodes.length > 0) {
    await askForLaggards(look, found, newest);
    await askForEarlier(look, found, newest, state);
  }
  Object.assign(state, { frontier: edge, root: newest.checkpoint.root, note: bytes, groups: found.groups, behind: null });
  noteShown(state, newest.checkpoint.size, look.now);
  for (const a of found.attested)
    noteAttested(state, a.size, a.time, look.now);
  const refused = await lookAtOpenings(look, state, newest);
  return { state, refused };
}

