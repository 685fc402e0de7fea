// verify/decide.js - what the answers and consents of a proof file make of its subject, once all of it holds.
//
// Source: docs/protocol-record.md "Accounts in a file", "Consent", "Verdict".

import { need, textOf, toNumber } from './bytes.js';
import { STATE_ATTESTED, STATE_NONE } from './entry.js';
import { openedFields, openedValue } from './fieldtree.js';
import { openRule, ruleMet } from './rules.js';
import { DAY, TIME_MAX } from './time.js';
import { TYPES, slotList } from './value.js';

export const PUBLIC = 'public';
export const NOT_SHOWN = 0, BY_AUTHOR = 1, COUNTERSIGNED = 2, DISPUTED = 3;
const SLOTS = 9, AUDIENCE = 10, EXPIRES = 11, OWN_STANDING = 12;
const STANDING_DISPUTED = 3, STANDING_WITHDRAWN = 4;

/** Is a dispute's list of fields, and its values, opened? */
export function wholeDispute(r) {
  return r.answer === 'dispute' && openedFields(r.tree).length === r.tree.template.fields.length &&
    r.tree.template.whole().every((i) => r.tree.slots.has(i));
}

/** What an answer says in its party's own words, on one line; '' when that is not opened. */
export function wordsOf(r) {
  const slot = { answer: 9, countersign: 9, withdraw: 9, dispute: 11 }[r.answer];
  const v = slot ? r.tree.slots.get(slot) : null;
  return v ? textOf(v, 'text').replaceAll('\n', ' ') : '';
}

/**
 * Is account a to count, and not b? The later one in the register. What is shown without an entry gets nothing by it:
 * its opener may have left the entry out.
 */
function prevails(a, b) {
  const against = (r) => r.answer !== 'countersign';
  if (a.state === STATE_NONE || b.state === STATE_NONE)
    return a.state === STATE_NONE ? against(a) : !against(b);
  return a.entry > b.entry;
}

function countAccount(p, r) {
  if (p.account !== NOT_SHOWN && !prevails(r, p.accountOf))
    return;
  p.account = r.answer === 'countersign' ? COUNTERSIGNED : DISPUTED;
  p.accountOf = r;
}

export function consentReaches(audience, to) {
  return to === undefined || audience === to || audience === PUBLIC;
}

function countConsent(v, r, given) {
  const p = v.byParty[r.party.place], t = r.tree, own = toNumber(t.slots.get(OWN_STANDING));
  const subject = v.subject.party;
  // Signed by the party: a dispute or withdrawal that it tells of counts when that itself is left out.
  if (own === STANDING_DISPUTED && r.party !== subject && p.account !== DISPUTED)
    countAccount(p, r);
  if (own === STANDING_WITHDRAWN && r.party === subject)
    p.withdrawn = true;
  const slots = slotList(t.slots.get(SLOTS)), expires = toNumber(t.slots.get(EXPIRES));
  const audience = textOf(t.slots.get(AUDIENCE), 'audience');
  let covers = [...v.aboutFields].every((i) => slots.has(i)) && given.nowMs <= expires;
  p.consentToAll = p.consentToAll || (covers && audience === PUBLIC);
  covers = covers && consentReaches(audience, given.audience);
  if (p.consent || (!covers && p.consentOf))
    return; // the best one shown is the one that is spoken of
  Object.assign(p, { consent: covers, consentElsewhere: !consentReaches(audience, given.audience), consentOf: r, slots,
    audience, expires, own });
}

function countAnswers(v, records, given) {
  v.byParty[v.subject.party.place].account = BY_AUTHOR;
  v.aboutFields = new Set(openedFields(v.subject.tree));
  for (const [i, r] of records.slice(1).entries()) {
    const own = r.party === v.subject.party, whole = wholeDispute(r);
    if (r.answer === 'withdraw' && own)
      v.byParty[r.party.place].withdrawn = true;
    // The text of a whole dispute goes with its values, to whomever these are opened.
    const words = { answer: 9, countersign: 9, withdraw: 9, dispute: 11 }[r.answer];
    if (words && !whole && r.tree.slots.has(words))
      v.wordsOpened = true;
    if (whole) {
      let slots;
      try {
        slots = slotList(r.tree.slots.get(SLOTS));
      } catch (e) {
        need(false, 'record ' + (i + 2) + ' (dispute): ' + e.message);
      }
      for (const s of slots)
        if (s > 1)
          v.aboutFields.add(s);
    }
    if ((r.answer === 'countersign' || r.answer === 'dispute') && !own)
      countAccount(v.byParty[r.party.place], r);
  }
  for (const r of records.slice(1)) // after the accounts themselves
    if (r.answer === 'consent')
      countConsent(v, r, given);
}

