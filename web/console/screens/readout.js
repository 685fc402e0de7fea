// A joint readout: what may be said in public about a contact, a line at a time, its languages side by side.
import {Fragment, html, useEffect, useRef, useState} from '../html.js';
import * as api from '../api.js';
import {language, languageName, list, t} from '../i18n.js';
import {go, href} from '../router.js';
import {result, say, useData, useStore} from '../store.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {Field, filled, written} from '../parts/field.js';
import {Icon, State} from '../parts/icon.js';
import {entryOf} from '../parts/named.js';
import {Person} from '../parts/person.js';
import {Printed} from '../parts/printed.js';
import {Provable} from '../parts/provable.js';
import {Peer, PeerBlock} from '../parts/text.js';
import {Time} from '../parts/time.js';

const rightToLeft = new Set(['Arab', 'Hebr', 'Syrc', 'Thaa', 'Nkoo', 'Adlm', 'Rohg']);

/** The direction of a language, by the script that it is written in. */
export function direction(tag) {
    try {
        return rightToLeft.has(new Intl.Locale(tag).maximize().script) ? 'rtl' : 'ltr';
    } catch (_) {
        return 'auto';
    }
}

/** What a line says in a language: its words, its direction. */
const Said = ({tag, text}) => html`<${PeerBlock} text=${text} lang=${tag} dir=${direction(tag)} />`;

const ready = (l) => l.agreed && !l.competing;

/** The lines that are released, one language after the other, as the program writes readout.txt. */
export function plain(lines) {
    const good = lines.filter(ready);
    if (!good.length) return '';
    const said = (tag) => good.flatMap((l) => l.texts.filter((x) => x.language === tag).map((x) => x.text + '\n')).join('');
    return good[0].texts.map(({language: tag}) => '[' + tag + ']\n' + said(tag)).join('\n');
}

/** Under a cadence the slot can come after the deadline: the program then wants to be told which it is to be. */
function Late({act, when, onWhen}) {
    if (!when && !(act.error && /--urgent/.test(act.error.message))) return null;
    return html`<fieldset><legend>${t('compose.late')}</legend>${['urgent', 'wait'].map((w) => html`<label class="check"><input type="radio" name="when" checked=${when === w} onChange=${() => onWhen(w)} /> ${t('compose.' + w)}</label>`)}</fieldset>`;
}

const Notes = ({error}) => (error && error.notes.length > 1 ? html`<pre class="notes" dir="auto">${error.notes.join('\n')}</pre>` : null);

/** A form below the readout: its heading is where the keyboard goes; what will be provable is above its button. */
function Form({title, act, run, children, can, label, onDone, hint}) {
    const head = useRef();
    const [when, setWhen] = useState('');
    useEffect(() => head.current.focus(), []);
    return html`<form class="answerform" onSubmit=${(e) => {
        e.preventDefault();
        run(when ? {yes: true, [when]: true} : {yes: true});
    }}><h2 tabindex="-1" ref=${head}><${Icon} name="seal" /> ${title}</h2>${children}
        <${Late} act=${act} when=${when} onWhen=${setWhen} /><${Trouble} error=${act.error} /><${Notes} error=${act.error} />
        ${hint ? html`<p class="hint">${hint}</p>` : null}
        <p class="buttons"><button class="main" disabled=${act.busy || !can}>${label}</button><button type="button" onClick=${onDone}>${t('cancel')}</button></p></form>`;
}

/** A box for each language; another one can be added. */
function Texts({languages, texts, onInput, required, onAdd}) {
    const [tag, setTag] = useState('');
    return html`<${Fragment}>${languages.map((l) => html`<label key=${l}><bdi>${languageName(l)}</bdi> <small dir="ltr">[${l}]</small><textarea rows="2" lang=${l} dir=${direction(l)} data-language=${l} required=${required} value=${texts[l] || ''} onInput=${(e) => onInput({...texts, [l]: e.target.value})}></textarea></label>`)}
        ${onAdd ? html`<div class="row"><label>${t('readout.other_language')}<input class="short" dir="ltr" placeholder="en" value=${tag} onInput=${(e) => setTag(e.target.value.trim())} /></label><button type="button" disabled=${!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(tag) || languages.includes(tag)} onClick=${() => {
            onAdd(tag);
            setTag('');
        }}>${t('readout.add_language')}</button></div>` : null}<//>`;
}

const given = (languages, texts) => languages.filter((l) => (texts[l] || '').trim()).map((l) => l + '=' + texts[l].trim());

