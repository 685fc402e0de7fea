// observer/proofview.js - one file that was given: its verdict, what it proves and what it does not, in plain words.

import { hex } from '../verify/bytes.js';
import { accountsLines, disputedFields, entryText, standingText } from '../verify/say.js';
import { DISPUTED, wholeDispute, wordsOf } from '../verify/decide.js';
import { STATE_ATTESTED, STATE_NONE } from '../verify/entry.js';
import { timeText } from '../verify/time.js';
import { valueText } from '../verify/value.js';
import { h, list, peer, table } from './dom.js';

// A word, a sign and a class: never a colour alone.
const VERDICTS = {
  'verified': ['\u2713', 'good', 'Verified'],
  'opened without consent': ['!', 'warn', 'Opened without consent'],
  'claimed by the charter, root not checked': ['?', 'warn', 'Claimed by the charter: a root was not checked'],
  'consistent, but whose?': ['?', 'warn', 'Consistent, but whose?'],
  'refused': ['\u2715', 'bad', 'Refused'],
};

const MEANS = {
  'verified': 'Everything in this file holds, under the forum that you named, with the consents that its charter asks for.',
  'opened without consent': 'What it shows holds. But not everyone whose consent the charter asks for has agreed to show it.',
  'claimed by the charter, root not checked': 'What it shows holds under the roots that you named. The charter names others that you ' +
    'did not check, and what these parties say does not count here.',
  'consistent, but whose?': 'The file agrees with itself. That says nothing of whose it is: anyone can make a forum of their own. Give ' +
    'the forum id, or the root words, from someone whom you trust.',
  'refused': 'This file does not hold. Nothing in it may be relied on, and nothing of it is shown.',
};

function verdictHead(verdict) {
  const [sign, kind, words] = VERDICTS[verdict];
  return h('h3', { class: 'verdict ' + kind }, h('span', { class: 'sign', 'aria-hidden': 'true' }, sign), ' ', words);
}

function who(p) {
  return [peer(p.name), p.vouched ? null : ' (root not checked)'];
}

function fieldsTable(v) {
  const t = v.subject.tree, rows = [];
  for (const [i, value] of t.slots)
    if (i >= 2 && t.template.slot(i).type !== 0)
      rows.push([t.template.slot(i).name, value === null ? h('em', {}, 'left empty by its author') :
        peer(valueText(t.template.slot(i), value, v.charter))]);
  return rows.length > 0 ? table('What was opened', ['Field', 'Value'], rows) :
    h('p', {}, 'None of its fields was opened: only that there is such a record, of whom, and when.');
}

/** Accounts side by side: nobody merges them. */
function accounts(v) {
  const rows = v.byParty.filter((p) => p.account !== 0).map((p) => {
    const says = p.account === 1 ? 'wrote this record' : p.account === DISPUTED ? 'disputes it' : 'countersigned it: attests the same fields';
    const fields = p.account === DISPUTED && p.accountOf.answer === 'dispute' && wholeDispute(p.accountOf) ?
      list(disputedFields(v, p.accountOf).map((f) => [f.name, ': the record says ', peer(f.record), '; ', peer(p.party.name), ' says ', peer(f.own)])) : null;
    return [who(p.party), [says, p.withdrawn ? '; and withdrew it later, which undoes nothing' : null, fields]];
  });
  const words = v.records.slice(1).filter((r) => wordsOf(r) !== '').map((r) =>
    [h('strong', {}, who(r.party)), ', in its own words (', r.answer, '): ', h('q', {}, peer(wordsOf(r)))]);
  return [table('Whose accounts this file shows', ['Party', 'Account'], rows), words.length > 0 ? list(words) : null];
}

