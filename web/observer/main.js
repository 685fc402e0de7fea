// observer/main.js - the page: what is given to it, and what it shows.
//
// It asks no address but that of the register that a person names, and has the browser hold it to that: once an address
// is named, a policy of its own allows no other until the page is loaded anew.

import { Refused, fromHex, hex, textOf } from '../verify/bytes.js';
import { cryptoMissing } from '../verify/hash.js';
import { isEvidence, verifyEvidence } from '../verify/evidence.js';
import { parseKey } from '../verify/note.js';
import { Policy, parsePolicy } from '../verify/policy.js';
import { isProof, splitAmendments, vouch } from '../verify/proof.js';
import { amend } from '../verify/amendment.js';
import { isDestruction } from '../verify/destruction.js';
import { readCharter, registerPolicy } from '../verify/charter.js';
import { verifyAny } from '../verify/report.js';
import { readWords } from '../verify/words.js';
import { WORD_LIST } from './wordlist.js';
import { checkClaims, isClaims, knownContact, readClaims } from './claims.js';
import { claimsView } from './claimsview.js';
import { h, peer } from './dom.js';
import { SplitView, lookOnce } from './follow.js';
import { lineTestOf, readSpan } from './linetest.js';
import { evidenceView, proofView } from './proofview.js';
import { registerView } from './registerview.js';
import { Trouble, WebSource, foldersOf, readAddress } from './source.js';
import { forgetAll, loadState, saveState } from './state.js';
import { verifyOpening } from './opening.js';
import { foldTimeline } from './timeline.js';

const FILE_MAX = 12 << 20, FILES_MAX = 200;
const page = { linked: null, files: [], charters: [], policies: [], source: null, results: null, claims: null, register: null, generation: 0 };
const at = (id) => document.getElementById(id);

function say(id, ...children) {
  at(id).replaceChildren(...children.filter((c) => c));
}

/** For those who do not see the page change. */
function announce(text) {
  at('status').textContent = text;
}

// ---- what it is checked against

/** What was typed or pasted there as hex: without white space, and without what is invisible and comes along from a page. */
const hexOf = (field) => at(field).value.replace(/[\s\u200b-\u200d\u2060\ufeff]/g, '').toLowerCase();

/** {anchor, trouble}: forum id and root words as they stand in the form. */
function readAnchor() {
  const id = hexOf('forum'), lines = at('words').value.split('\n').map((x) => x.trim()).filter((x) => x !== '');
  const anchor = { forum: undefined, rootWords: [] };
  at('forum').removeAttribute('aria-invalid');
  at('words').removeAttribute('aria-invalid');
  if (id !== '') {
    if (!/^[0-9a-f]{64}$/.test(id)) {
      at('forum').setAttribute('aria-invalid', 'true');
      return { anchor, trouble: 'A forum id is 64 hex digits.' };
    }
    // Whoever made a link is not whom anyone trusts: an id that came with it counts only once a person has compared it.
    at('linked').hidden = id !== page.linked;
    if (id !== page.linked || at('compared').checked)
      anchor.forum = fromHex(id);
  }
  for (const line of lines)
    try {
      anchor.rootWords.push(readWords(line, WORD_LIST));
    } catch (e) {
      at('words').setAttribute('aria-invalid', 'true');
      return { anchor, trouble: 'Root words, line \u201c' + line + '\u201d: ' + e.message + '.' };
    }
  return { anchor, trouble: '' };
}

/** Does this charter belong to what it is checked against: all of its roots? */
function isVouched(charter, anchor) {
  try {
    vouch(charter, anchor.forum, anchor.rootWords);
    return charter.parties.every((p) => p.vouched);
  } catch (e) {
    if (e instanceof Refused)
      return false;
    throw e;
  }
}

// ---- files

async function tryCharter(bytes) {
  try {
    return await readCharter(bytes);
  } catch (e) {
    if (e instanceof Refused)
      return null;
    throw e;
  }
}

