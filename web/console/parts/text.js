// Text that someone else wrote: never markup, its direction its own, and characters that only mislead made visible.
import {html} from '../html.js';

// Controls but tab and line feed; overrides and isolates of direction; line separators; byte order mark, soft hyphen, tags.
const harmful = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

export const harmless = (text) =>
    String(text === undefined || text === null ? '' : text).replace(/\r\n/g, '\n').replace(harmful, (c) => '‹U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0') + '›');

/** A few words of a peer within a line of ours: set apart, so that its direction cannot reorder ours. */
export const Peer = ({text}) => html`<bdi dir="auto">${harmless(text)}</bdi>`;

/** Several lines of a peer. */
export const PeerBlock = ({text, ...rest}) => html`<div class="peer" dir="auto" ...${rest}>${harmless(text)}</div>`;

/** A hash or key: left to right, and the whole of it for copying, with nothing in between. */
export const Hex = ({value, short}) =>
    html`<code class="hex" dir="ltr" title=${value}>${short ? String(value).slice(0, 12) + '…' : String(value)}</code>`;

/** Eight key words, to be read aloud. */
export const Words = ({words, large}) =>
    html`<span class=${large ? 'words large' : 'words'} dir="ltr" lang="en">${String(words).split(/\s+/).map((w, i) => html`<span class="w"><small aria-hidden="true">${i + 1}</small>${w} </span>`)}</span>`;
