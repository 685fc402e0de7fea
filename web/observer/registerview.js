// observer/registerview.js - a register as this browser saw it: how many entries, who vouches for them, what is missing.

import { hex } from '../verify/bytes.js';
import { DISPUTED } from '../verify/decide.js';
import { SECOND, timeText } from '../verify/time.js';
import { download, h, list, peer, table } from './dom.js';
import { stationText } from './linetest.js';
import { timelinePicture } from './picture.js';
import { proofView } from './proofview.js';
import { groupLag, periodText } from './timeline.js';

const ROWS_MAX = 400;

function clock(ms) {
  return timeText(Math.floor(ms / SECOND) * SECOND);
}

function count(n, one, many) {
  return n + ' ' + (BigInt(n) === 1n ? one : many);
}

function groupsTable(state, groups) {
  return table('Who has signed that the register only grew', ['Group', 'Entries that it signed for', 'Last time', 'Behind by'],
    groups.map((name) => {
      const g = state.groups.get(name), lag = groupLag(state, g);
      return [peer(name), g ? String(g.size) : '0', g ? timeText(g.time) : 'never', lag.n === 0n ? 'nothing' :
        count(lag.n, 'entry', 'entries') + ', since ' + clock(lag.since)];
    }), [1]);
}

function periodsTable(t, unit) {
  const p = t.periods[unit], cut = p.slice(-ROWS_MAX);
  return table('Entries by ' + unit + ' (UTC), at the latest', [unit[0].toUpperCase() + unit.slice(1), 'Entries', 'Attested'],
    cut.map((x) => [periodText(unit, x.start), String(x.entries), String(x.attested)]), [1, 2]);
}

function flagsPart(t, split) {
  if (t.flags.length === 0)
    return h('p', { class: 'verdict good' }, h('span', { class: 'sign', 'aria-hidden': 'true' }, '\u2713'), ' Nothing is flagged.');
  return [h('ul', { class: 'flags' }, t.flags.map((f) => h('li', {}, h('span', { class: 'sign', 'aria-hidden': 'true' }, '!'), ' ', peer(f.text)))),
    split ? h('p', {}, h('button', { type: 'button', click: () => download(split.name, split.file) }, 'Save the evidence'),
      ' Anyone can check this file: here, or with detente evidence verify.') : null];
}

function cadencePart(t, cadence) {
  if (!t.cadence)
    return null;
  return h('p', {}, 'The charter promises ' + count(cadence.k, 'entry', 'entries') + ' every ' + cadence.period / 3600000 + ' hours, all parties together. Of ' +
    t.cadence.judged + ' whole periods looked at ' + t.cadence.kept + ' kept it for certain (' + t.cadence.above + ' had more), ' +
    t.cadence.missed + ' cannot have, the others cannot be told.');
}

function lineTests(t) {
  if (t.stations.length === 0)
    return h('p', {}, 'No line test was opened.');
  return [table('Line tests that were opened', ['Station', 'Opened', 'Numbers', 'Not opened', 'Missed', 'Answered late', 'No answer shown'],
    t.stations.map((s) => [peer(s.station), String(s.opened), s.first + ' to ' + s.last, String(s.unopened), String(s.missed), String(s.late),
      String(s.unanswered)]), [1, 3, 4, 5, 6]), list(t.stations.map((s) => peer(stationText(s))))];
}

/** What another opening of the same entry shows, and this one does not. */
function elsewhere(view, o) {
  const same = view.openings.filter((x) => x !== o && x.verdict.subject.entry === o.verdict.subject.entry);
  const withdrawn = (x) => x.verdict.byParty[x.verdict.subject.party.place].withdrawn, disputed = (x) => x.verdict.standingCode === DISPUTED;
  return [same.some((x) => withdrawn(x) && !withdrawn(o)) ? 'Another opening shows that its author withdrew it, which undoes nothing.' : null,
    same.some((x) => disputed(x) && !disputed(o)) ? 'Another opening shows that it is disputed.' : null,
    o.gone ? 'It is no longer published since ' + clock(o.gone) + '; what it shows stands.' : null].filter((x) => x !== null);
}

