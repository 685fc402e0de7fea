// verify/template.js - templates: which slot of a record has which name and type.
//
// Source: docs/protocol-record.md "Templates", "Built-in templates".

import { Reader, bytesOf, equal, hex, isLine, need, textOf, u16, u64, u8, vec, concat } from './bytes.js';
import { labelHash } from './hash.js';
import { KNOWN_TEMPLATES } from './known.js';
import { TIME_MAX, readDay } from './time.js';
import { LIST, TYPES, typeValid } from './value.js';

const NAME = /^[a-z][a-z0-9_]{0,39}$/;
const FIELDS_MAX = 56, VALUES_MAX = 64;
export const TEMPLATE_MAX = 32 << 10;
export const ENVELOPE = 8; // slots before the template's own

const field = (name, type, required = false) => ({ name, type, required, values: [] });
const ENVELOPE_FIELDS = [field('@author', TYPES.author, true), field('@kind', TYPES.text, true),
  field('@channel', TYPES.hash), field('@written_at', TYPES.datetime), field('@references', LIST | TYPES.reference),
  field('@languages', LIST | TYPES.lang), field('@carried_from', TYPES.hash), field('@destroy_after', TYPES.duration)];
const NO_FIELD = field('', 0);

export class Template {
  constructor(id, fields, hash, builtIn, every, ackWithin) {
    this.id = id;
    this.fields = fields;
    this.hash = hash;
    this.builtIn = builtIn;
    this.every = every;         // ms from one to the next that is owed; 0: no such rule
    this.ackWithin = ackWithin; // ms for an acknowledgement; 0: none is owed
    this.nSlots = fields.length <= 8 ? 16 : fields.length <= 24 ? 32 : 64;
  }

  /** {name, type, required, values} of a slot; type 0: none. */
  slot(i) {
    return i < ENVELOPE ? ENVELOPE_FIELDS[i] : this.fields[i - ENVELOPE] || NO_FIELD;
  }

  /** Place of a slot by its name; -1: none. */
  place(name) {
    const own = this.fields.findIndex((f) => f.name === name);
    return own >= 0 ? own + ENVELOPE : ENVELOPE_FIELDS.findIndex((f) => f.name === name);
  }

  /** All slots of its own fields. */
  whole() {
    return this.fields.map((_, i) => i + ENVELOPE);
  }
}

// ---- those that the protocol itself relies on

const BUILT_IN = {
  letter: 'name! text, title text, rights! list enum talk record admit consent found, not_before! datetime, ' +
    'not_after! datetime, key! hash, encryption_key! hash, party! hash, inbox_address bytes, inbox_token bytes',
  amendment: 'number! int, previous! hash, body! bytes',
  receipt: 'about! hash, received_at! datetime, desk text',
  countersign: 'about! hash, remark ltext',
  answer: 'about! hash, text! ltext',
  dispute: 'about! hash, slots! list int, values! account, text ltext',
  withdraw: 'about! hash, reason ltext',
  consent: 'about! hash, slots! list int, audience! text, expires! datetime, ' +
    'standing! enum none countersigned disputed withdrawn',
  tally: 'first_entry! int, last_entry! int, count! int, counted! text',
  cover: '',
  carried: 'proof! bytes',
  readout_line: 'readout! hash, line! int, languages! list lang, texts! list text, replaces hash',
};

async function makeBuiltIn(id) {
  const fields = BUILT_IN[id].split(', ').filter((x) => x !== '').map((part) => {
    const w = part.split(' '), list = w[1] === 'list' ? LIST : 0, type = TYPES[w[list ? 2 : 1]];
    const f = field(w[0].replace('!', ''), list | type, w[0].endsWith('!'));
    f.values = type === TYPES.enum ? w.slice(list ? 3 : 2) : [];
    return f;
  });
  const encoded = fields.map((f) => concat(vec(bytesOf(f.name)), u8(f.type), u8(f.required ? 1 : 0), vec(new Uint8Array(0)),
    vec(concat(...f.values.map((v) => vec(bytesOf(v)))))));
  const none = new Uint8Array(0);
  const all = concat(u16(1), vec(bytesOf(id)), u16(1), vec(concat(...encoded)), u8(0), vec(none), u64(0), vec(none), u8(0),
    u64(0), u8(1));
  return new Template(id, fields, await labelHash('template', all), true, 0, 0);
}

