// verify/value.js - values: the one byte form of each type, and as people read it.
//
// Source: docs/protocol-record.md "Values", "Text of values".

import { Reader, compareBytes, equal, hex, isLine, need, textOf, toBig, toNumber, toSigned } from './bytes.js';
import { TIME_MAX, dayText, durationText, timeText } from './time.js';

export const TYPES = { text: 1, ltext: 2, int: 3, decimal: 4, bool: 5, enum: 6, date: 7, datetime: 8, duration: 9,
  latlon: 10, area: 11, lang: 12, party: 13, ref: 14, hash: 15, map: 16, author: 17, reference: 18, bytes: 19, account: 20 };
export const LIST = 0x80;
const T = TYPES;
export const VALUE_MAX = 512 << 10;
const TEXT_MAX = 16 << 10, BYTES_MAX = 256 << 10, LIST_MAX = 4096, KEY_MAX = 40;
const LAT_MAX = 900000000, LON_MAX = 1800000000, DAYS_MIN = -719162, DAYS_MAX = 2932896, RADIUS_MAX = 21000000;
const ANY_ENUM = 65535;

export function typeValid(type) {
  return (type & ~LIST) >= T.text && (type & ~LIST) <= T.account && type !== (LIST | T.account);
}

// ---- the one form

function checkPoint(b) {
  const lat = Number(toSigned(b.subarray(0, 4))), lon = Number(toSigned(b.subarray(4, 8)));
  need(Math.abs(lat) <= LAT_MAX && lon > -LON_MAX && lon <= LON_MAX, 'latitude is -90 to 90, longitude above -180 to 180');
}

function checkArea(v) {
  const r = new Reader(v), form = r.u8();
  if (form === 2) {
    checkPoint(r.take(8));
    const radius = toNumber(r.take(4));
    need(radius > 0 && radius <= RADIUS_MAX, 'a radius is 1 m to 21,000 km');
    return r.end();
  }
  need(form === 1, 'an area is points or a circle');
  const points = r.vec(8 * LIST_MAX);
  r.end();
  need(points.length % 8 === 0 && points.length >= 24, 'an area has three or more points');
  for (let i = 0; i < points.length; i += 8) {
    const next = i + 8 === points.length ? 0 : i + 8;
    checkPoint(points.subarray(i, i + 8));
    need(!equal(points.subarray(i, i + 8), points.subarray(next, next + 8)), 'an area repeats a point');
  }
  return undefined;
}

const LANG = new RegExp('^[a-z]{2,8}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?' +
  '(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-x(-[a-z0-9]{1,8})+)?$');

function checkReference(v) {
  const r = new Reader(v), what = r.u8(), b = r.vec(64);
  r.end();
  need((what === 1 && b.length === 32) || (what === 2 && b.length === 16) ||
    (what === 3 && b.length > 0 && isLine(b)), 'a reference is a commitment, a talk id or the id of a claim');
}

function checkScalar(type, nEnum, v, inList) {
  const n = v.length;
  switch (type) {
  case T.text:
  case T.ltext:
    need(n <= TEXT_MAX && (n > 0 || inList), 'a text that is empty or too long');
    return need(isLine(v, type === T.ltext), 'not UTF-8 without control characters');
  case T.int:
    return need(n === 8, 'a number has 8 bytes');
  case T.decimal:
    return need(n <= 40 && /^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$/.test(latin(v)) && latin(v) !== '-0',
      'not a decimal in its one form');
  case T.bool:
    return need(n === 1 && v[0] <= 1, 'a truth value is one byte, 0 or 1');
  case T.enum:
    return need(n === 2 && toNumber(v) >= 1 && toNumber(v) <= nEnum, 'an enum value is a place from 1 to ' + nEnum);
  case T.date:
    need(n === 4, 'a date has 4 bytes');
    return need(Number(toSigned(v)) >= DAYS_MIN && Number(toSigned(v)) <= DAYS_MAX, 'a date lies in the years 1 to 9999');
  case T.datetime:
  case T.duration:
    need(n === 8, 'a time has 8 bytes');
    return need(toBig(v) <= BigInt(TIME_MAX), 'a time lies before the year 10000');
  case T.latlon:
    need(n === 8, 'a place has 8 bytes');
    return checkPoint(v);
  case T.area:
    return checkArea(v);
  case T.lang:
    return need(n <= 35 && LANG.test(latin(v)), 'not a language tag in its canonical case');
  case T.party:
    return need((n === 33 && v[0] === 1) || (n === 1 && (v[0] === 2 || v[0] === 3)), 'not a party');
  case T.ref:
    return need(n === 32 || n === 16, 'a reference has 32 or 16 bytes');
  case T.hash:
    return need(n === 32, 'a hash has 32 bytes');
  case T.author:
    return need(n === 96, 'an author has 96 bytes');
  case T.reference:
    return checkReference(v);
  case T.bytes:
    return need(n <= BYTES_MAX, 'too many bytes');
  default:
    return need(false, 'no such type');
  }
}

/** Bytes as characters 0 to 255: for forms that are ASCII. */
function latin(v) {
  return String.fromCharCode(...v.subarray(0, 64)) + (v.length > 64 ? '\u0100' : '');
}

/** Pairs {key (bytes), type, value} of a map or an account. */
export function mapPairs(v) {
  const out = [];
  for (const r = new Reader(v); r.more;) {
    need(out.length < LIST_MAX, 'too many pairs');
    out.push({ key: r.vec(KEY_MAX), type: r.u8(), value: r.vec(VALUE_MAX) });
  }
  return out;
}