function LineForm({r, id, old, number, members, template, onDone}) {
    const [n, setN] = useState(String(old ? old.line : number));
    const [languages, setLanguages] = useState(() => [...new Set([...r.languages, ...(old ? old.texts : (r.lines[0] || {texts: []}).texts).map((x) => x.language)])]);
    const [texts, setTexts] = useState(() => Object.fromEntries((old ? old.texts : []).map((x) => [x.language, x.text])));
    const act = useAct(async (options) => {
        await api.call('readout line', [id, n], {...options, text: given(languages, texts), ...(old ? {replaces: old.commitment} : {})});
        say(t('readout.line_made'));
        onDone();
    });
    const some = given(languages, texts).length;
    return html`<${Form} title=${old ? t('readout.rewrite_n', {line: old.line}) : t('readout.write')} act=${act} run=${act.run} can=${some > 0} label=${t('readout.make_line')} onDone=${onDone} hint=${some && some < languages.length ? t('readout.some_languages') : ''}>
        <p>${t(old ? 'readout.rewrite_text' : 'readout.write_text')}</p>
        ${old && old.agreed ? html`<p class="caution"><strong>${t('readout.was_agreed')}</strong></p>` : null}
        ${old ? null : html`<label>${t('readout.number')}<input class="short" inputmode="numeric" dir="ltr" required pattern="[1-9][0-9]*" value=${n} onInput=${(e) => setN(e.target.value)} /></label>`}
        <${Texts} languages=${languages} texts=${texts} onInput=${setTexts} onAdd=${(l) => setLanguages([...languages, l])} />
        <${Provable} template=${template} members=${members} /><//>`;
}

const Lines = ({lines}) => lines.map((l) => html`<div class="toagree" key=${l.commitment}><h3>${t('readout.line_n', {line: l.line})}</h3>${l.texts.map((x) => html`<${Said} tag=${x.language} text=${x.text} />`)}</div>`);

/** What is agreed to is what stands here: if another version comes in meanwhile, the program refuses this one. */
function AgreeForm({id, lines, head, onDone}) {
    const act = useAct(async (options) => {
        await api.call('readout agree', [id, ...lines.map((l) => l.commitment)], head ? {...options, head: true} : options);
        say(t('readout.agree_made'));
        onDone();
    });
    return html`<${Form} title=${t('readout.agree')} act=${act} run=${act.run} can label=${t('readout.make_agree')} onDone=${onDone}>
        ${head ? html`<p>${t('readout.agree_head')}</p>` : null}
        <${Lines} lines=${lines} />
        <p class="caution"><strong>${t('answer.not')}</strong> ${t('readout.agree_not')}</p><p class="hint">${t('answer.provable')}</p><//>`;
}

function ObjectForm({id, line, onDone}) {
    const before = Object.fromEntries(line.texts.map((x) => [x.language, x.text]));
    const [texts, setTexts] = useState(before);
    const [gone, setGone] = useState(false);
    const [why, setWhy] = useState('');
    const languages = line.texts.map((x) => x.language);
    const act = useAct(async (options) => {
        const more = gone ? {} : {text: given(languages, texts)};
        await api.call('readout object', [id, line.commitment], {...options, ...more, ...(why.trim() ? {why: why.trim()} : {})});
        say(t('readout.object_made'));
        onDone();
    });
    const other = given(languages, texts).join('\n') !== given(languages, before).join('\n') && given(languages, texts).length > 0;
    return html`<${Form} title=${t('readout.object_n', {line: line.line})} act=${act} run=${act.run} can=${gone || other} label=${t('readout.make_object')} onDone=${onDone}>
        <label class="check"><input type="checkbox" checked=${gone} onChange=${(e) => setGone(e.target.checked)} /> ${t('readout.gone')}</label>
        ${gone ? null : html`<fieldset><legend>${t('readout.should_be')}</legend><${Texts} languages=${languages} texts=${texts} onInput=${setTexts} /></fieldset>`}
        <label>${t('answer.text_dispute')}<textarea rows="2" dir="auto" value=${why} data-why onInput=${(e) => setWhy(e.target.value)}></textarea></label>
        <p class="caution"><strong>${t('answer.not')}</strong> ${t('readout.object_not')}</p><p class="hint">${t('answer.provable')}</p><//>`;
}

