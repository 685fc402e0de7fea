#!/usr/bin/env node
// web/test/verify.mjs - the page's verifier under node: what it says of files, as `detente verify --json` says it.
//
// Use: node web/test/verify.mjs [--forum ID] [--root-words WORDS]... [--amendment FILE]... [--at MS] FILE...
// One JSON document a line. Exit status 0 when all are verified, 1 when not.

import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto; // node 18

const { fromHex } = await import('../verify/bytes.js');
const { report, verifyAny } = await import('../verify/report.js');
const { readWords } = await import('../verify/words.js');

const list = readFileSync(new URL('../../data/words.txt', import.meta.url), 'utf8').trim().split('\n');
const given = { rootWords: [], amendments: [], nowMs: Date.now() }, files = [];
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i++) {
  if (args[i] === '--forum')
    given.forum = fromHex(args[++i]);
  else if (args[i] === '--root-words')
    given.rootWords.push(readWords(args[++i], list));
  else if (args[i] === '--amendment')
    given.amendments.push(new Uint8Array(readFileSync(args[++i])));
  else if (args[i] === '--at')
    given.nowMs = Number(args[++i]);
  else
    files.push(args[i]);
}
let status = 0;
for (const name of files) {
  const out = report(await verifyAny(new Uint8Array(readFileSync(name)), given));
  console.log(JSON.stringify({ format: 1, file: name, ...out }));
  if (out.verdict !== 'verified')
    status = 1;
}
process.exit(status);
