// observer/claimsview.js - the table of claims, beside what was opened.

import { h, peer, table } from './dom.js';
import { claimText, roomText } from './claims.js';
import { dayText } from '../verify/time.js';

function span(c) {
  return (c.from === null ? '?' : dayText(c.from)) + ' to ' + (c.to === null ? '?' : dayText(c.to));
}

/** results of checkClaims(); runs of a register's timeline, or null. */
export function claimsView(name, results, known, runs) {
  const rows = results.map((r) => {
    const c = r.claim;
    return [peer(c.id), [peer(c.by), ', ' + c.stance + ': ', c.count !== null ? c.count + ' \u00d7 ' : '', peer(c.kind), ', ', peer(c.a), ' \u2013 ', peer(c.b), ', ' +
      span(c)], r.standing + (r.entry !== null ? ' (entry ' + r.entry + ')' : '') + (r.withdrawn ? '; withdrawn by its author, which undoes nothing' : ''),
    r.against.length > 0 ? peer(r.against.join(', ')) : '\u2013', [r.counts, runs && roomText(c, runs) !== '' ? [r.counts !== '' ? '; ' : '',
      roomText(c, runs)] : null]];
  });
  return h('article', { class: 'card', 'aria-label': 'Claims' }, h('h3', {}, 'Claims'), h('p', { class: 'file' }, peer(name)),
    h('p', {}, 'Held against ' + known + (known === 1 ? ' opened contact' : ' opened contacts') + ' with the verdict verified. That no entry supports a claim does ' +
      'not show that it is false.'),
    table('Claims, and what supports them', ['Claim', 'What it says', 'In the register', 'Contradicted by', 'Numbers'], rows),
    h('details', {}, h('summary', {}, 'As detente claims check prints it'), h('pre', { tabindex: '0' }, peer(results.map(claimText).join('\n')))));
}
