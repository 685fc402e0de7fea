// What screens of acts share: files that go in and come out, spans of time in words.
import {html} from '../html.js';
import * as api from '../api.js';
import * as i18n from '../i18n.js';
import {t} from '../i18n.js';

const units = {m: 'minute', h: 'hour', d: 'day', w: 'week'};

/** "12h", "4d" as people say it; what is none of these as it is. */
export function span(text) {
    const m = /^(\d+)([mhdw])$/.exec(String(text));
    return m ? new Intl.NumberFormat(i18n.language(), {style: 'unit', unit: units[m[2]], unitDisplay: 'long'}).format(Number(m[1])) : String(text);
}

/** What a person typed as a local time, as the program takes it. */
export const instant = (text) => new Date(text).toISOString().replace(/\.\d+Z$/, 'Z');

/** Files that the program has for as long as f(what stands for each) takes: it keeps none, a root's key least of all. */
export async function handed(files, f) {
    const ups = [];
    try {
        for (const file of files) ups.push(await api.upload(file));
        return await f(...ups);
    } finally {
        for (const up of ups) api.cancel(up.upload).catch(() => {});
    }
}

/** What a command wrote to its one file: the bytes, under their name. */
export async function made(done) {
    const [f] = done.files || [];
    return new File([await api.download(f.download)], f.name);
}

/** A file that is in the page's hands, to be saved. */
export const SaveFile = ({file, main, children}) =>
    html`<button type="button" class=${main ? 'main' : ''} onClick=${() => api.saveBlob(file, file.name)}>${children || t('file.save')}</button>`;

/** What the program says besides. */
export const Notes = ({notes}) => (notes && notes.length ? html`<pre class="notes" dir="auto">${notes.join('\n')}</pre>` : null);
