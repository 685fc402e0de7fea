// observer/timeline.js - what was seen of a register, folded: when its entries came, who lags, what was promised and is
// missing.
//
// Source: docs/protocol-register.md "Observers". Pure: no clock, no storage. Times are upper bounds, and what is said of
// a promise holds whatever lies between two looks.

import { DAY, HOUR, MINUTE, SECOND, WEEK, dateText, timeText } from '../verify/time.js';
import { foldLineTests } from './linetest.js';

const CLOCK = 5 * MINUTE, LATE_AFTER = HOUR, PERIODS_MAX = 100000, MONDAY = 4 * DAY;

/** From the newest checkpoint back: an entry was there as soon as any checkpoint that holds it was. */
function makeRuns(state, attested) {
  const marks = [...state.shown.map((x) => [x.size, x.first]), ...state.attested.map((x) => [x.size, x.time])]
    .sort((a, b) => (a[0] < b[0] ? 1 : a[0] > b[0] ? -1 : 0));
  const out = [];
  let time = Infinity;
  for (let i = 0; i < marks.length;) {
    const top = marks[i][0];
    for (; i < marks.length && marks[i][0] === top; i++)
      time = Math.min(time, marks[i][1]);
    const below = i < marks.length ? marks[i][0] : 0n;
    if (top > below)
      out.push({ first: below, n: top - below, time, attested: top <= attested });
  }
  return out.reverse();
}

/** {start, end} of the day, week (from Monday) or month of UTC. */
function periodAt(unit, ms) {
  const day = Math.floor(ms / DAY), d = new Date(ms);
  if (unit === 'week') {
    const end = Math.floor((day + 3) / 7) * 7 + 4;
    return { start: Math.max(end - 7, 0) * DAY, end: end * DAY };
  }
  if (unit === 'month')
    return { start: Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), 1), end: Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 1) };
  return { start: day * DAY, end: (day + 1) * DAY };
}

export function periodText(unit, start) {
  return unit === 'month' ? dateText(start).slice(0, 7) : unit === 'week' ? 'week of ' + dateText(start) : dateText(start);
}

function makePeriods(runs, unit) {
  const out = [];
  for (const r of runs) {
    if (out.length === 0 || r.time >= out.at(-1).end)
      out.push({ ...periodAt(unit, r.time), entries: 0n, attested: 0n });
    out.at(-1).entries += r.n;
    if (r.attested)
      out.at(-1).attested += r.n;
  }
  return out;
}

/** How many entries a group has not cosigned, and since when there are any. */
export function groupLag(state, group) {
  const size = state.shown.length > 0 ? state.shown.at(-1).size : 0n, own = group ? group.size : 0n;
  const first = state.shown.find((x) => x.size > own);
  return size > own ? { n: size - own, since: first.first } : { n: 0n, since: 0 };
}

// ---- flags

function leastAt(runs, ms) {
  let n = 0n;
  for (const r of runs)
    if (r.time <= ms)
      n = r.first + r.n;
  return n;
}

function mostAt(state, ms) {
  const at = state.shown.find((x, i) => i + 1 === state.shown.length || x.last >= ms);
  return at.size;
}

function over(a, b) {
  return a > b ? a - b : 0n;
}

/** {judged, kept, missed, above, flags}: of whole periods between the first and the last look. */
function judgeCadence(state, runs, cadence) {
  const out = { judged: 0, kept: 0, missed: 0, above: 0, flags: [] }, k = BigInt(cadence.k), p = cadence.period;
  if (state.shown.length === 0)
    return out;
  const first = state.shown[0].first, last = state.shown.at(-1).last, origin = p % WEEK === 0 ? MONDAY : 0;
  let at = first <= origin ? origin : origin + Math.ceil((first - origin) / p) * p, gap = null;
  for (let n = 0; at + p <= last && n < PERIODS_MAX; at += p, n++) {
    const most = over(mostAt(state, at + p), leastAt(runs, at - 1)), least = over(leastAt(runs, at + p - 1), mostAt(state, at));
    out.judged++;
    out.kept += least >= k ? 1 : 0;
    out.above += least > k ? 1 : 0;
    if (most >= k)
      continue;
    out.missed++;
    if (gap && gap.to === at) {
      Object.assign(gap, { to: at + p, n: gap.n + 1, of: gap.of + most });
    } else {
      gap = { from: at, to: at + p, n: 1, of: most };
      out.flags.push(gap);
    }
  }
  return out;
}

