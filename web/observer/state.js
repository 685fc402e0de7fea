// observer/state.js - what this browser saw of a register: kept from one visit to the next, in its own storage.
//
// Source: docs/protocol-register.md "Observers". Like the state file of detente observe it holds nothing secret. It is
// read as hostile, too: the newest checkpoint's signature is verified again, and all numbers must go together.

import { base64, equal, fromBase64, fromHex, hex, need, Refused } from '../verify/bytes.js';
import { evaluate } from '../verify/policy.js';
import { Frontier } from '../verify/tree.js';

const PREFIX = 'detente-observer-1 ', SHOWN_MAX = 4000, OPENINGS_BYTES_MAX = 2 << 20;

export function emptyState() {
  return { frontier: new Frontier(), root: null, note: null, shown: [], attested: [], groups: new Map(), behind: null,
    split: null, openings: [] };
}

function storage() {
  try {
    return globalThis.localStorage || null;
  } catch {
    return null; // a browser that keeps nothing for this page
  }
}

/** What was seen of the register with this key (text), or an empty state. Refused: what is kept cannot be read. */
export async function loadState(key, policy) {
  const kept = storage() && storage().getItem(PREFIX + key), s = emptyState();
  if (!kept)
    return s;
  let o;
  try {
    o = JSON.parse(kept);
    s.frontier = new Frontier(BigInt(o.size), o.frontier.map((x) => fromHex(x)));
    Object.assign(s, { root: fromHex(o.root), note: fromBase64(o.note, 'note'), behind: o.behind,
      shown: o.shown.map(([size, first, last]) => ({ size: BigInt(size), first, last })),
      attested: o.attested.map(([size, time, seen]) => ({ size: BigInt(size), time, seen })),
      groups: new Map(o.groups.map(([name, size, time]) => [name, { size: BigInt(size), time }])),
      split: o.split && { since: o.split.since, file: fromBase64(o.split.file, 'evidence'), name: o.split.name },
      openings: o.openings.map((x) => ({ ...x, file: x.file && fromBase64(x.file, 'opening') })) });
  } catch (e) {
    throw new Refused('what this browser keeps of this register is damaged: ' + e.message);
  }
  const { checkpoint } = await evaluate(policy, s.note);
  need(checkpoint.size === s.frontier.size && equal(checkpoint.root, s.root) && equal(await s.frontier.root(), s.root) &&
    s.shown.length > 0 && s.shown.at(-1).size === checkpoint.size, 'what this browser keeps of this register does not go together');
  return s;
}

/** Keep it; false when this browser does not. */
export function saveState(key, s) {
  let room = OPENINGS_BYTES_MAX;
  const keep = (x) => {
    room -= x.file ? x.file.length : 0;
    return { hash: x.hash, first: x.first, gone: x.gone, file: x.file && room >= 0 ? base64(x.file) : null };
  };
  const text = JSON.stringify({ size: s.frontier.size.toString(), frontier: s.frontier.parts.map((x) => hex(x)), root: hex(s.root),
    note: base64(s.note), shown: s.shown.map((x) => [x.size.toString(), x.first, x.last]),
    attested: s.attested.map((x) => [x.size.toString(), x.time, x.seen]),
    groups: [...s.groups].map(([name, g]) => [name, g.size.toString(), g.time]), behind: s.behind,
    split: s.split && { since: s.split.since, file: base64(s.split.file), name: s.split.name }, openings: s.openings.map(keep) });
  try {
    storage().setItem(PREFIX + key, text);
    return true;
  } catch {
    return false;
  }
}

export function forgetAll() {
  const s = storage(), names = [];
  for (let i = 0; s && i < s.length; i++)
    if (s.key(i).startsWith(PREFIX))
      names.push(s.key(i));
  for (const n of names)
    s.removeItem(n);
  return names.length;
}

/** The newest checkpoint had so many entries at this look; a look never counts as earlier than the one before. */
export function noteShown(s, size, now) {
  const last = s.shown.at(-1), at = last ? Math.max(now, last.last) : now;
  if (last && last.size === size)
    last.last = at;
  else
    s.shown.push({ size, first: at, last: at });
  if (s.shown.length > SHOWN_MAX)
    s.shown.splice(1, 1); // an entry's time moves later by it, never earlier
}

/** A checkpoint with its quorum; of several of one size the earliest time. */
export function noteAttested(s, size, time, seen) {
  const at = s.attested.findIndex((x) => x.size >= size);
  if (at >= 0 && s.attested[at].size === size)
    s.attested[at].time = Math.min(s.attested[at].time, time);
  else
    s.attested.splice(at < 0 ? s.attested.length : at, 0, { size, time, seen });
}
