// What happened when: contacts, notices, answers, openings, line tests, claims; from hours to years, in real text.
import {Fragment, html, useEffect, useLayoutEffect, useMemo, useRef, useState} from '../html.js';
import * as i18n from '../i18n.js';
import {list, t, word} from '../i18n.js';
import {href} from '../router.js';
import {result, useData, useStore} from '../store.js';
import {Trouble} from '../parts/dialog.js';
import {isAnswer} from '../parts/item.js';
import {entryOf, named} from '../parts/named.js';
import {harmless} from '../parts/text.js';

const HOUR = 3600e3;
const DAY = 24 * HOUR;
const spans = [['hours', 12 * HOUR], ['days', 7 * DAY], ['months', 90 * DAY], ['years', 3 * 365 * DAY], ['decade', 10 * 365 * DAY]];
const rows = ['contacts', 'notices', 'records', 'answers', 'openings', 'lines', 'claims'];
const ROW = 24;
const WIDE = 7.6; // pixels that a character takes, at most, on average
const LABEL = 60; // characters of a label; the whole is in its title and in the list

/** A day, month or year as the span that it is; a moment as itself. */
function span(text, end) {
    if (!text) return [NaN, NaN];
    const m = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/.exec(text);
    if (!m) return [Date.parse(text), Date.parse(end || text)];
    const [y, mo, d] = [+m[1], m[2] ? +m[2] - 1 : 0, m[3] ? +m[3] : 1];
    const to = m[3] ? Date.UTC(y, mo, d + 1) : m[2] ? Date.UTC(y, mo + 1, 1) : Date.UTC(y + 1, 0, 1);
    return [Date.UTC(y, mo, d), end && end !== text ? span(end)[1] : to - 1];
}

// Notices: of what is to come, and how it went; what other records speak of is behind them.
const notices = new Set(['activity', 'calendar', 'launch', 'visit', 'passage', 'outcome']);
// The fields that say when what a record speaks of begins and ends, in the templates that have them.
const begins = ['start', 'window_start', 'started_at', 'observed_from', 'seen_from', 'eta', 'occurred_at'];
const ends = ['end', 'window_end', 'ended_at', 'observed_to', 'seen_to'];

/** [from, to] of what a record speaks of; of a calendar its year; where it says no time, when it was entered or written. */
function spoken(r) {
    const f = r.fields || {};
    const pick = (names) => f[names.find((n) => f[n])];
    if (r.kind === 'calendar' && f.year) return span(f.year);
    const [a, b] = span(pick(begins), pick(ends));
    return Number.isFinite(a) ? [a, b] : [Date.parse(r.attested || r.written), NaN];
}

const sign = {countersigned: '✓', disputed: '≠', 'asserted by one': '?', 'no entry': '–'};

function gather(data, status) {
    const out = [];
    const put = (row, from, to, label, link, more) => Number.isFinite(from) && out.push({row, from, to: Number.isFinite(to) ? Math.max(to, from) : from, label: harmless(label), link, ...more});
    for (const c of data.contacts) {
        const [a, b] = span(c.started, c.ended);
        put('contacts', a, b, (c.private_note ? t('contacts.note') : (sign[c.standing] || '') + ' ' + word('standing', c.standing)) + ': ' + word('value', c.mode) + ', ' + list(c.parties) + (c.private_note ? '' : ', ' + entryOf(c)), c.commitment && href('record', c.commitment));
    }
    const known = new Map(data.records.map((r) => [r.commitment, r]));
    const consents = new Map(); // of a record: when the last one was there, and of how many
    for (const r of data.records) {
        const at = Date.parse(r.attested || r.written);
        const link = href('record', r.commitment);
        const who = ', ' + r.author.party;
        const about = known.has(r.about) ? ', ' + t('record.about') + ' ' + entryOf(known.get(r.about)) : '';
        if (r.kind === 'contact') continue; // a row of its own
        if (r.kind === 'consent') {
            const c = consents.get(r.about) || {at: 0, n: 0};
            consents.set(r.about, {at: Math.max(c.at, at), n: c.n + 1});
            put('openings', at, at, named(r) + about + who, link);
        } else if (isAnswer(r)) put('answers', at, at, named(r) + about + who, link);
        else if (r.kind === 'heartbeat') put('lines', at, at, named(r) + who, link);
        else {
            const [a, b] = spoken(r);
            put(notices.has(r.kind) ? 'notices' : 'records', a, b, (r.withdrawn ? t('withdrawn') + ': ' : '') + named(r) + who, link);
        }
    }
    // Nobody writes down when something was opened: it is open from the last consent on, or, without one, from its entry on.
    for (const r of data.records)
        if (r.opened) {
            const c = consents.get(r.commitment) || {at: Date.parse(r.attested || r.written)};
            put('openings', c.at, Math.max(c.at, Date.now()), t('timeline.opened') + ': ' + named(r) + ', ' + r.author.party, href('record', r.commitment));
        }
    for (const ch of (status && status.channels) || [])
        for (const l of ch.lines || []) {
            if (l.last) put('lines', Date.parse(l.last), Date.parse(l.last), '✓ ' + t('line.heard') + ': ' + l.who.party + ', ' + ch.name);
            for (const m of l.misses || []) put('lines', Date.parse(m.from), Date.parse(m.to), '! ' + t('line.missed_' + m.why) + ': ' + l.who.party + ', ' + ch.name);
            if (l.outage_until) put('lines', Date.parse(l.outage_from), Date.parse(l.outage_until), t('line.outage') + ': ' + l.who.party);
        }
    for (const c of data.claims) {
        const [a, b] = span(c.from, c.to);
        put('claims', a, b, (sign[c.standing] || '') + ' ' + c.claim + ': ' + (c.reasons.split('\n')[0] || '').trim());
    }
    return out.sort((a, b) => a.from - b.from);
}

