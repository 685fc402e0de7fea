// Letters of credence: who holds which, until when; take letters and revocations in, hand one on, ask for one, revoke one.
import {Fragment, html, useEffect, useRef, useState} from '../html.js';
import * as api from '../api.js';
import {t} from '../i18n.js';
import {result, say} from '../store.js';
import {SaveFile, handed, made} from '../parts/acts.js';
import {Dialog, Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {Person} from '../parts/person.js';
import {Peer, Words} from '../parts/text.js';
import {Time} from '../parts/time.js';

const SOON = 30 * 86400000;

/** How it stands with a letter: [kind of sign, word]. A newer one of the same key has taken its place. */
export function standing(x, all, now = Date.now()) {
    const p = x.person;
    if (p.revoked) return ['bad', 'revoked'];
    if (p.root_replaced) return ['bad', 'root_replaced'];
    if (all.some((y) => y.delegate_key === x.delegate_key && !y.person.revoked && Date.parse(y.person.letter_not_after) > Date.parse(p.letter_not_after))) return ['ok', 'renewed'];
    if (Date.parse(p.letter_not_after) <= now) return ['bad', 'over'];
    if (Date.parse(p.letter_not_before) > now) return ['wait', 'not_yet'];
    return Date.parse(p.letter_not_after) - now < SOON ? ['wait', 'soon'] : ['ok', 'holds'];
}

function Revoke({person, onClose}) {
    const [root, setRoot] = useState(null);
    const [file, setFile] = useState(null);
    const there = useRef();
    useEffect(() => {
        if (file && there.current) there.current.focus();
    }, [file]);
    const make = useAct(async () => {
        const letter = await made(await api.call('letter save', [person.letter], {out: {download: 'letter'}}));
        setFile(await handed([letter, root], async (up, key) => made(await api.call('letter revoke', [up], {root: key, out: {download: person.name.replace(/[^\p{L}\p{N}]+/gu, '-').toLowerCase() + '.revocation'}}, {whose: 'root'}))));
    });
    const take = useAct(async () => {
        await handed([file], (up) => api.call('letter import', [up], {revocation: true}, {act: t('letters.revoke') + ': ' + person.name}));
        say(t('letters.revoked_here'));
        onClose();
    });
    return html`<${Dialog} title=${t('letters.revoke')} onClose=${onClose}><p><${Person} who=${person} title /></p><p class="caution">${t('letters.revoke_text')}</p>
        <form onSubmit=${(e) => {
            e.preventDefault();
            make.run();
        }}><label>${t('paper.root')}<input type="file" required onChange=${(e) => setRoot(e.target.files[0] || null)} /></label><p class="hint">${t('paper.root_hint')}</p>
            <${Trouble} error=${make.error} /><p class="buttons"><button class=${file ? '' : 'main'} disabled=${!root || make.busy}>${t('letters.revoke_go')}</button><button type="button" onClick=${onClose}>${t(file ? 'close' : 'cancel')}</button></p></form>
        ${file ? html`<div role="status" tabindex="-1" ref=${there}><p><strong>${t('letters.revoke_made')}</strong></p><p class="buttons"><${SaveFile} file=${file}>${t('letters.revoke_save')}<//><button class="main" disabled=${take.busy} onClick=${() => take.run()}>${t('letters.revoke_take')}</button></p><${Trouble} error=${take.error} /></div>` : null}<//>`;
}

function Table({people, onRevoke}) {
    const save = useAct(async (p) => {
        const file = await made(await api.call('letter save', [p.letter], {out: {download: p.name.replace(/[^\p{L}\p{N}]+/gu, '-').toLowerCase() + '.letter'}}));
        api.saveBlob(file, file.name);
    });
    const order = people.slice().sort((a, b) => a.person.party.localeCompare(b.person.party) || a.person.name.localeCompare(b.person.name) || Date.parse(b.person.letter_not_after) - Date.parse(a.person.letter_not_after));
    return html`<div class="table" role="group" aria-labelledby="h-letters" tabindex="0"><table><thead><tr><th scope="col">${t('letters.who')}</th><th scope="col">${t('letters.from')}</th><th scope="col">${t('letters.until')}</th><th scope="col">${t('letters.state')}</th><th scope="col" class="noprint">${t('letters.acts')}</th></tr></thead>
        <tbody>${order.map((x) => {
            const [kind, what] = standing(x, people);
            return html`<tr key=${x.person.letter}><th scope="row"><${Person} who=${{...x.person, revoked: false, root_replaced: false}} title /></th><td><${Time} at=${x.person.letter_not_before} as="day" /></td><td><${Time} at=${x.person.letter_not_after} as="day" /></td><td><${State} kind=${kind}>${t('letter.' + what)}<//></td>
                <td class="noprint"><span class="buttons small"><button aria-label=${t('letters.save_of', {name: x.person.name})} disabled=${save.busy} onClick=${() => save.run(x.person)}>${t('file.save')}</button>${x.person.revoked ? null : html`<button aria-label=${t('letters.revoke_of', {name: x.person.name})} onClick=${() => onRevoke(x.person)}>${t('letters.revoke_short')}</button>`}</span></td></tr>`;
        })}</tbody></table></div><${Trouble} error=${save.error} />`;
}

/** A letter before it is taken in: what it says, and whether a root of this forum signed it. */
function Looked({x, charter}) {
    const party = charter && x.said && charter.parties.find((p) => p.words === x.said.root_words);
    return html`<li class="card"><h4><${Peer} text=${x.file.name} /></h4>${x.error ? html`<${Trouble} error=${x.error} />` : html`<${Fragment}><p><b><${Peer} text=${x.said.name} /></b>, <${Peer} text=${x.said.title} /></p><p><${Time} at=${x.said.not_before} as="day" /> – <${Time} at=${x.said.not_after} as="day" />; ${t('letters.rights')} ${x.said.rights.split(/, ?/).map((r) => t('right.' + r)).join(', ')}</p>
        <p>${charter && x.said.forum !== charter.forum ? html`<${State} kind="bad">${t('letters.other_forum')}<//>` : party ? html`<${State} kind="ok">${t('letters.by_root')}<//> <b><${Peer} text=${party.name} /></b>` : html`<${State} kind="bad">${t('letters.by_nobody')}<//>`}</p><p><${Words} words=${x.said.root_words} /></p><//>`}</li>`;
}

function Import({charter}) {
    const [looked, setLooked] = useState([]);
    const [revocation, setRevocation] = useState(false);
    const input = useRef();
    const look = useAct(async (files, isRevocation) => {
        setLooked([]);
        const list = [];
        for (const file of files) {
            list.push(isRevocation ? {file} : await handed([file], (up) => result('letter show', [up])).then((said) => ({file, said}), (error) => ({file, error})));
        }
        setLooked(list);
    });
    const act = useAct(async () => {
        await handed(looked.map((x) => x.file), (...ups) => api.call('letter import', ups, revocation ? {revocation: true} : {}, {act: t('letters.revoke')}));
        say(t('letters.taken'));
        setLooked([]);
        input.current.value = '';
    });
    const good = looked.length > 0 && looked.every((x) => !x.error);
    return html`<form class="narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h3>${t('letters.import')}</h3><label>${t('letters.file')}<input type="file" multiple required ref=${input} onChange=${(e) => look.run([...e.target.files], revocation)} /></label>
        <label class="check"><input type="checkbox" checked=${revocation} onChange=${(e) => {
            setRevocation(e.target.checked);
            look.run([...input.current.files], e.target.checked);
        }} /> ${t('letters.revocation')}</label>${revocation ? html`<p class="caution">${t('letters.revocation_text')}</p>` : null}
        <div role="status">${revocation ? null : html`<ul class="cards">${looked.map((x) => html`<${Looked} key=${x.file.name} x=${x} charter=${charter} />`)}</ul>`}</div>
        <${Trouble} error=${look.error || act.error} /><p class="buttons"><button disabled=${act.busy || look.busy || !good}>${t('letters.take')}</button></p></form>`;
}

export function Letters({people, charter}) {
    const [revoke, setRevoke] = useState(null);
    const ask = useAct(async () => {
        const file = await made(await api.call('letter request', [], {out: {download: 'letter.request'}}));
        api.saveBlob(file, file.name);
        say(t('letters.asked'));
    });
    return html`<section aria-labelledby="h-letters"><h2 id="h-letters">${t('letters.title')}</h2><p class="hint">${t('letters.text')}</p><${Table} people=${people} onRevoke=${setRevoke} />
        <p class="buttons noprint"><button disabled=${ask.busy} onClick=${() => ask.run()}>${t('letters.ask')}</button></p><p class="hint noprint">${t('letters.ask_hint')}</p><${Trouble} error=${ask.error} />
        <div class="noprint"><${Import} charter=${charter} /></div>
        ${revoke ? html`<${Revoke} person=${revoke} onClose=${() => setRevoke(null)} />` : null}</section>`;
}
