// What stands on paper alone: the forum, where the head of the page is not printed, and the day.
import {html, useEffect, useState} from '../html.js';
import * as i18n from '../i18n.js';
import {t} from '../i18n.js';
import {state} from '../store.js';
import {Peer} from './text.js';

export function Printed({forum}) {
    const [printed, setPrinted] = useState(() => new Date());
    useEffect(() => {
        const now = () => setPrinted(new Date());
        addEventListener('beforeprint', now);
        return () => removeEventListener('beforeprint', now);
    }, []);
    return html`<p class="printonly">${forum && state.charter ? html`<strong><${Peer} text=${state.charter.title} /></strong>. ` : null}${t('printed_on', {day: i18n.day(printed)})}</p>`;
}
