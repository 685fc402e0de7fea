// observer/picture.js - the timeline as a picture: bars of entries by day, week or month, openings, line tests, flags.
//
// No meaning is in colour alone: what is attested is filled, what is not is hollow; each mark has a shape of its own, and
// the same is in words in the table below it.

import { svg } from './dom.js';
import { periodText } from './timeline.js';
import { DAY, dateText } from '../verify/time.js';

const WIDTH = 800, LEFT = 84, RIGHT = 12, BARS = 130, ROW = 22, TOP = 16, BARS_MAX = 62;

function unitFor(t) {
  return ['day', 'week', 'month'].find((u) => {
    const p = t.periods[u];
    return p.length === 0 || (p.at(-1).end - p[0].start) / ({ day: 1, week: 7, month: 30 }[u] * DAY) <= BARS_MAX;
  }) || 'month';
}

/** Round down to 1, 2 or 5 times a power of ten, for the axis. */
function niceTop(n) {
  for (let p = 1; ; p *= 10)
    for (const f of [1, 2, 5])
      if (f * p >= n)
        return f * p;
}

function mark(kind, x, y, title) {
  const shapes = { opening: 'M0 -6L6 0L0 6L-6 0Z', test: 'M0 -6V6M-4 0H4', missed: 'M-5 -5L5 5M-5 5L5 -5', flag: 'M-4 6V-6L6 -2L-4 2' };
  return svg('g', { transform: 'translate(' + x.toFixed(1) + ' ' + y + ')', class: 'mark ' + kind },
    svg('title', {}, title), svg('path', { d: shapes[kind] }));
}

/** marks: of each {at, kind, row, title}; rows: their names. Null when there is nothing to draw. */
export function timelinePicture(t, marks, rows) {
  const times = [...t.runs.map((r) => r.time), ...marks.map((m) => m.at)];
  if (times.length === 0)
    return null;
  const unit = unitFor(t), bars = t.periods[unit];
  // A few days do not fill the width: a bar keeps a size that can be compared.
  const begin = Math.min(...times, ...bars.map((p) => p.start)), least = 14 * { day: 1, week: 7, month: 30 }[unit] * DAY;
  const end = Math.max(...times, ...bars.map((p) => p.end), begin + least);
  const x = (ms) => LEFT + (ms - begin) / (end - begin) * (WIDTH - LEFT - RIGHT);
  const top = niceTop(Math.max(1, ...bars.map((p) => Number(p.entries)))), base = TOP + BARS;
  const y = (n) => base - n / top * BARS, height = base + 26 + rows.length * ROW + 4;
  const words = t.entries + ' entries, not contacts; ' + t.attested + ' of them attested; by ' + unit + ' from ' + dateText(begin) + ' to ' +
    dateText(Math.max(...times)) + '. The table below says the same.';
  return svg('svg', { viewBox: '0 0 ' + WIDTH + ' ' + height, role: 'img', 'aria-labelledby': 'picture-title picture-desc', class: 'timeline' },
    svg('title', { id: 'picture-title' }, 'Entries, openings, line tests and flags over time'), svg('desc', { id: 'picture-desc' }, words),
    [0, top].map((n) => [svg('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(n), y2: y(n), class: 'axis' }),
      svg('text', { x: LEFT - 6, y: y(n) + 4, class: 'end' }, String(n))]),
    bars.map((p) => {
      const left = x(p.start), width = Math.max(x(p.end) - left - 2, 2), n = Number(p.entries), a = Number(p.attested);
      return svg('g', {}, svg('title', {}, periodText(unit, p.start) + ': ' + n + (n === 1 ? ' entry' : ' entries') + ', ' + a + ' attested'),
        svg('rect', { x: left + 1, y: y(n), width, height: base - y(n), class: 'hollow' }),
        svg('rect', { x: left + 1, y: y(a), width, height: base - y(a), class: 'full' }));
    }),
    svg('text', { x: LEFT, y: base + 18 }, dateText(begin)), svg('text', { x: WIDTH - RIGHT, y: base + 18, class: 'end' }, dateText(end - 1)),
    rows.map((name, i) => svg('text', { x: LEFT - 6, y: base + 26 + i * ROW + 14, class: 'end' }, name)),
    marks.map((m) => mark(m.kind, x(m.at), base + 26 + m.row * ROW + 10, m.title)));
}
