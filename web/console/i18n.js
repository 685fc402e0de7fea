// Words, numbers and dates in the person's language. English is complete; a word that another language lacks is English.
import first from './strings/en.json';

export const languages = {en: 'English', ru: 'Русский', uk: 'Українська', ar: 'العربية', fr: 'Français', es: 'Español'};
const english = {...first};
const rightToLeft = new Set(['ar']);

/** English words that another part of the page brings along. */
export const addEnglish = (more) => Object.assign(english, more);

let now = 'en';
let words = {};
let plural = new Intl.PluralRules('en');
let format = {};

function formats() {
    // The person's own region, where the browser names one for this language: en-GB writes dates otherwise than en-US.
    const tag = navigator.languages.find((l) => l.split('-')[0] === now) || now;
    plural = new Intl.PluralRules(tag);
    format = {
        time: new Intl.DateTimeFormat(tag, {year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short'}),
        day: new Intl.DateTimeFormat(tag, {dateStyle: 'medium'}),
        clock: new Intl.DateTimeFormat(tag, {timeStyle: 'short'}),
        utc: new Intl.DateTimeFormat(tag, {dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC'}),
        number: new Intl.NumberFormat(tag),
        ago: new Intl.RelativeTimeFormat(tag, {numeric: 'auto'}),
        list: new Intl.ListFormat(tag),
        name: new Intl.DisplayNames([tag], {type: 'language'}),
    };
}
formats();

export const language = () => now;
export const locale = () => format.time.resolvedOptions().locale;
export const direction = () => (rightToLeft.has(now) ? 'rtl' : 'ltr');

/** The language that the browser asks for, among those that we have. */
export const preferred = () => navigator.languages.map((l) => l.split('-')[0]).find((l) => languages[l]) || 'en';

export async function useLanguage(l) {
    if (!languages[l]) l = 'en';
    let got = {};
    if (l !== 'en') {
        try {
            got = await (await fetch('strings/' + l + '.json')).json();
        } catch (_) {
            l = 'en';
        }
    }
    now = l;
    words = got;
    formats();
    document.documentElement.lang = l;
    document.documentElement.dir = direction();
}

const find = (table, key) => table[key];

/** The words for a key; {name} in them is replaced; with n, the form that the language's plural rules name. */
export function t(key, values) {
    let text;
    if (values && values.n !== undefined) {
        const form = plural.select(values.n);
        text = find(words, key + '.' + form) || find(words, key + '.other') || find(english, key + '.' + new Intl.PluralRules('en').select(values.n)) ||
            find(english, key + '.other');
    }
    text = text || find(words, key) || find(english, key) || key;
    return values ? text.replace(/\{(\w+)\}/g, (whole, name) => {
        const v = values[name];
        return v === undefined || v === null ? whole : typeof v === 'number' ? number(v) : v;
    }) : text;
}

/** Words for one of the program's own words, as "countersigned"; itself where there are none. */
export const word = (group, value) => {
    const key = group + '.' + String(value).replace(/ /g, '_');
    return find(words, key) || find(english, key) || String(value).replace(/_/g, ' ');
};

export const number = (n) => format.number.format(n);
export const list = (items) => format.list.format(items);
export const languageName = (tag) => {
    try {
        return format.name.of(tag);
    } catch (_) {
        return tag;
    }
};

const date = (x) => (x instanceof Date ? x : new Date(x));
const good = (x) => x !== null && x !== undefined && x !== '' && !Number.isNaN(date(x).getTime());

export const time = (x) => (good(x) ? format.time.format(date(x)) : '');
export const day = (x) => (good(x) ? format.day.format(date(x)) : '');
export const clock = (x) => (good(x) ? format.clock.format(date(x)) : '');
export const utc = (x) => (good(x) ? format.utc.format(date(x)) + ' UTC' : '');

const steps = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60]];

/** "3 hours ago", "in 2 days" */
export function ago(x, from = Date.now()) {
    if (!good(x)) return '';
    const s = (date(x).getTime() - from) / 1000;
    for (const [unit, size] of steps) if (Math.abs(s) >= size) return format.ago.format(Math.trunc(s / size), unit);
    return format.ago.format(0, 'minute');
}

const sizes = ['B', 'kB', 'MB', 'GB'];
export function bytes(n) {
    let i = 0;
    while (n >= 1000 && i < 3) {
        n /= 1000;
        i++;
    }
    return number(Math.round(n * 10) / 10) + ' ' + sizes[i];
}
