// verify/rules.js - the rules of a charter: which there are, and what opening a record takes.
//
// Source: docs/protocol-record.md "Charter", "Rules of opening".

import { fromHex, need } from './bytes.js';
import { DAY, dateText, readDay, timeText } from './time.js';

const ID = /^[a-z][a-z0-9_]{0,39}$/, HASH = /^[0-9a-f]{64}$/;
const UNITS = { m: 60000, h: 3600000, d: DAY, w: 7 * DAY };
const CADENCE_ENTRIES_MAX = 1000000, CADENCE_PERIOD_MAX = 366 * DAY, FILE_MAX_MIB = 64;

/** {k, period (ms)} of "4/1d", or null. */
export function readCadence(text) {
  const m = /^([1-9][0-9]*)\/([1-9][0-9]*)([mhdw])$/.exec(text);
  if (!m || Number(m[1]) > CADENCE_ENTRIES_MAX || Number(m[2]) * UNITS[m[3]] > CADENCE_PERIOD_MAX)
    return null;
  return { k: Number(m[1]), period: Number(m[2]) * UNITS[m[3]] };
}

function cadenceText(c) {
  const unit = ['w', 'd', 'h', 'm'].find((u) => c.period % UNITS[u] === 0);
  return c.k + '/' + c.period / UNITS[unit] + unit;
}

/** ms between two line tests of "12h" or "12h sealed", or null. */
export function readLineRule(text) {
  const m = /^([1-9][0-9]*)([mhd])( sealed)?$/.exec(text);
  if (!m || Number(m[1]) > 10080)
    return null;
  const ms = Number(m[1]) * UNITS[m[2]], larger = { m: UNITS.h, h: DAY }[m[2]];
  return ms < UNITS.m || ms > 7 * DAY || (larger && ms % larger === 0) ? null : ms;
}

/** {who: 'author' | 'both' | 'all' | 'after', after (ms)} */
function readOpening(text) {
  if (text === 'author' || text === 'both' || text === 'all')
    return { who: text, after: 0 };
  const day = text.startsWith('after ') ? readDay(text.slice(6)) : null;
  // Days before 1970 have no time here, as in our programs.
  need(day !== null && day >= 0, "a rule of opening says 'author', 'both', 'all' or 'after YYYY-MM-DD'");
  return { who: 'after', after: day * DAY };
}

export function checkRule(name, value) {
  if (name === 'open' || name.startsWith('open.')) {
    need(name === 'open' || ID.test(name.slice(5)), "behind 'open.' there is the id of a template");
    readOpening(value);
  } else if (name.startsWith('template.')) {
    need(ID.test(name.slice(9)) && HASH.test(value), 'a rule template gives the hash of a template');
  } else if (name.startsWith('successor.')) {
    need(/^([1-9]|1[0-6])$/.test(name.slice(10)) && HASH.test(value), 'a rule successor names a party and a root id');
  } else if (name === 'cadence') {
    const c = readCadence(value);
    need(c !== null && cadenceText(c) === value, 'a cadence is entries a period, as 4/1d');
  } else if (name === 'file_max') {
    need(/^[1-9][0-9]?$/.test(value) && Number(value) <= FILE_MAX_MIB, 'the longest file is said in MiB');
  } else if (name === 'line_test') {
    need(readLineRule(value) !== null, 'line tests are said as 90m, 12h or 1d');
  } else if (name === 'read_key') {
    need(value === 'required', "the rule read_key says 'required'");
  } else {
    need(false, 'a rule that is not known to this version');
  }
}

/** {party (place), id} of a rule that announces a successor, else null. */
export function successorOf(name, value) {
  return name.startsWith('successor.') ? { party: Number(name.slice(10)) - 1, id: fromHex(value) } : null;
}

/** The rule for opening a record of this template by this author at this time: {stated, who, anyOne, asked}. */
export function openRule(charter, templateId, author, nowMs) {
  const text = charter.rule('open.' + templateId) ?? charter.rule('open');
  const rule = text === undefined ? { who: 'both', after: 0 } : readOpening(text);
  return { ...rule, stated: text !== undefined, anyOne: rule.who === 'after' && nowMs >= rule.after,
    asked: charter.parties.map((p, i) => i === author || rule.who === 'all' || (rule.who !== 'author' && p.kind === 1)) };
}

/** consents: of each party whether it consents. */
export function ruleMet(rule, consents) {
  return rule.anyOne ? rule.asked.some((a, i) => a && consents[i]) : rule.asked.every((a, i) => !a || consents[i]);
}

export function sayRule(rule, templateId, nowMs) {
  const kind = "a record of kind '" + templateId + "'";
  if (!rule.stated)
    return 'the charter has no rule on opening ' + kind +
      ', so it takes the consent of every side and of the author\'s party';
  if (rule.who === 'author')
    return 'the charter lets the author\'s party alone open ' + kind;
  if (rule.who === 'all')
    return 'to open ' + kind + ' the charter asks for the consent of every party, mediator and monitors too';
  if (rule.who === 'both')
    return 'to open ' + kind + ' the charter asks for the consent of every side and of the author\'s party';
  const clock = 'by the clock of this check it is ' + timeText(nowMs);
  return rule.anyOne ?
    'from ' + dateText(rule.after) + ' on the charter lets any one side, or the author\'s party, open ' + kind + ' alone; ' + clock :
    'before ' + dateText(rule.after) + ' the charter asks for the consent of every side and of the author\'s party to open ' +
      kind + '; ' + clock;
}
