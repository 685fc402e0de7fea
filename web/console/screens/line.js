// Line tests: when each side was heard, what was missed and why; a person's word that the line works; a planned outage.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {number, t} from '../i18n.js';
import {href} from '../router.js';
import {result, say, useData, useStore} from '../store.js';
import {instant} from '../parts/acts.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {Person} from '../parts/person.js';
import {Peer} from '../parts/text.js';
import {Time} from '../parts/time.js';
import {lineText} from './home.js';

const whys = ['planned', 'relay_not_reached', 'silent'];

/** Never "not answered" alone: with the reason, as far as it is known here. */
function Misses({x}) {
    if (!x.misses.length) return html`<p>${t('line.none_missed')}</p>`;
    return html`<details><summary>${t('line.n_missed', {n: whys.reduce((n, w) => n + x.missed[w], 0)})}</summary><ul class="plainlist">${x.misses.slice().reverse().map((m) => html`<li key=${m.number}>${t('line.no')} ${number(m.number)}, <${Time} at=${m.from} /> – <${Time} at=${m.to} />: ${t('line.why_' + m.why)}</li>`)}</ul></details>`;
}

function Word({x}) {
    if (x.unconfirmed) return html`<p><${State} kind="bad">${t('line.not_confirmed')}<//> ${t('line.our_test')} ${number(x.asked_number)} (<${Time} at=${x.asked} />); ${t('line.overdue_since')} <${Time} at=${x.confirm_by} /></p>`;
    if (x.asked_number) return html`<p><${State} kind="wait">${t('line.to_be_confirmed')}<//> ${t('line.our_test')} ${number(x.asked_number)}; ${t('until')} <${Time} at=${x.confirm_by} /></p>`;
    if (x.confirmed_number) return html`<p><${State} kind="ok">${t('line.confirmed')}<//> ${t('line.our_test')} ${number(x.confirmed_number)}, <${Time} at=${x.confirmed} /></p>`;
    return null;
}

function Member({x}) {
    const [kind, text] = lineText(x);
    return html`<li class="card"><h3><${Person} who=${x.who} title /></h3><p><${State} kind=${kind}>${text}<//>${x.last ? html`, ${t('line.heard')} <${Time} at=${x.last} as="ago" /> (${t('line.no')} ${number(x.number)})` : null}</p>
        ${x.outage_until ? html`<p>${t('line.outage_announced')} <${Time} at=${x.outage_from} /> – <${Time} at=${x.outage_until} />${x.outage_text ? html`: <${Peer} text=${x.outage_text} />` : null}</p>` : null}
        <${Word} x=${x} /><dl class="figures"><div><dt>${t('line.heard_n')}</dt><dd>${number(x.heard)}</dd></div><div><dt>${t('line.late_n')}</dt><dd>${number(x.late)}</dd></div>${whys.map((w) => html`<div><dt>${t('line.missed_n_' + w)}</dt><dd>${number(x.missed[w])}</dd></div>`)}</dl><${Misses} x=${x} /></li>`;
}

function Outage({id, until, onDone}) {
    const [from, setFrom] = useState('');
    const [to, setTo] = useState('');
    const [text, setText] = useState('');
    const act = useAct(async (over) => {
        await api.call('line outage', [id], over ? {over: true} : {until: instant(to), ...(from ? {from: instant(from)} : {}), ...(text ? {text} : {})});
        say(t(over ? 'line.outage_ended' : 'line.outage_told'));
        setFrom('');
        setTo('');
        setText('');
        onDone();
    });
    return html`<form class="narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run(false);
    }}><h3>${t('line.outage_plan')}</h3>${until ? html`<p><${State} kind="wait">${t('line.outage_ours')}<//> ${t('until')} <${Time} at=${until} /> <button type="button" disabled=${act.busy} onClick=${() => act.run(true)}>${t('line.outage_over')}</button></p>` : null}
        <p class="hint">${t('line.outage_text')}</p>
        <div class="row"><label>${t('line.outage_from')}<input type="datetime-local" value=${from} onInput=${(e) => setFrom(e.target.value)} /></label><label>${t('line.outage_until')}<input type="datetime-local" required value=${to} onInput=${(e) => setTo(e.target.value)} /></label></div>
        <label>${t('line.outage_why')}<input dir="auto" value=${text} onInput=${(e) => setText(e.target.value)} /></label>
        <${Trouble} error=${act.error} /><p class="buttons"><button disabled=${act.busy || !to}>${t('line.outage_go')}</button></p></form>`;
}

function Channel({c}) {
    const {data, error, reload} = useData(() => result('line', [c.group_id]), [c.group_id]);
    const confirm = useAct(async () => {
        await api.call('line confirm', [c.group_id]);
        say(t('line.confirm_told'));
        reload();
    });
    const h = 'line-' + c.group_id;
    return html`<section aria-labelledby=${h}><h2 id=${h}><a href=${href('channel', c.group_id)}><${Peer} text=${c.name} /></a></h2><${Trouble} error=${error} />
        ${data ? html`<${Fragment}><p>${data.number ? html`${t('line.ours', {no: number(data.number), arrived: data.arrived, members: data.members})} ${t('line.next')} <${Time} at=${data.next} />.` : html`${t('line.ours_none')} <${Time} at=${data.next} />.`}${data.sealed ? ' ' + t('line.sealed') : ''}</p>
            ${data.to_confirm ? html`<div class="caution"><p><${State} kind="wait">${t('line.asks_you')}<//> ${t('line.their_test')} ${number(data.to_confirm)}, <${Time} at=${data.to_confirm_since} /></p><p class="buttons"><button class="main" disabled=${confirm.busy} onClick=${() => confirm.run()}>${t('line.confirm')}</button></p><p class="hint">${t('line.confirm_hint')}</p></div>` : html`<p>${t('line.nothing_to_confirm')}</p>`}
            <${Trouble} error=${confirm.error} /><ul class="cards">${data.lines.map((x) => html`<${Member} key=${x.who.letter} x=${x} />`)}</ul>
            <${Outage} id=${c.group_id} until=${data.outage_until} onDone=${reload} /><//>` : null}</section>`;
}

export function Line() {
    const s = useStore();
    const tested = !!(s.charter && s.charter.rules && s.charter.rules.line_test);
    const channels = ((s.status && s.status.channels) || []).filter((c) => c.state === 'open');
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.line')}</h1><p>${t('line.text')}</p>
        ${tested ? channels.map((c) => html`<${Channel} key=${c.group_id} c=${c} />`) : html`<p><${State} kind="wait">${t('line.no_rule')}<//></p>`}
        ${tested && !channels.length ? html`<p>${t('home.no_channels')}</p>` : null}<//>`;
}
