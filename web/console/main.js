// The console: a session by the key in the address, then the shell around one screen.
import {Fragment, html, render, useEffect, useLayoutEffect, useRef, useState} from './html.js';
import * as api from './api.js';
import * as i18n from './i18n.js';
import {t} from './i18n.js';
import {go, href, read, takeKey, useRoute} from './router.js';
import {follow, refresh, set, settings, state, useStore} from './store.js';
import {PassphraseDialog, askPassphrase} from './parts/dialog.js';
import {Icon} from './parts/icon.js';
import {Peer} from './parts/text.js';
import {Time} from './parts/time.js';
import {Home} from './screens/home.js';
import {Channel} from './screens/channel.js';

// The screens of the second part, loaded when the first of them is asked for.
let more = null;
const here = {home: Home, channel: Channel};
const others = {compose: 'Compose', record: 'Record', admission: 'Admission', obligations: 'Obligations', register: 'Register', timeline: 'Timeline', contacts: 'Contacts', found: 'Found', readout: 'Readout', line: 'Line', desk: 'Desk', courier: 'Courier', carry: 'Carry'};

const places = [
    ['home', 'nav.home'],
    ['obligations', 'nav.obligations'],
    ['timeline', 'nav.timeline'],
    ['contacts', 'nav.contacts'],
    ['register', 'nav.register'],
    ['admission', 'nav.admission'],
    ['line', 'nav.line'],
    ['desk', 'nav.desk'],
];

function useScreen(name) {
    const [, loaded] = useState(0);
    if (here[name]) return here[name];
    if (!others[name]) return Home;
    if (more) return more[others[name]] || Home;
    import('./more.js').then((m) => {
        more = m;
        loaded((n) => n + 1);
    });
    return null;
}

function applyTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
}

function Preferences() {
    const {settings: s} = useStore();
    return html`<div class="preferences">
        <label><span class="hidden">${t('language')}</span><select value=${i18n.language()} onChange=${async (e) => {
            await i18n.useLanguage(e.target.value);
            settings({language: e.target.value});
        }}>${Object.entries(i18n.languages).map(([tag, name]) => html`<option value=${tag} lang=${tag} selected=${tag === i18n.language()}>${name}${tag === 'en' ? '' : ' *'}</option>`)}</select></label>
        <label><span class="hidden">${t('theme')}</span><select value=${s.theme} onChange=${(e) => {
            applyTheme(e.target.value);
            settings({theme: e.target.value});
        }}>${['', 'light', 'dark'].map((x) => html`<option value=${x} selected=${x === s.theme}>${t('theme.' + (x || 'system'))}</option>`)}</select></label>
        <button type="button" onClick=${() => api.lock().catch(() => {})}>${t('lock')}</button>
    </div>`;
}

function Line() {
    const s = useStore();
    if (!s.reachable) return html`<span class="line bad"><${Icon} name="off" /> ${t('line.gone')}</span>`;
    if (!s.online) return html`<span class="line bad"><${Icon} name="off" /> ${t('line.offline')}</span>`;
    const last = s.lastSync || (s.status && s.status.last_read);
    return html`<span class="line"><${Icon} name="ok" /> ${t('line.online')}${last ? html`, <${Time} at=${last} as="ago" />` : null}</span>`;
}

function Banner() {
    const s = useStore();
    return html`<div class="banners" role="status" aria-live="polite">
        ${s.reachable ? null : html`<p class="banner bad"><${Icon} name="off" /> <strong>${t('unreachable.title')}</strong> ${t('unreachable.text')}</p>`}
        ${s.reachable && !s.online ? html`<p class="banner"><${Icon} name="off" /> <strong>${t('offline.title')}</strong> ${t('offline.text')}${s.trouble ? html` <small><${Peer} text=${s.trouble} /></small>` : null}</p>` : null}
        ${s.said ? html`<p class=${'banner said' + (s.said.bad ? ' bad' : '')}>${s.said.text} <button type="button" class="plain" onClick=${() => set({said: null})}>${t('close')}</button></p>` : null}
        ${s.work.map((w) => html`<p class="banner" key=${w.id}>${w.what} <progress value=${w.done} max=${w.of || 1}></progress> ${i18n.number(w.done)} / ${i18n.number(w.of)} <button type="button" onClick=${() => api.cancel(w.id)}>${t('cancel')}</button></p>`)}
    </div>`;
}

const live = (c) => c.state !== 'left';

function Nav({route}) {
    const {status} = useStore();
    const item = (parts, label, extra) => {
        const on = parts.every((p, i) => (route[i] || 'home') === p);
        return html`<li><a href=${href(...parts)} aria-current=${on ? 'page' : null}>${label}${extra}</a></li>`;
    };
    const overdue = status && status.due ? status.due.overdue : 0;
    return html`<nav aria-label=${t('nav')}>
        <ul>${places.map(([p, key]) => item([p], t(key), p === 'obligations' && overdue ? html` <span class="count">${t('n_overdue', {n: overdue})}</span>` : null))}</ul>
        <h2 id="nav-channels">${t('nav.channels')}</h2>
        <ul aria-labelledby="nav-channels">${status ? status.channels.filter(live).map((c) => item(['channel', c.group_id], html`<${Peer} text=${c.name} />`)) : null}
            ${item(['found'], t('nav.found'))}</ul>
    </nav>`;
}

