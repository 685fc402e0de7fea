// A channel: talk and records in one conversation, told apart at a glance; what is written next has its lane first.
import {Fragment, html, useEffect, useMemo, useRef, useState} from '../html.js';
import * as api from '../api.js';
import * as i18n from '../i18n.js';
import {t, word} from '../i18n.js';
import {href} from '../router.js';
import {result, say, settings, state, useData, useStore, useTemplates} from '../store.js';
import {Dialog, Trouble} from '../parts/dialog.js';
import {Composer} from '../parts/composer.js';
import {Feed} from '../parts/feed.js';
import {toMessage} from '../parts/focus.js';
import {RecordItem, TalkItem} from '../parts/item.js';
import {State} from '../parts/icon.js';
import {Person} from '../parts/person.js';
import {Peer, harmless} from '../parts/text.js';

const PAGE = 60;
const FAR = 500; // at once, on the way to something that was searched for

/** Pages of talk and records of a channel, the newest first to come; both lists in their own order. */
function usePages(id) {
    const s = useStore();
    const [pages, setPages] = useState(null);
    const [error, setError] = useState(null);
    const busy = useRef(false);
    const missed = useRef(false);
    const wanted = useRef(0);
    const held = useRef(null);
    const key = (x) => x.number;
    const merge = (old, got) => {
        const m = new Map(old.map((x) => [key(x), x]));
        for (const x of got) m.set(key(x), x);
        return [...m.values()].sort((a, b) => key(a) - key(b));
    };
    const put = (p) => {
        held.current = p;
        setPages(p);
    };
    const load = async (before, size = PAGE) => {
        // One at a time; what is asked for meanwhile is done afterwards, what a person waits for first.
        if (busy.current) {
            if (before) wanted.current = Math.max(wanted.current, size);
            else missed.current = true;
            return;
        }
        busy.current = true;
        if (before) wanted.current = 0;
        else missed.current = false;
        try {
            const more = (n) => (n ? {last: String(size), before: String(n)} : {last: String(size)});
            const old = held.current;
            const first = (list) => (before && list.length ? list[0].number : 0);
            const skip = (whole) => before && whole;
            const [a, b] = await Promise.all([
                skip(old && old.allTalk) ? null : result('read', [id], more(old ? first(old.talk) : 0)),
                skip(old && old.allRecords) ? null : result('records', [id], {...more(old ? first(old.records) : 0), fields: true}),
            ]);
            const was = held.current || {talk: [], records: []};
            const whole = (known, got, list) => (got === null ? known : (!before && known) || got.length < size || (list.length > 0 && list[0].number <= 1));
            const talk = a ? merge(was.talk, a.talk) : was.talk;
            const records = b ? merge(was.records, b.records) : was.records;
            put({
                talk,
                records,
                underWay: a ? a.under_way || [] : was.underWay,
                unread: b ? b.not_read || b.raw || [] : was.unread,
                allTalk: whole(was.allTalk, a && a.talk, talk),
                allRecords: whole(was.allRecords, b && b.records, records),
            });
            setError(null);
        } catch (e) {
            setError(e);
        } finally {
            busy.current = false;
            if (wanted.current) load(true, wanted.current);
            else if (missed.current) load(false);
        }
    };
    useEffect(() => {
        load(false);
    }, [id, s.version]);
    return {pages, error, earlier: (size) => held.current && !(held.current.allTalk && held.current.allRecords) && load(true, size)};
}

/** One conversation of both, by time; what is older than the begin of a list that is not whole waits for the rest of it. */
function conversation(p) {
    if (!p) return [];
    const begin = Math.max(p.allTalk || !p.talk.length ? 0 : Date.parse(p.talk[0].sent), p.allRecords || !p.records.length ? 0 : Date.parse(p.records[0].written));
    const all = [
        ...p.talk.map((x) => ({key: 't' + x.id, lane: 'talk', at: Date.parse(x.sent), n: x.number, x})),
        ...p.records.map((x) => ({key: 'r' + x.commitment, lane: 'record', at: Date.parse(x.written), n: x.number, x})),
    ].filter((i) => i.at >= begin);
    return all.sort((a, b) => a.at - b.at || a.n - b.n);
}

const labelOf = (i) => {
    const who = i.lane === 'talk' ? i.x.from : i.x.author;
    return t(i.lane === 'talk' ? 'lane.talk' : 'lane.record') + ', ' + harmless(who.name) + ', ' + harmless(who.party) + ', ' + i18n.time(i.lane === 'talk' ? i.x.sent : i.x.written);
};

function Roster({id}) {
    const {data, error} = useData(() => result('roster', [id]), [id]);
    return html`<${Trouble} error=${error} />
        <ul class="plainlist">${data ? data.members.map((m) => html`<li><${Person} who=${m.who} title /> ${m.here ? html`<${State} kind="ok">${t('member.here')}<//>` : html`<${State} kind="wait">${t('member.not_here')}<//>`}${m.expired ? html` <${State} kind="bad">${t('member.expired')}<//>` : null}</li>`) : null}</ul>`;
}

/** Asked for when it is opened: what was said comes first. */
function Members({id, n}) {
    const [open, setOpen] = useState(false);
    return html`<details class="members" onToggle=${(e) => setOpen(e.target.open)}><summary>${t('channel.members', {n})}</summary>${open ? html`<${Roster} id=${id} />` : null}</details>`;
}