const units = [[HOUR, 'hour'], [6 * HOUR, 'hour'], [DAY, 'day'], [7 * DAY, 'day'], [30.4 * DAY, 'month'], [91.3 * DAY, 'month'], [365.25 * DAY, 'year'], [5 * 365.25 * DAY, 'year'], [10 * 365.25 * DAY, 'year']];

/** Where the axis is marked: begins of hours, days, months or years, not closer than 90 pixels. */
function ticks(from, to, width) {
    const want = ((to - from) * 90) / width;
    const [size, unit] = units.find(([s]) => s >= want) || units[units.length - 1];
    const n = {hour: Math.round(size / HOUR), day: Math.round(size / DAY), month: Math.round(size / (30.4 * DAY)), year: Math.round(size / (365.25 * DAY))}[unit];
    const d = new Date(from);
    let at = unit === 'year' ? Date.UTC(Math.floor(d.getUTCFullYear() / n) * n, 0, 1) : unit === 'month' ? Date.UTC(d.getUTCFullYear(), Math.floor(d.getUTCMonth() / n) * n, 1) : Math.floor(from / (unit === 'day' ? n * DAY : n * HOUR)) * (unit === 'day' ? n * DAY : n * HOUR);
    const out = [];
    while (at <= to && out.length < 60) {
        if (at >= from) out.push(at);
        const x = new Date(at);
        at = unit === 'year' ? Date.UTC(x.getUTCFullYear() + n, 0, 1) : unit === 'month' ? Date.UTC(x.getUTCFullYear(), x.getUTCMonth() + n, 1) : at + (unit === 'day' ? n * DAY : n * HOUR);
    }
    const f = new Intl.DateTimeFormat(i18n.language(), {timeZone: 'UTC', ...(unit === 'hour' ? {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'} : unit === 'day' ? {day: 'numeric', month: 'short'} : unit === 'month' ? {month: 'short', year: 'numeric'} : {year: 'numeric'})});
    return out.map((x) => [x, f.format(x)]);
}

const most = 7; // lines of one kind, before the rest is counted

function layout(items, from, to, width) {
    const x = (at) => ((at - from) / (to - from)) * width;
    const seen = items.filter((i) => i.to >= from && i.from <= to);
    const placed = [];
    const heights = {};
    for (const row of rows) {
        const ends = [];
        let hidden = 0;
        for (const i of seen.filter((s) => s.row === row)) {
            const a = Math.max(0, x(i.from));
            const b = Math.max(a + 8, Math.min(width, x(i.to)));
            // Near the right edge the label stands before its mark; where there is room on neither side, it is cut short.
            const want = Math.min(i.label.length, LABEL) * WIDE + 14;
            const before = a + want > width && a > width - a;
            const room = Math.min(want, before ? a : width - a);
            const long = Math.max(6, Math.floor((room - 14) / WIDE));
            const text = i.label.length > long ? i.label.slice(0, long - 1) + '…' : i.label;
            const left = before ? a - room : a;
            const right = before ? b : Math.max(b, a + room);
            let line = ends.findIndex((e) => e <= left);
            if (line < 0) line = ends.length;
            if (line >= most) {
                hidden++;
                continue;
            }
            ends[line] = right + 6;
            placed.push({...i, text, a, b, line, before});
        }
        heights[row] = {lines: Math.max(1, ends.length), hidden};
    }
    return {placed, heights, seen};
}

export function Timeline() {
    const s = useStore();
    const box = useRef();
    const [width, setWidth] = useState(800);
    const [view, setView] = useState(null);
    const {data, error} = useData(async () => {
        const [c, r, claims] = await Promise.all([result('contacts'), result('records', [], {last: '2000', fields: true}), result('claims show')]);
        return {contacts: c.contacts, records: r.records, claims: claims.claims};
    });
    const items = useMemo(() => (data ? gather(data, s.status) : []), [data, s.status, i18n.language()]);
    useLayoutEffect(() => {
        if (!box.current) return undefined;
        const o = new ResizeObserver(() => setWidth(Math.max(280, box.current.clientWidth - 2)));
        o.observe(box.current);
        return () => o.disconnect();
    }, [!!data]);
    const whole = () => {
        const a = items.length ? Math.min(...items.map((i) => i.from)) : Date.now() - DAY;
        const b = Math.max(Date.now(), ...items.map((i) => i.to));
        const pad = (b - a) * 0.03 + HOUR;
        return [a - pad, b + pad];
    };
    useEffect(() => {
        if (items.length && !view) setView(whole());
    }, [items]);
    const [from, to] = view || [Date.now() - DAY, Date.now()];
    const size = to - from;
    const zoom = (f, at = (from + to) / 2) => {
        const n = Math.max(HOUR, Math.min(80 * 365 * DAY, size * f));
        const k = (at - from) / size;
        setView([at - n * k, at + n * (1 - k)]);
    };
    const pan = (f) => setView([from + size * f, to + size * f]);
    const key = (e) => {
        if (e.key === 'ArrowLeft') pan(-0.2);
        else if (e.key === 'ArrowRight') pan(0.2);
        else if (e.key === '+' || e.key === '=') zoom(0.5);
        else if (e.key === '-') zoom(2);
        else return;
        e.preventDefault();
    };
    const {placed, heights, seen} = layout(items, from, to, width);
    let y = 26;
    const top = {};
    for (const r of rows) {
        top[r] = y;
        y += 20 + heights[r].lines * ROW + (heights[r].hidden ? 18 : 0) + 6;
    }
    // Around now, where that is in sight; else around what is in the middle.
    const center = (ms) => {
        const now = Date.now();
        const middle = from <= now && now <= to ? now : (from + to) / 2;
        setView([middle - ms / 2, middle + ms / 2]);
    };
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.timeline')}</h1><${Trouble} error=${error} />
        <div class="buttons noprint">${spans.map(([k, ms]) => html`<button aria-pressed=${Math.abs(size - ms) < ms * 0.02} onClick=${() => center(ms)}>${t('timeline.' + k)}</button>`)}<button onClick=${() => setView(whole())}>${t('timeline.whole')}</button>
            <button onClick=${() => pan(-0.5)}>${t('timeline.earlier')}</button><button onClick=${() => pan(0.5)}>${t('timeline.later')}</button><button aria-label=${t('timeline.in')} onClick=${() => zoom(0.5)}>+</button><button aria-label=${t('timeline.out')} onClick=${() => zoom(2)}>−</button></div>
        <p aria-live="polite">${i18n.day(from)} – ${i18n.day(to)} (UTC), ${t('n_shown', {n: seen.length})}</p>
        ${data ? html`<div class="timeline" ref=${box} dir="ltr" tabindex="0" role="group" aria-label=${t('timeline.aria')} onKeyDown=${key}><svg width=${width} height=${y} viewBox=${`0 0 ${width} ${y}`}>
            ${ticks(from, to, width).map(([at, label], i, all) => {
                const x = ((at - from) / size) * width;
                // At the right edge the label stands before its line, where the one before leaves room.
                const wide = label.length * WIDE;
                const over = x + 3 + wide > width;
                const room = i ? x - ((all[i - 1][0] - from) / size) * width - 9 - all[i - 1][1].length * WIDE : x;
                return html`<g><line class="tick" x1=${x} x2=${x} y1="18" y2=${y} />${over && room < wide ? null : html`<text class="ticklabel" x=${over ? x - 3 : x + 3} y="13" text-anchor=${over ? 'end' : 'start'}>${label}</text>`}</g>`;
            })}
            ${rows.map((r) => html`<g><line class="rowline" x1="0" x2=${width} y1=${top[r]} y2=${top[r]} /><text class="rowlabel" x="4" y=${top[r] + 15}>${t('timeline.row_' + r)}</text>${heights[r].hidden ? html`<text class="ticklabel" x="4" y=${top[r] + 34 + heights[r].lines * ROW}>${t('timeline.hidden', {n: heights[r].hidden})}</text>` : null}</g>`)}
            ${placed.map((i) => {
                const yy = top[i.row] + 22 + i.line * ROW;
                const mark = html`<${Fragment}><rect class=${'mark ' + i.row} x=${i.a} y=${yy} width=${i.b - i.a} height="6" rx="2" /><text class="marklabel" x=${i.before ? i.a + 8 : i.a} y=${yy + 18} text-anchor=${i.before ? 'end' : 'start'}>${i.text}</text><title>${i.label}</title><//>`;
                return i.link ? html`<a href=${i.link}>${mark}</a>` : html`<g>${mark}</g>`;
            })}</svg></div>
        <details class="aslist"><summary>${t('timeline.list')}</summary><ul class="rows">${seen.slice(-500).map((i) => html`<li>${i18n.day(i.from)}${i.to - i.from > DAY ? ' – ' + i18n.day(i.to) : ''} · ${t('timeline.row_' + i.row)} · ${i.link ? html`<a href=${i.link}>${i.label}</a>` : i.label}</li>`)}</ul></details>` : html`<p>${t('loading')}</p>`}<//>`;
}
