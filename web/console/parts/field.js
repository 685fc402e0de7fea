// The fields of a record's form, by their types. A form's value is a text, or a list of texts, for each field.
import {Fragment, html, useEffect, useRef, useState} from '../html.js';
import {languageName, t, time, word} from '../i18n.js';
import {state} from '../store.js';
import {Dialog} from './dialog.js';
import {named} from './named.js';
import {Pairs, pairsRead, pairsWritten} from './pairs.js';
import {Peer} from './text.js';

const listed = (type) => /^list<(.*)>$/.exec(type);

/** How a value is written for the program; '\' keeps what would part items from doing so. */
export function written(field, value) {
    const list = listed(field.type);
    if (field.type === 'map') return pairsWritten(value, field.name);
    if (!list) return value || '';
    const items = (value || []).filter(filled);
    return items.map((x) => (list[1] === 'map' ? pairsWritten(x, field.name) : x.replace(/[\\;,=]/g, '\\$&'))).join(';');
}

/** Whether anything was put in. */
export const filled = (value) => (Array.isArray(value) ? value.some(filled) : !!value);

/** What the program wrote, as the form has it. */
export function parsed(field, text) {
    const list = listed(field.type);
    if (field.type === 'map') return pairsRead(text);
    if (!list) return text;
    const items = [];
    let item = '';
    for (let i = 0; i < text.length; i++) {
        if (text[i] === '\\' && i + 1 < text.length) item += (list[1] === 'map' ? '\\' : '') + text[++i];
        else if (text[i] === ';') {
            items.push(item);
            item = '';
        } else item += text[i];
    }
    items.push(item);
    return list[1] === 'map' ? items.map(pairsRead) : items;
}

const parties = () => ((state.charter && state.charter.parties) || []).map((p) => p.name);

function Place({value, onInput, id, area, describedby}) {
    const [open, setOpen] = useState(false);
    const [Picker, setPicker] = useState(null);
    const show = async () => {
        if (!Picker) {
            const m = await import('../map.js');
            setPicker(() => m.mapPicker({html, useEffect, useRef, useState, t}));
        }
        setOpen(true);
    };
    return html`<div class="place"><input id=${id} dir="ltr" value=${value} placeholder=${area ? '52.08,4.31 r5' : '52.08,4.31'} aria-describedby=${describedby} onInput=${(e) => onInput(e.target.value)} />
        <button type="button" onClick=${show}>${t('map.pick')}</button>
        ${open && Picker ? html`<${Dialog} wide title=${t('map.title')} onClose=${() => setOpen(false)}><${Picker} value=${value} area=${area} onPick=${(v) => {
            onInput(v);
            setOpen(false);
        }} onClose=${() => setOpen(false)} /><//>` : null}</div>`;
}

const stamp = (v) => (v ? v.replace(/(:\d\d)?(\.\d+)?Z$/, '') : '');

function One({type, field, id, value, onInput, records, describedby, labelledby}) {
    const common = {id, 'aria-describedby': describedby, 'aria-labelledby': labelledby, 'aria-required': field.required ? 'true' : null};
    const input = (more) => html`<input ...${common} ...${more} value=${value} onInput=${(e) => onInput(e.target.value)} />`;
    const select = (options) => html`<select ...${common} value=${value} onChange=${(e) => onInput(e.target.value)}><option value="" selected=${!value}>${field.required ? t('choose') : t('left_out')}</option>${options.map(([v, label]) => html`<option value=${v} selected=${v === value}>${label}</option>`)}</select>`;
    switch (type) {
    case 'enum':
        return select((field.values || []).map((v) => [v, word('value', v)]));
    case 'bool':
        return select([['true', t('yes')], ['false', t('no')]]);
    case 'party':
        return select([...parties().map((p) => [p, p]), ['both', t('both')]]);
    case 'datetime':
        return html`<input ...${common} type="datetime-local" step="60" value=${stamp(value)} onInput=${(e) => onInput(e.target.value ? e.target.value + (e.target.value.length === 16 ? ':00Z' : 'Z') : '')} />`;
    case 'date':
        return input({type: 'date'});
    case 'int':
    case 'decimal':
        return input({inputmode: 'decimal', dir: 'ltr', class: 'short'});
    case 'ltext':
        return html`<textarea ...${common} rows="3" dir="auto" value=${value} onInput=${(e) => onInput(e.target.value)}></textarea>`;
    case 'latlon':
        return html`<${Place} ...${{id, value, onInput, describedby}} />`;
    case 'area':
        return html`<${Place} area ...${{id, value, onInput, describedby}} />`;
    case 'lang':
        return html`<span class="lang">${input({dir: 'ltr', class: 'short', placeholder: 'en'})}<small>${value ? languageName(value) : ''}</small></span>`;
    case 'ref':
        return records && records.length ? select(records.map((r) => [r.commitment, named(r) + ', ' + time(r.written)])) : input({dir: 'ltr'});
    case 'map':
        return html`<${Pairs} name=${field.name} ...${{id, value, onInput, describedby, labelledby}} />`;
    default:
        return input(type === 'text' ? {dir: 'auto'} : {dir: 'ltr'});
    }
}

