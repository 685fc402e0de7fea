// The courier keys of a channel: how it stands against a later quantum reader, and the way of a key from hand to hand.
import {Fragment, html, useMemo, useState} from '../html.js';
import * as api from '../api.js';
import {t} from '../i18n.js';
import {href} from '../router.js';
import {refresh, result, say, useData, useStore} from '../store.js';
import {SaveFile, handed, made} from '../parts/acts.js';
import {Dialog, Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {Person} from '../parts/person.js';
import {Hex, Peer, Words} from '../parts/text.js';
import {Time} from '../parts/time.js';

/** A key as the program is told of it: by the begin of its id. */
const idOf = (k) => k.key.slice(0, 24);

function Standing({c}) {
    if (!c.holds) return html`<p><${State} kind="wait">${t('courier.classical')}<//> ${t(c.keys_committed ? 'courier.added_since' : 'courier.never')}</p>`;
    const late = c.renew_by && Date.parse(c.renew_by) < Date.now();
    return html`<p><${State} kind="ok">${t('courier.closed')}<//> ${t('since')} <${Time} at=${c.since} />. ${t('courier.covers')}</p>${c.renew_by ? html`<p><${State} kind=${late ? 'bad' : 'ok'}>${t(late ? 'courier.was_to_renew' : 'courier.to_renew')}<//> <${Time} at=${c.renew_by} /></p>` : null}`;
}

/** Dark modules as one path; readers want four light ones around. */
function Code({rows}) {
    const n = rows.length;
    const path = useMemo(() => rows.flatMap((row, y) => [...row.matchAll(/1+/g)].map((m) => `M${m.index} ${y}h${m[0].length}v1h-${m[0].length}z`)).join(''), [rows]);
    return html`<svg class="code" role="img" aria-label=${t('courier.code')} viewBox=${`-4 -4 ${n + 8} ${n + 8}`} shape-rendering="crispEdges"><rect x="-4" y="-4" width=${n + 8} height=${n + 8} fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}

/** The key itself on the screen, to be printed or copied by hand: gone when it is closed. */
function Shown({shown, name, onClose}) {
    return html`<${Dialog} wide title=${t('courier.shown')} onClose=${onClose}><div class="printalone"><p class="caution"><strong>${t('courier.secret')}</strong></p><p>${t('courier.of_channel')} <b><${Peer} text=${name} /></b></p>
        ${shown.qr ? html`<${Code} rows=${shown.qr} />` : html`<${Words} large words=${shown.words} />`}</div>
        <p class="buttons"><button class="main" onClick=${() => print()}>${t('print')}</button><button onClick=${onClose}>${t('close')}</button></p><//>`;
}

function ToFile({id, k, onClose}) {
    const [one, setOne] = useState('');
    const [two, setTwo] = useState('');
    const [file, setFile] = useState(null);
    const act = useAct(async () => {
        if (one !== two) throw Object.assign(new Error(t('courier.differ')), {notes: []});
        setFile(await made(await api.call('psk carry', [id], {key: idOf(k), to: {download: 'courier-' + k.key.slice(0, 8) + '.key'}}, {passphrase: one})));
        setOne('');
        setTwo('');
    });
    return html`<form class="answerform narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h4>${t('courier.file')}</h4><p class="hint">${t('courier.file_text')}</p>
        <label>${t('courier.passphrase')}<input type="password" autocomplete="off" required value=${one} onInput=${(e) => setOne(e.target.value)} /></label><label>${t('courier.again')}<input type="password" autocomplete="off" required value=${two} onInput=${(e) => setTwo(e.target.value)} /></label>
        <${Trouble} error=${act.error} /><p class="buttons"><button class=${file ? '' : 'main'} disabled=${act.busy || !one || !two}>${t('courier.file_go')}</button><button type="button" onClick=${onClose}>${t(file ? 'close' : 'cancel')}</button></p>
        <div role="status">${file ? html`<p><strong>${t('courier.file_made')}</strong></p><p class="buttons"><${SaveFile} main file=${file}>${t('courier.file_save')}<//></p>` : null}</div></form>`;
}

function Key({id, k, name, reload}) {
    const [doing, setDoing] = useState('');
    const [words, setWords] = useState('');
    const [renew, setRenew] = useState('90d');
    const [shown, setShown] = useState(null);
    const [heard, setHeard] = useState(false);
    const mine = k.members.some((m) => m.who.self && m.confirmed);
    const all = k.members.every((m) => m.confirmed);
    const act = useAct(async (command, options, told) => {
        await api.call(command, [id], {key: idOf(k), ...options}, {act: t('courier.commit')});
        say(t(told));
        setDoing('');
        setWords('');
        await refresh();
        reload();
    });
    const show = useAct(async (how) => {
        setShown(await result('psk carry', [id], {key: idOf(k), [how]: true}));
    });
    return html`<li class="card"><h3>${t('courier.key')} <code dir="ltr">${k.key.slice(0, 12)}</code> <small>${t('since')} <${Time} at=${k.since} /></small></h3>
        <ul class="plainlist">${k.members.map((m) => html`<li key=${m.who.letter}><${State} kind=${m.confirmed ? 'ok' : 'wait'}>${t(m.confirmed ? 'courier.has_confirmed' : 'courier.not_confirmed')}<//> <${Person} who=${m.who} /></li>`)}</ul>
        <p class="buttons"><button aria-expanded=${doing === 'file'} onClick=${() => setDoing(doing === 'file' ? '' : 'file')}>${t('courier.to_file')}</button><button disabled=${show.busy} onClick=${() => show.run('qr')}>${t('courier.to_code')}</button><button disabled=${show.busy} onClick=${() => show.run('words')}>${t('courier.to_words')}</button>
            <button aria-expanded=${heard} onClick=${() => setHeard(!heard)}>${t(heard ? 'courier.hide' : 'courier.read')}</button>
            ${mine ? null : html`<button aria-expanded=${doing === 'confirm'} onClick=${() => setDoing(doing === 'confirm' ? '' : 'confirm')}>${t('courier.confirm')}</button><button disabled=${act.busy} onClick=${() => act.run('psk drop', {}, 'courier.dropped')}>${t('courier.drop')}</button>`}</p>
        ${heard ? html`<div class="caution"><p>${t('courier.read_text')}</p><${Words} words=${k.fingerprint} large /></div>` : null}<${Trouble} error=${show.error || act.error} />
        ${doing === 'file' ? html`<${ToFile} id=${id} k=${k} onClose=${() => setDoing('')} />` : null}
        ${doing === 'confirm' ? html`<form class="answerform narrow" onSubmit=${(e) => {
            e.preventDefault();
            act.run('psk confirm', {fingerprint: words.trim().replace(/\s+/g, ' ')}, 'courier.confirmed');
        }}><label>${t('courier.heard')}<input dir="ltr" autocomplete="off" spellcheck="false" required value=${words} onInput=${(e) => setWords(e.target.value)} /></label><p class="hint">${t('courier.heard_hint')}</p><p class="buttons"><button class="main" disabled=${act.busy || !words.trim()}>${t('courier.confirm_go')}</button></p></form>` : null}
        ${all ? html`<form class="narrow" onSubmit=${(e) => {
            e.preventDefault();
            act.run('psk commit', {renew}, 'courier.committed');
        }}><label>${t('courier.renew')}<select value=${renew} onChange=${(e) => setRenew(e.target.value)}>${['30d', '90d', '180d', '365d', 'never'].map((v) => html`<option value=${v} selected=${v === renew}>${v === 'never' ? t('courier.never_renew') : t('days', {n: parseInt(v, 10)})}</option>`)}</select></label><p class="buttons"><button class="main" disabled=${act.busy}>${t('courier.commit')}</button></p></form>` : html`<p class="hint">${t('courier.commit_hint')}</p>`}
        ${shown ? html`<${Shown} shown=${shown} name=${name} onClose=${() => setShown(null)} />` : null}</li>`;
}

function TakeIn({id, reload}) {
    const [file, setFile] = useState(null);
    const [text, setText] = useState('');
    const act = useAct(async () => {
        await handed([file || new File([text.trim() + '\n'], 'key.txt')], (up) => api.call('psk carry', [id], {from: up}, {whose: 'courier'}));
        say(t('courier.taken'));
        setFile(null);
        setText('');
        reload();
    });
    return html`<form class="narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h3>${t('courier.take')}</h3><label>${t('courier.take_file')}<input type="file" onChange=${(e) => setFile(e.target.files[0] || null)} /></label>
        <label>${t('courier.take_text')}<textarea dir="ltr" rows="3" autocomplete="off" spellcheck="false" disabled=${!!file} value=${text} onInput=${(e) => setText(e.target.value)}></textarea></label>
        <${Trouble} error=${act.error} /><p class="buttons"><button disabled=${act.busy || (!file && !text.trim())}>${t('courier.take_go')}</button></p></form>`;
}

export function Courier({route}) {
    const s = useStore();
    const id = route[1];
    const channel = ((s.status && s.status.channels) || []).find((c) => c.group_id === id);
    const {data, error, reload} = useData(() => result('psk list', [id]), [id]);
    const make = useAct(async () => {
        await api.call('psk new', [id]);
        say(t('courier.made'));
        reload();
    });
    return html`<${Fragment}><h1 tabindex="-1">${t('courier')}${channel ? html`: <${Peer} text=${channel.name} />` : null}</h1><p><a href=${href('channel', id)}>${t('courier.back')}</a></p><p>${t('courier.text')}</p><${Trouble} error=${error} />
        ${data ? html`<${Fragment}><${Standing} c=${data.courier_key} />
            <section aria-labelledby="h-keys"><h2 id="h-keys">${t('courier.waiting')}</h2>${data.waiting.length ? html`<ul class="cards wide">${data.waiting.map((k) => html`<${Key} key=${k.key} id=${id} k=${k} name=${channel ? channel.name : ''} reload=${reload} />`)}</ul>` : html`<p>${t('courier.none')}</p>`}
            <p class="buttons"><button disabled=${make.busy} onClick=${() => make.run()}>${t('courier.new')}</button></p><p class="hint">${t('courier.new_hint')}</p><${Trouble} error=${make.error} /><${TakeIn} id=${id} reload=${reload} /></section><//>` : null}<//>`;
}
