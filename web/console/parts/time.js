// A time as people say it, with the exact one in UTC behind it.
import {html} from '../html.js';
import * as i18n from '../i18n.js';

export const Time = ({at, as}) => {
    if (!at) return null;
    const text = as === 'ago' ? i18n.ago(at) : as === 'clock' ? i18n.clock(at) : as === 'day' ? i18n.day(at) : i18n.time(at);
    return html`<time datetime=${at} title=${i18n.utc(at)}>${text}</time>`;
};