async function tryPolicy(bytes) {
  try {
    return await parsePolicy(textOf(bytes, 'policy'));
  } catch (e) {
    if (e instanceof Refused)
      return null;
    throw e;
  }
}

/** A file that was given, sorted by what it is: {name, kind, ...}. */
async function readGiven(name, bytes) {
  if (isProof(bytes) || isDestruction(bytes))
    return { name, kind: 'proof', bytes };
  if (isEvidence(bytes))
    return { name, kind: 'evidence', bytes };
  const charter = await tryCharter(bytes);
  if (charter)
    return { name, kind: 'charter', charter };
  if (isClaims(bytes))
    return { name, kind: 'claims', bytes };
  const policy = await tryPolicy(bytes);
  if (policy)
    return { name, kind: 'policy', policy };
  return { name, kind: 'unknown', sealed: textOf(bytes.subarray(0, 24).filter((b) => b < 0x80), name).startsWith('detente sealed proof') };
}

async function takeFiles(list) {
  const folders = foldersOf(list);
  if (folders.length > 0) {
    page.folders = folders;
    await lookAtFolder();
    return;
  }
  for (const { path, file } of list.slice(0, FILES_MAX)) {
    if (file.size > FILE_MAX) {
      page.files.push({ name: path, kind: 'large' });
      continue;
    }
    page.files.push(await readGiven(path, new Uint8Array(await file.arrayBuffer())));
  }
  await refresh();
}

function unknownView(f) {
  const why = f.kind === 'large' ? 'It is larger than any file that this page reads.' : f.sealed ?
    'It is sealed to one person, who opens it with detente verify.' :
    'It is no proof, evidence of a split view, charter, policy or table of claims, or it is damaged at its beginning.';
  return h('article', { class: 'card', 'aria-label': f.name }, h('h3', { class: 'verdict bad' },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, '\u2715'), ' Not a file that this page knows'), h('p', { class: 'file' }, peer(f.name)), h('p', {}, why));
}

function otherView(f, anchor) {
  const words = f.kind === 'charter' ? ['The charter of ', peer(f.charter.title), '; its forum id is ', h('code', { class: 'hash' }, hex(f.charter.forum)), '. ',
    isVouched(f.charter, anchor) ? 'It is the one that you named.' : 'Whose it is was not checked.'] :
    ['A register\u2019s key, its witnesses and groups. Whose they are is for you to know.'];
  return h('article', { class: 'card', 'aria-label': f.name }, h('h3', {}, f.kind === 'charter' ? 'A charter' : 'A policy'),
    h('p', { class: 'file' }, peer(f.name)), h('p', {}, words));
}

async function fileCard(f, anchor, now) {
  if (f.kind === 'proof') {
    f.verdict = await verifyAny(f.bytes, { ...anchor, nowMs: now });
    return proofView(f.name, f.verdict);
  }
  if (f.kind === 'evidence')
    try {
      return evidenceView(f.name, await verifyEvidence(f.bytes), page.register ? page.register.policy.logs[0] : null);
    } catch (e) {
      if (e instanceof Refused)
        return proofView(f.name, { verdict: 'refused', reason: e.message });
      throw e;
    }
  return f.kind === 'charter' || f.kind === 'policy' ? otherView(f, anchor) : unknownView(f);
}

/** All cards anew: files, claims, what the register's address could be. */
async function refresh() {
  const mine = ++page.generation, { anchor, trouble } = readAnchor(), now = Date.now(), cards = [], claims = [];
  say('anchor-trouble', trouble);
  for (const f of page.files) {
    if (f.kind === 'claims') {
      claims.push(f);
      continue;
    }
    cards.push(await fileCard(f, anchor, now));
    if (mine !== page.generation)
      return; // something newer is under way
  }
  const known = knownContacts();
  for (const f of claims)
    cards.push(claimCard(f, known));
  say('results', ...cards);
  at('results-part').hidden = cards.length === 0;
  suggestAddress();
  const verdicts = page.files.filter((f) => f.verdict).map((f) => f.name + ': ' + f.verdict.verdict);
  announce(verdicts.length > 0 ? verdicts.join('; ') : cards.length > 0 ? cards.length + ' files were read' : '');
}

