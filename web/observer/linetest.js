// observer/linetest.js - line tests that were opened: which stations made them, and which must have been missed.
//
// Source: docs/protocol-register.md "Line tests". What is called missed cannot have been made, whatever lay between two
// looks.

import { textOf, toNumber } from '../verify/bytes.js';
import { STATE_NONE } from '../verify/entry.js';
import { openedValue } from '../verify/fieldtree.js';
import { isTemplate } from '../verify/template.js';
import { DAY, HOUR, MINUTE, SECOND, spanText, timeText } from '../verify/time.js';

const CLOCK = 5 * MINUTE, PLANNED_OUTAGE = 3;

/** A test of a verdict whose station and number are opened, or null. seen: when its opening was first seen. */
export function lineTestOf(v, seen) {
  const r = v.subject, t = r.tree, station = t.template && openedValue(t, 'station'), number = openedValue(t, 'number');
  if (!isTemplate(t.template, 'heartbeat') || !station || !number)
    return null;
  const value = (name) => {
    const b = openedValue(t, name);
    return b ? toNumber(b) : 0;
  };
  const answer = v.records.slice(1).find((a) => a.party !== r.party && ['receipt', 'countersign', 'answer'].includes(a.answer));
  return { station: textOf(station, 'station') + ' (' + r.party.name + ')', number: value('number'), entry: r.entry,
    time: r.ms !== 0 ? r.ms : seen, stated: value('@written_at'), status: value('status'), outageUntil: value('outage_until'),
    every: t.template.every, within: t.template.ackWithin, answered: !!answer,
    answerEntry: answer && answer.state !== STATE_NONE ? answer.entry : null };
}

/** An entry was not there yet at the last look that showed no more than so many; 0: none. */
function notBefore(state, entry) {
  const looks = state.shown.filter((x) => x.size <= entry);
  return looks.length > 0 ? looks.at(-1).last : 0;
}

function latest(t) {
  return t.stated !== 0 && t.stated < t.time ? t.stated : t.time;
}

function earliest(state, t) {
  return Math.max(t.stated, notBefore(state, t.entry));
}

function seconds(ms) {
  return timeText(Math.floor(ms / SECOND) * SECOND);
}

/** From test a to b, which has a higher number: tests that were owed and cannot have been made. */
function judgeGap(state, a, b, s) {
  let from = latest(a);
  const to = earliest(state, b);
  if (a.status === PLANNED_OUTAGE || a.status === 0) {
    if (a.outageUntil === 0)
      return; // nothing is owed while the outage lasts, which nobody may know to end
    from = Math.max(from, a.outageUntil);
  }
  if (to - from <= CLOCK || a.every === 0)
    return;
  const n = Math.ceil((to - from - CLOCK) / a.every) - (b.number - a.number);
  if (n <= 0)
    return;
  s.missed += n;
  s.flags.push({ at: from + a.every, to, test: true, text: n + ' line test' + (n === 1 ? '' : 's') + ' missed by ' + s.station +
    ': after its number ' + a.number + ' one was due by ' + seconds(from + a.every) +
    ', and what it made next was not there before ' + seconds(to) });
}

function judgeAnswer(state, a, s) {
  s.unanswered += a.answered ? 0 : 1;
  if (a.answerEntry === null || a.within === 0)
    return;
  const from = latest(a), to = notBefore(state, a.answerEntry);
  if (to - from <= a.within + CLOCK)
    return;
  s.late++;
  s.flags.push({ at: from, to, test: true, text: 'the answer to line test ' + a.number + ' of ' + s.station + ', made by ' +
    seconds(from) + ', was not there before ' + seconds(to) + ': it came late' });
}

/** "90s", "30m", "12h" or "2d" in ms; null when it is none of these. */
export function readSpan(text) {
  const m = /^([1-9][0-9]{0,5})([smhd])$/.exec(text);
  return m ? Number(m[1]) * { s: SECOND, m: MINUTE, h: HOUR, d: DAY }[m[2]] : null;
}

/** Of each station {station, every, first, last, opened, unopened, missed, late, unanswered, flags}. */
export function foldLineTests(state, tests) {
  const byStation = grouped(tests), out = [];
  for (const name of [...byStation.keys()].sort()) {
    const list = byStation.get(name).sort((a, b) => a.number - b.number || (a.entry < b.entry ? -1 : 1));
    const s = { station: name, every: list[0].every, first: list[0].number, last: list.at(-1).number, opened: 0, missed: 0,
      late: 0, unanswered: 0, flags: [] };
    let last = null;
    for (const t of list) {
      if (last !== null && t.number === last.number)
        continue; // of two with one number the earlier one counts
      s.opened++;
      if (last !== null)
        judgeGap(state, last, t, s);
      judgeAnswer(state, t, s);
      last = t;
    }
    s.unopened = s.last - s.first + 1 - s.opened;
    out.push(s);
  }
  return out;
}

function grouped(tests) {
  const out = new Map();
  for (const t of tests)
    out.set(t.station, [...(out.get(t.station) || []), t]);
  return out;
}

export function stationText(s) {
  return 'line tests of ' + s.station + ', one owed every ' + spanText(s.every) + ': ' + s.opened + ' opened, number ' + s.first +
    ' to ' + s.last + (s.unopened > 0 ? ', ' + s.unopened + ' of these numbers not opened' : '') + '; ' + s.missed + ' missed, ' +
    s.late + ' answered late, ' + s.unanswered + ' shown without an answer';
}
