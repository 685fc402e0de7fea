// One piece of talk, and one record, as the conversation shows them.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {bytes, t, time, word} from '../i18n.js';
import {href} from '../router.js';
import {say} from '../store.js';
import {Trouble, useAct} from './dialog.js';
import {Icon, State} from './icon.js';
import {Person} from './person.js';
import {entryOf, named} from './named.js';
import {fieldsOf, inWords} from './slots.js';
import {Peer, PeerBlock} from './text.js';
import {Time} from './time.js';

/** Whose desk has it and whose has not: each by name, none by a colour alone. */
export function Arrivals({arrivals}) {
    if (!arrivals || !arrivals.length) return null;
    const there = arrivals.filter((a) => a.arrived).length;
    return html`<details class="arrivals"><summary>${there === arrivals.length ? html`<${State} kind="ok">${t('arrived.all')}<//>` : html`<${State} kind="wait">${t('arrived.some', {there, all: arrivals.length})}<//>`}</summary>
        <ul class="plainlist">${arrivals.map((a) => html`<li>${a.arrived ? html`<${State} kind="ok">${t('arrived')}<//>` : html`<${State} kind="wait">${t('arrived.not')}<//>`} <${Person} who=${a.who} /></li>`)}</ul>
        <p class="hint">${t('arrived.hint')}</p></details>`;
}

function Understood({x, id, mine}) {
    const [open, setOpen] = useState(false);
    const [text, setText] = useState('');
    const act = useAct(async (operands, options) => {
        await api.call('understood', [id, x.id, ...operands], options);
        setOpen(false);
        setText('');
        say(t('understood.sent'));
    });
    return html`<${Fragment}>
        ${(x.understood || []).map((u, i) => html`<div class="understood" key=${u.id}><p><strong>${t('understood.as')}</strong> <${Person} who=${u.by} />:</p><${PeerBlock} text=${u.text} />
            ${u.author_says !== 'open' ? html`<p>${u.author_says === 'right' ? html`<${State} kind="ok">${t('understood.right')}<//>` : html`<${State} kind="bad">${t('understood.wrong')}<//>`} ${u.author_text ? html`<${Peer} text=${u.author_text} />` : null}</p>` : null}
            ${mine && u.author_says === 'open' ? html`<p class="buttons small"><button disabled=${act.busy} onClick=${() => act.run([], {right: true, of: String(i + 1)})}>${t('understood.say_right')}</button>
                <button disabled=${act.busy} onClick=${() => act.run([], {wrong: true, of: String(i + 1)})}>${t('understood.say_wrong')}</button></p>` : null}</div>`)}
        ${open ? html`<form class="understandform" onSubmit=${(e) => {
            e.preventDefault();
            act.run([text], {});
        }}><label>${t('understood.label')}<textarea dir="auto" rows="2" required value=${text} onInput=${(e) => setText(e.target.value)}></textarea></label>
            <p class="hint">${t('understood.hint')}</p><p class="buttons small"><button class="main" disabled=${act.busy}>${t('understood.send')}</button><button type="button" onClick=${() => setOpen(false)}>${t('cancel')}</button></p></form>` : null}
        ${!mine && !open && !x.destroyed ? html`<button class="plain quiet" onClick=${() => setOpen(true)}>${t('understood.do')}</button>` : null}
        <${Trouble} error=${act.error} /><//>`;
}

export function TalkItem({x, id, quiet}) {
    const mine = x.from.self;
    const fetchFile = useAct(async () => {
        const done = await api.call('save', [id, x.id], {out: {download: x.file}});
        for (const f of done.files || []) await api.save(f);
    });
    const gone = x.destroyed || x.past || x.shown === false;
    return html`<${Fragment}><header><span class="lane"><${Icon} name="talk" /> ${t('lane.talk')}</span> <${Person} who=${x.from} /> <${Time} at=${x.sent} />
            ${x.unconfirmed ? html` <${State} kind="bad">${t('unconfirmed')}<//>` : null}
            ${mine && (x.state === 'waiting' || x.state === 'sent') ? html` <${State} kind="wait">${t('not_on_its_way')}<//>` : null}</header>
        ${gone ? html`<p class="gone">${t('destroyed')} <${Time} at=${x.destroyed || x.destroy_at} /></p>`
            : x.file !== undefined ? html`<p class="file"><${Icon} name="file" /> <${Peer} text=${x.file} /> <small>${bytes(x.size)}</small> <button disabled=${fetchFile.busy} onClick=${() => fetchFile.run()}>${t('file.save')}</button></p><${Trouble} error=${fetchFile.error} />`
                : html`<${PeerBlock} text=${x.text} />`}
        ${!gone && x.destroy_at ? html`<p class="hint">${t('destroy_at')} <${Time} at=${x.destroy_at} /></p>` : null}
        ${quiet ? null : html`<${Arrivals} arrivals=${x.arrivals} /><${Understood} x=${x} id=${id} mine=${mine} />`}<//>`;
}

export const standingKind = (s) => (s === 'countersigned' ? 'ok' : s === 'disputed' ? 'bad' : 'wait');

const answers = new Set(['receipt', 'countersign', 'answer', 'dispute', 'withdraw', 'consent']);

export const isAnswer = (x) => answers.has(x.kind);

/** A value as the conversation shows it: times by the locale, the program's own words in the person's. */
const plain = (type, v) => (type === 'datetime' ? time(v) || v : type === 'enum' ? word('value', v) : v.replace(/(?<!\\);/g, ', ').replace(/\\(.)/g, '$1'));

/**
 * The begin of what a record says: its own fields, what is public first, else in the template's order, without hashes; for
 * the numbers of slots the names of the fields of the record that it is about. Who wrote that has no standing to it.
 */
const gist = (fields, template, aboutTemplate, wrote) => {
    const known = (template && template.fields) || [];
    const place = new Map([...known.filter((f) => f.public), ...known.filter((f) => !f.public)].map((f, i) => [f.name, {i, type: f.type}]));
    const at = (k) => (place.has(k) ? place.get(k).i : place.size);
    const slots = fields.slots && aboutTemplate ? [t('record.slots') + ': ' + inWords(fieldsOf(aboutTemplate, fields.slots))] : [];
    const own = Object.entries(fields).filter(([k, v]) => !k.startsWith('@') && k !== 'about' && k !== 'slots' && !/^[0-9a-f]{32,}$/.test(v)).sort(([a], [b]) => at(a) - at(b)).map(([k, v]) => word('field', k) + ': ' + (wrote && k === 'standing' && v === 'none' ? word('value', 'wrote') : plain(place.has(k) ? place.get(k).type : '', v)));
    const all = [...slots, ...own].join(' · ');
    return all.length > 160 ? all.slice(0, 159) + '…' : all;
};

export function RecordItem({x, quiet, known, templates}) {
    const about = x.about && known && known.get(x.about);
    return html`<${Fragment}><header><span class="lane"><${Icon} name="seal" /> ${t('lane.record')} · ${entryOf(x)}</span> <${Person} who=${x.author} /> <${Time} at=${x.written} /></header>
        <p class="kind"><a href=${href('record', x.commitment)}>${word('kind', x.kind)}</a>${x.about ? html` <small>${t('record.about')} <a href=${href('record', x.about)}>${about ? named(about) : x.about.slice(0, 8)}</a></small>` : null}</p>
        ${x.fields ? html`<p class="extract"><${Peer} text=${gist(x.fields, templates && templates.get(x.kind), about && templates && templates.get(about.kind), about && about.author.party === x.author.party)} /></p>` : null}
        <p class="states">${x.standing ? html`<${State} kind=${standingKind(x.standing)}>${word('standing', x.standing)}<//> · ` : null}${x.withdrawn ? html`<${State} kind="bad">${t('withdrawn')}<//> · ` : null}${t('record.register')} <b>${word('entry', x.register)}</b></p>
        ${quiet ? null : html`<${Arrivals} arrivals=${x.arrivals} />`}<//>`;
}