function knownContacts() {
  const verdicts = [...page.files.filter((f) => f.kind === 'proof' && f.verdict && f.verdict.subject).map((f) => f.verdict),
    ...(page.register ? page.register.view.openings.map((o) => o.verdict) : [])];
  return verdicts.map(knownContact).filter((k) => k !== null);
}

function claimCard(f, known) {
  try {
    return claimsView(f.name, checkClaims(readClaims(f.bytes), known), new Set(known.map((k) => k.entry)).size,
      page.register ? page.register.view.timeline.runs : null);
  } catch (e) {
    if (e instanceof Refused)
      return proofView(f.name, { verdict: 'refused', reason: e.message });
    throw e;
  }
}

// ---- the register

/** Charters that are at hand, of files and of openings: the vouched ones first. */
function chartersAtHand(anchor) {
  const all = page.files.flatMap((f) => (f.kind === 'charter' ? [f.charter] : f.kind === 'proof' && f.verdict && f.verdict.charter ? [f.verdict.charter] : []));
  return [...all.filter((c) => isVouched(c, anchor)), ...all.filter((c) => !isVouched(c, anchor))];
}

/** What a proof says of where its register is. */
function suggestAddress() {
  const charter = chartersAtHand(readAnchor().anchor)[0];
  if (!charter || at('address').value !== '')
    return;
  const path = charter.register.path.replace(/^\/*/, '/').replace(/\/+$/, '');
  at('address').value = charter.register.relays[0].replace(/\/+$/, '') + path;
  say('address-note', 'As the charter in a file says; change it where the register is kept elsewhere.');
}

function groupsByParty(policy, charter) {
  for (const node of policy.nodes) {
    const m = /^g([0-9]+)(-|$)/.exec(node.name);
    if (node.members && m && charter.parties[Number(m[1]) - 1])
      node.name = charter.parties[Number(m[1]) - 1].name;
  }
  return policy;
}

async function fromCharter(charter, anchor, where) {
  const vouched = isVouched(charter, anchor), cadence = charter.cadence();
  return { policy: groupsByParty(await registerPolicy(charter.register, charter.parties), charter), vouched,
    cadence: cadence && { k: cadence.k * charter.parties.length, period: cadence.period },
    whose: vouched ? 'The charter that you named has it.' : 'It is from a charter ' + where + ' that was checked against nothing: give the forum id.' };
}

/** Key and witnesses: from what was given, else from what lies beside the register; null when nothing says. */
async function findPolicy(source, anchor) {
  const text = at('key').value.trim(), given = page.files.find((f) => f.kind === 'policy');
  const typed = { vouched: true, cadence: null, whose: 'You gave it.' };
  if (text !== '') {
    const policy = text.startsWith('log ') || text.includes('\n') ? await parsePolicy(text.replaceAll('\r', '') + '\n') : new Policy();
    if (policy.logs.length === 0 && policy.quorum === undefined) {
      policy.addLog(await parseKey(text), '');
      policy.setQuorum('none');
    }
    return { ...typed, policy };
  }
  if (given)
    return { ...typed, policy: given.policy };
  for (const charter of chartersAtHand(anchor))
    return fromCharter(charter, anchor, 'in a file');
  const beside = await charterBeside(source, anchor);
  return beside ? fromCharter(beside, anchor, 'beside the register itself') : null;
}

async function charterBeside(source, anchor) {
  const bytes = await source.file('charter'), own = bytes && await tryCharter(bytes);
  if (own) {
    const more = await source.file('amendments', 2 << 20);
    for (const b of more ? splitAmendments(more) : [])
      await amend(own, b);
    return own;
  }
  const index = await source.file('openings/index', 65 * 4096);
  const names = index ? textOf(index, 'openings/index').split('\n').filter((x) => /^[0-9a-f]{64}$/.test(x)).map((x) => x + '.proof') :
    source.under ? source.under('openings') : [];
  let first = null;
  for (const name of names.slice(0, 20)) {
    const file = await source.file('openings/' + name, 1 << 20), v = file && await verifyAny(file, { ...anchor, nowMs: Date.now() });
    if (v && v.charter && isVouched(v.charter, anchor))
      return v.charter;
    first = first || (v && v.charter) || null;
  }
  return first;
}

/** From now on, and until the page is loaded anew, the browser lets it ask this address and no other. */
function holdTo(url) {
  const origin = new URL(url).origin;
  if (page.heldTo !== undefined && page.heldTo !== origin)
    throw new Trouble('This page was looking at ' + page.heldTo + ', and is held to that. Load it anew to look at another address.');
  if (page.heldTo === undefined)
    document.head.append(h('meta', { 'http-equiv': 'Content-Security-Policy', content: 'connect-src ' + origin }));
  page.heldTo = origin;
}

async function lookAtFolder() {
  const { anchor } = readAnchor(), policies = [];
  for (const f of page.folders) {
    const found = await findPolicy(f, anchor);
    if (found)
      policies.push({ f, found });
  }
  // Of several registers in one folder that of the key; else the only one.
  for (const { f, found } of policies) {
    const note = await f.file('checkpoint.held') || await f.file('checkpoint');
    if (note && textOf(note, 'checkpoint').startsWith(found.policy.logs[0].name + '\n'))
      return look(f, found);
  }
  return look(page.folders[0], policies.length > 0 ? policies[0].found : null);
}

async function lookAtAddress() {
  const url = readAddress(at('address').value);
  at('address').removeAttribute('aria-invalid');
  if (url === null) {
    at('address').setAttribute('aria-invalid', 'true');
    return trouble('An address begins with http:// or https://, as in https://relay.example/r/0123\u2026');
  }
  if (location.protocol === 'https:' && url.startsWith('http:'))
    return trouble('A page that came over https may not ask an address without it. Save this page, open the saved file, and name the address there.');
  try {
    holdTo(url);
  } catch (e) {
    return trouble(e.message);
  }
  const readKey = hexOf('read-key');
  at('read-key').removeAttribute('aria-invalid');
  if (readKey !== '' && !/^[0-9a-f]{64}$/.test(readKey)) {
    at('read-key').setAttribute('aria-invalid', 'true');
    return trouble('A read key is 64 hex digits.');
  }
  return look(new WebSource(url, readKey), null);
}

function trouble(text) {
  say('register-trouble', h('p', { class: 'trouble' }, h('span', { class: 'sign', 'aria-hidden': 'true' }, '!'), ' ', peer(text)));
  at('register-progress').hidden = true;
  announce(text);
}

async function makeView(found, state, refused, source, look, kept) {
  const openings = [], tests = [], groups = found.policy.sides().map((i) => found.policy.nodes[i].name);
  for (const o of state.openings) {
    if (!o.file)
      continue;
    try {
      const verdict = await verifyOpening(o.file, look), test = lineTestOf(verdict, o.first);
      openings.push({ hash: o.hash, first: o.first, gone: o.gone, verdict });
      if (test)
        tests.push(look.every === null ? test : { ...test, every: look.every });
    } catch (e) {
      if (!(e instanceof Refused))
        throw e;
      refused.push(o.hash + '.proof: ' + e.message);
    }
  }
  openings.sort((a, b) => (a.verdict.subject.entry < b.verdict.subject.entry ? -1 : a.verdict.subject.entry > b.verdict.subject.entry ? 1 : a.first - b.first));
  const timeline = foldTimeline(state, { groups, now: look.now, cadence: found.cadence, tests });
  return { state, timeline, groups, openings, tests, refused, source: source.name, key: found.policy.logs[0].toString(), whose: found.whose,
    vouched: found.vouched, cadence: found.cadence, kept };
}

/** Look at a register, show what is there, and remember it. */
async function look(source, known) {
  const { anchor, trouble: anchorTrouble } = readAnchor(), every = readSpan(at('line-tests').value.trim());
  if (anchorTrouble !== '')
    return trouble(anchorTrouble);
  at('line-tests').removeAttribute('aria-invalid');
  if (every === null && at('line-tests').value.trim() !== '') {
    at('line-tests').setAttribute('aria-invalid', 'true');
    return trouble('A line is tested every 90s, 30m, 12h or 1d: a number and its unit.');
  }
  if (page.looking)
    page.looking.abort();
  const stop = page.looking = new AbortController(), progress = at('register-progress');
  say('register-trouble');
  announce('Looking at the register');
  Object.assign(progress, { hidden: false, value: 0, max: 1 });
  at('stop').hidden = false;
  try {
    const found = known || await findPolicy(source, anchor);
    if (!found && page.linked !== null && at('forum').value.trim().toLowerCase() === page.linked && !at('compared').checked)
      return trouble('The forum id came with the link to this page. Compare it with one that you have from someone you trust, tick that you did, and look again.');
    if (!found)
      return trouble('Nothing says which key this register has. Give its key, a policy, the charter, or a proof file; or the forum id, where something was opened.');
    const key = found.policy.logs[0].toString(), now = Date.now();
    const request = { source, policy: found.policy, anchor, now, every, signal: stop.signal,
      progress: (done, of) => Object.assign(progress, { max: Math.max(of, 1), value: done }) };
    await lookAndShow(found, request, key);
  } catch (e) {
    if (e.name === 'AbortError')
      trouble('Stopped. Nothing of this look was taken in.');
    else if (e instanceof Refused)
      trouble('What this register shows does not hold, and nothing of it was taken in: ' + e.message + '.');
    else if (e instanceof Trouble)
      trouble(e.message);
    else
      throw e;
  } finally {
    progress.hidden = true;
    at('stop').hidden = true;
  }
  return undefined;
}

async function lookAndShow(found, request, key) {
  let state = await loadState(key, found.policy), refused = [];
  if (state.split === null)
    try {
      ({ state, refused } = await lookOnce(request, state));
    } catch (e) {
      if (!(e instanceof SplitView))
        throw e;
      if (state.note === null)
        throw new Refused(e.message + '; this browser saw neither of them before');
      state.split = { since: request.now, name: e.fileName, file: e.file };
    }
  const kept = saveState(key, state), view = await makeView(found, state, refused, request.source, request, kept);
  page.register = { policy: found.policy, view };
  say('register', registerView(view));
  at('register-part').hidden = false;
  await refresh();
  announce('The register has ' + view.timeline.entries + ' entries; ' + (view.timeline.flags.length === 0 ? 'nothing is flagged' :
    view.timeline.flags.length + ' flags: ' + view.timeline.flags.map((f) => f.text).join('; ')));
}

// ---- beginning

/** All files of what was dropped, with their paths; folders are walked. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((i) => (i.webkitGetAsEntry ? i.webkitGetAsEntry() : null)), out = [];
  if (entries.some((e) => e === null))
    return [...transfer.files].map((file) => ({ path: file.name, file }));
  const walk = async (e, prefix) => {
    if (e.isFile) {
      out.push({ path: prefix + e.name, file: await new Promise((resolve, reject) => e.file(resolve, reject)) });
      return;
    }
    const reader = e.createReader();
    for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length > 0;)
      for (const x of some)
        await walk(x, prefix + e.name + '/');
  };
  for (const e of entries)
    await walk(e, '');
  return out;
}

function cannot(what) {
  const plain = location.protocol === 'http:' && !globalThis.isSecureContext;
  say('cannot', h('h2', {}, 'This page cannot verify anything here'), plain ?
    h('p', {}, 'It came over plain HTTP from ', h('strong', {}, peer(location.hostname)), ', and browsers then keep their cryptography from pages. Save the page, ' +
      'open the saved file, and name the register\u2019s address there. It works the same from a file.') :
    h('p', {}, 'This browser lacks what it takes (' + what + '). Use a newer one: Chromium 137, Firefox 130 or Safari 17, or later; or detente verify.'),
  h('p', {}, h('a', { href: location.href.split('#')[0], download: 'detente-observer.html', class: 'button' }, 'Save this page')));
  at('cannot').hidden = false;
  at('work').hidden = true;
}

/** A fault of this page is told as such: it must never look like a verdict. */
function fault(e) {
  say('fault', h('p', { class: 'trouble' }, 'This page failed, and says nothing of what you gave it: ' + (e && e.message ? e.message : e)));
  at('fault').hidden = false;
}

function listen() {
  const run = (fn) => (e) => Promise.resolve(fn(e)).catch(fault);
  at('files').addEventListener('change', run((e) => takeFiles([...e.target.files].map((file) => ({ path: file.name, file })))));
  at('folder').addEventListener('change', run((e) => takeFiles([...e.target.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })))));
  for (const id of ['forum', 'words', 'compared'])
    at(id).addEventListener('change', run(refresh));
  // What was wrong with what stood there before is not said of what stands there now.
  for (const id of ['forum', 'words', 'compared', 'address', 'key', 'read-key', 'line-tests'])
    at(id).addEventListener('input', () => say('register-trouble'));
  at('look').addEventListener('submit', run((e) => {
    e.preventDefault();
    return lookAtAddress();
  }));
  at('stop').addEventListener('click', () => page.looking && page.looking.abort());
  at('forget').addEventListener('click', run(() => {
    const n = forgetAll();
    say('forgotten', n === 0 ? 'This browser remembers no register.' : 'Forgotten: what it saw of ' + n + (n === 1 ? ' register.' : ' registers.'));
  }));
  const zone = at('drop');
  document.addEventListener('dragover', (e) => {
    e.preventDefault();
    zone.classList.add('over');
  });
  document.addEventListener('dragleave', () => zone.classList.remove('over'));
  document.addEventListener('drop', run(async (e) => {
    e.preventDefault();
    zone.classList.remove('over');
    await takeFiles(await dropped(e.dataTransfer));
  }));
}

