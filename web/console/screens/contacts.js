// Contacts and claims: what was countersigned, disputed or said by one side alone; what others claim, against that.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import {list, locale, number, t, time, word} from '../i18n.js';
import {href} from '../router.js';
import {result, say, useData} from '../store.js';
import {Dialog, Trouble, useAct} from '../parts/dialog.js';
import {State} from '../parts/icon.js';
import {standingKind} from '../parts/item.js';
import {entryOf} from '../parts/named.js';
import {Peer, PeerBlock, harmless} from '../parts/text.js';

const names = (parties) => list(parties.map(harmless));

function Counts({counts}) {
    const pairs = [...new Set(counts.map((c) => JSON.stringify(c.parties)))].sort();
    const years = [...new Set(counts.map((c) => c.year))].sort();
    const cell = (p, y) => counts.find((c) => JSON.stringify(c.parties) === p && c.year === y);
    const sum = (p, y, k) => counts.filter((c) => (!p || JSON.stringify(c.parties) === p) && (!y || c.year === y)).reduce((n, c) => n + c[k], 0);
    if (!counts.length) return html`<p>${t('contacts.none')}</p>`;
    return html`<div class="table" role="group" aria-label=${t('contacts.counts')} tabindex="0"><table><caption class="hidden">${t('contacts.counts')}</caption><thead><tr><th scope="col">${t('contacts.between')}</th>${years.map((y) => html`<th scope="col">${String(y)}</th>`)}<th scope="col">${t('contacts.total')}</th></tr></thead>
        <tbody>${pairs.map((p) => html`<tr><th scope="row">${names(JSON.parse(p))}</th>${years.map((y) => {
            const c = cell(p, y);
            return html`<td class="num">${c ? html`<b>${number(c.contacts)}</b><br /><small>${[['countersigned', c.countersigned], ['disputed', c.disputed], ['asserted_by_one', c.asserted_by_one], ['private_notes', c.private_notes]].filter(([, n]) => n).map(([k, n]) => number(n) + ' ' + t('contacts.' + k)).join(', ')}</small>` : '–'}</td>`;
        })}<td class="num"><b>${number(sum(p, 0, 'contacts'))}</b></td></tr>`)}</tbody></table></div>`;
}

/** A moment by the locale; so a day, month or year that stands alone, which is in no time zone. */
const said = (x) => {
    const m = /^\d{4}(-\d\d)?(-\d\d)?$/.exec(x || '');
    return m ? new Intl.DateTimeFormat(locale(), {timeZone: 'UTC', year: 'numeric', month: m[1] ? 'short' : undefined, day: m[2] ? 'numeric' : undefined}).format(new Date(x)) : time(x) || x;
};

function Contact({c}) {
    const when = c.started === c.ended || !c.ended ? said(c.started) : said(c.started) + ' – ' + said(c.ended);
    return html`<tr><td>${when}</td><td>${names(c.parties)}</td><td>${word('value', c.mode)}${c.level ? html`<br /><small>${word('value', c.level)}</small>` : null}</td>
        <td>${c.private_note ? t('contacts.note') : html`<${State} kind=${standingKind(c.standing)}>${word('standing', c.standing)}<//>`}${c.withdrawn ? html`<br />${t('withdrawn')}` : null}${(c.differs || []).map((d) => html`<p class="tight"><small><${Peer} text=${d.by} />: ${word('field', d.field)} <${Peer} text=${d.should_be} /></small></p>`)}</td>
        <td>${c.opened ? html`<${State} kind="ok">${t('contacts.opened')}<//>` : t('contacts.sealed')}</td><td>${c.commitment ? html`<a href=${href('record', c.commitment)}>${entryOf(c)}</a>` : null}</td></tr>`;
}

function Import({command, title, text, options, onClose}) {
    const [file, setFile] = useState(null);
    const [progress, setProgress] = useState(null);
    const [columns, setColumns] = useState('');
    const act = useAct(async () => {
        const up = await api.upload(file, (a, b) => setProgress([a, b]));
        setProgress(null);
        const more = options ? Object.fromEntries([['column', columns.split('\n').filter((l) => l.includes('=') && !l.startsWith('set '))], ['set', columns.split('\n').filter((l) => l.startsWith('set ')).map((l) => l.slice(4))]].filter(([, v]) => v.length)) : {};
        const done = await api.call(command, [up], {source: file.name, ...more});
        say(done.notes.length ? harmless(done.notes[0]) : t('import.done'));
        onClose();
    });
    return html`<${Dialog} wide title=${title} onClose=${onClose}><p>${text}</p><label>${t('import.csv')}<input type="file" accept=".csv,text/csv" onChange=${(e) => setFile(e.target.files[0] || null)} /></label>
        ${options ? html`<label>${t('contacts.columns')}<textarea rows="5" dir="ltr" value=${columns} onInput=${(e) => setColumns(e.target.value)}></textarea></label><p class="hint">${t('contacts.columns_hint')}</p>` : null}
        ${progress ? html`<progress value=${progress[0]} max=${progress[1]} aria-label=${t('file.progress')}></progress>` : null}<${Trouble} error=${act.error} />
        <p class="buttons"><button class="main" disabled=${!file || act.busy} onClick=${() => act.run()}>${t('import.take')}</button><button onClick=${onClose}>${t('cancel')}</button></p><//>`;
}

