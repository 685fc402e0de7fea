// Propose a channel: its name, its kind, its first delegates, how long what is said there is kept.
import {html, useState} from '../html.js';
import * as api from '../api.js';
import {t, word} from '../i18n.js';
import {go} from '../router.js';
import {result, say, useData} from '../store.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {Person} from '../parts/person.js';

export function Found() {
    const [name, setName] = useState('');
    const [kind, setKind] = useState('plenary');
    const [who, setWho] = useState([]);
    const [destroy, setDestroy] = useState('');
    const {data, error} = useData(() => result('people'));
    const act = useAct(async () => {
        await api.call('found', [name], {kind, with: who, ...(destroy ? {'destroy-after': destroy} : {})});
        say(t('found.done'));
        go('home');
    });
    const people = data ? data.people.map((p) => p.person).filter((p) => !p.self && !p.revoked && !p.root_replaced) : [];
    return html`<h1 tabindex="-1">${t('nav.found')}</h1><p>${t('found.text')}</p><${Trouble} error=${error} />
        <form class="narrow" onSubmit=${(e) => {
            e.preventDefault();
            act.run();
        }}>
            <label>${t('found.name')}<input dir="auto" required value=${name} onInput=${(e) => setName(e.target.value)} /></label>
            <fieldset><legend>${t('found.kind')}</legend>${['plenary', 'caucus', 'track'].map((k) => html`<label class="check"><input type="radio" name="kind" checked=${kind === k} onChange=${() => setKind(k)} /> <span><b>${word('channel_kind', k)}</b>: ${t('found.kind_' + k)}</span></label>`)}</fieldset>
            <fieldset><legend>${t('found.with')}</legend>${people.map((p) => html`<label class="check" key=${p.letter}><input type="checkbox" checked=${who.includes(p.letter)} onChange=${(e) => setWho(e.target.checked ? [...who, p.letter] : who.filter((x) => x !== p.letter))} /> <${Person} who=${p} title /></label>`)}${data && !people.length ? html`<p>${t('found.nobody')}</p>` : null}</fieldset>
            <label>${t('found.destroy')}<select value=${destroy} onChange=${(e) => setDestroy(e.target.value)}>${['', '1d', '7d', '30d', '90d'].map((v) => html`<option value=${v} selected=${v === destroy}>${v ? t('days', {n: parseInt(v, 10)}) : t('found.keep')}</option>`)}</select></label>
            <${Trouble} error=${act.error} />
            <p class="buttons"><button class="main" disabled=${act.busy || !name || !who.length}>${t('found.go')}</button></p></form>`;
}
