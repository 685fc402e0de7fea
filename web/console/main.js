// The console: a session by the key in the address, then the shell around one screen.
import {Fragment, html, render, useEffect, useLayoutEffect, useRef, useState} from './html.js';
import * as api from './api.js';
import * as i18n from './i18n.js';
import {t} from './i18n.js';
import {go, href, read, takeKey, useRoute} from './router.js';
import {follow, forgetTemplates, hush, keepDrafts, refresh, set, settings, state, unsaved, useStore} from './store.js';
import {Dialog, PassphraseDialog, Trouble, askPassphrase, useAct} from './parts/dialog.js';
import {keepFocus, toMessage} from './parts/focus.js';
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

const keys = [['Alt+M', 'write'], ['Ctrl+Enter', 'send'], ['Page Up, Page Down', 'items'], ['Ctrl+Home, Ctrl+End', 'ends'], ['Esc', 'close'], ['\u2190 \u2192 + \u2212', 'timeline']];

function Keys({onClose}) {
    return html`<${Dialog} title=${t('keys')} onClose=${onClose}><dl class="keys">${keys.map(([key, what]) => html`<div><dt dir="ltr"><kbd>${key}</kbd></dt><dd>${t('keys.' + what)}</dd></div>`)}</dl>
        <p class="buttons"><button type="button" class="main" onClick=${onClose}>${t('close')}</button></p><//>`;
}

