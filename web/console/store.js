// What all screens share: who we are, the channels, how the line is, drafts; and what makes them look again.
import {useEffect, useRef, useState} from './html.js';
import * as api from './api.js';
import {t} from './i18n.js';

export const state = {
    session: 'none', // none, opening, open, locked, ended
    version: 0, // grows when anything in the home has changed
    online: true,
    reachable: true, // the program itself
    lastSync: null,
    since: null, // when the relay was found out of reach
    trouble: '',
    work: [],
    status: null,
    charter: null,
    drafts: {},
    picked: {}, // files that wait to be sent, by draft
    settings: {language: '', theme: '', route: '', seen: {}},
    said: null, // the last thing told to the person: {text, bad}
};

const watchers = new Set();

export function set(change) {
    Object.assign(state, change);
    for (const w of watchers) w();
}

/** Draw this component again when the state changes. */
export function useStore() {
    const [, draw] = useState(0);
    useEffect(() => {
        const w = () => draw((n) => n + 1);
        watchers.add(w);
        return () => watchers.delete(w);
    }, []);
    return state;
}

/** Tell the person something, once; screen readers hear it. */
export const say = (text, bad = false) => set({said: {text, bad, at: Date.now()}});

/**
 * What load() gives, loaded again when deps or the home change; what was there stays on screen meanwhile. A change while
 * it loads is looked at afterwards: changes that come fast never keep a screen from being shown.
 * {data, error, loading, reload}
 */
export function useData(load, deps = [], live = true) {
    const s = useStore();
    const key = JSON.stringify(deps);
    const [value, setValue] = useState({loading: true, key});
    const [again, setAgain] = useState(0);
    const run = useRef({});
    useEffect(() => {
        const mine = run.current;
        if (mine.busy === key) {
            mine.dirty = true;
            return;
        }
        mine.busy = key;
        mine.dirty = false;
        const end = (next) => {
            if (mine.busy !== key || mine.gone) return;
            mine.busy = null;
            setValue(next);
            if (mine.dirty) setAgain((n) => n + 1);
        };
        load().then(
            (data) => end({data, key, loading: false}),
            (error) => end((v) => ({data: v.key === key ? v.data : undefined, key, error: error.name === 'AbortError' ? undefined : error, loading: false})),
        );
    }, [key, again, live ? s.version : 0]);
    useEffect(() => {
        run.current.gone = false;
        return () => {
            run.current.gone = true;
        };
    }, []);
    const current = value.key === key ? value : {loading: true};
    return {...current, reload: () => setAgain((n) => n + 1)};
}

/** The result of a command; a "no" of the program (status 1) without a result is an error like any other. */
export const result = async (command, operands, options) => (await api.call(command, operands, options)).result || {};

export const forgetTemplates = () => templates.clear();

const templates = new Map(); // by kind; a promise until it is there

/** The templates of these kinds, as far as they are known by now; asked for once, and drawn again when they come. */
export function useTemplates(kinds) {
    const [, draw] = useState(0);
    const key = [...new Set(kinds)].sort().join(' ');
    useEffect(() => {
        for (const kind of key ? key.split(' ') : []) {
            if (templates.has(kind)) continue;
            templates.set(kind, null);
            result('template show', [kind]).then((x) => templates.set(kind, x), () => templates.delete(kind)).then(() => draw((n) => n + 1));
        }
    }, [key]);
    return templates;
}

/** What the shell shows: status and, once, the charter. */
export async function refresh() {
    const status = await result('status');
    let charter = state.charter;
    if (!charter) {
        try {
            charter = await result('charter show');
        } catch (_) {
            charter = null; // an older program: names and words are then not shown
        }
    }
    set({status, charter});
}

let running = 0;
let waiting = null;

/** Wait for no more events. */
export function hush() {
    running++;
    if (waiting) waiting.abort();
}

/** Wait for events as long as the session is open. */
export async function follow() {
    const mine = ++running;
    let at = 0;
    let wait = 500;
    while (mine === running && state.session === 'open') {
        try {
            waiting = new AbortController();
            const e = await api.events(at, waiting.signal);
            if (mine !== running) return;
            const changed = e.at !== at;
            at = e.at;
            wait = 500;
            if (!state.online && e.online !== false) say(t('offline.back'));
            if (!state.reachable) say(t('unreachable.back'));
            set({
                reachable: true,
                online: e.online !== false,
                lastSync: e.last_sync || null,
                since: e.offline_since || null,
                trouble: e.trouble || '',
                work: e.work || [],
                version: changed ? state.version + 1 : state.version,
            });
            if (changed) refresh().catch(() => {});
            if (unsaved.size) keepDrafts();
            // A home that many write to changes all the time: once in half a second is often enough to look.
            await new Promise((r) => setTimeout(r, 500));
        } catch (e) {
            if (e.status === 401 || mine !== running) return;
            const gone = e.code === 'unreachable';
            if (state.reachable === gone) set({reachable: !gone, gone: Date.now()});
            await new Promise((r) => setTimeout(r, wait));
            wait = Math.min(wait * 2, 10000);
        }
    }
}

const timers = {};

/** Drafts that the program does not have yet, by their keys: they outlive the session, and the program. */
export const unsaved = new Map();

async function keep(key) {
    const text = unsaved.get(key);
    clearTimeout(timers[key]);
    await api.putDraft(key, text);
    if (unsaved.get(key) === text) unsaved.delete(key);
}

/** Keep a draft: the program does, so that it outlives a reload. What it does not take now it gets when it is back. */
export function draft(key, text) {
    state.drafts[key] = text;
    unsaved.set(key, text);
    clearTimeout(timers[key]);
    timers[key] = setTimeout(() => keep(key).catch(() => {}), text ? 500 : 0);
}

/** Keep all of them now. */
export const keepDrafts = () => Promise.allSettled([...unsaved.keys()].map(keep));

/** Keep how this person likes the page: language, light or dark, where they were, what they have seen. */
export function settings(change) {
    set({settings: {...state.settings, ...change}});
    draft('settings', JSON.stringify(state.settings));
}
