#!/usr/bin/env node
// web/test/observe.mjs - the page's look at a register under node: what it makes of it, as `detente observe --json` says it.
//
// Use: node web/test/observe.mjs CHARTER FORUM URL [LOOKS]
// LOOKS: JSON {shown: [[size, first ms, last ms]], attested: [[size, time ms, seen ms]]} of another observer, in place of this
// one look. The members of the answer are those of detente observe --json.

import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto; // node 18

const { fromHex, hex } = await import('../verify/bytes.js');
const { readCharter, registerPolicy } = await import('../verify/charter.js');
const { verifyOpening } = await import('../observer/opening.js');
const { lookOnce } = await import('../observer/follow.js');
const { lineTestOf } = await import('../observer/linetest.js');
const { WebSource } = await import('../observer/source.js');
const { emptyState } = await import('../observer/state.js');
const { foldTimeline, groupLag } = await import('../observer/timeline.js');
const { timeText } = await import('../verify/time.js');

const [charterFile, forum, url, looks] = process.argv.slice(2);
const charter = await readCharter(new Uint8Array(readFileSync(charterFile)));
const policy = await registerPolicy(charter.register, charter.parties);
for (const node of policy.nodes)
  if (node.members && /^g[0-9]/.test(node.name))
    node.name = charter.parties[Number(/^g([0-9]+)/.exec(node.name)[1]) - 1].name;
const look = { source: new WebSource(url), policy, anchor: { forum: fromHex(forum), rootWords: [] }, now: Date.now(), progress: () => null };
const { state, refused } = await lookOnce(look, emptyState());
if (looks) {
  const o = JSON.parse(readFileSync(looks, 'utf8'));
  state.shown = o.shown.map(([size, first, last]) => ({ size: BigInt(size), first, last }));
  state.attested = o.attested.map(([size, time, seen]) => ({ size: BigInt(size), time, seen }));
}
const groups = policy.sides().map((i) => policy.nodes[i].name), openings = [], tests = [];
for (const o of state.openings) {
  const v = await verifyOpening(o.file, look), t = lineTestOf(v, o.first);
  openings.push({ entry: Number(v.subject.entry), verdict: v.verdict, standing: v.standing, findings: v.findings });
  if (t)
    tests.push(t);
}
openings.sort((a, b) => a.entry - b.entry);
const promised = charter.cadence();
const t = foldTimeline(state, { groups, now: look.now, tests,
  cadence: promised && { k: promised.k * charter.parties.length, period: promised.period } });
const periods = (p) => p.map((x) => ({ start: timeText(x.start), end: timeText(x.end), entries: Number(x.entries), attested: Number(x.attested) }));
console.log(JSON.stringify({ entries: Number(t.entries), attested: Number(t.attested), cosigned_by_all: Number(t.final), root: hex(state.root),
  days: periods(t.periods.day), weeks: periods(t.periods.week), months: periods(t.periods.month),
  groups: groups.map((name) => {
    const g = state.groups.get(name), lag = groupLag(state, g);
    return { name, size: g ? Number(g.size) : 0, lags_by: Number(lag.n) };
  }),
  line_tests: t.stations.map((s) => ({ station: s.station, every_s: s.every / 1000, first: s.first, last: s.last, opened: s.opened,
    not_opened: s.unopened, missed: s.missed, answered_late: s.late, shown_unanswered: s.unanswered })),
  openings, flags: t.flags.map((f) => f.text), n_refused: refused.length }));