/** Consents first; when those of all sides are in the register, all agreed lines together. */
function ReleaseForm({id, r, onDone}) {
    const [until, setUntil] = useState('');
    const [publish, setPublish] = useState(false);
    const [said, setSaid] = useState(null);
    const lines = r.lines.filter(ready);
    const n = lines.length;
    // Which lines it is about must not change under the hand of who reads them.
    const now = lines.map((l) => l.commitment).join();
    const [seen] = useState(now);
    const moved = seen !== now && t('readout.moved');
    const consent = useAct(async (options) => {
        const done = await api.call('readout release', [id], {...options, ...(until ? {expires: until} : {}), ...(r.is_time ? {} : {ahead: true})}, {act: t('readout.consent')});
        setSaid(t(done.result && done.result.may_be_released === undefined ? 'readout.consent_made' : 'readout.consent_all'));
    });
    const release = useAct(async (options) => {
        const done = await api.call('readout release', [id], {...options, publish: true}, {act: t('readout.release')});
        const lacking = (done.result && done.result.lacking) || [];
        if (done.result && done.result.released) setSaid(t('readout.published'));
        else if (lacking.length) setSaid(t('readout.lacking') + ' ' + list(lacking.map((x) => x.party + ' (' + x.consents + ')')));
        else setSaid(t('readout.consent_made')); // our own lacked: the program gave them, and released nothing
    });
    const save = () => {
        const url = URL.createObjectURL(new Blob([plain(r.lines)], {type: 'text/plain;charset=utf-8'}));
        const a = document.createElement('a');
        a.href = url;
        a.download = 'readout.txt';
        a.click();
        setTimeout(() => URL.revokeObjectURL(url), 60000);
    };
    return html`<${Fragment}>
        ${said ? html`<p role="status" class="told"><strong>${said}</strong></p>` : null}
        ${r.may_be_released ? html`<${Form} title=${t('readout.release')} act=${release} run=${release.run} can=${publish && !moved} hint=${moved || ''} label=${t('readout.make_publish')} onDone=${onDone}>
                <p>${t('readout.release_text', {n})}</p><p class="caution">${t('readout.publish_is')}</p>
                <label class="check"><input type="checkbox" checked=${publish} onChange=${(e) => setPublish(e.target.checked)} /> ${t('open.publish')}</label>
                <h3>${t('readout.plain')}</h3><p>${t('readout.plain_is')}</p><pre class="notes plaintext" dir="auto" tabindex="0">${plain(r.lines)}</pre><p class="buttons"><button type="button" onClick=${save}>${t('readout.save_plain')}</button></p><//>`
            : html`<${Form} title=${t('readout.consent')} act=${consent} run=${consent.run} can=${n > 0 && r.agreed && !moved} label=${t('answer.make_consent')} onDone=${onDone}
                hint=${moved ? moved : !r.agreed ? t('readout.head_lacks') : n === 0 ? t('readout.none_agreed') : ''}>
                <p>${t('readout.consent_text', {n})}</p><${Lines} lines=${lines} />${r.is_time ? null : html`<p>${t('readout.ahead')} <${Time} at=${r.release_at} /></p>`}
                <label>${t('consent.until')}<input type="date" value=${until} onInput=${(e) => setUntil(e.target.value)} /></label>
                <p class="caution"><strong>${t('answer.not')}</strong> ${t('caution.consent')}</p><p class="hint">${t('answer.provable')}</p><//>`}<//>`;
}

/** Who says what to a line: each in a word, none by a colour alone. */
function Sides({parties, texts}) {
    const shown = parties.filter((p) => p.side || p.wrote || p.agrees || p.objects);
    return html`<ul class="plainlist sides">${shown.map((p) => html`<li key=${p.party}>${
        p.objects ? html`<${State} kind="bad"><${Peer} text=${p.party} /> ${t('readout.objects')}<//> ${p.objection.texts && p.objection.texts.length ? html`<small>${t('readout.it_should')}</small>${p.objection.texts.map((x, i) => html`<${Said} tag=${(p.objection.languages || texts.map((y) => y.language))[i] || ''} text=${x} />`)}` : texts.length ? html`<small>${t('readout.it_should_not')}</small>` : null}${p.objection.why ? html`<small>${t('readout.why')}</small> <${PeerBlock} text=${p.objection.why} />` : null}`
        : p.agrees ? html`<${State} kind="ok"><${Peer} text=${p.party} /> ${t(p.wrote ? 'readout.wrote' : 'readout.agrees')}<//>${p.consent_entered ? html` <small>${t('readout.consents')}</small>` : p.consents ? html` <small>${t('readout.consents_not_entered')}</small>` : null}`
        : html`<${State} kind="wait"><${Peer} text=${p.party} /> ${t('readout.not_yet')}<//>`}</li>`)}</ul>`;
}