function openings(view) {
  if (view.openings.length === 0)
    return h('p', {}, 'Nothing that counts was opened beside this register.');
  return view.openings.map((o) => h('details', { class: 'opening' }, h('summary', {}, 'Entry ' + o.verdict.subject.entry + ', ' +
    o.verdict.subject.tree.templateId + ': ' + o.verdict.verdict + '; ', peer(o.verdict.standing), ' (seen since ' + clock(o.first) + ')'),
  elsewhere(view, o).map((x) => h('p', { class: 'note' }, x)), proofView('openings/' + o.hash + '.proof', o.verdict)));
}

function marksOf(view) {
  const out = view.openings.map((o) => ({ at: o.verdict.subject.ms || o.first, kind: 'opening', row: 0,
    title: 'entry ' + o.verdict.subject.entry + ' opened: ' + o.verdict.verdict }));
  for (const x of view.tests)
    out.push({ at: x.time, kind: 'test', row: 1, title: 'line test ' + x.number + ' of ' + x.station });
  for (const f of view.timeline.flags)
    out.push({ at: f.at, kind: f.test ? 'missed' : 'flag', row: f.test ? 1 : 2, title: f.text });
  return out;
}

/**
 * view: {state, timeline, groups, openings (of each {hash, first, gone, verdict}), tests, refused, source, key, whose
 * (text: where the key came from), vouched, cadence, kept (is it remembered?)}.
 */
export function registerView(view) {
  const t = view.timeline, s = view.state, last = s.shown.at(-1), first = s.shown[0];
  const [sign, kind, words] = s.split ? ['\u2715', 'bad', 'A register with two faces'] :
    s.behind ? ['\u2715', 'bad', 'Fewer entries than before'] : view.vouched ? ['\u2713', 'good', 'The register holds, and only grew'] :
      ['?', 'warn', 'The register holds, but whose is it?'];
  return h('article', { class: 'card', 'aria-label': 'The register' },
    h('h3', { class: 'verdict ' + kind }, h('span', { class: 'sign', 'aria-hidden': 'true' }, sign), ' ' + words),
    h('p', { class: 'file' }, peer(view.source)), h('p', {}, 'Its key: ', h('code', { class: 'hash' }, peer(view.key)), '. ', view.whose),
    h('p', { class: 'big' }, h('strong', {}, count(t.entries, 'entry', 'entries')), ', not contacts', view.groups.length > 0 ?
      '; ' + t.attested + ' attested, ' + t.final + ' signed for by every group.' : '. No witness of it is known here, so the register alone vouches for it.'),
    h('p', {}, 'Looked at from ' + clock(first.first) + ' to ' + clock(last.last) + ', in this browser. ', view.kept ?
      'It remembers what it saw, and holds it against what it is shown next.' : 'This browser keeps nothing: the next look cannot be held against this one.'),
    h('p', {}, 'Root of all entries: ', h('code', { class: 'hash' }, hex(s.root)), '. Compare it with what others see of as many entries.'),
    h('h4', {}, 'Flags'), flagsPart(t, s.split), cadencePart(t, view.cadence),
    h('h4', {}, 'Timeline'), timelinePicture(t, marksOf(view), ['Openings', 'Line tests', 'Flags']),
    h('p', { class: 'legend' }, 'Bars: entries; filled are those that are attested, hollow those that are not. \u25c7 an opening, + a line test, ' +
      '\u00d7 one that was missed or answered late, a pennant: a flag. Times are upper bounds: an entry was there by then, and may be older.'),
    periodsTable(t, 'day'), h('details', {}, h('summary', {}, 'By week and month'), periodsTable(t, 'week'), periodsTable(t, 'month')),
    view.groups.length > 0 ? groupsTable(s, view.groups) : null,
    h('h4', {}, 'Line tests'), lineTests(t), h('h4', {}, 'What was opened'), openings(view),
    view.refused.length > 0 ? [h('p', {}, count(view.refused.length, 'published file is', 'published files are') + ' no opening of this register:'),
      list(view.refused.slice(0, 50).map((x) => peer(x)))] : null,
    h('h4', {}, 'What this proves'), list(['That whoever holds this key signed a register of these entries, and that all of them are there.',
      'That it only grew since this browser first saw it.', view.groups.length > 0 ?
        'That the groups named above signed for as many entries as stand beside their names.' : null].filter((x) => x !== null)),
    h('h4', {}, 'What it does not prove'), list(['How many contacts there were: every record has an entry, whatever it is about, and so has cover.',
      'What the entries that were not opened say.', 'That others are shown the same register: compare the root, or look at the witnesses.',
      view.vouched ? null : 'Whose register it is.'].filter((x) => x !== null)));
}