function seconds(ms) {
  return timeText(Math.floor(ms / SECOND) * SECOND);
}

const plural = (n) => (BigInt(n) === 1n ? '' : 's');
const entries = (n) => n + (BigInt(n) === 1n ? ' entry' : ' entries');

function sayGap(f) {
  return { at: f.from, text: 'promised entries are missing from ' + seconds(f.from) + ' to ' + seconds(f.to) + ': ' + f.n + ' period' +
    plural(f.n) + ' in a row, with ' + entries(f.of) + ' at most in all' };
}

/** Times of cosignatures that do not go with what was seen and when. */
function judgeClocks(state) {
  const out = [], ahead = state.attested.filter((a) => a.time > a.seen + CLOCK), hidden = [];
  for (const a of state.attested) {
    const before = state.shown.filter((x) => x.size < a.size).at(-1);
    if (before && before.last > a.time + CLOCK)
      hidden.push({ from: a.time, to: before.last });
  }
  if (ahead.length > 0)
    out.push({ at: ahead[0].seen, text: 'cosignatures on ' + ahead.length + ' checkpoint' + plural(ahead.length) + ', first seen ' +
      seconds(ahead[0].seen) + ", bear times that had not come: a witness's clock is ahead, or ours is behind" });
  if (hidden.length > 0)
    out.push({ at: hidden[0].from, text: hidden.length + ' checkpoint' + plural(hidden.length) + ', cosigned from ' +
      seconds(hidden[0].from) + ' on, ' + (hidden.length === 1 ? 'was' : 'were') + ' not shown to us until after ' +
      seconds(hidden.at(-1).to) + ": a witness's clock is behind, or we were shown an old register" });
  return out;
}

/**
 * Fold a state. given: {groups: names of the policy's sides, now, cadence ({k, period} in the whole register) or null,
 * tests (opened line tests)}.
 */
export function foldTimeline(state, given) {
  const attested = state.attested.length > 0 ? state.attested.at(-1).size : 0n;
  const runs = makeRuns(state, attested), flags = [];
  const size = state.shown.length > 0 ? state.shown.at(-1).size : 0n;
  if (state.split)
    flags.push({ at: state.split.since, text: 'split view, known since ' + seconds(state.split.since) +
      ": the register's key signed two registers that cannot both be true" });
  if (state.behind)
    flags.push({ at: state.behind.since, text: 'since ' + seconds(state.behind.since) + ' the register shows ' + state.behind.size +
      ' of the ' + size + ' entries that it showed before: an old one, or it was put back' });
  for (const name of given.groups) {
    const g = state.groups.get(name), lag = groupLag(state, g);
    if (lag.n === 0n || given.now - lag.since < LATE_AFTER)
      continue;
    flags.push({ at: lag.since, text: !g ? name + ' has cosigned nothing yet; the first entries are there since ' + seconds(lag.since) :
      name + ' lags: ' + entries(lag.n) + (lag.n === 1n ? ' is' : ' are') + ' not cosigned, since ' + seconds(lag.since) });
  }
  const cadence = given.cadence ? judgeCadence(state, runs, given.cadence) : null;
  if (cadence)
    flags.push(...cadence.flags.map(sayGap));
  flags.push(...judgeClocks(state));
  const stations = foldLineTests(state, given.tests);
  flags.push(...stations.flatMap((s) => s.flags));
  return { entries: size, attested, runs, flags, cadence, stations,
    final: given.groups.length > 0 ? given.groups.map((n) => (state.groups.get(n) || { size: 0n }).size)
      .reduce((a, b) => (a < b ? a : b)) : 0n,
    periods: { day: makePeriods(runs, 'day'), week: makePeriods(runs, 'week'), month: makePeriods(runs, 'month') } };
}

/** When an entry was there at the latest; 0: not known. */
export function entryTime(runs, index) {
  const r = runs.find((x) => index >= x.first && index < x.first + x.n);
  return r ? r.time : 0;
}

/** Entries whose time is from ms on: of all that were made since, none is missing. */
export function countSince(runs, ms) {
  return runs.reduce((n, r) => (r.time >= ms ? n + r.n : n), 0n);
}
