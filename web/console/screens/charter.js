// The charter in words: its rules, who signed it, what amendments did. And such papers by file: look at one, sign it where a
// root's key is at hand, take over others' signatures, take an amendment in.
import {Fragment, html, useRef, useState} from '../html.js';
import * as api from '../api.js';
import {day, number, t, word} from '../i18n.js';
import {refresh, result, say, set, useStore} from '../store.js';
import {Notes, SaveFile, handed, made, span} from '../parts/acts.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {kindBeside} from '../parts/person.js';
import {Hex, Peer, Words, harmless} from '../parts/text.js';
import {Time} from '../parts/time.js';

const consentOf = (value) => {
    const after = /^after (\d{4}-\d{2}-\d{2})$/.exec(value);
    return after ? t('rule.open_after', {day: day(after[1])}) : word('rule_open', value);
};

/** A rule of the charter as a sentence; one that this page does not know as it stands. */
export function ruleInWords(name, value, parties) {
    const [, what, of] = /^(\w+)(?:\.(.*))?$/.exec(name) || [];
    const parts = String(value).split(/[/ ]/);
    if (what === 'cadence') return t('rule.cadence', {entries: parts[0], period: span(parts[1])});
    if (what === 'file_max') return t('rule.file_max', {size: parts[0]});
    if (what === 'line_test') return t(parts[1] === 'sealed' ? 'rule.line_test_sealed' : 'rule.line_test', {period: span(parts[0])});
    if (what === 'read_key') return t('rule.read_key');
    if (what === 'open') return of ? t('rule.open_kind', {kind: word('kind', of), who: consentOf(value)}) : t('rule.open', {who: consentOf(value)});
    if (what === 'template') return t('rule.template', {kind: word('kind', of)});
    if (what === 'successor') return t('rule.successor', {party: harmless((parties[of - 1] || {}).name || of)});
    return name + ': ' + value;
}

const Signed = ({yes}) => html`<${State} kind=${yes ? 'ok' : 'bad'}>${t(yes ? 'charter.has_signed' : 'charter.not_signed')}<//>`;

function Rules({charter}) {
    const rules = Object.entries(charter.rules || {});
    const opens = rules.some(([k]) => k === 'open');
    return html`<h3>${t('charter.rules')}</h3><ul class="plainlist">${rules.map(([k, v]) => html`<li key=${k}>${ruleInWords(k, v, charter.parties)}${/^(template|successor)\./.test(k) ? html` <${Hex} short value=${v} />` : null}</li>`)}
        ${opens ? null : html`<li>${t(rules.some(([k]) => /^open\./.test(k)) ? 'rule.open' : 'rule.open_all', {who: consentOf('both')})}</li>`}</ul>`;
}