const stateOf = (l) => (l.competing ? ['bad', 'readout.competing'] : !l.agreed ? ['wait', 'readout.not_agreed'] : l.consented ? ['ok', 'readout.consented'] : ['ok', 'readout.agreed']);
const standingOf = (r) => (r.may_be_released ? ['ok', 'readout.may'] : r.consents_complete ? ['wait', 'readout.not_time'] : ['wait', 'readout.not_released']);

function Draft({channel}) {
    const s = useStore();
    const [values, setValues] = useState({versions: [language()], releaser: 'both_together'});
    const known = s.status && s.status.channels.find((c) => c.group_id === channel);
    const {data, error} = useData(async () => {
        const [template, roster, records] = await Promise.all([result('template show', ['readout']), result('roster', [channel]), result('records', [channel], {last: '2000'})]);
        return {template, members: roster.members.filter((m) => !m.who.self), records: records.records.filter((x) => x.kind === 'contact').reverse()};
    }, [channel], false);
    const act = useAct(async (options) => {
        const more = {contact: values.contact, releaser: values.releaser};
        const field = (name) => data.template.fields.find((f) => f.name === name);
        if (filled(values.versions)) more.languages = written(field('versions'), values.versions);
        if (values.release_at) more['release-at'] = values.release_at;
        if (values.initiated_by) more['initiated-by'] = values.initiated_by;
        const done = await api.call('readout draft', [channel], {...options, ...more});
        say(t('readout.drafted'));
        go('readout', done.result.commitment);
    });
    if (!data) return html`<h1 tabindex="-1">${t('readout.begin')}</h1><${Trouble} error=${error} />${error ? null : html`<p>${t('loading')}</p>`}`;
    return html`<h1 tabindex="-1">${t('readout.begin')}</h1>${known ? html`<p>${t('compose.in')} <a href=${href('channel', channel)}><${Peer} text=${known.name} /></a></p>` : null}
        <p>${t('readout.begin_text')}</p>
        ${data.records.length ? null : html`<p class="caution">${t('readout.no_contact')}</p>`}
        <${Form} title=${t('readout.how')} act=${act} run=${act.run} can=${values.contact && values.releaser} label=${t('compose.make')} onDone=${() => go('channel', channel)}>
            ${['contact', 'versions', 'releaser', 'release_at', 'initiated_by'].map((name) => html`<${Field} key=${name} prefix="r" field=${data.template.fields.find((f) => f.name === name)} value=${values[name]} onInput=${(v) => setValues({...values, [name]: v})} records=${data.records} />`)}
            <${Provable} template=${data.template} members=${data.members} values=${values} /><//>`;
}