function Search({id, known, templates, onGo, onClose}) {
    const [text, setText] = useState('');
    const [found, setFound] = useState(null);
    const [error, setError] = useState(null);
    const find = async (e) => {
        e.preventDefault();
        try {
            const [a, b] = await Promise.all([result('read', [id], {find: text, last: '200'}), result('records', [id], {find: text, last: '200', fields: true})]);
            setFound(conversation({talk: a.talk, records: b.records, allTalk: true, allRecords: true}).reverse());
            setError(null);
        } catch (x) {
            setError(x);
        }
    };
    return html`<${Dialog} wide title=${t('search')} onClose=${onClose}>
        <form role="search" onSubmit=${find}><label>${t('search.label')}<input type="text" enterkeyhint="search" value=${text} onInput=${(e) => setText(e.target.value)} required /></label>
            <p class="buttons"><button class="main">${t('search')}</button><button type="button" onClick=${onClose}>${t('close')}</button></p></form>
        <${Trouble} error=${error} />
        <div role="status">${found ? html`<p>${t('n_found', {n: found.length})}</p>` : null}</div>
        ${found ? html`<div class="found">${found.map((i) => html`<div class=${'item ' + i.lane} key=${i.key}>${i.lane === 'talk' ? html`<${TalkItem} x=${i.x} id=${id} quiet />` : html`<${RecordItem} x=${i.x} quiet known=${known} templates=${templates} />`}<p><a href=${href('channel', id, i.key)} aria-label=${t('search.go') + ': ' + labelOf(i)} onClick=${(e) => {
            e.preventDefault();
            onGo(i.key);
        }}>${t('search.go')}</a></p></div>`)}</div>` : null}
    <//>`;
}

export function Channel({route}) {
    const id = route[1];
    const s = useStore();
    const {pages, error, earlier} = usePages(id);
    const [searching, setSearching] = useState(false);
    const [sent, setSent] = useState(0);
    const [goal, setGoal] = useState(route[2] ? {key: route[2]} : null);
    const items = useMemo(() => conversation(pages).map((i) => ({...i, class: 'item ' + i.lane + (goal && goal.key === i.key ? ' sought' : ''), label: labelOf(i)})), [pages, goal, i18n.language()]);
    useEffect(() => {
        if (goal && pages && !items.some((i) => i.key === goal.key)) earlier(FAR);
    }, [goal, pages]);
    const known = useMemo(() => new Map((pages ? pages.records : []).map((r) => [r.commitment, r])), [pages]);
    const templates = useTemplates(pages ? pages.records.map((r) => r.kind) : []);
    const channel = s.status && s.status.channels.find((c) => c.group_id === id);
    const lastTalk = pages && pages.talk.length ? pages.talk[pages.talk.length - 1].number : 0;
    const lastRecord = pages && pages.records.length ? pages.records[pages.records.length - 1].number : 0;
    useEffect(() => {
        const seen = state.settings.seen[id] || {};
        if (pages && (seen.last_talk !== lastTalk || seen.last_record !== lastRecord))
            settings({seen: {...state.settings.seen, [id]: {last_talk: lastTalk, last_record: lastRecord}}});
    }, [lastTalk, lastRecord, pages !== null]);
    if (!channel) return html`<h1 tabindex="-1">${t('channel')}</h1><p>${t('channel.none')}</p>`;
    const open = channel.state === 'open';
    return html`<${Fragment}>
        <div class="channelhead"><h1 tabindex="-1"><${Peer} text=${channel.name} /></h1>
            <span>${word('channel_state', channel.state)}</span>
            <button type="button" onClick=${() => setSearching(true)}>${t('search')}</button>
            <a href=${href('courier', id)}>${t('courier')}</a>
            <${Members} id=${id} n=${channel.members} /></div>
        ${open ? null : html`<p class="trouble">${t('channel.not_open')} ${channel.state.startsWith('broken') ? html`<button onClick=${() => api.call('rejoin', [id]).then(() => say(t('channel.rejoining')), (e) => say(e.message, true))}>${t('channel.rejoin')}</button>` : null}</p>`}
        <${Trouble} error=${error} />
        ${pages && !items.length ? html`<p class="empty">${t('channel.empty')}</p>` : null}
        ${open ? html`<button type="button" class="skip" onClick=${toMessage}>${t('skip.write')}</button>` : null}
        ${pages ? html`<${Feed} items=${items} label=${t('channel.feed')} onTop=${() => earlier()} busy=${false} toEnd=${sent} goal=${goal} after=${toMessage}
            draw=${(i) => (i.lane === 'talk' ? html`<${TalkItem} x=${i.x} id=${id} channel=${channel} />` : html`<${RecordItem} x=${i.x} known=${known} templates=${templates} />`)} />` : html`<div class="feed"><p>${t('loading')}</p></div>`}
        ${pages && pages.underWay && pages.underWay.length ? html`<div class="underway">${pages.underWay.map((f) => html`<p key=${f.id}><${Peer} text=${f.file} /> ${t('from')} <${Person} who=${f.from} />: <progress value=${f.pieces_here} max=${f.pieces}></progress> ${i18n.number(f.pieces_here)} / ${i18n.number(f.pieces)}</p>`)}</div>` : null}
        ${open ? html`<${Composer} id=${id} channel=${channel} onSent=${() => setSent((n) => n + 1)} />` : null}
        ${searching ? html`<${Search} id=${id} known=${known} templates=${templates} onClose=${() => setSearching(false)} onGo=${(key) => {
            setSearching(false);
            setGoal({key});
        }} />` : null}
    <//>`;
}