/** What a charter says; with its parties, their words and signatures. */
export function CharterFacts({charter, onCompare}) {
    return html`<dl class="facts"><div><dt>${t('charter.id')}</dt><dd><${Hex} value=${charter.forum} /></dd></div><div><dt>${t('charter.made')}</dt><dd><${Time} at=${charter.created} /></dd></div><div><dt>${t('charter.signed')}</dt><dd>${charter.complete ? html`<${State} kind="ok">${t('charter.by_all')}<//>` : html`<${State} kind="bad">${t('charter.not_by_all')}<//>`}</dd></div>
            <div><dt>${t('charter.relay')}</dt><dd><span dir="ltr"><${Peer} text=${charter.relay} /></span></dd></div><div><dt>${t('charter.quorum')}</dt><dd>${t('charter.groups', {n: charter.quorum_attested})}</dd></div></dl>
        <${Rules} charter=${charter} />
        ${(charter.amended || []).length ? html`<h3>${t('charter.amended')}</h3><ol class="plainlist">${charter.amended.map((a) => html`<li key=${a.number}><b>${number(a.number)}</b>, <${Time} at=${a.drafted} />: ${t('amended.' + a.replaced, {size: a.last_size})}</li>`)}</ol>` : charter.amended ? html`<p>${t('charter.not_amended')}</p>` : null}
        <ul class="cards">${charter.parties.map((p) => html`<li class="card" key=${p.party_id}><h4><${Peer} text=${p.name} /> <small>${kindBeside(p, true)}</small></h4><p><${Signed} yes=${p.signed} /></p><p><${Words} words=${p.words} /></p>
            ${p.party_id !== p.root_id ? html`<p class="hint">${t('charter.root_replaced')}</p>` : null}
            ${onCompare ? html`<p class="buttons"><button onClick=${() => onCompare(p)}>${t('compare.open')}</button></p>` : null}</li>`)}</ul>`;
}

export function Charter({charter, onCompare}) {
    if (!charter) return null;
    return html`<section aria-labelledby="h-charter"><h2 id="h-charter">${t('charter')}: <${Peer} text=${charter.title} /></h2><${CharterFacts} charter=${charter} onCompare=${onCompare} /><p class="hint">${t('home.words_hint')}</p></section>`;
}

function AmendmentFacts({x}) {
    return html`<dl class="facts"><div><dt>${t('charter.made')}</dt><dd><${Time} at=${x.drafted} /></dd></div><div><dt>${t('charter.signed')}</dt><dd>${x.complete ? html`<${State} kind="ok">${t('charter.by_all')}<//>` : html`<${State} kind="bad">${t('charter.not_by_all')}<//>`}</dd></div>
            <div><dt>${t('amendment.counts')}</dt><dd>${t('amendment.entries', {size: x.last_size})} <${Hex} value=${x.last_root} /></dd></div>
            ${x.relay ? html`<${Fragment}><div><dt>${t('amendment.relay')}</dt><dd><span dir="ltr"><${Peer} text=${x.relay_before} /> → <${Peer} text=${x.relay} /></span></dd></div><div><dt>${t('amendment.key')}</dt><dd><span dir="ltr"><${Peer} text=${x.register_vkey_before} /> → <${Peer} text=${x.register_vkey} /></span></dd></div>
                <div><dt>${t('amendment.witnesses')}</dt><dd><ul class="plainlist">${x.witnesses.map((w) => html`<li><b><${Peer} text=${w.party} /></b> ${t(x.witnesses_before.some((b) => b.vkey === w.vkey && b.party === w.party) ? 'amendment.as_before' : 'amendment.new')} <code dir="ltr"><${Peer} text=${w.vkey} /></code></li>`)}${x.witnesses_before.filter((b) => !x.witnesses.some((w) => w.vkey === b.vkey && w.party === b.party)).map((w) => html`<li><b><${Peer} text=${w.party} /></b> <strong>${t('amendment.no_longer')}</strong> <code dir="ltr"><${Peer} text=${w.vkey} /></code></li>`)}</ul></dd></div><//>` : null}</dl>
        ${(x.roots || []).map((r) => html`<div class="caution" key=${r.party}><p><strong><${Peer} text=${r.party} />: ${t(r.replaced ? 'amendment.root_replaced' : 'amendment.root_stays')}</strong> ${r.replaced ? t(r.announced ? 'amendment.announced' : 'amendment.not_announced') : null}</p>
            ${r.replaced ? html`<${Fragment}><p>${t('amendment.root_before')} <${Words} words=${r.root_before} /></p><p>${t('amendment.root_after')} <${Words} words=${r.root} /> <${Signed} yes=${r.signed_by_new} /></p><//>` : null}
            ${r.successor ? html`<p>${t('amendment.successor')} <${Words} words=${r.successor} /></p>` : null}</div>`)}
        <ul class="plainlist">${x.parties.map((p) => html`<li key=${p.name}><b><${Peer} text=${p.name} /></b> ${p.signed || !(x.roots || []).some((r) => r.party === p.name && r.announced) ? html`<${Signed} yes=${p.signed} />` : html`<${State} kind="ok">${t('amendment.not_asked')}<//>`}</li>`)}</ul>`;
}

/** Is it an amendment of our charter, or a charter itself? What the program says of the likelier one is what is told. */
const read = (file) => handed([file], async (up) => {
    const as = async (here) => ({file, here, said: await result('charter show', [up], here ? {here: true} : {})});
    try {
        return await as(false);
    } catch (e) {
        try {
            return await as(true);
        } catch (f) {
            throw /amendment/.test(f.message) ? f : e;
        }
    }
});

function Paper({paper, onNext}) {
    const s = useStore();
    const {said, here, file} = paper;
    const [root, setRoot] = useState(null);
    const [grant, setGrant] = useState(null);
    const [lose, setLose] = useState(false);
    const others = useRef();
    const options = here ? {here: true} : {};
    const sign = useAct(async () => {
        const done = await handed([file, root], (up, key) => api.call('charter sign', [up], {...options, root: key, out: {download: file.name}}, {whose: 'root'}));
        onNext(await read(await made(done)), t('paper.signed'), true);
    });
    const merge = useAct(async (list) => {
        const done = await handed([file, ...list], (...ups) => api.call('charter merge', ups, {...options, out: {download: file.name}}));
        others.current.value = '';
        onNext(await read(await made(done)), t('paper.merged'), true);
    });
    const adopt = useAct(async () => {
        await handed(grant ? [file, grant] : [file], (up, other) => api.call('charter adopt', [up], {...(lose ? {'lose-attested': true} : {}), ...(other ? {grant: other} : {})}, {act: t('paper.adopt')}));
        set({charter: null});
        await refresh();
        say(t('paper.adopted'));
        onNext(null);
    });
    const ours = s.charter && said.forum === s.charter.forum;
    return html`<div class="card"><h3>${here ? t('paper.amendment', {n: said.amendment}) : html`${t('paper.charter')} <${Peer} text=${said.title} />`}</h3><p class="hint"><${Peer} text=${file.name} /></p>
        ${here ? html`<${AmendmentFacts} x=${said} />` : html`<${Fragment}><p>${t(ours ? 'paper.ours' : 'paper.not_ours')}</p><${CharterFacts} charter=${said} /><//>`}
        ${paper.changed ? html`<p role="status"><strong>${paper.told}</strong> ${t('paper.save_text')}</p><p class="buttons"><${SaveFile} main file=${file}>${t('paper.save')}<//></p>` : null}
        ${said.complete ? null : html`<form class="narrow" onSubmit=${(e) => {
            e.preventDefault();
            sign.run();
        }}><h4>${t('paper.sign')}</h4><p class="caution">${t('paper.sign_text')}</p><label>${t('paper.root')}<input type="file" required onChange=${(e) => setRoot(e.target.files[0] || null)} /></label><p class="hint">${t('paper.root_hint')}</p>
            <${Trouble} error=${sign.error} /><p class="buttons"><button class="main" disabled=${!root || sign.busy}>${t('paper.sign_go')}</button></p></form>
        <div class="narrow"><label>${t('paper.merge')}<input type="file" multiple ref=${others} disabled=${merge.busy} onChange=${(e) => e.target.files.length && merge.run([...e.target.files])} /></label><p class="hint">${t('paper.merge_hint')}</p><${Trouble} error=${merge.error} /></div>`}
        ${here && said.complete ? html`<form class="narrow" onSubmit=${(e) => {
            e.preventDefault();
            adopt.run();
        }}><h4>${t('paper.adopt')}</h4><p class="caution">${t('paper.adopt_text')}</p>
            ${said.relay ? html`<${Fragment}><label>${t('paper.grant')}<input type="file" required onChange=${(e) => setGrant(e.target.files[0] || null)} /></label><label class="check"><input type="checkbox" checked=${lose} onChange=${(e) => setLose(e.target.checked)} /> ${t('paper.lose')}</label><//>` : null}
            <${Trouble} error=${adopt.error} />${adopt.error ? html`<${Notes} notes=${adopt.error.notes} />` : null}<p class="buttons"><button class="main" disabled=${adopt.busy || (said.relay && !grant)}>${t('paper.adopt_go')}</button></p></form>` : null}</div>`;
}

export function Papers() {
    const [paper, setPaper] = useState(null);
    const look = useAct(async (file) => {
        setPaper(null);
        setPaper(await read(file));
    });
    return html`<section class="noprint" aria-labelledby="h-papers"><h2 id="h-papers">${t('papers')}</h2><p>${t('papers.text')}</p>
        <label class="narrow">${t('papers.file')}<input type="file" disabled=${look.busy} onChange=${(e) => e.target.files[0] && look.run(e.target.files[0])} /></label>
        <${Trouble} error=${look.error} />
        ${paper ? html`<${Paper} key=${paper.file.name + (paper.said.complete ? '+' : '')} paper=${paper} onNext=${(next, told, changed) => setPaper(next ? {...next, told, changed} : null)} />` : null}</section>`;
}
