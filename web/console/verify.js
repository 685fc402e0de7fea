// The page's own verifier, loaded when a proof is to be checked: it shares no line with the program's.
export {fromHex} from '../verify/bytes.js';
export {cryptoMissing} from '../verify/hash.js';
export {report, verifyAny} from '../verify/report.js';
