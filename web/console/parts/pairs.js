// One item of a list of maps: a row of inputs, one for each name that its template's text gives, and pairs for what it leaves free.
import {html} from '../html.js';
import {t, word} from '../i18n.js';

// What the texts of the house's templates name; what else a form says is written as pairs. The names go into the record
// as they stand here, in every language of the page; their labels are in the person's.
const given = new Map([
    ['items', ['designation', 'kind', 'planned', 'place', 'personnel_band', 'purpose']],
    ['checked', ['category', 'declared', 'counted', 'difference']],
    ['categories', ['military', 'civilian', 'fisher', 'minor', 'wounded']],
]);

const escaped = (x) => x.replace(/[\\;,=]/g, '\\$&');

const pairsOf = (value) => (Array.isArray(value) ? value : pairsRead(value || ''));

/** [[name, value], ...] as the program takes it. A given name without a value is left out, an own one is for the program to refuse. */
export const pairsWritten = (value, field) =>
    pairsOf(value).filter(([k, v]) => v !== '' || (k !== '' && !(given.get(field) || []).includes(k))).map(([k, v]) => escaped(k.trim()) + '=' + escaped(v)).join(',');

/** "a=b,c=d" with '\' before what stands for itself. */
export function pairsRead(text) {
    const pairs = [];
    let pair = [''];
    for (let i = 0; i < text.length; i++) {
        if (text[i] === '\\' && i + 1 < text.length) pair[pair.length - 1] += text[++i];
        else if (text[i] === '=' && pair.length === 1) pair.push('');
        else if (text[i] === ',') {
            pairs.push(pair);
            pair = [''];
        } else pair[pair.length - 1] += text[i];
    }
    pairs.push(pair);
    return pairs.filter(([k, v]) => k !== '' || v).map(([k, v]) => [k, v || '']);
}

export function Pairs({name, id, value, onInput, describedby, labelledby}) {
    const pairs = pairsOf(value);
    const names = given.get(name) || [];
    const free = pairs.map((p, i) => [p, i]).filter(([[k]]) => !names.includes(k));
    const put = (k, v) => onInput(pairs.some(([x]) => x === k) ? pairs.map((p) => (p[0] === k ? [k, v] : p)) : [...pairs, [k, v]]);
    const change = (i, p) => onInput(pairs.map((x, k) => (k === i ? p : x)));
    return html`<div class="pairs" role="group" aria-labelledby=${labelledby} aria-describedby=${describedby}>
        ${names.map((k, i) => html`<label key=${k}>${word('pair', k)}<input id=${i === 0 ? id : null} dir="auto" value=${(pairs.find(([x]) => x === k) || ['', ''])[1]} onInput=${(e) => put(k, e.target.value)} /></label>`)}
        ${(names.length || free.length ? free : [[['', ''], 0]]).map(([[k, v], i], n) => html`<span class="pair" key=${'f' + n}><label>${t('pair_name')}<input id=${n === 0 && !names.length ? id : null} dir="auto" maxlength="40" value=${k} onInput=${(e) => (free.length ? change(i, [e.target.value, v]) : onInput([[e.target.value, v]]))} /></label><label>${t('pair_value')}<input dir="auto" value=${v} onInput=${(e) => (free.length ? change(i, [k, e.target.value]) : onInput([[k, e.target.value]]))} /></label></span>`)}
        <button type="button" class="plain" onClick=${(e) => {
            const box = e.currentTarget.parentNode;
            onInput([...(pairs.length || names.length ? pairs : [['', '']]), ['', '']]);
            setTimeout(() => [...box.querySelectorAll('.pair')].pop().querySelector('input').focus());
        }}>${t('pair_add')}</button></div>`;
}
