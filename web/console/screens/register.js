// The register: its state, who cosigned, the entries that this home knows, proofs, evidence; and checks of all of it.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {t, word} from '../i18n.js';
import {href} from '../router.js';
import {result, state, useData, useStore} from '../store.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {standingKind} from '../parts/item.js';
import {entryOf} from '../parts/named.js';
import {Person} from '../parts/person.js';
import {Hex, Peer, PeerBlock} from '../parts/text.js';
import {Time} from '../parts/time.js';
import {RegisterState} from './home.js';

/** What a verifier said, of the program's or of the page's own. */
function Verdict({name, said}) {
    if (!said) return null;
    const good = said.verdict === 'verified';
    return html`<div class="card"><h3>${name}</h3><p><${State} kind=${good ? 'ok' : 'bad'}><${Peer} text=${said.verdict} /><//>${said.reason ? html` <${Peer} text=${said.reason} />` : null}</p>
        <${PeerBlock} text=${said.findings} /></div>`;
}

function Verify() {
    const s = useStore();
    const [file, setFile] = useState(null);
    const [said, setSaid] = useState(null);
    const act = useAct(async () => {
        setSaid(null);
        const forum = state.charter && state.charter.forum;
        const up = await api.upload(file);
        const ours = await api.call('verify', [up], {forum});
        const v = await import('../verify.js');
        const lacks = await v.cryptoMissing();
        const own = lacks ? {verdict: lacks, findings: ''} : v.report(await v.verifyAny(new Uint8Array(await file.arrayBuffer()), {forum: v.fromHex(forum), rootWords: [], amendments: [], nowMs: Date.now()}));
        setSaid({ours: ours.result, own});
    });
    return html`<section aria-labelledby="h-verify"><h2 id="h-verify">${t('register.verify')}</h2><p>${t('register.verify_text')}</p>
        <form class="narrow" onSubmit=${(e) => {
            e.preventDefault();
            act.run();
        }}><label>${t('register.proof')}<input type="file" required onChange=${(e) => setFile(e.target.files[0] || null)} /></label>
            <p class="hint">${t('register.against')} ${s.charter ? html`<${Hex} value=${s.charter.forum} />` : null}</p>
            <p class="buttons"><button class="main" disabled=${!file || act.busy}>${t('register.verify_go')}</button></p></form>
        <${Trouble} error=${act.error} /><div role="status">${said ? html`<${Fragment}>${said.ours && said.own.verdict !== said.ours.verdict ? html`<p class="trouble" role="alert">${t('register.differ')}</p>` : null}<div class="cards"><${Verdict} name=${t('register.by_program')} said=${said.ours} /><${Verdict} name=${t('register.by_page')} said=${said.own} /></div><//>` : null}</div></section>`;
}

function Check() {
    const [said, setSaid] = useState(null);
    const act = useAct(async () => {
        setSaid(null);
        const done = await api.call('register check', [], {});
        setSaid(done);
    });
    const save = useAct(async (command, name) => {
        const done = await api.call(command, [], {out: {download: name}});
        for (const f of done.files || []) await api.save(f);
    });
    const r = said && said.result;
    return html`<section aria-labelledby="h-check"><h2 id="h-check">${t('register.check')}</h2><p>${t('register.check_text')}</p>
        <p class="buttons"><button class="main" disabled=${act.busy} onClick=${() => act.run()}>${t(act.busy ? 'register.checking' : 'register.check_go')}</button>
            <button disabled=${save.busy} onClick=${() => save.run('register checkpoint', 'checkpoint.txt')}>${t('register.checkpoint')}</button>
            <button disabled=${save.busy} onClick=${() => save.run('evidence export', 'evidence.txt')}>${t('register.evidence')}</button></p>
        <div role="status">${r ? html`<p>${said.status === 0 ? html`<${State} kind="ok">${t('register.good')}<//>` : html`<${State} kind="bad">${t('register.not_good')}<//>`} ${t('register.counted', {entries: r.entries, attested: r.attested, final: r.final})}</p>` : null}</div>
        ${said && said.notes.length ? html`<${PeerBlock} text=${said.notes.join('\n')} />` : null}<${Trouble} error=${act.error || save.error} /></section>`;
}

export function Register() {
    const s = useStore();
    const [many, setMany] = useState(100);
    const {data, error} = useData(async () => {
        const [records, reg] = await Promise.all([result('records', [], {last: String(many)}), result('register status')]);
        return {known: new Map(records.records.map((r) => [r.commitment, r])), records: records.records.filter((r) => r.entry !== undefined).sort((a, b) => b.entry - a.entry), waiting: records.records.filter((r) => r.entry === undefined), total: records.records.length, reg};
    }, [many]);
    const r = (data && data.reg) || (s.status && s.status.register);
    const c = r && r.cadence;
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.register')}</h1><p>${t('register.text')}</p><${Trouble} error=${error} />
        ${r ? html`<${RegisterState} r=${r} />` : null}
        ${c ? html`<section><h2>${t('register.cadence')}</h2><p>${t('register.cadence_text', {entries: c.entries, hours: c.period_s / 3600})} ${c.next_slot ? html`${t('register.next')} <${Time} at=${c.next_slot} />.` : null} ${c.periods_not_kept ? html`<${State} kind="bad">${t('n_not_kept', {n: c.periods_not_kept})}<//>` : null}</p></section>` : null}
        <${Check} /><${Verify} />
        <section aria-labelledby="h-entries"><h2 id="h-entries">${t('register.entries')}</h2><p class="hint">${t('register.entries_text')}</p>
            ${data ? html`<${Fragment}>${data.waiting.length ? html`<p><${State} kind="wait">${t('n_waiting', {n: data.waiting.length})}<//></p>` : null}
            <div class="table" role="group" aria-labelledby="h-entries" tabindex="0"><table><thead><tr><th scope="col">${t('register.entry')}</th><th scope="col">${t('register.what')}</th><th scope="col">${t('register.who')}</th><th scope="col">${t('register.since')}</th><th scope="col">${t('register.state')}</th></tr></thead>
            <tbody>${data.records.map((x) => html`<tr key=${x.commitment}><th scope="row">${String(x.entry)}</th><td><a href=${href('record', x.commitment)}>${word('kind', x.kind)}</a>${x.about ? html` <small>${t('record.about')} <a href=${href('record', x.about)}>${data.known.has(x.about) ? entryOf(data.known.get(x.about)) : x.about.slice(0, 8)}</a></small>` : null}${x.standing ? html`<br /><${State} kind=${standingKind(x.standing)}>${word('standing', x.standing)}<//>` : null}</td><td><${Person} who=${x.author} /></td><td>${x.attested ? html`<${Time} at=${x.attested} />` : null}</td><td><${State} kind=${x.register === 'final' ? 'ok' : 'wait'}>${word('entry', x.register)}<//></td></tr>`)}</tbody></table></div>
            ${data.total >= many ? html`<p><button onClick=${() => setMany(many + 400)}>${t('more')}</button></p>` : null}<//>` : null}</section><//>`;
}
