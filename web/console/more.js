// The screens that are loaded when one of them is asked for, and the English words that the first load does without.
import rest from 'english:rest';
import {addEnglish} from './i18n.js';

addEnglish(rest);

export {Admission} from './screens/admission.js';
export {Carry} from './screens/carry.js';
export {Compose} from './screens/compose.js';
export {Contacts} from './screens/contacts.js';
export {Courier} from './screens/courier.js';
export {Desk} from './screens/desk.js';
export {Found} from './screens/found.js';
export {Line} from './screens/line.js';
export {Obligations} from './screens/obligations.js';
export {Readout} from './screens/readout.js';
export {Record} from './screens/record.js';
export {Register} from './screens/register.js';
export {Timeline} from './screens/timeline.js';