function Show({id}) {
    const s = useStore();
    const [doing, setDoing] = useState(null); // {what, line, lines, head}
    const {data, error} = useData(async () => {
        const r = await result('readout show', [id]);
        const [x, template, roster] = await Promise.all([result('show', [id]), result('template show', ['readout_line']), result('roster', [r.group_id])]);
        return {r, x, template, members: roster.members.filter((m) => !m.who.self)};
    }, [id]);
    if (!data) return html`<h1 tabindex="-1">${t('readout.title')}</h1><${Trouble} error=${error} />${error ? null : html`<p>${t('loading')}</p>`}`;
    const {r, x, template, members} = data;
    const channel = s.status && s.status.channels.find((c) => c.group_id === r.group_id);
    const us = (l) => l.parties.find((p) => p.self) || {};
    const columns = [...new Set([...r.languages, ...r.lines.flatMap((l) => l.texts.map((y) => y.language))])];
    const open = r.lines.filter((l) => !l.competing && !us(l).wrote && !us(l).agrees);
    const headOpen = !us(r).wrote && !us(r).agrees;
    const next = Math.max(0, ...r.lines.map((l) => l.line)) + 1;
    const [kind, key] = standingOf(r);
    const done = () => setDoing(null);
    const form = doing && {
        line: () => html`<${LineForm} key=${'l' + (doing.line ? doing.line.commitment : 'new')} r=${r} id=${r.commitment} old=${doing.line} number=${next} members=${members} template=${template} onDone=${done} />`,
        agree: () => html`<${AgreeForm} key=${'a' + doing.lines.map((l) => l.line).join()} id=${r.commitment} lines=${doing.lines} head=${doing.head} onDone=${done} />`,
        object: () => html`<${ObjectForm} key=${'o' + doing.line.line} id=${r.commitment} line=${doing.line} onDone=${done} />`,
        release: () => html`<${ReleaseForm} key="r" id=${r.commitment} r=${r} onDone=${done} />`,
    }[doing.what]();
    return html`<div class="readout"><${Printed} forum /><h1 tabindex="-1"><${Icon} name="seal" /> ${t('readout.title')}, ${entryOf(x)}</h1>
        <p class="states"><${State} kind=${kind}>${t(key)}<//> · ${t('readout.by_' + x.fields.releaser)}, ${r.release_at ? html`${t('readout.not_before')} <${Time} at=${r.release_at} /> <small dir="ltr">${r.release_at}</small>` : t('readout.by_consent')}</p>
        <p class="noprint">${t('record.by')} <${Person} who=${x.author} title />, <${Time} at=${x.written} />${channel ? html`, <a href=${href('channel', r.group_id)}><${Peer} text=${channel.name} /></a>` : null} · <a href=${href('record', x.fields.contact)}>${t('readout.contact')}</a> · <a href=${href('record', r.commitment)}>${t('readout.its_record')}</a></p>
        <div class="headsides"><h2>${t('readout.how')}</h2><${Sides} parties=${r.parties} texts=${[]} /></div>
        ${r.lines.length ? html`<div class="table" role="group" aria-label=${t('readout.lines')} tabindex="0"><table><caption class="hidden">${t('readout.lines')}</caption>
            <thead><tr><th scope="col">${t('readout.line')}</th>${columns.map((c) => html`<th scope="col"><bdi>${languageName(c)}</bdi> <small dir="ltr">[${c}]</small></th>`)}<th scope="col">${t('readout.standing')}</th></tr></thead>
            <tbody>${r.lines.map((l) => html`<tr key=${l.commitment}><th scope="row"><a href=${href('record', l.commitment)}>${l.line}</a></th>
                ${columns.map((c) => {
                    const y = l.texts.find((z) => z.language === c);
                    return html`<td class=${'saying' + (y && y.changed_after_agreement ? ' differs' : '')}>${y ? html`<${Said} tag=${c} text=${y.text} />${y.changed_after_agreement ? html`<${State} kind="bad">${t('readout.changed')}<//>` : null}` : html`<i>${t('readout.not_in_it')}</i>`}</td>`;
                })}
                <td><p class="tight"><${State} kind=${stateOf(l)[0]}>${t(stateOf(l)[1])}<//></p>${l.languages_left_out ? html`<p class="tight"><${State} kind="bad">${t('readout.left_out', {n: l.languages_left_out})}<//></p>` : null}<${Sides} parties=${l.parties} texts=${l.texts} />
                    <p class="buttons small">${open.includes(l) ? html`<button type="button" onClick=${() => setDoing({what: 'agree', lines: [l]})}>${t('readout.agree')}<span class="hidden"> (${l.line})</span></button>` : null}${l.competing || us(l).wrote ? null : html`<button type="button" onClick=${() => setDoing({what: 'object', line: l})}>${t('readout.object')}<span class="hidden"> (${l.line})</span></button>`}<button type="button" onClick=${() => setDoing({what: 'line', line: l})}>${t('readout.rewrite')}<span class="hidden"> (${l.line})</span></button></p></td></tr>`)}</tbody></table></div>`
        : html`<p>${t('readout.no_lines')}</p>`}
        ${r.no_lines ? html`<p class="caution noprint">${t('readout.unreadable', {n: r.no_lines})}</p>` : null}
        <section class="noprint" aria-label=${t('readout.do')}>
            ${form || html`<p class="buttons"><button type="button" onClick=${() => setDoing({what: 'line'})}>${t('readout.write')}</button>
                ${headOpen ? html`<button type="button" onClick=${() => setDoing({what: 'agree', lines: [], head: true})}>${t('readout.agree_how')}</button>` : null}
                ${open.length ? html`<button type="button" onClick=${() => setDoing({what: 'agree', lines: open, head: headOpen})}>${t('readout.agree_all', {n: open.length})}</button>` : null}
                <button type="button" onClick=${() => setDoing({what: 'release'})}>${t('readout.release')}</button>
                <button type="button" onClick=${() => print()}>${t('readout.print')}</button></p>
                <p class="hint">${t('readout.sealed')}</p>`}</section></div>`;
}

export const Readout = ({route}) => (route[1] === 'new' ? html`<${Draft} channel=${route[2]} />` : html`<${Show} id=${route[1]} />`);
