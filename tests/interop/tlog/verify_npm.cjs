// What the npm package @sigstore/verify says of a register's checkpoints and inclusion proofs:
// tests/interop/tlog/README.md.
//
// Use: node verify_npm.cjs MODULES VKEY FOLDER. MODULES is the folder node_modules; FOLDER holds `notes` and
// `proofs.jsonl` as for verify.go, and `entries`, all entries of the register one after the other.
'use strict';
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

const [modules, vkey, folder] = process.argv.slice(2);
const dist = path.join(modules, '@sigstore/verify/dist/timestamp');
const { verifyCheckpoint } = require(path.join(dist, 'checkpoint'));
const { verifyMerkleInclusion } = require(path.join(dist, 'merkle'));

const ENTRY = 33;
let passed = 0;
let failed = 0;

function check(what, fn) {
  try {
    fn();
    passed++;
  } catch (e) {
    if (++failed <= 20) console.log(`FAILED: ${what}: ${e.message}`);
  }
}

// The register's key as the package wants it: an authority whose id begins with the key id of the note's line.
function authority(text) {
  const [name, id, ...rest] = text.split('+');
  const key = Buffer.from(rest.join('+'), 'base64');
  if (key.length !== 33 || key[0] !== 1) throw new Error('not a key of type 0x01');
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.subarray(1)]);
  return {
    baseURL: name,
    logID: Buffer.concat([Buffer.from(id, 'hex'), Buffer.alloc(28)]),
    publicKey: crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    validFor: { start: new Date(0), end: new Date(8.64e15) },
  };
}

// This package refuses a note with any line of a stranger, so it gets the register's own line alone.
function bare(note, name) {
  const at = note.indexOf('\n\n');
  const own = note.slice(at + 2).split('\n').filter((l) => l.startsWith(`\u2014 ${name} `));
  return `${note.slice(0, at + 2)}${own.join('\n')}\n`;
}

function entry(index, size, hashes, note, root, body) {
  return {
    integratedTime: '0',
    canonicalizedBody: body,
    inclusionProof: {
      logIndex: String(index),
      treeSize: String(size),
      hashes: hashes.map((h) => Buffer.from(h, 'base64')),
      rootHash: root,
      checkpoint: { envelope: note },
    },
  };
}

const log = authority(vkey);
const entries = fs.readFileSync(path.join(folder, 'entries'));
const trees = new Map();
for (const text of fs.readFileSync(path.join(folder, 'notes'), 'utf8').split(/^\.\n/m)) {
  if (text === '') continue;
  const note = bare(text, log.baseURL);
  const [, size, root] = note.split('\n');
  const tree = { note, root: Buffer.from(root, 'base64') };
  check(`checkpoint of size ${size}`, () => verifyCheckpoint(entry(0, size, [], note, tree.root, Buffer.alloc(0)), [log]));
  trees.set(Number(size), tree);
}
let n = 0;
for (const line of fs.readFileSync(path.join(folder, 'proofs.jsonl'), 'utf8').split('\n')) {
  if (line === '') continue;
  const p = JSON.parse(line);
  if (p.kind !== 'inclusion') continue;
  n++;
  check(`inclusion proof of entry ${p.index} in ${p.size}`, () => {
    const tree = trees.get(p.size);
    if (tree === undefined) throw new Error('no checkpoint of that size');
    const body = entries.subarray(p.index * ENTRY, (p.index + 1) * ENTRY);
    const e = entry(p.index, p.size, p.hashes, tree.note, tree.root, body);
    verifyCheckpoint(e, [log]);
    verifyMerkleInclusion(e);
  });
}
console.log(`npm: ${trees.size} checkpoints, ${n} inclusion proofs`);
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed > 0 ? 1 : 0);