/** The end of the calendar day, month or year that ms lies in; ms itself when it is exact. */
function precisionEnd(ms, precision) {
  if (precision === 2)
    return (Math.floor(ms / DAY) + 1) * DAY;
  const d = new Date(ms), y = d.getUTCFullYear();
  if (precision !== 3 && precision !== 4)
    return ms;
  const next = new Date(0);
  next.setUTCFullYear(precision === 4 ? y + 1 : y, precision === 4 ? 0 : d.getUTCMonth() + 1, 1);
  return Math.min(next.getTime(), TIME_MAX);
}

/** When the event that the record speaks of was over: {end, vague} or null when no time of it is opened. */
function findEvent(subject) {
  const t = subject.tree;
  let ms = null, precision = 1, vague = false;
  for (const name of ['started_at', 'ended_at']) { // the later one is the better one
    const v = openedValue(t, name);
    if (v && t.template.slot(t.template.place(name)).type === TYPES.datetime)
      ms = toNumber(v);
  }
  const place = t.template.place('time_precision');
  if (place >= 0) {
    const v = t.slots.get(place);
    if (v && t.template.slot(place).type === TYPES.enum)
      precision = toNumber(v);
    else
      vague = !t.slots.has(place);
  }
  return ms === null ? null : { end: precisionEnd(ms, precision), vague };
}

/** {subject, byParty, rule, consented, openToAll, wordsOpened, aboutFields, event, daysAfter, standingCode, verdict}. */
export function decide(charter, records, given) {
  const v = { subject: records[0], wordsOpened: false, aboutFields: null, nowMs: given.nowMs,
    byParty: charter.parties.map((party) => ({ party, account: NOT_SHOWN, accountOf: null, consent: false, consentOf: null,
      consentToAll: false, consentElsewhere: false, withdrawn: false })) };
  countAnswers(v, records, given);
  v.event = findEvent(v.subject);
  v.daysAfter = null;
  if (v.event && !v.event.vague && v.subject.state === STATE_ATTESTED && v.subject.ms >= v.event.end)
    v.daysAfter = Math.floor((v.subject.ms - v.event.end) / DAY);
  v.rule = openRule(charter, v.subject.tree.templateId, v.subject.party.place, given.nowMs);
  v.standingCode = BY_AUTHOR;
  for (const p of v.byParty) {
    // Only an account under a root that was checked lifts a record above "asserted by one".
    if (!p.party.vouched || !v.subject.party.vouched)
      continue;
    if (p.account === DISPUTED || (p.account === COUNTERSIGNED && v.standingCode === BY_AUTHOR))
      v.standingCode = p.account;
  }
  v.consented = ruleMet(v.rule, v.byParty.map((p) => p.consent));
  v.openToAll = ruleMet(v.rule, v.byParty.map((p) => p.consentToAll));
  if (!given.forum && !(given.rootWords && given.rootWords.length > 0))
    v.verdict = 'consistent, but whose?';
  else if (!charter.parties.every((p) => p.vouched))
    v.verdict = 'claimed by the charter, root not checked';
  else
    v.verdict = v.consented && (v.openToAll || !v.wordsOpened) ? 'verified' : 'opened without consent';
  v.withoutConsentOf = v.consented ? [] :
    v.byParty.filter((p, i) => v.rule.asked[i] && !p.consent).map((p) => p.party.name);
  v.replies = records.slice(1).filter((r) => wordsOf(r) !== '').map((r) => ({ of: r.party.name, text: wordsOf(r) }));
  return v;
}

