// verify/say.js - what a proof shows, in lines of plain English: the very lines that `detente verify` prints.
//
// Source: docs/protocol-record.md "What a verifier says". The word undisputed is never used: it says what is shown, and
// what is not.

import { hex, textOf } from './bytes.js';
import { BY_AUTHOR, COUNTERSIGNED, DISPUTED, NOT_SHOWN, wholeDispute, wordsOf } from './decide.js';
import { STATE_ATTESTED, STATE_HELD, STATE_NONE } from './entry.js';
import { sayRule } from './rules.js';
import { readTally } from './tally.js';
import { MINUTE, spanText, timeText } from './time.js';
import { checkValue, mapPairs, valueText } from './value.js';

const APART = 5 * MINUTE, OWN = ['', 'no standing', 'countersigned', 'disputed', 'withdrawn'];

function partyText(p) {
  return p.name + (p.vouched ? '' : ' (claimed by the charter, root not checked)');
}

/** A value on one line. */
function shown(field, value, charter) {
  return valueText(field, value, charter).replaceAll('\n', ' ');
}

function amendmentLines(charter) {
  return charter.amendments.map((a, i) => {
    const head = 'amendment ' + (i + 1) + ', signed by all ' + (a.roots ? 'parties' : 'roots');
    if (!a.roots)
      return head + ': the register was replaced at entry ' + a.lastSize + '; what the one before signed later does not count';
    if (a.roots.length === 0)
      return head + ': successors of roots were announced';
    return head + ': the root of ' + a.roots.join(', and of ') + ' was replaced at entry ' + a.lastSize +
      '; letters of the one before count up to there';
  });
}

function subjectLines(v) {
  const r = v.subject, t = r.tree;
  let who = 'record: ' + t.templateId + ' by ' + partyText(r.party);
  if (r.name !== '')
    who += ', delegate ' + r.name + (r.title !== '' ? ', ' + r.title : '');
  const out = [who];
  if (!r.templateKnown)
    out.push('note: the template of this record is not one that this program knows');
  for (const [i, value] of t.slots) {
    const f = t.template.slot(i);
    if (i < 2)
      continue;
    out.push('opened: ' + (f.type === 0 ? 'an unused slot' : f.name) +
      (value !== null ? ' = ' + shown(f, value, v.charter) : f.type !== 0 ? ' is absent' : ''));
  }
  return out;
}

/** "entry 5, entered 2026-11-22T10:00:00Z" and how sure that is. */
export function entryText(r, nowMs) {
  const checked = timeText(nowMs) + ', when this was checked';
  if (r.state === STATE_NONE)
    return 'no register entry is shown; not later than ' + checked;
  const place = 'entry ' + r.entry + (r.endedBy ? ' of the register that amendment ' + r.endedBy + ' ended' : '');
  if (r.state === STATE_ATTESTED)
    return place + ', entered ' + timeText(r.ms);
  if (r.ms !== 0)
    return place + (r.state === STATE_HELD ? ', not attested' + '; not later than ' : ', not later than ') + timeText(r.ms);
  return place + ', not attested; not later than ' + checked;
}

function timeLines(v) {
  const r = v.subject, out = ['time: ' + entryText(r, v.nowMs)];
  // One side's witness alone can make a time earlier than it was: whoever reads shall know what the others say.
  if (r.apart > APART)
    out.push('the times of its witnesses lie ' + spanText(r.apart) +
      ' apart, and this is the first of them: a witness came late, or a clock was wrong');
  if (r.revoked)
    out.push("the author's letter of credence was revoked later: entry " + r.revoked.entry + ', ' + timeText(r.revoked.ms));
  if (!v.event)
    return out;
  if (v.event.vague)
    out.push('how precise its time is was not opened, so when it was entered after the event is not shown');
  else if (v.daysAfter !== null)
    out.push('entered ' + v.daysAfter + (v.daysAfter === 1 ? ' day' : ' days') + ' after the event');
  else if (r.state === STATE_ATTESTED)
    out.push('entered before the event was over');
  else
    out.push('when it was entered after the event is not shown');
  return out;
}

/** "tally: entries 3 to 9: 2 contacts, as stated by A, countersigned by B". */
function tallyLines(v) {
  const r = v.subject, t = readTally(r.tree);
  if (t === undefined)
    return [];
  if (t === null)
    return ['tally: its numbers cannot be true together'];
  const what = t.counted === 'contact' ? (t.count === 1n ? ' contact' : ' contacts') :
    (t.count === 1n ? " record of kind '" : " records of kind '") + t.counted + "'";
  const out = ['tally: entries ' + t.first + ' to ' + t.last + ': ' + t.count + what + ', as stated by ' + partyText(r.party) +
    (v.standingCode !== BY_AUTHOR || v.byParty[r.party.place].withdrawn ? ', ' + v.standing : ''),
  'note: of a tally are counted the records of one channel; of the other entries of the range nothing is shown'];
  if (r.state !== STATE_NONE && t.last >= r.entry)
    out.push("note: the tally's range goes past the tally's own entry");
  return out;
}

