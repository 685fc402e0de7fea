// Who may come in, and by whose word: requests to admit, letters, and the charter with the roots' key words in large type.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {t, word} from '../i18n.js';
import {result, say, useData, useStore} from '../store.js';
import {Dialog, Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {Person} from '../parts/person.js';
import {Hex, Peer, Words, harmless} from '../parts/text.js';
import {Charter, Papers} from './charter.js';
import {Letters} from './letters.js';
import {Time} from '../parts/time.js';

/** One root's words alone on the screen, to be read aloud. */
function Compare({party, onClose}) {
    return html`<${Dialog} wide title=${t('compare.title', {party: harmless(party.name)})} onClose=${onClose}><p>${t('compare.text')}</p>
        <p><${Words} words=${party.words} large /></p><p>${t('compare.same')}</p><p class="buttons"><button class="main" onClick=${onClose}>${t('close')}</button></p><//>`;
}

/** Which parties have to approve, and of a request of ours, which have: bits of a number, in the charter's order. */
function Approvals({x, charter}) {
    const parties = ((charter && charter.parties) || []).filter((_, i) => x.wanted & (1 << i));
    if (!x.ours || !parties.length) return html`<${State} kind="wait">${t('admission.wanted')}<//>`;
    return html`<ul class="plainlist">${parties.map((p) => {
        const has = x.approved & (1 << charter.parties.indexOf(p));
        return html`<li><${State} kind=${has ? 'ok' : 'wait'}>${t(has ? 'admission.has_approved' : 'admission.not_approved')}<//> <${Peer} text=${p.name} /></li>`;
    })}</ul>`;
}

function Request({x, charter, channel, removed, onCompare}) {
    const party = ((charter && charter.parties) || []).find((p) => p.name === x.who.party);
    const act = useAct(async (what) => {
        await api.call(what, [x.request_id], {}, {act: t(what === 'admit approve' ? 'admission.approve' : 'admission.commit') + ': ' + x.who.name});
        say(t(what === 'admit approve' ? 'admission.approved' : 'admission.added'));
    });
    const open = x.state === 'asked';
    return html`<li class="card"><h3><${Peer} text=${x.who.name} /></h3>
        <dl class="facts"><div><dt>${t('admission.title')}</dt><dd><${Peer} text=${x.who.title} /></dd></div><div><dt>${t('party')}</dt><dd><${Peer} text=${x.who.party} /></dd></div>
            <div><dt>${t('channel')}</dt><dd>${channel ? html`<${Peer} text=${channel.name} />` : html`<${Hex} short value=${x.group_id} />`}</dd></div>
            <div><dt>${t('admission.letter')}</dt><dd><${Time} at=${x.who.letter_not_before} as="day" /> – <${Time} at=${x.who.letter_not_after} as="day" />${x.who.revoked ? html` <${State} kind="bad">${t('revoked')}<//>` : null}</dd></div>
            <div><dt>${t('admission.asked_by')}</dt><dd><${Person} who=${x.from} title /></dd></div>
            ${party ? html`<div><dt>${t('key_words')}</dt><dd><${Words} words=${party.words} /> <button class="plain" onClick=${() => onCompare(party)}>${t('compare.open')}</button></dd></div>` : null}</dl>
        <div>${open ? html`<${Approvals} x=${x} charter=${charter} />` : removed ? html`<${State} kind="wait">${t('admission.removed')}<//>` : html`<${State} kind=${x.state === 'done' ? 'ok' : x.state === 'failed' ? 'bad' : 'wait'}>${word('admission_state', x.state)}<//>`}${x.approved_by_us ? html`<p>${t('admission.by_us')}</p>` : null}</div>
        <${Trouble} error=${act.error} />
        ${open && !x.ours && !x.approved_by_us ? html`<p class="buttons"><button class="main" disabled=${act.busy} onClick=${() => act.run('admit approve')}>${t('admission.approve')}</button></p><p class="hint">${t('admission.approve_hint')}</p>` : null}
        ${open && x.ours ? html`<p class="buttons"><button disabled=${act.busy} onClick=${() => act.run('admit commit')}>${t('admission.commit')}</button></p>` : null}</li>`;
}

function Ask({people, channels}) {
    const [channel, setChannel] = useState('');
    const [who, setWho] = useState('');
    const act = useAct(async () => {
        await api.call('admit ask', [channel, who], {}, {act: t('admission.ask') + ': ' + people.find((p) => p.letter === who).name});
        say(t('admission.asked_done'));
        setWho('');
    });
    return html`<form class="narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h3>${t('admission.ask')}</h3><p>${t('admission.ask_text')}</p>
        <label>${t('channel')}<select required value=${channel} onChange=${(e) => setChannel(e.target.value)}><option value="">${t('choose')}</option>${channels.filter((c) => c.state === 'open').map((c) => html`<option value=${c.group_id}>${harmless(c.name)}</option>`)}</select></label>
        <label>${t('admission.who')}<select required value=${who} onChange=${(e) => setWho(e.target.value)}><option value="">${t('choose')}</option>${people.filter((p) => !p.self && !p.revoked).map((p) => html`<option value=${p.letter}>${harmless(p.name + ', ' + p.title + ' (' + p.party + ')')}</option>`)}</select></label>
        <${Trouble} error=${act.error} /><p class="buttons"><button class="main" disabled=${act.busy || !channel || !who}>${t('admission.ask_go')}</button></p></form>`;
}

export function Admission() {
    const s = useStore();
    const [compare, setCompare] = useState(null);
    const {data, error} = useData(async () => {
        const [a, p] = await Promise.all([result('admit list'), result('people')]);
        const added = [...new Set(a.admissions.filter((x) => x.state === 'done').map((x) => x.group_id))];
        // Of a channel that we are not in any more it is not known who is.
        const rosters = new Map(await Promise.all(added.map(async (id) => [id, await result('roster', [id]).then((r) => r.members, () => null)])));
        return {rosters, list: a.admissions, people: p.people.map((x) => x.person), letters: p.people};
    });
    const channels = (s.status && s.status.channels) || [];
    const rank = (x) => (x.state === 'asked' && !x.ours && !x.approved_by_us ? 0 : x.state === 'asked' ? 1 : 2);
    const all = data ? data.list.slice().sort((a, b) => rank(a) - rank(b)) : [];
    const past = all.filter((x) => x.state === 'done' || x.state === 'failed');
    const now = all.filter((x) => !past.includes(x));
    const removed = (x) => {
        const members = x.state === 'done' && data.rosters.get(x.group_id);
        return members && !members.some(({who}) => who.letter === x.who.letter || (who.party === x.who.party && who.name === x.who.name));
    };
    const cards = (list) => html`<ul class="cards">${list.map((x) => html`<${Request} key=${x.request_id} x=${x} charter=${s.charter} channel=${channels.find((c) => c.group_id === x.group_id)} removed=${removed(x)} onCompare=${setCompare} />`)}</ul>`;
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.admission')}</h1><${Trouble} error=${error} />
        <section aria-labelledby="h-requests"><h2 id="h-requests">${t('admission.requests')}</h2><p class="hint">${t('admission.rule')}</p>
            ${data && !now.length ? html`<p>${t('admission.none')}</p>` : null}
            ${cards(now)}</section>
        ${data ? html`<section class="noprint" aria-label=${t('admission.ask')}><${Ask} people=${data.people} channels=${channels} /></section>` : null}
        ${past.length ? html`<details class="gap past"><summary>${t('admission.past', {count: past.length})}</summary>${cards(past)}</details>` : null}
        ${data ? html`<${Letters} people=${data.letters} charter=${s.charter} />` : null}
        <${Charter} charter=${s.charter} onCompare=${setCompare} />
        <${Papers} />
        ${compare ? html`<${Compare} party=${compare} onClose=${() => setCompare(null)} />` : null}<//>`;
}
