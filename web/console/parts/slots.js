// What a record means that points at slots of another: the names of its fields.
import {list, word} from '../i18n.js';

// The slots that every record begins with; the fields of its template follow (docs/protocol.md).
const envelope = ['author', 'kind', 'channel', 'written_at', 'references', 'languages', 'carried_from', 'destroy_after'];

/** The names of the fields that "8;10;11" means in a record of this template, in its order. */
export const fieldsOf = (template, slots) =>
    (String(slots || '').match(/\d+/g) || []).map(Number).map((i) => (i < envelope.length ? envelope[i] : (template && template.fields[i - envelope.length] ? template.fields[i - envelope.length].name : String(i))));

/** These names as people read them. */
export const inWords = (names) => list(names.map((x) => word('field', x)));
