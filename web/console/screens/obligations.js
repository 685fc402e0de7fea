// Who owes what, by when: overdue first, by party; as a list or on a calendar; printed, or taken along as a calendar file.
import {Fragment, html, useState} from '../html.js';
import * as api from '../api.js';
import * as i18n from '../i18n.js';
import {t} from '../i18n.js';
import {href} from '../router.js';
import {result, useData} from '../store.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {Due, what} from '../parts/due.js';
import {entryOf} from '../parts/named.js';
import {Printed} from '../parts/printed.js';
import {Peer, harmless} from '../parts/text.js';

const order = {overdue: 0, due: 1, 'met late': 2, met: 3, waived: 4};

function Calendar({due}) {
    const [month, setMonth] = useState(() => {
        const now = new Date();
        return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
    });
    const start = new Date(month);
    const first = (start.getUTCDay() + 6) % 7; // weeks begin on Monday (ISO 8601)
    const days = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
    const cells = [...Array(first).fill(null), ...Array.from({length: days}, (_, i) => i + 1)];
    while (cells.length % 7) cells.push(null);
    const on = (d) => due.filter((x) => {
        const at = new Date(x.by);
        return at.getUTCFullYear() === month.getUTCFullYear() && at.getUTCMonth() === month.getUTCMonth() && at.getUTCDate() === d;
    });
    const go = (n) => setMonth(new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + n, 1)));
    const name = new Intl.DateTimeFormat(i18n.language(), {month: 'long', year: 'numeric', timeZone: 'UTC'}).format(month);
    const weekday = new Intl.DateTimeFormat(i18n.language(), {weekday: 'short', timeZone: 'UTC'});
    const weeks = [];
    for (let i = 0; i < cells.length; i += 7) weeks.push(cells.slice(i, i + 7));
    return html`<div class="buttons noprint"><button onClick=${() => go(-1)}>${t('due.month_before')}</button><strong aria-live="polite">${name}</strong><button onClick=${() => go(1)}>${t('due.month_after')}</button> <small>(UTC)</small></div>
        <div class="table" role="group" tabindex="0" aria-label=${name}><table class="calendar"><caption class="printonly">${name}</caption><thead><tr>${[5, 6, 7, 8, 9, 10, 11].map((d) => html`<th scope="col">${weekday.format(Date.UTC(2026, 0, d))}</th>`)}</tr></thead>
        <tbody>${weeks.map((w) => html`<tr>${w.map((d) => html`<td>${d ? html`<b>${i18n.number(d)}</b>${on(d).map((x) => html`<p class=${'tight ' + x.state.replace(/ /g, '-')}>${x.state === 'overdue' ? '! ' : ''}<${Peer} text=${x.party} />: ${what(x)}${x.record ? html`, <a href=${href('record', x.commitment)}>${entryOf(x)}</a>` : null}</p>`)}` : null}</td>`)}</tr>`)}</tbody></table></div>`;
}

export function Obligations() {
    const [all, setAll] = useState(false);
    const [party, setParty] = useState('');
    const [calendar, setCalendar] = useState(false);
    const {data, error} = useData(() => result('due', [], all ? {all: true} : {}), [all]);
    const ics = useAct(async () => {
        const done = await api.call('due', [], {ics: {download: 'obligations.ics'}, ...(party ? {party} : {})});
        for (const f of done.files || []) await api.save(f);
    });
    const due = (data ? data.due : []).filter((d) => !party || d.party === party).sort((a, b) => order[a.state] - order[b.state] || Date.parse(a.by) - Date.parse(b.by));
    const parties = [...new Set((data ? data.due : []).map((d) => d.party))];
    const shown = [...new Set(due.map((d) => d.party))];
    return html`<${Fragment}><h1 tabindex="-1">${t('nav.obligations')}</h1><${Printed} />
        <div class="row noprint"><label>${t('due.whose')}<select value=${party} onChange=${(e) => setParty(e.target.value)}><option value="">${t('due.everyone')}</option>${parties.map((p) => html`<option value=${p} selected=${p === party}>${harmless(p)}</option>`)}</select></label>
            <label class="check"><input type="checkbox" checked=${all} onChange=${(e) => setAll(e.target.checked)} /> ${t('due.all')}</label>
            <label class="check"><input type="checkbox" checked=${calendar} onChange=${(e) => setCalendar(e.target.checked)} /> ${t('due.calendar')}</label>
            <button onClick=${() => ics.run()} disabled=${ics.busy}>${t('due.ics')}</button><button onClick=${() => print()}>${t('print')}</button></div>
        <${Trouble} error=${error || ics.error} />
        ${data && !due.length ? html`<p>${t('home.nothing_due')}</p>` : null}
        ${calendar ? html`<${Calendar} due=${due} />` : shown.map((p) => html`<section key=${p} aria-label=${harmless(p)}><h2><${Peer} text=${p} /></h2><ul class="rows">${due.filter((d) => d.party === p).map((d) => html`<${Due} key=${d.id} d=${d} />`)}</ul></section>`)}
        <p class="hint">${t('due.hint')}</p><//>`;
}
