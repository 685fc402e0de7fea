// One obligation, in words: who owes what to whom, by when.
import {html} from '../html.js';
import {ago, t, word} from '../i18n.js';
import {href} from '../router.js';
import {State} from './icon.js';
import {entryOf, named} from './named.js';
import {Peer} from './text.js';
import {Time} from './time.js';

export const kindOf = (state) => (state === 'overdue' ? 'bad' : state === 'met' ? 'ok' : 'wait');

/** What is owed, in words. */
export function what(d) {
    if (d.what === 'acknowledgement') return word('ack', d.acknowledgement);
    return word('due_what', d.what) + ': ' + word('kind', d.kind);
}

export const Due = ({d}) => html`<li class=${'due ' + d.state.replace(/ /g, '-')}>
    <${State} kind=${kindOf(d.state)}>${word('due_state', d.state)}${d.by && (d.state === 'due' || d.state === 'overdue') ? ', ' + ago(d.by) : ''}<//>
    <span><b><${Peer} text=${d.party} /></b>${d.mine ? html` <span class="tag">${t('us')}</span>` : null} ${t('due.owes')} <b>${what(d)}</b>${d.to ? html` ${t('due.to')} <${Peer} text=${d.to} />` : null}${d.record ? html`, ${t('due.about')} <a href=${href('record', d.commitment)}>${d.what === 'reply' ? t('lane.record') + ', ' + entryOf(d) : named(d)}</a>` : null}</span>
    <span class="by">${t('due.by')} <${Time} at=${d.by} />${d.met ? html`; ${t('due.met')} <${Time} at=${d.met} />` : null} · <a href=${href('channel', d.group_id)}><${Peer} text=${d.channel} /></a></span>
</li>`;
