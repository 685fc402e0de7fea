// observer/claims.js - what sources say in public, held against what was opened and against each other.
//
// Source: docs/protocol-record.md "Claims". Nothing here decides which of two is right.

import { need, toNumber } from '../verify/bytes.js';
import { COUNTERSIGNED, DISPUTED } from '../verify/decide.js';
import { STATE_NONE } from '../verify/entry.js';
import { openedValue } from '../verify/fieldtree.js';
import { isTemplate } from '../verify/template.js';
import { DAY, dateText, dayText, readDay } from '../verify/time.js';
import { listItems, valueText } from '../verify/value.js';
import { readCsv } from './csv.js';
import { countSince } from './timeline.js';

const COLUMNS = ['claim_id', 'contact_key', 'kind', 'date_from', 'date_to', 'date_precision', 'duration_min', 'count', 'party_a',
  'party_b', 'asserted_by', 'stance', 'source_document', 'note'];
const PRECISIONS = ['day', 'month', 'year', 'term', 'range', 'open', 'unknown'];
const STANCES = ['announced', 'reported', 'alleged', 'asserted', 'denied', 'neither'];
const RANK = { 'asserted by one': 1, disputed: 2, countersigned: 3 }, COUNT_MAX = 0xffffffff, PARTIES_MAX = 8;

function readCount(text, what) {
  need(text === '' || (/^(0|[1-9][0-9]{0,9})$/.test(text) && Number(text) <= COUNT_MAX), what + ' is no number');
  return text === '' ? null : Number(text);
}

export function isClaims(bytes) {
  try {
    const head = new TextDecoder().decode(bytes.subarray(0, 2000)).split('\n')[0];
    return COLUMNS.every((c) => head.includes(c));
  } catch {
    return false;
  }
}

export function readClaims(bytes) {
  const [head, ...rows] = readCsv(bytes);
  for (const c of COLUMNS)
    need(head.includes(c), "claims: the table has no column '" + c + "'");
  const ids = new Set();
  return rows.map((row, n) => {
    const o = Object.fromEntries(COLUMNS.map((c) => [c, row[head.indexOf(c)]])), where = 'claims: row ' + (n + 1) + ': ';
    need(/^[^ \u0000-\u001f\u007f-\u009f]{1,64}$/.test(o.claim_id), where + 'claim_id is one word'); // eslint-disable-line no-control-regex
    need(!ids.has(o.claim_id), where + 'a claim_id a second time');
    ids.add(o.claim_id);
    const from = o.date_from === '' ? null : readDay(o.date_from), to = o.date_to === '' ? null : readDay(o.date_to);
    need((o.date_from === '' || from !== null) && (o.date_to === '' || to !== null) && (from === null || to === null || from <= to),
      where + 'date_from or date_to is no date, or they are out of order');
    readCount(o.duration_min, where + 'duration_min');
    need(PRECISIONS.includes(o.date_precision), where + 'date_precision');
    need(STANCES.includes(o.stance), where + 'stance');
    return { id: o.claim_id, key: o.contact_key, kind: o.kind, from, to, precision: o.date_precision, count: readCount(o.count, where + 'count'),
      a: o.party_a, b: o.party_b, by: o.asserted_by, stance: o.stance, source: o.source_document, note: o.note };
  });
}

// ---- contacts as far as they are known

/** {entry, mode, parties, from, to (days), standing, withdrawn} of a verified proof of a contact that opens enough; else null. */
export function knownContact(v) {
  if (v.verdict !== 'verified' || !v.subject.party.vouched || !isTemplate(v.subject.tree.template, 'contact'))
    return null;
  const t = v.subject.tree, [mode, parties, started, precision] = ['mode', 'parties', 'started_at', 'time_precision']
    .map((n) => openedValue(t, n));
  if (!mode || !parties || !started || !precision || v.subject.state === STATE_NONE || listItems(parties).length > PARTIES_MAX)
    return null;
  const field = t.template.slot(t.template.place('mode')), party = t.template.slot(t.template.place('parties'));
  const day = Math.floor(toNumber(started) / DAY), d = new Date(day * DAY), p = toNumber(precision);
  let from = day, to = day;
  if (p === 4) {
    from = readDay(dayText(day).slice(0, 4) + '-01-01');
    to = readDay(dayText(day).slice(0, 4) + '-12-31');
  } else if (p === 3) {
    from = readDay(dayText(day).slice(0, 8) + '01');
    to = Math.round(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 1) / DAY) - 1;
  }
  return { entry: v.subject.entry, mode: valueText(field, mode, v.charter), from, to, verdict: v,
    parties: listItems(parties).map((x) => valueText({ ...party, type: party.type & 0x7f }, x, v.charter)),
    standing: v.standingCode === DISPUTED ? 'disputed' : v.standingCode === COUNTERSIGNED ? 'countersigned' : 'asserted by one',
    withdrawn: v.byParty[v.subject.party.place].withdrawn };
}