/** What stands behind # in the address, and in the page of a static site: which register, and which forum. */
function fromAddress() {
  const beside = document.querySelector('meta[name="detente-register"]').content, said = new URLSearchParams(location.hash.slice(1));
  if (/^[0-9a-f]{64}$/.test(said.get('forum') || '')) {
    page.linked = at('forum').value = said.get('forum');
    at('linked').hidden = false;
  }
  at('line-tests').value = readSpan(said.get('line-tests') || '') === null ? '' : said.get('line-tests');
  if (/^[0-9a-f]{64}$/.test(said.get('read-key') || '')) {
    at('read-key').value = said.get('read-key');
    // What stands behind # goes to nobody; but an address is shown, copied and remembered, and this is a key.
    said.delete('read-key');
    history.replaceState(null, '', location.pathname + location.search + '#' + said);
  }
  at('more').open = at('read-key').value !== '' || at('line-tests').value !== '';
  const where = said.get('register') || beside;
  if (where && location.protocol === 'file:' && !/^https?:/.test(where))
    say('address-note', 'This page was opened from a file: choose the folder that it lies in, below, to look at the register beside it.');
  else if (where)
    at('address').value = readAddress(where) || where;
}

async function begin() {
  const missing = await cryptoMissing();
  if (missing) {
    cannot(missing);
    return;
  }
  listen();
  fromAddress();
  at('work').hidden = false;
  document.documentElement.dataset.ready = 'yes';
}

globalThis.addEventListener('error', (e) => fault(e.error || e.message));
globalThis.addEventListener('unhandledrejection', (e) => fault(e.reason));
begin().catch(fault);