function Preferences() {
    const {settings: s} = useStore();
    const [keysShown, showKeys] = useState(false);
    return html`<div class="preferences">
        <label><span class="hidden">${t('language')}</span><select value=${i18n.language()} onChange=${async (e) => {
            await i18n.useLanguage(e.target.value);
            settings({language: e.target.value});
        }}>${Object.entries(i18n.languages).map(([tag, name]) => html`<option value=${tag} lang=${tag} selected=${tag === i18n.language()}>${name}${tag === 'en' ? '' : ' *'}</option>`)}</select></label>
        <label><span class="hidden">${t('theme')}</span><select value=${s.theme} onChange=${(e) => {
            applyTheme(e.target.value);
            settings({theme: e.target.value});
        }}>${['', 'light', 'dark'].map((x) => html`<option value=${x} selected=${x === s.theme}>${t('theme.' + (x || 'system'))}</option>`)}</select></label>
        <button type="button" onClick=${() => showKeys(true)}>${t('keys')}</button>
        <button type="button" onClick=${() => lock('you')}>${t('lock')}</button>
        <button type="button" onClick=${end}>${t('end')}</button>
        ${keysShown ? html`<${Keys} onClose=${() => showKeys(false)} />` : null}
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
        ${s.reachable ? null : html`<p class="banner bad"><${Icon} name="off" /> <strong>${t('unreachable.title')}</strong> ${t('unreachable.since', {when: i18n.time(s.gone)})} ${t('unreachable.text')}</p>`}
        ${s.reachable && !s.online ? html`<p class="banner"><${Icon} name="off" /> <strong>${s.since ? t('offline.since', {when: i18n.time(s.since)}) : t('offline.title')}</strong> ${t('offline.text')}${s.trouble ? html` <small><${Peer} text=${s.trouble} /></small>` : null}</p>` : null}
        ${s.said ? html`<p class=${'banner said' + (s.said.bad ? ' bad' : '')}>${s.said.text} <button type="button" class="plain" onClick=${() => set({said: null})}>${t('close')}</button></p>` : null}
        ${s.work.map((w) => html`<p class="banner" key=${w.id}>${w.what} <progress value=${w.done} max=${w.of || 1}></progress> ${i18n.number(w.done)} / ${i18n.number(w.of)} <button type="button" onClick=${() => api.cancel(w.id).catch(() => {})}>${t('cancel')}</button></p>`)}
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
    const box = useRef();
    const place = route.join('/');
    // Where it is a row that scrolls, the place where one is is in sight, and so is what gets the focus.
    const show = (on) => {
        if (!on) return;
        const a = on.getBoundingClientRect(), b = box.current.getBoundingClientRect();
        if (a.left < b.left || a.right > b.right) box.current.scrollLeft += (a.left + a.right - b.left - b.right) / 2;
    };
    useEffect(() => show(box.current.querySelector('[aria-current]')), [place, !!status]);
    return html`<nav ref=${box} onFocusCapture=${(e) => show(e.target)} aria-label=${t('nav')}>
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
        if (first.current && !state.unlocked) {
            first.current = false;
            return;
        }
        first.current = state.unlocked = false;
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

/** Locked: nothing of the home is here, and the passphrase brings it back. */
function Locked() {
    const {why} = useStore();
    const [text, setText] = useState('');
    const box = useRef();
    const act = useAct(async () => {
        try {
            await api.unlock(text);
        } finally {
            setText('');
        }
        await enterHome();
    });
    useEffect(() => box.current.focus(), [act.error]);
    return html`<main class="outside"><h1>detente</h1><h2>${t('locked.title')}</h2>${why ? html`<p><strong>${why === 'you' ? t('locked.you') : t('locked.idle', {n: why})}</strong></p>` : null}<p>${t('locked.text')}</p>
        <form onSubmit=${(e) => {
            e.preventDefault();
            act.run();
        }}>
            <label>${t('passphrase.label')}<input type="password" autocomplete="off" required ref=${box} value=${text} readonly=${act.busy} onInput=${(e) => setText(e.target.value)} /></label>
            <${Trouble} error=${act.error && act.error.code === 'wrong-passphrase' ? {message: t('passphrase.wrong')} : act.error} />
            <p class="buttons"><button class="main" disabled=${act.busy}>${t('locked.go')}</button><button type="button" onClick=${end}>${t('end')}</button></p>
        </form></main>`;
}

/** What was typed, and the program could not keep. */
function Unsaved() {
    const left = [...unsaved].filter(([key, text]) => key !== 'settings' && text);
    return left.length ? html`<h2>${t('unsaved.title')}</h2><p>${t('unsaved.text')}</p>${left.map(([key, text]) => html`<textarea key=${key} class="unsaved" readonly dir="auto" rows="4" aria-label=${t('unsaved.title')} value=${text}></textarea>`)}` : null;
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
            <p>${t('outside.kept')}</p><${Unsaved} /><//>`}
    </main>`;
}

function App() {
    const s = useStore();
    return s.session === 'open' ? html`<${Shell} />` : s.session === 'locked' ? html`<${Locked} />` : html`<${Outside} />`;
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

let touched = Date.now(); // when somebody was last at the page
let told = 0; // and when the program was last told so
let lockAfter = 0; // ms; 0: never

/** Nothing of the home stays in the page. What the program did not take of what was typed waits in `unsaved`. */
function hide(session, why = 0) {
    hush();
    if (state.session === 'locked' && session === 'ended') unsaved.clear(); // who cannot unlock does not see it
    if (state.asks) state.asks.done(null);
    forgetTemplates();
    const {language, theme} = state.settings;
    set({session, why, status: null, charter: null, drafts: {}, picked: {}, settings: {language, theme, route: '', seen: {}}, asks: null, said: null, work: [], trouble: '', refused: null});
    history.replaceState(null, '', location.pathname);
    document.title = 'detente';
}

/** Why: 'you', or the minutes without use. */
async function lock(why) {
    await keepDrafts();
    await api.lock().catch(() => {});
    if (state.session === 'open') hide('locked', why);
}

async function end() {
    await keepDrafts();
    await api.end().catch(() => {});
}

/** With an open session: what the home says of itself, and the screen where this person was. */
async function enterHome() {
    const drafts = {...(await api.drafts().catch(() => ({}))), ...Object.fromEntries(unsaved)};
    let kept = {};
    try {
        kept = JSON.parse(drafts.settings || '{}');
    } catch (_) {
        kept = {};
    }
    const s = {...state.settings, ...kept};
    await i18n.useLanguage(s.language || i18n.preferred());
    applyTheme(s.theme);
    const unlocked = state.session === 'locked';
    set({drafts, settings: s, charter: null, unlocked});
    if (!read()[0] && s.route) go(...s.route.split('/'));
    await refresh();
    touched = Date.now();
    set({session: 'open', reachable: true});
    follow();
}

async function open(key, tries = 0) {
    hush();
    set({session: 'opening', refused: null});
    try {
        const how = await enter(key, tries);
        lockAfter = how.lock_after * 1000;
        if (how.locked) hide('locked');
        else await enterHome();
    } catch (e) {
        if (state.session === 'opening') set({session: 'none', refused: e.message + (e.advice ? '. ' + e.advice : '')});
    }
}

/** The program is told that somebody is here; nobody for long: the page is locked, also where the machine has slept. */
function watchPresence() {
    const here = () => {
        touched = Date.now();
        if (state.session === 'open' && lockAfter && touched - told > Math.min(20000, lockAfter / 4)) {
            told = touched;
            api.present();
        }
    };
    const look = () => {
        if (state.session === 'open' && lockAfter && Date.now() - touched > lockAfter) lock(lockAfter / 60000);
    };
    for (const what of ['keydown', 'pointerdown', 'pointermove', 'wheel']) addEventListener(what, here, {capture: true, passive: true});
    addEventListener('visibilitychange', look);
    setInterval(look, 2000);
}

async function begin() {
    api.handlers(askPassphrase, () => hide('ended'), () => state.session === 'open' && hide('locked', lockAfter / 60000));
    const key = takeKey(), left = sessionStorage.getItem(RESUME);
    sessionStorage.removeItem(RESUME);
    await i18n.useLanguage(i18n.preferred());
    render(html`<${App} />`, document.getElementById('app'));
    if (key || left) open(key || left, key ? 0 : 15);
    // A reload forgets the token. As the page is left, it leaves itself a key, good for twenty seconds and once, in this
    // tab's storage (a browser does not take an address that is changed now); the next load takes it out at once.
    addEventListener('pagehide', () => {
        for (const [k, text] of unsaved) api.putDraftLast(k, text);
        const next = api.resume();
        if (next) sessionStorage.setItem(RESUME, next);
    });
    // Where the browser has kept the page instead (back and forward), nothing was forgotten.
    addEventListener('pageshow', (e) => e.persisted && sessionStorage.removeItem(RESUME));
    watchPresence();
    keepFocus(document.getElementById('app'));
    addEventListener('keydown', (e) => {
        if (e.code === 'KeyM' && e.altKey && !e.ctrlKey && !e.metaKey && !document.querySelector('dialog') && toMessage()) e.preventDefault();
    });
    // What is typed and not kept is lost with the page, where the program cannot take it.
    addEventListener('beforeunload', (e) => {
        if ((!state.reachable || state.session === 'ended') && [...unsaved].some(([k, text]) => k !== 'settings' && text)) e.preventDefault();
    });
    // A fresh address pasted into this same tab changes the fragment alone.
    addEventListener('hashchange', () => {
        const again = takeKey();
        if (again) open(again);
    });
}

begin();