/** What a dispute says beside what the record says: {name, record, own, ownParty} of each field of its values. */
export function disputedFields(v, d) {
  const t = v.subject.tree, values = d.tree.slots.get(10);
  return !values ? [] : mapPairs(values).map((pair) => {
    const name = textOf(pair.key, 'field'), place = t.template.place(name);
    let f = place >= 0 ? t.template.slot(place) : null, record;
    if (f === null || f.type !== pair.type) {
      record = 'nothing of this kind';
      f = { type: pair.type, values: [] };
    } else if (!t.slots.has(place)) {
      record = '(not opened)';
    } else {
      record = t.slots.get(place) === null ? '(absent)' : shown(f, t.slots.get(place), v.charter);
    }
    let own = '(absent)';
    if (pair.value.length > 0)
      own = f.values.length > 0 && !fits(f, pair.value) ? 'a value that the field cannot have' : shown(f, pair.value, v.charter);
    return { name, record, own };
  });
}

function fits(f, value) {
  try {
    checkValue(f.type, f.values.length, value);
    return true;
  } catch {
    return false;
  }
}

function answerLines(v) {
  const out = [], subject = v.subject.party;
  for (const r of v.records.slice(1)) {
    const own = r.party === subject;
    if (r.answer === 'consent')
      continue;
    const not = r.answer === 'withdraw' ? !own : own && (r.answer === 'countersign' || r.answer === 'dispute');
    out.push(r.answer + ' by ' + partyText(r.party) + ': ' + entryText(r, v.nowMs) +
      (not ? "; does not count: not this party's to give" : ''));
    if (r.answer === 'dispute' && !own) {
      if (!wholeDispute(r))
        out.push('which fields it disputes, and its own values, are not opened');
      for (const f of disputedFields(v, r))
        out.push('disputed field: ' + f.name + ': ' + partyText(subject) + ' says ' + f.record + '; ' +
          partyText(r.party) + ' says ' + f.own);
    }
    if (wordsOf(r) !== '')
      out.push('reply of ' + partyText(r.party) + ': ' + wordsOf(r));
    if (r.answer === 'withdraw' && own)
      out.push('withdrawn by its author, which undoes nothing');
  }
  return out;
}

function consentLines(v, p) {
  const who = partyText(p.party);
  if (!p.consentOf)
    return ['consent of ' + who + ': not shown'];
  const out = ['consent of ' + who + " to open to '" + p.audience + "', until " + timeText(p.expires) +
    (p.party === v.subject.party && OWN[p.own] === OWN[1] ? '; it wrote the record' : '; its own standing to the record: ' + OWN[p.own]) +
    '; ' + entryText(p.consentOf, v.nowMs)];
  if (v.nowMs > p.expires)
    out.push('the consent of ' + who + ' has ended');
  if (p.consentElsewhere)
    out.push('the consent of ' + who + ' is to others than those to whom this was opened');
  for (const i of [...v.aboutFields].sort((a, b) => a - b))
    if (!p.slots.has(i))
      out.push((v.subject.tree.slots.has(i) ? 'opened without the consent of ' :
        'values of a dispute opened without the consent of ') + who + ': ' + v.subject.tree.template.slot(i).name);
  return out;
}

function consentsLines(v) {
  const out = ['rule: ' + sayRule(v.rule, v.subject.tree.templateId, v.nowMs)], missing = !v.consented;
  for (const [i, p] of v.byParty.entries())
    if (p.consentOf || (v.rule.asked[i] && (missing || !v.rule.anyOne)))
      out.push(...consentLines(v, p));
  if (missing && v.rule.anyOne)
    out.push('opened without consent of any of them');
  else if (missing)
    for (const [i, p] of v.byParty.entries())
      if (v.rule.asked[i] && !p.consent)
        out.push('opened without consent of ' + partyText(p.party));
  return out;
}

/** Are there parties whose account is not in this file, or not in full? */
export function accountsLines(v) {
  const out = [];
  let all = true;
  for (const p of v.byParty) {
    const of = p.accountOf ? p.accountOf.answer : null;
    if (p.account === DISPUTED && of === 'consent')
      out.push('the account of ' + partyText(p.party) + ', which says that it disputes the record, is not shown');
    if (p.account === DISPUTED && (of === 'consent' || (of === 'dispute' && !wholeDispute(p.accountOf))))
      all = false;
    if (p.party.kind === 1 && p.account === NOT_SHOWN)
      all = false;
  }
  if (!all)
    out.push('other accounts not shown');
  return out;
}

/** "disputed by B; countersigned by A", or "asserted by one: C". */
export function standingText(v) {
  const out = [];
  if (v.standingCode !== BY_AUTHOR)
    for (const [account, word] of [[DISPUTED, 'disputed by '], [COUNTERSIGNED, 'countersigned by ']])
      for (const p of v.byParty)
        if (p.account === account && p.party.vouched)
          out.push(word + partyText(p.party));
  return (out.length > 0 ? out.join('; ') : 'asserted by one: ' + partyText(v.subject.party)) +
    (v.byParty[v.subject.party.place].withdrawn ? '; withdrawn by its author' : '');
}

/** All findings, a line each, as text. */
export function sayAll(v) {
  return ['forum: ' + v.charter.title + ' (' + hex(v.charter.forum) + ')', ...amendmentLines(v.charter), ...subjectLines(v),
    ...tallyLines(v), ...timeLines(v), 'standing: ' + v.standing, ...answerLines(v), ...consentsLines(v),
    ...(v.wordsOpened && !v.openToAll ? ['the text of an answer is opened, and the record is not open to everyone: ' +
      'opened without consent'] : []),
    ...accountsLines(v), 'verdict: ' + v.verdict].map((line) => line + '\n').join('');
}

