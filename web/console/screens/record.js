// One record whole: its fields, both accounts side by side, its answers, and what can be said to it.
import {Fragment, html, useEffect, useRef, useState} from '../html.js';
import * as api from '../api.js';
import {list, t, word} from '../i18n.js';
import {href} from '../router.js';
import {result, state, useData, useStore} from '../store.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {Consents, agreedByOthers, askedOf, consentsOf, lacking} from '../parts/consents.js';
import {Field, label, parsed, written} from '../parts/field.js';
import {Icon, State} from '../parts/icon.js';
import {Arrivals, isAnswer, standingKind} from '../parts/item.js';
import {entryOf, named} from '../parts/named.js';
import {Person} from '../parts/person.js';
import {fieldsOf, inWords} from '../parts/slots.js';
import {Hex, Peer, PeerBlock, harmless} from '../parts/text.js';
import {Time} from '../parts/time.js';

/** A value of a field as people read it: values of a list one below the other, names in words, times by the locale. */
export function Value({field, text}) {
    if (text === undefined) return html`<i>${t('left_out')}</i>`;
    if (!field) return html`<${Peer} text=${text} />`;
    const type = field.type.replace(/^list<(.*)>$/, '$1');
    const one = (x) => (type === 'enum' ? word('value', x) : type === 'datetime' ? html`<${Time} at=${x} /> <small dir="ltr">${x}</small>` : type === 'hash' || type === 'ref' ? html`<${Hex} value=${x} />` : type === 'map' ? html`<span class="pairlist">${x.map(([k, v]) => html`<span key=${k}><b><${Peer} text=${word('pair', k)} /></b> <${Peer} text=${v} /> </span>`)}</span>` : html`<${PeerBlock} text=${x} />`);
    const items = field.type.startsWith('list') ? parsed(field, text) : [parsed(field, text)];
    return items.length > 1 ? html`<ul class="plainlist">${items.map((x) => html`<li>${one(x)}</li>`)}</ul>` : one(items[0]);
}

/** "a=b,c=d" of a dispute's own values, with '\' before what stands for itself. */
export function account(text) {
    const out = {};
    for (const part of (text || '').match(/(?:\\.|[^,\\])+/g) || []) {
        const i = part.search(/(?<!\\)=/);
        if (i > 0) out[part.slice(0, i)] = part.slice(i + 1).replace(/\\(.)/g, '$1');
    }
    return out;
}

/** A dispute keeps an own value in its one form: the place in a list of names, the id of a party's root. */
function asNames(field, text) {
    const type = field.type.replace(/^list<(.*)>$/, '$1');
    const one = (x) => {
        const place = /^#(\d+)$/.exec(x);
        if (type === 'enum' && place) return (field.values || [])[place[1] - 1] || x;
        const party = type === 'party' && ((state.charter && state.charter.parties) || []).find((p) => p.root_id === x || p.party_id === x);
        return party ? party.name : x;
    };
    return text === undefined ? text : text.split(';').map(one).join(';');
}

const kinds = ['receipt', 'countersign', 'answer', 'dispute', 'consent', 'withdraw'];