function Shell() {
    const s = useStore();
    const route = useRoute();
    const name = route[0] || 'home';
    const Screen = useScreen(name);
    const main = useRef();
    const first = useRef(true);
    const key = route.join('/');
    useEffect(() => {
        if (key) settings({route: key});
        if (first.current) {
            first.current = false;
            return;
        }
        // What was told last was about the place that is left; what was just done there may speak for the first moment.
        if (state.said && Date.now() - state.said.at > 1500) set({said: null});
        const h1 = main.current.querySelector('h1');
        (h1 || main.current).focus({preventScroll: false});
        if (name !== 'channel') scrollTo(0, 0);
    }, [key]);
    useLayoutEffect(() => {
        const h1 = main.current.querySelector('h1');
        document.title = (h1 ? h1.textContent + ' · ' : '') + 'detente';
    });
    const self = s.status && s.status.self;
    return html`<${Fragment}>
        <a class="skip" href="#main" onClick=${(e) => {
            e.preventDefault();
            main.current.focus();
        }}>${t('skip')}</a>
        <header class="top">
            <div class="forum"><strong><${Peer} text=${(s.charter && s.charter.title) || 'detente'} /></strong>
                ${self ? html`<span class="me"><${Peer} text=${self.name} />, <${Peer} text=${self.party} /></span>` : null}</div>
            <${Line} /><${Preferences} />
        </header>
        <${Nav} route=${route} />
        <main id="main" tabindex="-1" ref=${main} class=${'screen-' + name}>
            <${Banner} />
            ${i18n.language() === 'en' ? null : html`<p class="drafted">* ${t('machine_drafted')}</p>`}
            ${Screen ? html`<${Screen} key=${key} route=${route} />` : html`<p>${t('loading')}</p>`}
        </main>
        <${PassphraseDialog} />
    <//>`;
}

/** Without a session: what to do to get one. */
function Outside() {
    const s = useStore();
    const ended = s.session === 'ended';
    return html`<main class="outside"><h1>detente</h1>
        ${s.session === 'opening' ? html`<p>${t('opening')}</p>` : html`<${Fragment}>
            <h2>${t(ended ? 'outside.ended' : 'outside.title')}</h2>
            ${s.refused ? html`<p class="trouble" role="alert">${s.refused}</p>` : null}
            <p>${t('outside.text')}</p>
            <ul><li>${t('outside.enter')}</li><li>${t('outside.url')} <code dir="ltr">detente console --url</code></li></ul>
            <p>${t('outside.kept')}</p><//>`}
    </main>`;
}

function App() {
    const s = useStore();
    return s.session === 'open' ? html`<${Shell} />` : html`<${Outside} />`;
}

const RESUME = 'detente-resume';

/** Open a session; what says that the key may be used can still be on its way, for so many tries. */
async function enter(key, tries) {
    for (;;) {
        try {
            return await api.session(key);
        } catch (e) {
            if (tries-- <= 0 || e.code !== 'refused') throw e;
            await new Promise((soon) => setTimeout(soon, 200));
        }
    }
}

async function open(key, tries = 0) {
    set({session: 'opening', refused: null});
    try {
        await enter(key, tries);
        const drafts = await api.drafts().catch(() => ({}));
        let kept = {};
        try {
            kept = JSON.parse(drafts.settings || '{}');
        } catch (_) {
            kept = {};
        }
        const s = {...state.settings, ...kept};
        await i18n.useLanguage(s.language || i18n.preferred());
        applyTheme(s.theme);
        set({drafts, settings: s, charter: null});
        if (!read()[0] && s.route) go(...s.route.split('/'));
        await refresh();
        set({session: 'open'});
        follow();
    } catch (e) {
        set({session: 'none', refused: e.message + (e.advice ? '. ' + e.advice : '')});
    }
}

async function begin() {
    api.handlers(askPassphrase, () => set({session: 'ended', status: null, charter: null, drafts: {}, asks: null}));
    const key = takeKey(), left = sessionStorage.getItem(RESUME);
    sessionStorage.removeItem(RESUME);
    await i18n.useLanguage(i18n.preferred());
    render(html`<${App} />`, document.getElementById('app'));
    if (key || left) open(key || left, key ? 0 : 15);
    // A reload forgets the token. As the page is left, it leaves itself a key, good for twenty seconds and once, in this
    // tab's storage (a browser does not take an address that is changed now); the next load takes it out at once.
    addEventListener('pagehide', () => {
        const next = api.resume();
        if (next) sessionStorage.setItem(RESUME, next);
    });
    // Where the browser has kept the page instead (back and forward), nothing was forgotten.
    addEventListener('pageshow', (e) => e.persisted && sessionStorage.removeItem(RESUME));
    // A fresh address pasted into this same tab changes the fragment alone.
    addEventListener('hashchange', () => {
        const again = takeKey();
        if (again) open(again);
    });
}

begin();
