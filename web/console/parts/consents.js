// Who has consented to what of a record, in words, and what can be agreed to without showing more.
import {html} from '../html.js';
import {t, time} from '../i18n.js';
import {fieldsOf, inWords} from './slots.js';
import {harmless} from './text.js';

/** The consents that hold now, of the answers to a record: {party, fields, audience, expires}. */
export const consentsOf = (replies, template) =>
    replies.filter((r) => r.kind === 'consent' && !r.withdrawn && !(Date.parse(r.fields.expires) < Date.now())).map((r) => ({party: r.author.party, fields: fieldsOf(template, r.fields.slots), audience: r.fields.audience, expires: r.fields.expires}));

/** The fields that every other party which has consented lets everyone see: what can be agreed to without showing more. */
export function agreedByOthers(consents, ours) {
    const parties = [...new Set(consents.filter((c) => c.party !== ours && c.audience === 'public').map((c) => c.party))];
    const of = (p) => new Set(consents.filter((c) => c.party === p && c.audience === 'public').flatMap((c) => c.fields));
    return parties.length ? [...of(parties[0])].filter((f) => parties.every((p) => of(p).has(f))) : [];
}

/** By the charter's rule: the parties whose consent opening a record of this kind asks for, and whether any one of them will do. */
export function askedOf(charter, kind, author) {
    const rule = charter.rules['open.' + kind] || charter.rules.open || 'both';
    const parties = charter.parties.filter((p) => rule !== 'author' && (rule === 'all' || p.kind === 'party')).map((p) => p.name);
    const after = /^after (.*)$/.exec(rule);
    return {parties: [...new Set([...parties, author])], anyOne: after !== null && Date.now() >= Date.parse(after[1])};
}

/** Those of them that have not consented to all of these fields; none where it is enough that another one has. */
export function lacking({parties, anyOne}, consents, fields) {
    const none = parties.filter((p) => !fields.every((f) => consents.some((c) => c.party === p && c.fields.includes(f))));
    return anyOne && none.length < parties.length ? [] : none;
}

/** Who has consented to what, and whether our own party has. */
export const Consents = ({consents, ours}) => html`<ul class="plainlist consents">${consents.map((c) => html`<li>${t('consent.has', {party: harmless(c.party), fields: inWords(c.fields)})} ${c.audience === 'public' ? '' : t('consent.only_for', {audience: harmless(c.audience)})} ${t('until')} ${time(c.expires)}.</li>`)}
    ${!ours || consents.some((c) => c.party === ours) ? null : html`<li><strong>${t('consent.not_ours')}</strong></li>`}</ul>`;
