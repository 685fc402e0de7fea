// The few signs that we draw; each stands beside a word that says the same.
import {html} from '../html.js';

const paths = {
    seal: 'M8 1.5 9.9 3l2.4-.2.6 2.3 2 1.3-.9 2.2.9 2.2-2 1.3-.6 2.3-2.4-.2L8 15.7l-1.9-1.5-2.4.2-.6-2.3-2-1.3.9-2.2-.9-2.2 2-1.3.6-2.3 2.4.2ZM5.4 8.6l1.9 1.9 3.4-3.8',
    talk: 'M2 3.5h12v7.5H7.5L4.5 14v-3H2Z',
    ok: 'M3 8.5 6.5 12 13 4.5',
    wait: 'M8 2a6 6 0 1 0 .01 0M8 4.5V8l2.5 2',
    bad: 'M8 1.8 15 14H1ZM8 6.2v3.8M8 11.6v.9',
    file: 'M4 1.5h5l3.5 3.5v9.5H4ZM9 1.5V5h3.5',
    off: 'M2 8h3M11 8h3M6 5l4 6M10 5l-4 6',
};

export const Icon = ({name}) =>
    html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"><path d=${paths[name]} /></svg>`;

/** A state in a word, with a sign: kind is ok, wait or bad. */
export const State = ({kind, children}) => html`<span class=${'state ' + kind}><${Icon} name=${kind} />${' '}${children}</span>`;