function Claims() {
    const [importing, setImporting] = useState(false);
    const {data, error} = useData(() => result('claims show'));
    return html`<section aria-labelledby="h-claims"><h2 id="h-claims">${t('claims')}</h2><p>${t('claims.text')}</p><p class="buttons noprint"><button onClick=${() => setImporting(true)}>${t('claims.import')}</button></p><${Trouble} error=${error} />
        ${data && data.claims.length ? html`<div class="table" role="group" aria-labelledby="h-claims" tabindex="0"><table><thead><tr><th scope="col">${t('claims.claim')}</th><th scope="col">${t('claims.standing')}</th><th scope="col">${t('claims.number')}</th><th scope="col">${t('claims.against')}</th></tr></thead><tbody>${data.claims.map((c) => html`<tr key=${c.claim}><th scope="row"><details><summary><${Peer} text=${c.claim} /> <small><${Peer} text=${(c.reasons.split('\n')[0] || '').trim()} /></small></summary><${PeerBlock} text=${c.reasons.trimEnd()} class="peer reasons" /></details></th>
            <td><${State} kind=${standingKind(c.standing)}>${word('standing', c.standing)}<//></td><td>${c.number ? html`${t('claims.says', {says: c.number.says, proves: c.number.register_proves, countersigned: c.number.countersigned, disputed: c.number.disputed, one: c.number.register_proves - c.number.countersigned - c.number.disputed})}${c.number.accounts_conflict ? html`<br /><${State} kind="bad">${t('claims.conflict')}<//>` : null}` : null}</td><td>${c.contradicted_by.length ? html`<${Peer} text=${list(c.contradicted_by)} />` : null}</td></tr>`)}</tbody></table></div>` : null}
        ${importing ? html`<${Import} command="claims import" title=${t('claims.import')} text=${t('claims.import_text')} onClose=${() => setImporting(false)} />` : null}</section>`;
}

export function Contacts() {
    const [since, setSince] = useState('');
    const [importing, setImporting] = useState(false);
    const options = since ? {since} : {};
    const {data, error} = useData(async () => {
        const [a, b] = await Promise.all([result('contacts', [], options), result('contacts', [], {...options, count: true})]);
        return {contacts: a.contacts, counts: b.counts};
    }, [since]);
    const svg = useAct(async () => {
        const done = await api.call('contacts', [], {...options, svg: {download: 'contacts.svg'}});
        for (const f of done.files || []) await api.save(f);
    });
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.contacts')}</h1><${Trouble} error=${error || svg.error} />
        <div class="row noprint"><label>${t('contacts.since')}<input type="date" value=${since} onInput=${(e) => setSince(e.target.value)} /></label><button onClick=${() => setImporting(true)}>${t('contacts.import')}</button><button onClick=${() => svg.run()}>${t('contacts.svg')}</button><button onClick=${() => print()}>${t('print')}</button></div>
        <section aria-labelledby="h-counts"><h2 id="h-counts">${t('contacts.counts')}</h2>${data ? html`<${Counts} counts=${data.counts} />` : html`<p>${t('loading')}</p>`}</section>
        ${data && data.contacts.length ? html`<section aria-labelledby="h-list"><h2 id="h-list">${t('contacts.list')}</h2><div class="table" role="group" aria-labelledby="h-list" tabindex="0"><table><thead><tr><th scope="col">${t('contacts.when')}</th><th scope="col">${t('contacts.between')}</th><th scope="col">${t('contacts.how')}</th><th scope="col">${t('claims.standing')}</th><th scope="col">${t('contacts.shown')}</th><th scope="col">${t('lane.record')}</th></tr></thead><tbody>${data.contacts.slice(0, 500).map((c, i) => html`<${Contact} key=${c.commitment || i} c=${c} />`)}</tbody></table></div></section>` : null}
        <${Claims} />
        ${importing ? html`<${Import} command="contacts import" options title=${t('contacts.import')} text=${t('contacts.import_text')} onClose=${() => setImporting(false)} />` : null}<//>`;
}