function Answer({x, template, kind, consents, ours, onDone}) {
    const [text, setText] = useState('');
    const [should, setShould] = useState({});
    const [open, setOpen] = useState(() => agreedByOthers(consents, ours).filter((f) => x.fields[f] !== undefined));
    const [audience, setAudience] = useState('public');
    const [until, setUntil] = useState('');
    const [when, setWhen] = useState('');
    const field = {countersign: 'remark', answer: 'text', dispute: 'text', withdraw: 'reason'}[kind];
    const act = useAct(async () => {
        const options = {yes: true};
        if (field && text) options.set = [field + '=' + text];
        if (kind === 'dispute') options['should-be'] = Object.entries(should).map(([k, v]) => k + '=' + written(template.fields.find((f) => f.name === k), v));
        if (kind === 'consent') Object.assign(options, {fields: open.join(','), audience}, until ? {expires: until} : {});
        if (when) options[when] = true;
        await api.call(kind, [x.commitment], options, {act: t('answer.' + kind) + (kind === 'consent' ? ': ' + inWords(open) : '')});
        onDone(t('answer.made'));
    });
    const late = act.error && /--urgent/.test(act.error.message);
    const ready = (kind !== 'answer' || text) && (kind !== 'dispute' || Object.keys(should).length) && (kind !== 'consent' || open.length);
    return html`<form class="answerform" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h3><${Icon} name="seal" /> ${t('answer.' + kind)}</h3>
        <p class="caution"><strong>${t('answer.not')}</strong> ${t('caution.' + kind)}</p>
        ${kind === 'dispute' ? html`<fieldset><legend>${t('dispute.fields')}</legend>${template.fields.map((f) => html`<div class="disputed" key=${f.name}><label class="check"><input type="checkbox" checked=${should[f.name] !== undefined} onChange=${(e) => {
            const next = {...should};
            if (e.target.checked) next[f.name] = parsed(f, x.fields[f.name] || '');
            else delete next[f.name];
            setShould(next);
        }} /> ${label(f.name)} <small><${Value} field=${f} text=${x.fields[f.name]} /></small></label>${should[f.name] !== undefined ? html`<${Field} prefix="d" field=${{...f, required: false}} value=${should[f.name]} onInput=${(v) => setShould({...should, [f.name]: v})} />` : null}</div>`)}</fieldset>` : null}
        ${kind === 'consent' ? html`<${Fragment}><${Consents} consents=${consents} ours=${ours} /><fieldset><legend>${t('consent.fields')}</legend><div class="checks">${template.fields.filter((f) => x.fields[f.name] !== undefined).map((f) => html`<label key=${f.name}><input type="checkbox" checked=${open.includes(f.name)} onChange=${(e) => setOpen(e.target.checked ? [...open, f.name] : open.filter((n) => n !== f.name))} /> ${label(f.name)}</label>`)}</div></fieldset>
            <label>${t('consent.audience')}<input dir="auto" required value=${audience} onInput=${(e) => setAudience(e.target.value)} /></label><p class="hint">${t('consent.audience_hint')}</p>
            <label>${t('consent.until')}<input type="date" value=${until} onInput=${(e) => setUntil(e.target.value)} /></label><//>` : null}
        ${field ? html`<label>${t('answer.text_' + kind)}<textarea rows="3" dir="auto" required=${kind === 'answer'} value=${text} onInput=${(e) => setText(e.target.value)}></textarea></label>` : null}
        ${kind === 'consent' && !open.length ? html`<p class="hint">${t('consent.choose')}</p>` : null}<p class="hint">${t('answer.provable')}</p>
        ${late || when ? html`<fieldset><legend>${t('compose.late')}</legend><label class="check"><input type="radio" name="when" onChange=${() => setWhen('urgent')} /> ${t('compose.urgent')}</label><label class="check"><input type="radio" name="when" onChange=${() => setWhen('wait')} /> ${t('compose.wait')}</label></fieldset>` : null}
        <${Trouble} error=${act.error} />
        <p class="buttons"><button class="main" disabled=${act.busy || !ready}>${t('answer.make_' + kind)}</button><button type="button" onClick=${() => onDone()}>${t('cancel')}</button></p></form>`;
}

function Open({x, template, consents, ours, onConsent, onDone}) {
    const [fields, setFields] = useState(() => agreedByOthers(consents, ours).filter((f) => x.fields[f] !== undefined));
    const [names, setNames] = useState(false);
    const [without, setWithout] = useState(false);
    const [publish, setPublish] = useState(false);
    const [made, setMade] = useState(null);
    const [saved, setSaved] = useState(false);
    // What the program would refuse is said before it asks the passphrase.
    const asked = state.charter ? askedOf(state.charter, x.kind, x.author.party) : {parties: []};
    const lacks = lacking(asked, consents, fields);
    const notOurs = asked.parties.includes(ours) && !consents.some((c) => c.party === ours) && !(asked.anyOne && consents.length);
    const error = (e) => e && (/^The proof cannot be made yet/.test(e.advice) ? {message: e.message, advice: t('open.later')} : e);
    const there = useRef();
    useEffect(() => {
        if (there.current) there.current.focus();
    }, [made, saved]);
    const act = useAct(async () => {
        const options = {fields: fields.join(','), yes: true};
        if (names) options.names = true;
        if (without) options['without-consent'] = true;
        if (publish) options.publish = true;
        options.out = {download: x.kind + '-' + x.entry + '.proof'};
        setMade(await api.call('open', [x.commitment], options, {act: t(publish ? 'open.make_publish' : 'open.title') + ': ' + inWords(fields)}));
    });
    return html`<form class="answerform" onSubmit=${(e) => {
        e.preventDefault();
        act.run();
    }}><h3>${t('open.title')}</h3><p>${t('open.text')}</p>${notOurs ? html`<p class="caution"><strong>${t('consent.not_ours')}</strong> <button type="button" onClick=${onConsent}>${t('answer.consent')}</button></p>` : null}<${Consents} consents=${consents} />
        <fieldset><legend>${t('open.fields')}</legend><div class="checks">${template.fields.filter((f) => x.fields[f.name] !== undefined).map((f) => html`<label key=${f.name}><input type="checkbox" checked=${fields.includes(f.name)} onChange=${(e) => setFields(e.target.checked ? [...fields, f.name] : fields.filter((n) => n !== f.name))} /> ${label(f.name)}</label>`)}</div></fieldset>
        <label class="check"><input type="checkbox" checked=${names} onChange=${(e) => setNames(e.target.checked)} /> ${t('open.names')}</label>
        <label class="check"><input type="checkbox" checked=${without} onChange=${(e) => setWithout(e.target.checked)} /> ${t('open.without')}</label>
        <label class="check"><input type="checkbox" checked=${publish} onChange=${(e) => setPublish(e.target.checked)} /> ${t('open.publish')}</label>
        ${publish ? html`<p class="caution" role="status"><strong>${t('open.publish_warning')}</strong></p>` : null}
        ${lacks.length ? html`<p role="status">${t('open.lacking', {parties: list(lacks.map(harmless))})}</p>` : null}
        <${Trouble} error=${error(act.error)} />${act.error && act.error.notes.length > 1 ? html`<pre class="notes" dir="auto">${act.error.notes.join('\n')}</pre>` : null}
        ${made ? html`<div role="status" tabindex="-1" ref=${there}><p><strong>${t('open.made')}</strong></p><p class="buttons">${(made.files || []).map((f) => html`<button type="button" class="main" onClick=${() => Promise.resolve(api.save(f)).then(() => setSaved(true))}>${t('open.save')}</button>`)}</p>${saved ? html`<p><strong>${t('open.saved')}</strong> <a href=${href('register')}>${t('register.verify')}</a>. ${t('open.saved_others')} ${state.charter ? html`<${Hex} value=${state.charter.forum} />` : null}</p>` : null}<pre class="notes" dir="auto">${made.notes.filter((n) => !n.startsWith('proof in ')).join('\n')}</pre></div>` : null}
        <p class="buttons"><button class="main" disabled=${act.busy || !fields.length || (lacks.length > 0 && !without)}>${t(publish ? 'open.make_publish' : 'open.make')}</button><button type="button" onClick=${() => onDone()}>${t(made ? 'close' : 'cancel')}</button></p></form>`;
}

/** What a carried record tells, and by whose leave. */
function Told({x}) {
    return html`<section aria-labelledby="h-told"><h2 id="h-told">${t('carry.was_told')}</h2><p>${x.leave === 'given' ? html`<${State} kind="ok">${t('carry.with_leave')}<//>` : html`<${State} kind="bad">${t(x.leave === 'missing' ? 'carry.without_leave' : 'carry.of_nobody')}<//>`} ${t('carry.by')} <b><${Peer} text=${x.by} /></b>${x.of ? html`, ${t('carry.of')} <b><${Peer} text=${x.of} /></b>` : null}${x.why ? html`: <${Peer} text=${x.why} />` : null}</p>
        ${x.fields ? html`<p><b>${word('kind', x.kind)}</b>, ${t('record.entry')} ${x.entry}</p><dl class="facts">${Object.entries(x.fields).map(([k, v]) => html`<div><dt>${label(k)}</dt><dd><${Peer} text=${v} /></dd></div>`)}</dl>` : null}</section>`;
}

export function Record({route}) {
    const id = route[1];
    const s = useStore();
    const [doing, setDoing] = useState('');
    const [told, setTold] = useState('');
    const tell = useRef();
    useEffect(() => {
        if (told && tell.current) tell.current.focus();
    }, [told]);
    const asked = useRef();
    useEffect(() => {
        if (doing && asked.current) asked.current.scrollIntoView({block: 'nearest'});
    }, [doing]);
    const begin = (what) => {
        setTold('');
        setDoing(what);
    };
    const done = (text) => {
        setDoing('');
        setTold(text || '');
    };
    const {data, error} = useData(async () => {
        const x = await result('show', [id]);
        const [template, all] = await Promise.all([result('template show', [x.kind]).catch(() => ({fields: []})), result('records', [x.group_id], {last: '2000'})]);
        const replies = all.records.filter((r) => r.about === x.commitment);
        const whole = await Promise.all(replies.map((r) => result('show', [r.commitment])));
        const row = all.records.find((r) => r.commitment === x.commitment);
        const about = x.about ? all.records.find((r) => r.commitment === x.about) || (await result('show', [x.about]).catch(() => null)) : null;
        const aboutTemplate = about && x.fields.slots ? await result('template show', [about.kind]).catch(() => null) : null;
        return {x, template, replies: whole, arrivals: row && row.arrivals, about, aboutTemplate};
    }, [id]);
    if (!data) return html`<h1 tabindex="-1">${t('lane.record')}</h1><${Trouble} error=${error} />${error ? null : html`<p>${t('loading')}</p>`}`;
    const {x, template, replies} = data;
    const disputes = replies.filter((r) => r.kind === 'dispute').map((r) => ({by: r.author, says: account(r.fields.values)}));
    const channel = s.status && s.status.channels.find((c) => c.group_id === x.group_id);
    const ours = x.author.party === (s.status && s.status.self.party);
    const can = kinds.filter((k) => (k === 'withdraw' ? ours : k === 'consent' || !ours));
    const own = s.status && s.status.self.party;
    const consents = consentsOf(replies, template);
    // Of a carried record the proof is read for its reader; nobody reads its bytes.
    const shownFields = template.fields.filter((f) => !(f.name === 'about' && x.about) && !(f.name === 'proof' && x.carried) && !(f.name === 'slots' && data.aboutTemplate));
    // A consent of the record's own author: it has no standing to it, it wrote it.
    const wrote = (name) => x.kind === 'consent' && name === 'standing' && x.fields.standing === 'none' && data.about && data.about.author.party === x.author.party;
    const known = new Set(template.fields.map((f) => f.name));
    const rest = Object.keys(x.fields).filter((k) => !known.has(k) && !k.startsWith('@'));
    return html`<div class="onerecord"><h1 tabindex="-1"><${Icon} name="seal" /> ${named(x)}</h1>
        <p class="states">${x.standing ? html`<${State} kind=${standingKind(x.standing)}>${word('standing', x.standing)}<//> · ` : null}${x.withdrawn ? html`<${State} kind="bad">${t('withdrawn')}<//> · ` : null}${t('record.register')} <b>${word('entry', x.register)}</b>${x.attested ? html`, <${Time} at=${x.attested} />` : null}</p>
        <p>${t('record.by')} <${Person} who=${x.author} title />, <${Time} at=${x.written} />${channel ? html`, <a href=${href('channel', x.group_id)}><${Peer} text=${channel.name} /></a>` : null}</p>
        ${x.about ? html`<p>${t('record.about')} <a href=${href('record', x.about)}>${data.about ? named(data.about) : x.about.slice(0, 12)}</a></p>` : null}
        ${x.kind === 'readout' || x.kind === 'readout_line' ? html`<p class="noprint"><a class="button" href=${href('readout', x.kind === 'readout' ? x.commitment : x.fields.readout)}>${t(x.kind === 'readout' ? 'readout.open' : 'readout.of_line')}</a></p>` : null}
        <${Arrivals} arrivals=${data.arrivals} />
        ${x.caution ? html`<p class="caution">${isAnswer(x) ? t('caution.' + x.kind) : x.caution}</p>` : null}
        <div class="table" role="group" aria-label=${t('record.fields')} tabindex="0"><table><caption class="hidden">${t('record.fields')}</caption><thead><tr><th scope="col">${t('record.field')}</th><th scope="col"><${Peer} text=${x.author.party} /> ${t('record.says')}</th>${disputes.map((d) => html`<th scope="col">${t('record.disputed_by')} <${Peer} text=${d.by.party} /></th>`)}</tr></thead>
            <tbody>${data.aboutTemplate ? html`<tr><th scope="row">${t('record.slots')}</th><td>${inWords(fieldsOf(data.aboutTemplate, x.fields.slots))}</td>${disputes.map(() => html`<td></td>`)}</tr>` : null}${shownFields.filter((f) => x.fields[f.name] !== undefined || disputes.some((d) => d.says[f.name] !== undefined)).map((f) => html`<tr class=${disputes.some((d) => d.says[f.name] !== undefined) ? 'differs' : ''}><th scope="row">${label(f.name)}${f.unit ? html` <small>(${f.unit})</small>` : null}${f.public ? html` <small class="tag">${t('field.public')}</small>` : null}</th><td>${wrote(f.name) ? word('value', 'wrote') : html`<${Value} field=${f} text=${x.fields[f.name]} />`}</td>${disputes.map((d) => html`<td>${d.says[f.name] === undefined ? html`<small>${t('record.same')}</small>` : html`<strong><${Icon} name="bad" /> <${Value} field=${f} text=${asNames(f, d.says[f.name])} /></strong>`}</td>`)}</tr>`)}
            ${rest.map((k) => html`<tr><th scope="row">${label(k)}</th><td><${Peer} text=${x.fields[k]} /></td>${disputes.map(() => html`<td></td>`)}</tr>`)}</tbody></table></div>
        ${x.carried ? html`<${Told} x=${x.carried} />` : null}
        <details class="gap"><summary>${t('record.envelope')}</summary><dl class="facts"><div><dt>${t('record.commitment')}</dt><dd><${Hex} value=${x.commitment} /></dd></div>${Object.keys(x.fields).filter((k) => k.startsWith('@')).map((k) => html`<div><dt>${label(k.slice(1))}</dt><dd><${Peer} text=${x.fields[k]} /></dd></div>`)}</dl></details>
        ${replies.length ? html`<section aria-labelledby="h-answers"><h2 id="h-answers">${t('record.answers')}</h2><ul class="rows">${replies.map((r) => html`<li key=${r.commitment}><a href=${href('record', r.commitment)}><b>${word('kind', r.kind)}</b></a> (${entryOf(r)}) ${t('from')} <${Person} who=${r.author} />, <${Time} at=${r.written} />; ${t('record.register')} <b>${word('entry', r.register)}</b>${r.fields.slots ? html`<br /><span>${t('record.slots')}: ${inWords(fieldsOf(template, r.fields.slots))}</span>` : null}${['text', 'remark', 'reason'].filter((k) => r.fields[k]).map((k) => html`<${PeerBlock} text=${r.fields[k]} />`)}</li>`)}</ul></section>` : null}
        ${isAnswer(x) ? null : html`<section class="noprint" ref=${asked} aria-labelledby="h-say"><h2 id="h-say">${t('record.say')}</h2>${told ? html`<p class="told" role="status" tabindex="-1" ref=${tell}><strong>${told}</strong></p>` : null}
            ${doing === '' ? html`<p class="buttons">${can.map((k) => html`<button onClick=${() => begin(k)}>${t('answer.' + k)}</button>`)}<button onClick=${() => begin('open')}>${t('open.title')}</button><a class="button" href=${href('carry', x.commitment)}>${t('carry')}</a></p><p class="hint">${t('record.say_hint')}</p>`
                : doing === 'open' ? html`<${Open} x=${x} template=${template} consents=${consents} ours=${own} onConsent=${() => begin('consent')} onDone=${done} />`
                    : html`<${Answer} x=${x} template=${template} kind=${doing} consents=${consents} ours=${own} onDone=${done} />`}</section>`}</div>`;
}
