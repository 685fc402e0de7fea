// The desk: who has it and what the next one has to know; a backup of the home; an archive of a channel; what is to be destroyed.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {number, t, word} from '../i18n.js';
import {refresh, result, say, useData, useStore} from '../store.js';
import {Notes, SaveFile, handed, made} from '../parts/acts.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {entryOf} from '../parts/named.js';
import {Hex, Peer, PeerBlock, harmless} from '../parts/text.js';
import {Time} from '../parts/time.js';

function Shifts() {
    const [to, setTo] = useState('');
    const [note, setNote] = useState('');
    const {data, error, reload} = useData(() => result('shift list'));
    const act = useAct(async () => {
        await api.call('shift hand-over', [], {to, ...(note ? {note} : {})});
        say(t('shift.done', {name: to}));
        setTo('');
        setNote('');
        await refresh();
        reload();
    });
    const list = data ? data.shifts.slice().sort((a, b) => b.number - a.number) : [];
    const now = list[0];
    return html`<section aria-labelledby="h-shift"><h2 id="h-shift">${t('shift')}</h2><p class="hint">${t('shift.text')}</p><${Trouble} error=${error} />
        ${now ? html`<p><strong><${Peer} text=${now.name} /></strong> ${t('shift.has')} <${Time} at=${now.since} /></p>${now.note ? html`<${PeerBlock} text=${now.note} />` : null}` : data ? html`<p>${t('shift.never')}</p>` : null}
        <form class="narrow noprint" onSubmit=${(e) => {
            e.preventDefault();
            act.run();
        }}><h3>${t('shift.hand_over')}</h3><label>${t('shift.to')}<input dir="auto" required value=${to} onInput=${(e) => setTo(e.target.value)} /></label>
            <label>${t('shift.note')}<input dir="auto" value=${note} onInput=${(e) => setNote(e.target.value)} /></label><p class="hint">${t('shift.note_hint')}</p>
            <${Trouble} error=${act.error} /><p class="buttons"><button class="main" disabled=${act.busy || !to.trim()}>${t('shift.go')}</button></p></form>
        ${list.length ? html`<h3 id="h-shifts">${t('shift.list')}</h3><div class="table" role="group" aria-labelledby="h-shifts" tabindex="0"><table><thead><tr><th scope="col">${t('shift.since')}</th><th scope="col">${t('shift.who')}</th><th scope="col">${t('shift.note_short')}</th><th scope="col">${t('shift.open')}</th></tr></thead>
            <tbody>${list.map((x) => html`<tr key=${x.number}><td><${Time} at=${x.since} /></td><th scope="row"><${Peer} text=${x.name} /></th><td><${PeerBlock} text=${x.note} /></td><td>${t('shift.open_n', {to_send: x.open.to_send, receipts: x.open.receipts_overdue, alarms: x.open.alarms})}</td></tr>`)}</tbody></table></div>` : null}</section>`;
}

const today = () => new Date().toISOString().slice(0, 10);