function Many({type, field, id, value, onInput, records, describedby}) {
    const items = value && value.length ? value : [''];
    const box = useRef();
    const wanted = useRef(-1);
    useEffect(() => {
        if (wanted.current < 0 || !box.current) return;
        const rows = box.current.querySelectorAll(':scope > .row');
        rows[Math.min(wanted.current, rows.length - 1)].querySelector('input, select, textarea').focus();
        wanted.current = -1;
    }, [items.length]);
    const choices = type === 'enum' ? (field.values || []).map((v) => [v, word('value', v)]) : type === 'party' ? parties().map((p) => [p, p]) : null;
    if (choices)
        return html`<div class="checks" role="group" aria-labelledby=${id + '-l'} aria-describedby=${describedby}>${choices.map(([v, label]) => html`<label><input type="checkbox" checked=${(value || []).includes(v)} onChange=${(e) => onInput(e.target.checked ? [...(value || []), v] : value.filter((x) => x !== v))} /> <${Peer} text=${label} /></label>`)}</div>`;
    const put = (i, v) => onInput(items.map((x, k) => (k === i ? v : x)));
    // A new one gets the focus; where one is taken away, what is in its place then, or the last one.
    return html`<div class="many" role="group" ref=${box} aria-labelledby=${id + '-l'} aria-describedby=${describedby}>${items.map((x, i) => html`<div class="row" key=${i}>
            <span class="hidden" id=${id + '-n' + i}>${t('item_n', {i: i + 1})}</span><${Fragment}><${One} ...${{type, field, records, describedby}} id=${i === 0 ? id : id + '-' + i} labelledby=${i === 0 && type !== 'map' ? null : id + '-l ' + id + '-n' + i} value=${x} onInput=${(v) => put(i, v)} /><//>
            ${items.length > 1 ? html`<button type="button" class="plain" aria-label=${t('item_drop', {i: i + 1})} onClick=${() => {
                wanted.current = i;
                onInput(items.filter((_, k) => k !== i));
            }}>✕</button>` : null}</div>`)}
        <button type="button" class="plain" onClick=${() => {
            wanted.current = items.length;
            onInput([...items, type === 'map' ? [] : '']);
        }}>${t('item_add')}</button></div>`;
}

export const label = (name) => word('field', name);

/** A field with its label, what it asks, its unit and its mistake. */
export function Field({field, value, onInput, records, error, prefix}) {
    const id = (prefix || 'f') + '-' + field.name;
    const list = listed(field.type);
    const type = list ? list[1] : field.type;
    const hint = id + '-h';
    const Kind = list ? Many : One;
    const utc = type === 'datetime' && !list && value ? new Date(value) : null;
    return html`<div class=${'field' + (error ? ' wrong' : '')}>
        <label for=${list && (type === 'enum' || type === 'party') ? null : id} id=${id + '-l'}>${label(field.name)}${field.unit ? html` <small>(${field.unit})</small>` : null}${type === 'datetime' ? html` <small>(UTC)</small>` : null}${field.required ? html` <small class="must">${t('required')}</small>` : null}${field.public ? html` <small class="tag">${t('field.public')}</small>` : null}</label>
        <${Kind} ...${{type, field, id, value: value === undefined ? (list ? [] : '') : value, onInput, records}} describedby=${hint} />
        <p class="hint" id=${hint}><span lang="en" dir="ltr">${field.doc}</span>${utc && !Number.isNaN(utc.getTime()) ? html` <span>${t('here_is')} ${utc.toLocaleString()}</span>` : null}${error ? html` <strong role="alert">${error}</strong>` : null}</p></div>`;
}
