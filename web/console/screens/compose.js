// A record's form, made from its template; what will be provable stands above the button that makes it.
import {html, useEffect, useRef, useState} from '../html.js';
import * as api from '../api.js';
import {bytes, t, word} from '../i18n.js';
import {go, href} from '../router.js';
import {draft, result, say, state, useData, useStore} from '../store.js';
import {Dialog, Trouble, useAct} from '../parts/dialog.js';
import {Field, filled, label, written} from '../parts/field.js';
import {Icon} from '../parts/icon.js';
import {Provable} from '../parts/provable.js';
import {Peer} from '../parts/text.js';
import {Value} from './record.js';

/** Which field a mistake speaks of: the program's messages begin with its name. */
const mistakeOf = (error, template) => {
    if (!error) return {};
    const f = template.fields.find((x) => new RegExp('(^|[^a-z_])' + x.name + '([^a-z_]|$)').test(error.message));
    return f ? {[f.name]: error.message} : {};
};

/** Fields that say an end before their start: seen in the page, before anything is signed. */
const turned = (template, values) => {
    const wrong = {};
    for (const f of template.fields) {
        const start = {ended_at: 'started_at', end: 'start', observed_to: 'observed_from', window_end: 'window_start', seen_to: 'seen_from'}[f.name];
        if (start && values[start] && values[f.name] && Date.parse(values[f.name]) < Date.parse(values[start])) wrong[start] = wrong[f.name] = t('compose.before_start');
    }
    return wrong;
};

function Import({id, kind, onClose}) {
    const [file, setFile] = useState(null);
    const [checked, setChecked] = useState(null);
    const [progress, setProgress] = useState(null);
    const stop = useRef(new AbortController());
    useEffect(() => () => stop.current.abort(), []);
    const check = useAct(async () => {
        const up = await api.upload(file, (a, b) => setProgress([a, b]), stop.current.signal);
        setProgress(null);
        const said = await api.call('template check', [up], {kind}, {signal: stop.current.signal});
        setChecked({up, said});
    });
    const make = useAct(async () => {
        const made = await api.call('record', [kind, id], {from: checked.up, yes: true}, {signal: stop.current.signal});
        say(t('import.made', {n: made.result && made.result.records ? made.result.records.length : 1}));
        go('channel', id);
    });
    return html`<${Dialog} wide title=${t('import.title')} onClose=${onClose}><p>${t('import.text')}</p>
        <label>${t('import.file')}<input type="file" accept=".json,.csv,application/json,text/csv" onChange=${(e) => {
            setFile(e.target.files[0] || null);
            setChecked(null);
        }} /></label>
        ${progress ? html`<progress value=${progress[0]} max=${progress[1]} aria-label=${t('file.progress')}></progress>` : null}
        <${Trouble} error=${check.error || make.error} />
        ${check.error && check.error.notes.length ? html`<pre class="notes" dir="ltr">${check.error.notes.slice(0, 40).join('\n')}</pre>` : null}
        ${checked ? html`<p role="status"><strong>${checked.said.status === 0 ? t('import.good') : t('import.bad')}</strong></p><pre class="notes" dir="auto">${[checked.said.text, ...checked.said.notes].filter(Boolean).join('\n').slice(0, 4000)}</pre>` : null}
        <p class="buttons">${checked && checked.said.status === 0 ? html`<button class="main" disabled=${make.busy} onClick=${() => make.run()}>${t('import.make')}</button>` : html`<button class="main" disabled=${!file || check.busy} onClick=${() => check.run()}>${t('import.check')}</button>`}
            <button onClick=${onClose}>${t('cancel')}</button></p><//>`;
}

