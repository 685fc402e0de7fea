// What was recorded in one channel, told word for word in another: leave asked, leave given, and told there.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {t, word} from '../i18n.js';
import {go, href} from '../router.js';
import {result, say, useData, useStore} from '../store.js';
import {Notes} from '../parts/acts.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {label} from '../parts/field.js';
import {Icon, State} from '../parts/icon.js';
import {named} from '../parts/named.js';
import {Person} from '../parts/person.js';
import {fieldsOf, inWords} from '../parts/slots.js';
import {Hex, Peer, harmless} from '../parts/text.js';
import {Time} from '../parts/time.js';

const Fields = ({x, template, chosen, onChosen}) =>
    html`<fieldset><legend>${t('carry.fields')}</legend><div class="checks">${template.fields.filter((f) => x.fields[f.name] !== undefined).map((f) => html`<label key=${f.name}><input type="checkbox" checked=${chosen.includes(f.name)} onChange=${(e) => onChosen(e.target.checked ? [...chosen, f.name] : chosen.filter((n) => n !== f.name))} /> ${label(f.name)}</label>`)}</div></fieldset>`;

const Channels = ({list, value, onChange, text}) =>
    html`<label>${text}<select required value=${value} onChange=${(e) => onChange(e.target.value)}><option value="">${t('choose')}</option>${list.map((c) => html`<option value=${c.group_id}>${harmless(c.name)}</option>`)}</select></label>`;

/** The author's party gives leave: a consent whose audience is that one channel. */
function Leave({x, template, others, onDone}) {
    const [to, setTo] = useState('');
    const [fields, setFields] = useState([]);
    const [until, setUntil] = useState('');
    const act = useAct(async () => {
        await api.call('carry leave', [x.commitment], {to: to.trim(), fields: fields.join(','), yes: true, ...(until ? {expires: until} : {})}, {act: t('carry.leave') + ': ' + inWords(fields)});
        say(t('carry.leave_given'));
        onDone();
    });
    return html`<form class="answerform narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h2><${Icon} name="seal" /> ${t('carry.leave')}</h2><p class="caution">${t('carry.leave_text')}</p>
        <label>${t('carry.to')}<input dir="ltr" required pattern="\\s*[0-9a-f]{64}\\s*" autocomplete="off" spellcheck="false" list="own-channels" value=${to} onInput=${(e) => setTo(e.target.value)} /></label><datalist id="own-channels">${others.map((c) => html`<option value=${c.group_id}>${harmless(c.name)}</option>`)}</datalist><p class="hint">${t('carry.to_hint')}</p>
        <${Fields} x=${x} template=${template} chosen=${fields} onChosen=${setFields} />
        <label>${t('consent.until')}<input type="date" value=${until} onInput=${(e) => setUntil(e.target.value)} /></label><p class="hint">${t('answer.provable')}</p>
        <${Trouble} error=${act.error} /><p class="buttons"><button class="main" disabled=${act.busy || !fields.length || !to.trim()}>${t('carry.leave_go')}</button></p></form>`;
}

/** Another asks for it, in talk: nothing is signed. */
function Ask({x, template, others}) {
    const [to, setTo] = useState('');
    const [fields, setFields] = useState([]);
    const act = useAct(async () => {
        const {group_id: id} = await result('carry id', [to]);
        await api.call('send', [x.group_id, t('carry.ask_message', {kind: word('kind', x.kind), commitment: x.commitment, fields: inWords(fields), channel: id})]);
        say(t('carry.asked'));
        go('channel', x.group_id);
    });
    return html`<form class="answerform narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h2><${Icon} name="talk" /> ${t('carry.ask')}</h2><p class="hint">${t('carry.ask_text')}</p><${Channels} list=${others} value=${to} onChange=${setTo} text=${t('carry.where')} />
        <${Fields} x=${x} template=${template} chosen=${fields} onChosen=${setFields} /><${Trouble} error=${act.error} /><p class="buttons"><button disabled=${act.busy || !to || !fields.length}>${t('carry.ask_go')}</button></p></form>`;
}

