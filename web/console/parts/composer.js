// What is written next. First its lane: talk, which passes, or a record, which is kept and can be proved.
import {Fragment, html, useEffect, useRef, useState} from '../html.js';
import * as api from '../api.js';
import {bytes, t, word} from '../i18n.js';
import {go} from '../router.js';
import {draft, say, state, useData, result} from '../store.js';
import {Trouble, useAct} from './dialog.js';
import {Icon} from './icon.js';
import {Peer} from './text.js';

const answers = new Set(['letter', 'amendment', 'receipt', 'countersign', 'answer', 'dispute', 'withdraw', 'consent', 'cover', 'carried', 'readout_line', 'tally']);

function KindChooser({id}) {
    const {data, error} = useData(() => result('template list'), [], false);
    const [kind, setKind] = useState('contact');
    if (!data) return html`<${Trouble} error=${error} /><p>${t('loading')}</p>`;
    const kinds = data.templates.filter((x) => !answers.has(x.id));
    const chosen = kinds.find((k) => k.id === kind);
    return html`<label>${t('compose.kind')}<select value=${kind} onChange=${(e) => setKind(e.target.value)}>${kinds.map((k) => html`<option value=${k.id} selected=${k.id === kind}>${word('kind', k.id)}</option>`)}</select></label>
        ${chosen ? html`<p class="hint"><bdi lang="en">${chosen.purpose}</bdi></p>` : null}
        <p class="buttons"><button type="button" class="main" onClick=${() => (kind === 'readout' ? go(kind, 'new', id) : go('compose', id, kind))}>${t('compose.open')}</button></p>`;
}

export function Composer({id, channel, onSent}) {
    const key = 'channel:' + id;
    const [lane, setLane] = useState('talk');
    const [text, setText] = useState(state.drafts[key] || '');
    const [file, pickFile] = useState(state.picked[key] || null);
    const setFile = (one) => {
        state.picked[key] = one; // kept while another screen is shown, as the text is
        pickFile(one);
    };
    const [rule, setRule] = useState('');
    const [progress, setProgress] = useState(null);
    const stop = useRef(null);
    const area = useRef();
    const pick = useRef();
    useEffect(() => () => stop.current && stop.current.abort(), []);
    const act = useAct(async () => {
        const kept = rule === 'keep' ? {keep: true} : rule ? {'destroy-after': rule} : {};
        if (file) {
            stop.current = new AbortController();
            try {
                const up = await api.upload(file, (done, of) => setProgress([done, of]), stop.current.signal);
                try {
                    await api.call('send', [id], {file: up, type: file.type || 'application/octet-stream', ...kept}, {signal: stop.current.signal});
                } finally {
                    api.cancel(up.upload).catch(() => {}); // the program needs it no more
                }
            } catch (e) {
                if (e.name !== 'AbortError') throw e;
                say(t('file.cancelled'));
                return;
            } finally {
                stop.current = null;
                setProgress(null);
            }
            setFile(null);
            if (pick.current) pick.current.value = '';
        }
        if (text.trim()) {
            await api.call('send', [id, text], kept);
            setText('');
            draft(key, '');
        }
        setRule('');
        if (onSent) onSent();
        if (area.current) area.current.focus();
    });
    const submit = (e) => {
        e.preventDefault();
        if (file || text.trim()) act.run();
    };
    return html`<form class=${'composer ' + lane} onSubmit=${submit} aria-label=${t('compose.aria')}>
        <fieldset class="lanes"><legend>${t('lane.choose')}</legend>
            <label class="lanechoice talk"><input type="radio" name="lane" value="talk" checked=${lane === 'talk'} onChange=${() => setLane('talk')} /><span><b><${Icon} name="talk" /> ${t('lane.talk')}</b> <small>${t('lane.talk_is')}</small></span></label>
            <label class="lanechoice record"><input type="radio" name="lane" value="record" checked=${lane === 'record'} onChange=${() => setLane('record')} /><span><b><${Icon} name="seal" /> ${t('lane.record')}</b> <small>${t('lane.record_is')}</small></span></label></fieldset>
        ${lane === 'record' ? html`<${KindChooser} id=${id} />` : html`<${Fragment}>
            <label class="say"><span class="hidden">${t('talk.to')} <${Peer} text=${channel.name} /></span><textarea ref=${area} rows="2" dir="auto" placeholder=${t('talk.placeholder')} value=${text} onInput=${(e) => {
                setText(e.target.value);
                draft(key, e.target.value);
            }} onKeyDown=${(e) => {
                if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) submit(e);
            }}></textarea></label>
            <p class="buttons"><label class="button filepick"><${Icon} name="file" /> ${t('file.attach')}<input ref=${pick} type="file" class="hidden" onChange=${(e) => setFile(e.target.files[0] || null)} /></label>
                ${file ? html`<span class="picked"><${Peer} text=${file.name} /> <small>${bytes(file.size)}</small> <button type="button" class="plain" onClick=${() => {
                    if (stop.current) stop.current.abort();
                    setFile(null);
                    pick.current.value = '';
                }}>${t('file.drop')}</button></span>` : null}
                ${progress ? html`<progress value=${progress[0]} max=${progress[1]} aria-label=${t('file.progress')}></progress>` : null}
                <label class="ruled">${t('talk.kept')} <select class="rule" aria-label=${t('talk.rule')} value=${rule} onChange=${(e) => setRule(e.target.value)}>${['', 'keep', '1d', '7d', '30d', '90d'].map((v) => html`<option value=${v} selected=${v === rule}>${v === '' || v === 'keep' ? t(v ? 'talk.rule_keep' : 'talk.rule_channel') : t('talk.rule_destroy', {n: parseInt(v, 10)})}</option>`)}</select></label>
                <button class="main send" disabled=${act.busy}>${t('talk.send')}</button><small class="hint">${t('talk.keys')}</small></p><//>`}
        <${Trouble} error=${act.error} /></form>`;
}