function checkMap(v, account) {
  let last = null;
  for (const p of mapPairs(v)) {
    need(p.key.length > 0 && isLine(p.key) && (last === null || compareBytes(last, p.key) < 0),
      'keys are lines of text, sorted by their bytes, each once');
    need(typeValid(p.type) && (p.type & ~LIST) !== T.map && p.type !== T.account && (account || p.type < LIST),
      'a type that may not stand here');
    // An account may say "absent": its type with no bytes.
    if (!(account && p.value.length === 0))
      checkValue(p.type, ANY_ENUM, p.value);
    last = p.key;
  }
}

export function listItems(v) {
  const out = [];
  for (const r = new Reader(v); r.more;) {
    need(out.length < LIST_MAX, 'too many items');
    out.push(r.vec(VALUE_MAX));
  }
  return out;
}

/** Refuses what is not the one form of its type; nEnum: how many values an enum has. */
export function checkValue(type, nEnum, v) {
  need(typeValid(type), 'no such type');
  need(v.length <= VALUE_MAX, 'a value that is too long');
  if (type === T.map || type === T.account)
    checkMap(v, type === T.account);
  else if (type & LIST)
    for (const item of listItems(v))
      if ((type & ~LIST) === T.map)
        checkMap(item, false);
      else
        checkScalar(type & ~LIST, nEnum, item, true);
  else
    checkScalar(type, nEnum, v, false);
}

/** A list of slots: ascending numbers from 0 to 63. */
export function slotList(v) {
  const out = new Set();
  let next = 0n;
  for (const item of listItems(v)) {
    need(item.length === 8 && toBig(item) >= next && toBig(item) < 64n, 'slots are numbers from 0 to 63, ascending');
    next = toBig(item) + 1n;
    out.add(Number(toBig(item)));
  }
  return out;
}

// ---- as people read it

function degrees(b) {
  const x = Number(toSigned(b)), a = Math.abs(x), part = a % 10000000;
  const text = Math.floor(a / 10000000) + (part === 0 ? '' : '.' + String(part).padStart(7, '0').replace(/0+$/, ''));
  return (x < 0 ? '-' : '') + text;
}

function pointText(b) {
  return degrees(b.subarray(0, 4)) + ',' + degrees(b.subarray(4, 8));
}

function areaText(v) {
  if (v[0] === 2) {
    const m = toNumber(v.subarray(9, 13)), part = String(m % 1000).padStart(3, '0').replace(/0+$/, '');
    return pointText(v.subarray(1, 9)) + ' r' + Math.floor(m / 1000) + (part === '' ? '' : '.' + part);
  }
  const r = new Reader(v.subarray(1)), points = r.vec(8 * LIST_MAX), out = [];
  for (let i = 0; i < points.length; i += 8)
    out.push(pointText(points.subarray(i, i + 8)));
  return out.join(' ');
}

function referenceText(v) {
  const r = new Reader(v), what = r.u8(), b = r.vec(64);
  return what === 3 ? 'claim ' + textOf(b, 'id of a claim') : (what === 1 ? 'record ' : 'talk ') + hex(b);
}

function scalarText(type, v, values, charter) {
  switch (type) {
  case T.text:
  case T.ltext:
  case T.decimal:
  case T.lang:
    return textOf(v, 'text');
  case T.int:
    return toSigned(v).toString();
  case T.bool:
    return v[0] ? 'true' : 'false';
  case T.enum:
    return toNumber(v) <= values.length ? values[toNumber(v) - 1] : '#' + toNumber(v);
  case T.date:
    return dayText(Number(toSigned(v)));
  case T.datetime:
    return timeText(toNumber(v));
  case T.duration:
    return durationText(toNumber(v));
  case T.latlon:
    return pointText(v);
  case T.area:
    return areaText(v);
  case T.party: {
    if (v[0] !== 1)
      return v[0] === 2 ? 'both' : 'mediator';
    const p = charter ? charter.partyById(v.subarray(1)) : null;
    return p ? p.name : hex(v.subarray(1));
  }
  case T.reference:
    return referenceText(v);
  default:
    return hex(v);
  }
}

function escape(text, special) {
  return [...text].map((c) => (special.includes(c) ? '\\' + c : c)).join('');
}

/** Would this text in a map be taken for a truth value or a number? Then a quote stands before it. */
function looksLikeOther(text) {
  if (text === 'true' || text === 'false')
    return true;
  const m = /^-?([0-9]+)(\.[0-9]+)?$/.exec(text);
  if (!m)
    return false;
  const whole = m[1].replace(/^0+(?=.)/, ''), part = (m[2] || '').replace(/0+$/, '');
  return whole.length + (part.length > 1 ? part.length : 0) < 40;
}

function mapText(v) {
  return mapPairs(v).map((p) => {
    const key = escape(textOf(p.key, 'key'), '\\;,=') + '=';
    if (p.value.length === 0)
      return key;
    const text = valueText({ type: p.type, values: [] }, p.value, null);
    const quote = p.type === T.text && (looksLikeOther(text) || text.startsWith("'")) ? "'" : '';
    return key + quote + escape(text, '\\;,=');
  }).join(',');
}

/** A value as people read it; field {type, values}. Only what a receiver would accept is shown. */
export function valueText(field, v, charter) {
  checkValue(field.type, field.values.length > 0 ? field.values.length : ANY_ENUM, v);
  if (field.type === T.map || field.type === T.account)
    return mapText(v);
  if (!(field.type & LIST))
    return scalarText(field.type, v, field.values, charter);
  return listItems(v).map((item) => ((field.type & ~LIST) === T.map ? mapText(item) :
    escape(scalarText(field.type & ~LIST, item, field.values, charter), '\\;'))).join(';');
}
