// How a record is called to people: by its entry in the register, which is the same number at all sides.
import {t, word} from '../i18n.js';

/** "entry 12", or that there is none yet. */
export const entryOf = (x) => (x.entry === undefined || x.entry === null ? t('entry_none') : t('entry_n', {entry: String(x.entry)}));

/** "Contact record, entry 12" */
export const named = (x) => word('kind', x.kind) + ', ' + entryOf(x);