const same = (a, b) => a.replace(/[A-Z]/g, (c) => c.toLowerCase()) === b.replace(/[A-Z]/g, (c) => c.toLowerCase());

function sameParties(c, k) {
  return k.parties.every((p) => same(p, c.a) || same(p, c.b)) && k.parties.some((p) => same(p, c.a)) &&
    k.parties.some((p) => same(p, c.b));
}

/** As far as the claim bounds its time at all. */
function within(c, k) {
  return c.kind === k.mode && sameParties(c, k) && (c.from === null || c.from <= k.to) && (c.to === null || k.from <= c.to);
}

function matches(c, k) {
  return c.from !== null && c.to !== null && within(c, k);
}

function asserts(c) {
  return c.stance !== 'neither' && c.stance !== 'denied' && c.count !== 0;
}

function denies(c) {
  return c.stance === 'denied' || (c.stance !== 'neither' && c.count === 0);
}

function dated(c) {
  return c.from !== null && c.to !== null && ['day', 'month', 'year'].includes(c.precision);
}

function contradict(a, b) {
  if (a.key === '' || a.key !== b.key || a.stance === 'neither' || b.stance === 'neither')
    return false;
  if (denies(a) !== denies(b))
    return (denies(a) ? b : a).count > 0;
  if (denies(a) || !dated(a) || !dated(b))
    return false;
  const year = (day) => Number(dayText(day).slice(0, 4));
  return year(a.to) < year(b.from) || year(b.to) < year(a.from); // no calendar year in common
}

function disputedElsewhere(known, k) {
  return k.standing !== 'disputed' && known.some((x) => x.entry === k.entry && x.standing === 'disputed');
}

/** How many contacts of its kind, parties and time are proven, each once; of these those of each standing. */
function count(c, known) {
  const out = { proved: 0, countersigned: 0, disputed: 0 }, seen = new Map();
  for (const k of known.filter((x) => within(c, x))) {
    const before = seen.get(k.entry);
    if (before === undefined || before === 'asserted by one' || k.standing === 'disputed')
      seen.set(k.entry, k.standing);
  }
  for (const standing of seen.values()) {
    out.proved++;
    out.countersigned += standing === 'countersigned' ? 1 : 0;
    out.disputed += standing === 'disputed' ? 1 : 0;
  }
  return out;
}

/** Of each claim {claim, standing, entry (null: none), withdrawn, against (ids), counts (text or ''), verdict}. */
export function checkClaims(claims, known) {
  return claims.map((c) => {
    const against = claims.filter((x) => x !== c && contradict(c, x)).map((x) => x.id);
    const fit = asserts(c) ? known.filter((k) => matches(c, k) && !disputedElsewhere(known, k)) : [];
    const best = fit.reduce((a, k) => (a === null || RANK[k.standing] > RANK[a.standing] ||
      (RANK[k.standing] === RANK[a.standing] && k.entry < a.entry) ? k : a), null);
    let counts = '';
    if (c.count !== null && c.count !== 1 && c.stance !== 'neither') {
      const n = count(c, known);
      counts = 'says ' + c.count + ', the register proves ' + n.proved + ', countersigned ' + n.countersigned +
        (n.disputed > 0 ? ', disputed ' + n.disputed : '') + (against.length > 0 ? ': the two accounts conflict' : '');
    }
    return { claim: c, standing: best ? best.standing : 'no entry', entry: best ? best.entry : null, against, counts,
      withdrawn: !!best && known.some((k) => k.entry === best.entry && k.withdrawn), verdict: best && best.verdict };
  });
}

/** The lines that `detente claims check` prints. */
export function claimText(r) {
  return r.claim.id + ': ' + r.standing + (r.entry !== null ? ' (entry ' + r.entry + ')' : '') +
    (r.withdrawn ? '; withdrawn by its author' : '') +
    (r.against.length > 0 ? '; contradicted by claim' + (r.against.length === 1 ? ' ' : 's ') + r.against.join(', ') : '') +
    (r.counts !== '' ? '; ' + r.counts : '');
}

/** Can the register hold a record for each contact that a claim counts? '' where it counts none from a day on. */
export function roomText(c, runs) {
  if (!c.count || c.from === null || c.stance === 'denied' || c.stance === 'neither')
    return '';
  const since = Math.max(c.from, 0) * DAY, n = countSince(runs, since);
  return 'claims ' + c.count + '; since ' + dateText(since) + ' the register shows ' + n + ' (entries, not contacts): ' +
    (n >= BigInt(c.count) ? 'there is room for as many, which supports nothing' : 'not each can have its record there');
}
