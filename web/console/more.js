// The screens that are loaded when one of them is asked for.
export {Compose} from './screens/compose.js';
export {Record} from './screens/record.js';