function Backup() {
    const s = useStore();
    const [file, setFile] = useState(null);
    const [said, setSaid] = useState(null);
    const act = useAct(async () => {
        setFile(null);
        const done = await api.call('backup', [{download: 'home-' + today() + '.backup'}], {}, {whose: 'backup'});
        setSaid(done);
        setFile(await made(done));
        await refresh();
    });
    const last = s.status && s.status.last_backup;
    const old = last && Date.now() - Date.parse(last) > 7 * 86400000;
    return html`<section aria-labelledby="h-backup"><h2 id="h-backup">${t('backup')}</h2><p>${t('backup.text')}</p>
        <p>${last ? html`<${State} kind=${old ? 'wait' : 'ok'}>${t('backup.last')}<//> <${Time} at=${last} /> (<${Time} at=${last} as="ago" />)` : html`<${State} kind="bad">${t('backup.never')}<//>`}</p>
        <p class="buttons"><button class="main" disabled=${act.busy} onClick=${() => act.run()}>${t(act.busy ? 'backup.making' : 'backup.go')}</button></p><${Trouble} error=${act.error} />
        <div role="status">${file ? html`<${Fragment}><p><strong>${t('backup.made')}</strong> ${t('backup.holds', {channels: said.result.channels, records: said.result.records, talk: said.result.talk})}${said.result.not_sent_yet ? html` <${State} kind="bad">${t('backup.not_sent', {n: said.result.not_sent_yet})}<//>` : null}</p><p class="buttons"><${SaveFile} main file=${file}>${t('backup.save')}<//></p><p class="hint">${t('backup.keep')}</p><//>` : null}</div></section>`;
}

function Archive() {
    const s = useStore();
    const [channel, setChannel] = useState('');
    const [file, setFile] = useState(null);
    const [said, setSaid] = useState(null);
    const act = useAct(async () => {
        setFile(null);
        const name = (s.status.channels.find((c) => c.group_id === channel).name.replace(/[^\p{L}\p{N}]+/gu, '-') || 'channel') + '-' + today() + '.archive';
        const done = await api.call('archive export', [channel, {download: name}], {}, {whose: 'archive_made'});
        setSaid(done);
        setFile(await made(done));
    });
    const channels = (s.status && s.status.channels) || [];
    return html`<section aria-labelledby="h-archive"><h2 id="h-archive">${t('archive')}</h2><p>${t('archive.text')}</p>
        <form class="narrow" onSubmit=${(e) => {
            e.preventDefault();
            act.run();
        }}><h3>${t('archive.export')}</h3><label>${t('channel')}<select required value=${channel} onChange=${(e) => setChannel(e.target.value)}><option value="">${t('choose')}</option>${channels.map((c) => html`<option value=${c.group_id}>${harmless(c.name)}</option>`)}</select></label>
            <${Trouble} error=${act.error} /><p class="buttons"><button disabled=${act.busy || !channel}>${t('archive.go')}</button></p></form>
        <div role="status">${file ? html`<${Fragment}><p><strong>${t('archive.made')}</strong> ${t('archive.tell')}</p><dl class="facts"><div><dt>${t('archive.items')}</dt><dd>${number(said.result.items)}</dd></div><div><dt>${t('archive.root')}</dt><dd><${Hex} value=${said.result.root} /></dd></div></dl><p class="buttons"><${SaveFile} main file=${file}>${t('archive.save')}<//></p><//>` : null}</div><${ArchiveCheck} /></section>`;
}

function ArchiveCheck() {
    const [file, setFile] = useState(null);
    const [count, setCount] = useState('');
    const [root, setRoot] = useState('');
    const [said, setSaid] = useState(null);
    const act = useAct(async () => {
        setSaid(null);
        setSaid(await handed([file], (up) => api.call('archive verify', [up], {...(count ? {count} : {}), ...(root.trim() ? {root: root.trim()} : {})}, {whose: 'archive'})));
    });
    return html`<form class="narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h3>${t('archive.verify')}</h3><label>${t('archive.file')}<input type="file" required onChange=${(e) => setFile(e.target.files[0] || null)} /></label>
        <div class="row"><label>${t('archive.items')}<input class="short" inputmode="numeric" pattern="[0-9]*" value=${count} onInput=${(e) => setCount(e.target.value)} /></label><label>${t('archive.root')}<input dir="ltr" value=${root} onInput=${(e) => setRoot(e.target.value)} /></label></div><p class="hint">${t('archive.verify_hint')}</p>
        <${Trouble} error=${act.error} /><p class="buttons"><button disabled=${!file || act.busy}>${t('archive.verify_go')}</button></p>
        <div role="status">${said ? html`<${Fragment}><p>${said.status === 0 ? html`<${State} kind="ok">${t(count || root ? 'archive.same' : 'archive.whole')}<//>` : html`<${State} kind="bad">${t('archive.not_whole')}<//>`}</p>${said.result ? html`<dl class="facts"><div><dt>${t('archive.items')}</dt><dd>${number(said.result.items)}</dd></div><div><dt>${t('archive.root')}</dt><dd><${Hex} value=${said.result.root} /></dd></div></dl>` : null}<${Notes} notes=${said.notes} /><//>` : null}</div></form>`;
}

function Keep() {
    const {data, error, reload} = useData(() => result('keep'));
    const [clock, setClock] = useState('');
    const act = useAct(async () => {
        const done = await api.call('keep destroy', [], {yes: true}, {act: t('keep.destroy')});
        say(t('keep.destroyed', {n: done.result.destroyed}));
        setClock('');
        reload();
    });
    const channels = data ? data.channels : [];
    return html`<section aria-labelledby="h-keep"><h2 id="h-keep">${t('keep')}</h2><p class="hint">${t('keep.text')}</p><${Trouble} error=${error} />
        ${channels.map((c) => html`<div class="card" key=${c.group_id}><h3><${Peer} text=${c.name} /></h3><p>${c.destroy_after_ms ? t('destroyed_after', {n: Math.round(c.destroy_after_ms / 86400000)}) : t('keep.kept')}</p>
            ${c.to_be_destroyed.length ? html`<ul class="plainlist">${c.to_be_destroyed.slice(0, 50).map((x) => html`<li key=${x.id}>${word('kept', x.what)}${x.what === 'record' ? ', ' + entryOf(x) : x.number ? ' ' + number(x.number) : ''}: <${Time} at=${x.destroy_at} />${x.waits ? html` <${State} kind="wait">${t('keep.waits')}<//>` : null}</li>`)}</ul>${c.to_be_destroyed.length > 50 ? html`<p>${t('keep.more', {n: c.to_be_destroyed.length - 50})}</p>` : null}` : html`<p>${t('keep.nothing')}</p>`}</div>`)}
        <div class="noprint"><h3>${t('keep.destroy')}</h3><p class="caution">${t('keep.destroy_text')}</p>${clock ? html`<p>${t('keep.clock')} <strong><${Time} at=${clock} /></strong></p>` : null}<${Trouble} error=${act.error} />
            <p class="buttons">${clock ? html`<${Fragment}><button class="main" disabled=${act.busy} onClick=${() => act.run()}>${t('keep.destroy_go')}</button><button onClick=${() => setClock('')}>${t('cancel')}</button><//>` : html`<button onClick=${() => setClock(new Date().toISOString())}>${t('keep.destroy_ask')}</button>`}</p></div></section>`;
}

export function Desk() {
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.desk')}</h1><${Shifts} /><div class="noprint"><${Backup} /><${Archive} /></div><${Keep} /><//>`;
}
