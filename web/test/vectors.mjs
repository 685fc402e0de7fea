#!/usr/bin/env node
// web/test/vectors.mjs - the shared vectors under node. Use: node web/test/vectors.mjs FOLDER (vectors/tlog)

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto; // node 18

const { runVectors } = await import('./vectors.js');

const results = await runVectors(async (name) => new Uint8Array(readFileSync(join(process.argv[2], name))));
let passed = 0, failed = 0;
for (const r of results) {
  passed += r.passed;
  failed += r.failures.length;
  console.log('    %s %s: %d', r.failures.length > 0 ? 'FAILED' : 'ok', r.file, r.passed);
  for (const f of r.failures.slice(0, 20))
    console.log('        ' + f);
}
console.log('%d passed, %d failed, 0 skipped', passed, failed);
process.exit(failed > 0 ? 1 : 0);