function proven(v) {
  const r = v.subject, out = [];
  out.push(['A delegate of ', who(r.party), r.name ? [', ', peer(r.name), r.title ? [' (', peer(r.title), ')'] : null] : null,
    ' signed a record of the kind ', h('strong', {}, r.tree.templateId), ' with these fields.']);
  if (r.state === STATE_ATTESTED)
    out.push('It stood in the register as entry ' + r.entry + ' by ' + timeText(r.ms) +
      ': a witness of another party than its author\u2019s signed that it had seen it.');
  else if (r.state !== STATE_NONE)
    out.push('It stands in the register as entry ' + r.entry + '. When it was entered is known only as a bound: ' + entryText(r, v.nowMs) + '.');
  if (v.daysAfter !== null)
    out.push('It was entered ' + v.daysAfter + (v.daysAfter === 1 ? ' day' : ' days') + ' after the event that it speaks of.');
  out.push(['Its standing, as far as this file shows: ', h('strong', {}, peer(standingText(v))), '.']);
  for (const p of v.byParty)
    if (p.consent)
      out.push([who(p.party), ' consented to open these fields to ', p.audience === 'public' ? 'everyone' : peer(p.audience), ', until ',
        timeText(p.expires), '.']);
  return out;
}

function notProven(v) {
  const out = ['That what it says is true. It proves who said it, and when.'];
  if (v.verdict === 'consistent, but whose?')
    out.push('Whose it is.');
  if (v.subject.state === STATE_NONE)
    out.push('When it was made: it shows no entry in the register.');
  if (v.event && v.event.vague)
    out.push('How long after the event it was entered: how precise its time is was not opened.');
  for (const line of accountsLines(v))
    out.push(line.replace('other accounts not shown', 'That no other account exists: the account of some party is not shown in this file.'));
  for (const p of v.byParty)
    if (!p.party.vouched && (v.verdict !== 'consistent, but whose?'))
      out.push(['That ', peer(p.party.name), ' is who the charter says: its root was not checked.']);
  if (v.withoutConsentOf.length > 0)
    out.push(['That these agreed to show it: ', v.withoutConsentOf.map((n, i) => [i > 0 ? ', ' : '', peer(n)]), '.']);
  if (!v.subject.templateKnown)
    out.push('What its fields mean: this page does not know the template of this record.');
  out.push('Anything of the fields that were not opened, or of other records.');
  return out;
}

function details(v) {
  return h('details', {}, h('summary', {}, 'Every finding, as detente verify prints it'), h('pre', { tabindex: '0' }, peer(v.findings)));
}

function proofCard(v) {
  return [h('p', {}, 'Forum ', peer(v.charter.title), ': ', h('code', { class: 'hash' }, hex(v.charter.forum))),
    fieldsTable(v), accounts(v), h('h4', {}, 'What this proves'), list(proven(v)), h('h4', {}, 'What it does not prove'), list(notProven(v)),
    details(v)];
}

function destructionCard(v) {
  return [h('p', {}, 'A record of ', peer(v.party.name), ' went by its own rule.'), h('h4', {}, 'What this proves'),
    list(v.findings.trim().split('\n').map((x) => peer(x))), h('h4', {}, 'What it does not prove'),
    list(['That no copy is left anywhere: only that those who say so said it.', 'What the record said, or of what kind it was.'])];
}

/** A card for a verdict of verifyAny(). */
export function proofView(name, v) {
  const inside = v.verdict === 'refused' ? h('p', {}, 'Why: ', peer(v.reason)) : v.trace ? destructionCard(v) : proofCard(v);
  return h('article', { class: 'card', 'aria-label': name + ': ' + v.verdict }, verdictHead(v.verdict), h('p', { class: 'file' }, peer(name)),
    h('p', {}, MEANS[v.verdict]), inside);
}

/** Evidence of a split view; key: that of the register that is looked at, or null. */
export function evidenceView(name, e, key) {
  const own = key && e.key.equals(key);
  return h('article', { class: 'card', 'aria-label': name }, h('h3', { class: 'verdict bad' }, h('span', { class: 'sign', 'aria-hidden': 'true' }, '\u2715'),
    ' A register with two faces'), h('p', { class: 'file' }, peer(name)),
  h('p', {}, 'The holder of this key signed two registers that cannot both be true: one of ' + e.first.size + ' and one of ' + e.second.size +
      ' entries.'), h('p', {}, h('code', { class: 'hash' }, peer(e.key.toString()))),
  h('p', {}, own ? 'It is the key of the register that you look at here.' :
    'Whether it is the key of your register is for you to compare: the charter names it.'));
}
