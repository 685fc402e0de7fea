// A delegate: name, title, party.
import {html} from '../html.js';
import {t, word} from '../i18n.js';
import {Peer} from './text.js';

export const Person = ({who, title}) =>
    html`<span class="person"><b><${Peer} text=${who.name} /></b>${title && who.title ? html`, <${Peer} text=${who.title} />` : null}${' '}<span class="party">(<${Peer} text=${who.party} />${who.self ? ', ' + t('you') : ''})</span>${who.revoked ? html` <strong class="tag bad">${t('revoked')}</strong>` : null}${who.root_replaced ? html` <strong class="tag bad">${t('root_replaced')}</strong>` : null}</span>`;

/** What kind of party it is, to stand beside its name; nothing where its name says just that. */
export function kindBeside({name, kind}, all) {
    const said = word('party_kind', kind);
    return (kind === 'party' && !all) || [said, kind].some((x) => x.toLowerCase() === name.toLowerCase()) ? null : said;
}
