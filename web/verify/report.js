// verify/report.js - a verdict as the one JSON document that `detente verify --json` prints.
//
// Source: src/cli/cmd_open.c, src/cli/cmd_record_destroyed.c; man/detente-proof.1.

import { hex } from './bytes.js';
import { isDestruction, verifyDestruction } from './destruction.js';
import { STATE_ATTESTED, STATE_NONE } from './entry.js';
import { verifyProof } from './proof.js';
import { MINUTE, SECOND, timeText } from './time.js';

/** Verify a file of either kind, by its first line. */
export function verifyAny(file, given) {
  return isDestruction(file) ? verifyDestruction(file, given) : verifyProof(file, given);
}

function destroyedReport(v) {
  const out = { verdict: v.verdict, findings: v.findings, destroy_after_ms: v.trace.after };
  if (v.state !== STATE_NONE)
    out.entry = Number(v.entry);
  return { ...out, say_destroyed: v.words.length };
}

/** The members of the document, but the file's name. */
export function report(v) {
  if (v.verdict === 'refused' && v.destruction)
    return { verdict: v.verdict, findings: '', reason: v.reason, say_destroyed: 0 };
  if (v.verdict === 'refused')
    return { verdict: v.verdict, reason: v.reason, findings: '', standing: '', fields: {} };
  if (v.trace)
    return destroyedReport(v);
  const r = v.subject, out = { verdict: v.verdict, reason: '', findings: v.findings, standing: v.standing,
    without_consent_of: v.withoutConsentOf, replies: v.replies, forum: hex(v.charter.forum), kind: r.tree.templateId,
    commitment: hex(r.tree.commitment) };
  if (r.state !== STATE_NONE)
    out.entry = Number(r.entry);
  if (r.state === STATE_ATTESTED)
    out.entered = timeText(r.ms);
  else
    out.not_later_than = timeText(r.ms !== 0 ? r.ms : v.nowMs);
  if (r.apart > 5 * MINUTE)
    out.witnesses_apart_s = Math.floor(r.apart / SECOND);
  if (v.daysAfter !== null)
    out.days_after = v.daysAfter;
  return { ...out, fields: v.fields };
}