const made = new Map();

export function isBuiltIn(id) {
  return Object.hasOwn(BUILT_IN, id);
}

/** The built-in template of this id. */
export async function builtIn(id) {
  if (!made.has(id))
    made.set(id, await makeBuiltIn(id));
  return made.get(id);
}

// ---- those that come with a proof

function readField(r) {
  const name = textOf(r.vec(40), 'field'), type = r.u8(), flags = r.u8(), unit = r.vec(40), values = [];
  for (const q = r.sub(TEMPLATE_MAX); q.more;)
    values.push(textOf(q.vec(40), 'enum value'));
  need(NAME.test(name) && typeValid(type) && flags <= 3 && isLine(unit), 'name, type, flags or unit of a field');
  need(values.length <= VALUES_MAX && values.every((v) => NAME.test(v)) && new Set(values).size === values.length,
    'the values of an enum');
  need(((type & ~LIST) === TYPES.enum) === (values.length > 0), 'an enum has values, and nothing else has');
  return { name, type, required: (flags & 1) !== 0, values };
}

/** The span of a rule `every`, else 0. A rule's field must be there and be something that a time can be had from. */
function readDeadline(r, fields) {
  const kind = r.u8(), name = textOf(r.vec(40), 'deadline'), span = r.u64(), days = [];
  for (const q = r.sub(24); q.more;)
    days.push([q.u8(), q.u8()]);
  const f = fields.find((x) => x.name === name), needsField = kind >= 1 && kind <= 3;
  const isTime = f && (f.type === TYPES.date || f.type === TYPES.datetime);
  need(kind <= 5 && (needsField || kind === 4) === (span > 0n) && needsField === (name !== '') &&
    span <= BigInt(TIME_MAX) && (kind === 5) === (days.length > 0), 'a deadline rule that is none of those known');
  need(!needsField || f, 'the deadline names a field that is not there');
  need((kind !== 1 || isTime) && (kind !== 2 || isTime || f.type === TYPES.ref) &&
    (kind !== 3 || (f.type & ~LIST) === TYPES.ref), 'the deadline\'s field has a type that gives no time');
  const at = days.map(([m, d]) => readDay('2001-' + String(m).padStart(2, '0') + '-' + String(d).padStart(2, '0')));
  need(at.every((x, i) => x !== null && (i === 0 || at[i - 1] < x)), 'the days of a deadline');
  return kind === 4 ? Number(span) : 0;
}

export async function readTemplate(bytes) {
  const r = new Reader(bytes), fields = [];
  need(r.u16() === 1, 'a template of a format not known here');
  const id = textOf(r.vec(40), 'id of a template'), version = r.u16();
  for (const q = r.sub(TEMPLATE_MAX); q.more;) {
    need(fields.length < FIELDS_MAX, 'more than ' + FIELDS_MAX + ' fields');
    const f = readField(q);
    need(!fields.some((x) => x.name === f.name), 'a field twice');
    fields.push(f);
  }
  need(NAME.test(id) && version > 0, 'the id or version of a template');
  const every = readDeadline(r, fields);
  const ack = r.u8(), within = r.u64(), disclosure = r.u8();
  r.end();
  need(ack <= 3 && (ack === 0) === (within === 0n) && within <= BigInt(TIME_MAX) && disclosure >= 1 && disclosure <= 5,
    'acknowledgement or disclosure of a template');
  return new Template(id, fields, await labelHash('template', bytes), false, every, Number(within));
}

/** Is it the template that our programs know by this id? undefined: they know none. */
export function knownTemplate(t) {
  if (t.builtIn)
    return true;
  return Object.hasOwn(KNOWN_TEMPLATES, t.id) ? KNOWN_TEMPLATES[t.id] === hex(t.hash) : undefined;
}

export function isTemplate(t, id) {
  return t.id === id && knownTemplate(t) === true;
}

export function sameHash(t, hash) {
  return equal(t.hash, hash);
}
