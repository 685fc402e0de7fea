// verify/tally.js - what a tally states, when all of it is opened.
//
// Source: docs/protocol-record.md "Tally".

import { textOf, toBig } from './bytes.js';

/** {first, last, count, counted}; null: numbers that cannot be; undefined: no tally, or not opened whole. */
export function readTally(tree) {
  // A carried template may have the same id; what it means is its author's to say.
  if (!tree.template.builtIn || tree.templateId !== 'tally' || ![8, 9, 10, 11].every((i) => tree.slots.has(i)))
    return undefined;
  const [first, last, count] = [8, 9, 10].map((i) => toBig(tree.slots.get(i)));
  if ([first, last, count].some((n) => n >= 1n << 63n) || first > last || (count > 0n && count - 1n > last - first))
    return null;
  return { first, last, count, counted: textOf(tree.slots.get(11), 'counted') };
}
