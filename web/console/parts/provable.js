// The plain sentences that stand above the button that makes a record: what will be provable, and by whom.
import {html} from '../html.js';
import {list, t, word} from '../i18n.js';
import {label} from './field.js';
import {Icon} from './icon.js';
import {harmless} from './text.js';

export function Provable({template, members, values, destroyAfter}) {
    const open = template.fields.filter((f) => f.public && (!values || (values[f.name] && values[f.name].length))).map((f) => label(f.name));
    return html`<aside class="provable" aria-labelledby="provable-h"><h2 id="provable-h"><${Icon} name="seal" /> ${t('provable.title')}</h2><ul>
        <li>${t('provable.signed')}</li>
        <li>${members ? t('provable.members', {who: list(members.map((m) => harmless(m.who.name) + ' (' + harmless(m.who.party) + ')'))}) : t('provable.members_some')}</li>
        <li>${t('provable.anyone')}</li>
        <li>${word('disclosure', template.disclosure)}${template.disclosure === 'summary' && open.length ? ' ' + t('provable.fields', {fields: list(open)}) : ''}</li>
        <li>${t('provable.consent')}</li>
        ${destroyAfter ? html`<li>${t('provable.destroyed', {after: destroyAfter})}</li>` : null}</ul></aside>`;
}