export function Compose({route}) {
    const [, id, kind] = route;
    const s = useStore();
    const key = 'record:' + id + ':' + kind;
    const [values, setValues] = useState(() => {
        try {
            return JSON.parse(state.drafts[key] || '{}');
        } catch (_) {
            return {};
        }
    });
    const [files, setFiles] = useState([]);
    const [progress, setProgress] = useState(null);
    const [destroy, setDestroy] = useState('');
    const [urgent, setUrgent] = useState('');
    const [importing, setImporting] = useState(false);
    const [reading, setReading] = useState(false);
    const [turnedNow, setTurned] = useState({});
    const review = useRef();
    useEffect(() => {
        if (!reading || !review.current) return;
        review.current.focus();
        review.current.scrollIntoView({block: 'start'});
    }, [reading]);
    // Whoever asked to go on is led to what keeps them.
    const form = useRef();
    const lead = () => {
        const first = form.current && form.current.querySelector('.field.wrong :is(input, select, textarea)');
        if (!first) return;
        first.focus();
        first.scrollIntoView({block: 'center'});
    };
    useEffect(() => {
        if (Object.keys(turnedNow).length) lead();
    }, [turnedNow]);
    const channel = s.status && s.status.channels.find((c) => c.group_id === id);
    const {data, error} = useData(async () => {
        const [template, roster, records] = await Promise.all([result('template show', [kind]), result('roster', [id]), result('records', [id], {last: '100'})]);
        return {template, members: roster.members.filter((m) => !m.who.self), records: records.records.reverse()};
    }, [id, kind], false);
    const act = useAct(async () => {
        const options = {yes: true, field: []};
        for (const f of data.template.fields) if (filled(values[f.name])) options.field.push(f.name + '=' + written(f, values[f.name]));
        if (destroy) options['destroy-after'] = destroy;
        if (urgent) options[urgent] = true;
        if (files.length) {
            options.attach = [];
            for (const f of files) options.attach.push(await api.upload(f, (a, b) => setProgress([a, b])));
            setProgress(null);
        }
        const done = await api.call('record', [kind, id], options);
        draft(key, '');
        say(t('compose.made'));
        go('record', done.result.commitment);
    });
    useEffect(() => {
        if (act.error) lead();
    }, [act.error]);
    if (!data) return html`<h1 tabindex="-1">${word('kind', kind)}</h1><${Trouble} error=${error} />${error ? null : html`<p>${t('loading')}</p>`}`;
    const {template} = data;
    const wrong = {...mistakeOf(act.error, template), ...turnedNow};
    const put = (name, v) => {
        const next = {...values, [name]: v};
        setValues(next);
        setReading(false);
        setTurned({});
        draft(key, JSON.stringify(next));
    };
    const missing = template.fields.filter((f) => f.required && !filled(values[f.name]) && f.type !== 'list<hash>');
    const late = act.error && /--urgent/.test(act.error.message);
    const hashes = template.fields.find((f) => f.type === 'list<hash>');
    return html`<div class="compose">
        <h1 tabindex="-1"><${Icon} name="seal" /> ${word('kind', kind)}</h1>
        <p>${t('compose.in')} <a href=${href('channel', id)}><${Peer} text=${channel ? channel.name : id.slice(0, 8)} /></a>. <span lang="en" dir="ltr">${template.purpose}</span></p>
        <dl class="facts"><div><dt>${t('compose.deadline')}</dt><dd><bdi lang="en">${template.deadline}</bdi></dd></div><div><dt>${t('compose.ack')}</dt><dd><bdi lang="en">${template.acknowledgement}</bdi></dd></div></dl>
        <p class="buttons"><button type="button" onClick=${() => setImporting(true)}>${t('import.open')}</button></p>
        <form ref=${form} onSubmit=${(e) => {
            e.preventDefault();
            const now = turned(template, values);
            setTurned(now);
            if (Object.keys(now).length) return;
            if (reading) act.run();
            else setReading(true);
        }}>
            <fieldset><legend>${t('compose.fields')}</legend>${template.fields.filter((f) => f !== hashes).map((f) => html`<${Field} key=${f.name} field=${f} value=${values[f.name]} onInput=${(v) => put(f.name, v)} records=${data.records} error=${wrong[f.name]} />`)}
            ${hashes ? html`<div class="field"><label for="f-files">${label(hashes.name)} <small>(${t('compose.files')})</small></label><input id="f-files" type="file" multiple aria-describedby="f-files-h" onChange=${(e) => setFiles([...e.target.files])} /><p class="hint" id="f-files-h">${t('compose.files_hint')} ${files.map((f) => f.name + ' (' + bytes(f.size) + ')').join(', ')}</p></div>` : null}</fieldset>
            <fieldset><legend>${t('compose.rule')}</legend><label>${t('compose.destroy')}<select value=${destroy} onChange=${(e) => setDestroy(e.target.value)}>${['', '1d', '7d', '30d', '90d', '365d'].map((v) => html`<option value=${v} selected=${v === destroy}>${v ? t('days', {n: parseInt(v, 10)}) : t('compose.keep')}</option>`)}</select></label></fieldset>
            <${Provable} template=${template} members=${data.members} values=${values} destroyAfter=${destroy ? t('days', {n: parseInt(destroy, 10)}) : ''} />
            ${missing.length ? html`<p class="hint">${t('compose.missing')} ${missing.map((f) => label(f.name)).join(', ')}</p>` : null}
            ${late || urgent ? html`<fieldset><legend>${t('compose.late')}</legend><label class="check"><input type="radio" name="when" checked=${urgent === 'urgent'} onChange=${() => setUrgent('urgent')} /> ${t('compose.urgent')}</label><label class="check"><input type="radio" name="when" checked=${urgent === 'wait'} onChange=${() => setUrgent('wait')} /> ${t('compose.wait')}</label></fieldset>` : null}
            ${reading ? html`<section class="review" aria-labelledby="h-review"><h2 id="h-review" tabindex="-1" ref=${review}>${t('compose.review')}</h2><dl>${template.fields.filter((f) => filled(values[f.name])).map((f) => html`<div key=${f.name}><dt>${label(f.name)}${f.unit ? html` <small>(${f.unit})</small>` : null}</dt><dd><${Value} field=${f} text=${written(f, values[f.name])} /></dd></div>`)}${files.length ? html`<div><dt>${label(hashes ? hashes.name : 'files')}</dt><dd>${files.map((f) => html`<${Peer} text=${f.name} /> `)}</dd></div>` : null}</dl></section>` : null}
            <${Trouble} error=${act.error} />
            ${progress ? html`<progress value=${progress[0]} max=${progress[1]} aria-label=${t('file.progress')}></progress>` : null}
            <p class="buttons"><button class="main" disabled=${act.busy || missing.length > 0}>${t(reading ? 'compose.make' : 'compose.read')}</button>${reading ? html`<button type="button" onClick=${() => setReading(false)}>${t('compose.change')}</button>` : null}<a class="button" href=${href('channel', id)}>${t('compose.later')}</a>
                <button type="button" class="plain" onClick=${() => {
                    setValues({});
                    setReading(false);
                    setTurned({});
                    draft(key, '');
                }}>${t('compose.empty')}</button></p>
        </form>
        ${importing ? html`<${Import} id=${id} kind=${kind} onClose=${() => setImporting(false)} />` : null}</div>`;
}