function Tell({x, others, leaves}) {
    const [to, setTo] = useState('');
    const [notes, setNotes] = useState(null);
    const act = useAct(async (sure) => {
        try {
            await api.call('carry send', [x.commitment, to], sure ? {yes: true} : {});
        } catch (e) {
            // The first call is refused and says what will be provable: that is read before the second.
            if (sure || e.code !== 'refused' || !e.notes.length) throw e;
            setNotes(e.notes);
            return;
        }
        say(t('carry.told'));
        go('channel', to);
    });
    const there = leaves.map((l) => l.to);
    return html`<form class="answerform narrow" onSubmit=${(e) => {
        e.preventDefault();
        act.run(notes !== null);
    }}><h2><${Icon} name="seal" /> ${t('carry.tell')}</h2><p class="hint">${t('carry.tell_text')}</p>
        <${Channels} list=${others.filter((c) => there.includes(c.group_id))} value=${to} onChange=${(v) => {
            setTo(v);
            setNotes(null);
        }} text=${t('carry.where')} />
        ${notes ? html`<div role="status"><p><strong>${t('carry.read')}</strong></p><${Notes} notes=${notes} /></div>` : null}<${Trouble} error=${act.error} />${act.error ? html`<${Notes} notes=${act.error.notes} />` : null}
        <p class="buttons"><button class="main" disabled=${act.busy || !to}>${t(notes ? 'carry.tell_go' : 'carry.tell_read')}</button></p></form>`;
}

export function Carry({route}) {
    const s = useStore();
    const id = route[1];
    const {data, error, reload} = useData(async () => {
        const x = await result('show', [id]);
        const [template, all] = await Promise.all([result('template show', [x.kind]).catch(() => ({fields: []})), result('records', [x.group_id], {last: '2000'})]);
        const consents = await Promise.all(all.records.filter((r) => r.about === x.commitment && r.kind === 'consent').map((r) => result('show', [r.commitment])));
        const leaves = consents.filter((r) => r.author.party === x.author.party && /^channel [0-9a-f]{64}$/.test(r.fields.audience || '')).map((r) => ({r, to: r.fields.audience.slice(8)}));
        return {x, template, leaves};
    }, [id]);
    if (!data) return html`<h1 tabindex="-1">${t('carry')}</h1><${Trouble} error=${error} />${error ? null : html`<p>${t('loading')}</p>`}`;
    const {x, template, leaves} = data;
    const channels = (s.status && s.status.channels) || [];
    const others = channels.filter((c) => c.group_id !== x.group_id && c.state === 'open');
    const nameOf = (g) => channels.find((c) => c.group_id === g);
    const ours = x.author.party === (s.status && s.status.self.party);
    const here = nameOf(x.group_id);
    return html`<${Fragment}><h1 tabindex="-1">${t('carry')}</h1><p><a href=${href('record', x.commitment)}>${named(x)}</a> ${t('record.by')} <${Person} who=${x.author} title />${here ? html`, ${t('carry.in')} <${Peer} text=${here.name} />` : null}</p><p>${t('carry.text')}</p>
        <section aria-labelledby="h-leaves"><h2 id="h-leaves">${t('carry.leaves')}</h2>${leaves.length ? html`<ul class="rows">${leaves.map(({r, to}) => html`<li key=${r.commitment}><${State} kind=${r.fields.expires && Date.parse(r.fields.expires) < Date.now() ? 'bad' : 'ok'}>${t(r.fields.expires && Date.parse(r.fields.expires) < Date.now() ? 'carry.ended' : 'carry.given')}<//> ${t('from')} <${Person} who=${r.author} />: ${t('carry.may')} ${nameOf(to) ? html`<b><${Peer} text=${nameOf(to).name} /></b>` : html`<${Hex} short value=${to} />`}; ${inWords(fieldsOf(template, r.fields.slots))}${r.fields.expires ? html`; ${t('until')} <${Time} at=${r.fields.expires} />` : null}</li>`)}</ul>` : html`<p>${t('carry.no_leave')}</p>`}</section>
        ${ours ? html`<${Leave} x=${x} template=${template} others=${others} onDone=${reload} />` : html`<${Ask} x=${x} template=${template} others=${others} />`}
        ${leaves.some((l) => others.some((c) => c.group_id === l.to)) ? html`<${Tell} x=${x} others=${others} leaves=${leaves} />` : null}<//>`;
}
