#!/usr/bin/env node
// web/test/observer.mjs - the observer page in a real browser: what a person does with it, and that it asks nobody else.
//
// Use: node web/test/observer.mjs CONFIG.json, as tests/e2e/93-observer-page.sh writes it:
//   modules   node_modules with playwright-core and axe-core     chromium  the program
//   page      the page's file       relay     address of a relay that serves it       register  path of its register there
//   site      a folder made by detente observe --html             words     root words       forum     forum id
//   key       the register's key    proofs    {name: {file, verdict, findings}} as detente verify says
//   altered   files that are refused           claims    {file, proofs (files), lines}
//   observed  what detente observe --json says of the register    host      a name of this machine that is not loopback
//   grow      a command that makes the register grow              fork      a folder with a register of two faces
//   keyed     {relay, register, readKey, key (of the register)} of a register that is read with a key
//   vectors   vectors/tlog, or null            shots     a folder for pictures, or null
// One line a case; the last line counts them.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize, resolve } from 'node:path';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const require = createRequire(join(config.modules, 'x.js'));
const { chromium } = require('playwright-core');
const AXE = readFileSync(join(config.modules, 'axe-core/axe.min.js'), 'utf8');
const TOP = resolve(import.meta.dirname || new URL('.', import.meta.url).pathname, '../..');
const file = 'file://' + resolve(config.page);

let passed = 0, failed = 0;

async function test(name, fn) {
  try {
    await fn();
    passed++;
    console.log('ok: ' + name);
  } catch (e) {
    failed++;
    console.log('FAILED: ' + name + ': ' + (e && e.stack ? e.stack.split('\n').slice(0, 3).join(' | ') : e));
  }
}

function same(got, want, what) {
  if (got !== want)
    throw new Error(what + ': ' + JSON.stringify(got) + ', expected ' + JSON.stringify(want));
}

function holds(x, what) {
  if (!x)
    throw new Error(what);
}

// ---- a browser that tells of every request

const browser = await chromium.launch({ executablePath: config.chromium, args: ['--no-sandbox',
  '--host-resolver-rules=MAP ' + config.host + ' 127.0.0.1'] });
const asked = new Set();

async function open(url, options = {}) {
  const context = options.context || await browser.newContext(options);
  const page = await context.newPage(), troubles = [];
  page.on('request', (r) => asked.add(r.url()));
  page.on('pageerror', (e) => troubles.push(e.message));
  page.on('console', (m) => m.type() === 'error' && !/status of 40[34]|Failed to load resource/.test(m.text()) && troubles.push(m.text()));
  await page.goto(url);
  page.troubles = troubles;
  if (!options.closed)
    await page.waitForSelector('html[data-ready=yes]', { timeout: 10000 });
  return page;
}

async function close(page) {
  same(page.troubles.join('; '), '', 'errors on the page');
  await page.context().close();
}

/** Give files, and wait until each has its card. */
async function give(page, files) {
  await page.setInputFiles('#files', files);
  await page.waitForFunction((n) => document.querySelectorAll('#results > article').length >= n, files.length, { timeout: 20000 });
}

function verdicts(page) {
  return page.$$eval('#results > article .verdict', (all) => all.map((e) => e.textContent.replace(/^[^A-Za-z]+/, '').trim()));
}

async function lookAt(page, address) {
  await page.fill('#address', address);
  await page.click('#look button[type=submit]');
  await looked(page);
}

/** Until a look is over, either way. */
async function looked(page) {
  await page.waitForFunction(() => document.getElementById('register-progress').hidden && (!document.getElementById('register-part').hidden ||
    document.getElementById('register-trouble').textContent !== ''), null, { timeout: 30000 });
}

const trouble = (page) => page.textContent('#register-trouble');
const shown = (page) => page.textContent('#register');

async function accessible(page, what) {
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => d.setAttribute('open', '')));
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setBypassCSP', { enabled: true });
  await page.evaluate(AXE).catch(() => null);
  await session.send('Runtime.evaluate', { expression: AXE });
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  same(found.violations.map((v) => v.id + ' at ' + v.nodes[0].target).join('; '), '', what);
}

const NAMES = { 'verified': 'Verified', 'opened without consent': 'Opened without consent', 'consistent, but whose?': 'Consistent, but whose?',
  'refused': 'Refused', 'claimed by the charter, root not checked': 'Claimed by the charter: a root was not checked' };

// ---- files

for (const [name, p] of Object.entries(config.proofs))
  await test('from a file: ' + name + ' is as detente verify says', async () => {
    const page = await open(file);
    await page.fill('#forum', config.forum);
    await give(page, [p.file]);
    same((await verdicts(page)).join(), NAMES[p.verdict], 'verdict');
    if (p.findings) {
      const now = (t) => t.replace(/[0-9T:.-]{19,23}Z(?=, when this was checked)/g, 'NOW');
      same(now(await page.textContent('#results details pre')), now(p.findings), 'findings');
    }
    await close(page);
  });

await test('without anything from elsewhere it says that it does not know whose', async () => {
  const page = await open(file), first = Object.values(config.proofs)[0];
  await give(page, [first.file]);
  same((await verdicts(page)).join(), NAMES['consistent, but whose?'], 'verdict');
  await page.fill('#words', config.words);
  await page.locator('#words').blur();
  await page.waitForFunction(() => document.querySelector('#results .verdict').textContent.includes('Claimed'), null, { timeout: 10000 });
  await page.fill('#forum', config.forum.replace(/[0-7]/g, '8'));
  await page.locator('#forum').blur();
  await page.waitForFunction(() => document.querySelector('#results .verdict').textContent.includes('Refused'), null, { timeout: 10000 });
  same(await page.locator('#results table').count(), 0, 'what is shown of a refused file');
  await page.fill('#forum', 'ten digits');
  await page.locator('#forum').blur();
  await page.waitForFunction(() => document.getElementById('anchor-trouble').textContent !== '');
  same(await page.getAttribute('#forum', 'aria-invalid'), 'true', 'the field says that it is wrong');
  await close(page);
});

await test('all ' + config.altered.length + ' altered files are refused', async () => {
  const page = await open(file);
  await page.fill('#forum', config.forum);
  await give(page, config.altered);
  const all = await verdicts(page);
  same(all.length, config.altered.length, 'cards');
  holds(all.every((v) => v === 'Refused' || v === 'Not a file that this page knows'), all.join());
  await close(page);
});

await test('a forum id is taken as it comes out of another page, with what cannot be seen between its digits', async () => {
  const page = await open(file), [, p] = Object.entries(config.proofs)[0];
  await page.fill('#forum', ' ' + config.forum.replace(/(.{8})(?=.)/g, '$1\u200b') + '\u00a0');
  await give(page, [p.file]);
  same((await verdicts(page)).join(), NAMES[p.verdict], 'verdict');
  same(await page.getAttribute('#forum', 'aria-invalid'), null, 'the field says that it is wrong');
  await close(page);
});

await test('text of others is text, and no markup', async () => {
  const page = await open(file);
  await page.setInputFiles('#files', [{ name: '<img src=x onerror=document.title=1>.proof', mimeType: 'text/plain', buffer: Buffer.from('detente proof 1\nAAAA\n') }]);
  await page.waitForSelector('#results article');
  same(await page.locator('#results img').count(), 0, 'elements made of a name');
  same(await page.title(), 'detente observer', 'title');
  await close(page);
});

await test('claims are held against what was opened', async () => {
  const page = await open(file);
  await page.fill('#forum', config.forum);
  await give(page, [...config.claims.proofs, config.claims.file]);
  same((await page.textContent('article[aria-label=Claims] pre')).trim(), config.claims.lines.trim(), 'the lines of detente claims check');
  await close(page);
});

// ---- the register

await test('from a file: the register by its address, with the charter of a proof', async () => {
  const page = await open(file), first = Object.values(config.proofs)[0];
  await page.fill('#forum', config.forum);
  await give(page, [first.file]);
  same(await page.inputValue('#address'), config.relay + config.register, 'the address that the charter names');
  await page.click('#look button[type=submit]');
  await looked(page);
  same(await trouble(page), '', 'trouble');
  const text = await shown(page), d = config.observed;
  holds(text.includes(d.entries + ' entries, not contacts; ' + d.attested + ' attested, ' + d.cosigned_by_all + ' signed for by every group'), text.slice(0, 600));
  holds(text.includes(d.root), 'another root than detente observe has');
  holds(text.includes('The register holds, and only grew'), 'whose it is');
  same(await page.locator('#register details.opening').count(), d.openings.length, 'openings');
  for (const o of d.openings)
    holds(text.includes('Entry ' + o.entry + ', ' + o.kind + ': ' + o.verdict), 'opening of entry ' + o.entry);
  for (const f of d.flags)
    holds(text.includes(f.says.slice(0, 30)), 'flag: ' + f.says);
  if (config.shots)
    await page.screenshot({ path: join(config.shots, 'observer.png'), fullPage: true });
  await accessible(page, 'axe, light');
  await close(page);
});

await test('the key alone: no witness is known', async () => {
  const page = await open(file);
  await page.evaluate(() => document.querySelector('#look details').setAttribute('open', ''));
  await page.fill('#key', config.key);
  await lookAt(page, config.relay + config.register);
  holds((await shown(page)).includes('No witness of it is known here'), await trouble(page) + await shown(page));
  await page.fill('#key', config.key.replace(/\+.*/, '+00000000+AAAA'));
  await page.click('#look button[type=submit]');
  await looked(page);
  await page.waitForFunction(() => document.getElementById('register-trouble').textContent !== '');
  await close(page);
});

await test('from the relay: the page, told by its address which register and forum', async () => {
  const page = await open(config.relay + '/#register=' + config.register + '&forum=' + config.forum);
  same(await page.inputValue('#address'), config.relay + config.register, 'address');
  await page.click('#look button[type=submit]');
  await looked(page);
  holds((await shown(page)).includes('but whose is it?'), 'an id that came with a link was believed');
  await page.check('#compared');
  await page.click('#look button[type=submit]');
  await page.waitForFunction(() => document.getElementById('register').textContent.includes('The register holds, and only grew'), null, { timeout: 20000 });
  same(await trouble(page), '', 'trouble');
  holds((await shown(page)).includes('The charter that you named has it'), 'the charter of an opening was not found by the forum id');
  await close(page);
});

await test('line tests: as their template says, or as a person says that the parties agreed', async () => {
  const page = await open(config.relay + '/#register=' + config.register + '&forum=' + config.forum + '&line-tests=2h');
  same(await page.inputValue('#line-tests'), '2h', 'the interval of the link');
  await page.check('#compared');
  await lookAt(page, config.relay + config.register);
  holds((await shown(page)).includes('line tests of Quay (north), one owed every 2 h: 2 opened'), await shown(page));
  await page.fill('#line-tests', '');
  await page.click('#look button[type=submit]');
  await page.waitForFunction(() => document.getElementById('register').textContent.includes('one owed every 12 h'), null, { timeout: 20000 });
  await page.fill('#line-tests', 'often');
  await page.click('#look button[type=submit]');
  holds((await trouble(page)).includes('a number and its unit'), await trouble(page));
  same(await page.getAttribute('#line-tests', 'aria-invalid'), 'true', 'the field');
  await close(page);
});

await test('a register with a read key: by the page of its relay, the key in no address, no storage, no request but its own', async () => {
  const k = config.keyed, context = await browser.newContext();
  const page = await open(k.relay + '/#register=' + k.register + '&line-tests=1d&read-key=' + k.readKey, { context }), headers = [];
  page.on('request', (r) => headers.push([r.url(), r.headers().authorization || '']));
  same(await page.inputValue('#read-key'), k.readKey, 'the field');
  holds(!page.url().includes(k.readKey) && page.url().includes('line-tests=1d'), 'the address is ' + page.url());
  await page.evaluate(() => document.querySelector('#look details').setAttribute('open', ''));
  await page.fill('#key', k.key);
  await lookAt(page, k.relay + k.register);
  same(await trouble(page), '', 'trouble');
  holds((await shown(page)).includes('The register holds, and only grew'), await shown(page));
  if (config.shots)
    await page.screenshot({ path: join(config.shots, 'observer-key.png'), fullPage: true });
  await accessible(page, 'axe');
  holds(headers.length > 1 && headers.every(([url, a]) => url.startsWith(k.relay + k.register) && a === 'Bearer ' + k.readKey && !url.includes(k.readKey)), JSON.stringify(headers));
  holds(!(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]))).includes(k.readKey), 'the key is kept');
  await page.fill('#read-key', k.readKey.replace(/^./, (c) => (c === '0' ? '1' : '0')));
  await page.click('#look button[type=submit]');
  await page.waitForFunction(() => document.getElementById('register-trouble').textContent.includes('another key'), null, { timeout: 20000 });
  await page.fill('#read-key', '');
  await page.click('#look button[type=submit]');
  await page.waitForFunction(() => document.getElementById('register-trouble').textContent.includes('give its read key'), null, { timeout: 20000 });
  await page.fill('#read-key', 'seven');
  await page.click('#look button[type=submit]');
  holds((await trouble(page)).includes('64 hex digits'), await trouble(page));
  await close(page);
  const elsewhere = await open(file);
  await elsewhere.evaluate(() => document.querySelectorAll('#look details').forEach((d) => d.setAttribute('open', '')));
  await elsewhere.fill('#key', k.key);
  await elsewhere.fill('#read-key', k.readKey);
  await lookAt(elsewhere, k.relay + k.register);
  holds((await trouble(elsewhere)).includes('the page that its own relay offers, at ' + k.relay), await trouble(elsewhere));
  await elsewhere.context().close();
});

await test('an id of a link that nobody has compared: where only it would tell the key, the tick is asked for', async () => {
  const page = await open(config.relay + '/#register=' + config.register + '&forum=' + config.forum);
  await page.route(/\/(openings|charter)/, (r) => r.fulfill({ status: 404, body: '' }));
  await page.click('#look button[type=submit]');
  await looked(page);
  holds((await trouble(page)).includes('tick that you did'), await trouble(page));
  await page.check('#compared');
  same(await trouble(page), '', 'trouble of before');
  await close(page);
});

await test('once an address is named, the browser lets it ask no other', async () => {
  const page = await open(config.relay + '/#register=' + config.register), site = await serve(config.site);
  const ask = () => page.evaluate((url) => fetch(url, { mode: 'no-cors' }).then(() => 'asked', (e) => e.name), site.url + '/index.html');
  same(await ask(), 'asked', 'another address, before');
  await page.click('#look button[type=submit]');
  await looked(page);
  same(await ask(), 'TypeError', 'another address, after');
  site.stop();
  await page.fill('#address', 'http://127.0.0.1:9/r/0');
  await page.click('#look button[type=submit]');
  await page.waitForFunction(() => document.getElementById('register-trouble').textContent.includes('held to that'));
  page.troubles.length = 0;
  await close(page);
});

await test('no script but its own runs, and no markup is made of strings', async () => {
  const page = await open(file);
  const got = await page.evaluate(() => {
    const s = document.createElement('script');
    let refused = '';
    try {
      s.textContent = 'globalThis.ran = true';
      document.head.append(s);
    } catch (e) {
      refused = e.name;
    }
    try {
      document.body.innerHTML = '<p>x</p>';
    } catch (e) {
      refused += ' ' + e.name;
    }
    return refused + ' ' + globalThis.ran;
  });
  same(got, 'TypeError TypeError undefined', 'what happened');
  page.troubles.length = 0;
  await close(page);
});

await test('over plain HTTP on a name it says why it cannot, and offers the file', async () => {
  const page = await open('http://' + config.host + ':' + new URL(config.relay).port + '/', { closed: true });
  await page.waitForSelector('#cannot:not([hidden])');
  holds((await page.textContent('#cannot')).includes('plain HTTP'), 'why');
  holds(await page.locator('#work').isHidden(), 'the rest of the page is there');
  const [got] = await Promise.all([page.waitForEvent('download'), page.click('#cannot a')]);
  same(readFileSync(await got.path(), 'utf8'), readFileSync(config.page, 'utf8'), 'the saved page');
  await close(page);
});

// ---- what this browser remembers

await test('it remembers, and sees the register grow; an older one is told', async () => {
  const context = await browser.newContext(), first = await open(config.relay + '/#register=' + config.register + '&forum=' + config.forum, { context });
  await first.click('#look button[type=submit]');
  await looked(first);
  const before = (await shown(first)).match(/([0-9]+) entries/)[1];
  await first.close();
  execFileSync('bash', ['-c', config.grow], { stdio: 'ignore' });
  const page = await open(config.relay + '/#register=' + config.register + '&forum=' + config.forum, { context });
  await page.click('#look button[type=submit]');
  await looked(page);
  same(await trouble(page), '', 'trouble');
  const after = (await shown(page)).match(/([0-9]+) entries/)[1];
  holds(Number(after) > Number(before), before + ' entries, then ' + after);
  // The site was written before it grew: the same register, shown shorter than this browser saw it.
  await page.setInputFiles('#folder', config.site);
  await page.waitForFunction(() => document.getElementById('register').textContent.includes('Fewer entries than before'), null, { timeout: 20000 });
  holds((await shown(page)).includes('the register shows ' + before + ' of the ' + after + ' entries'), 'the flag');
  await page.click('#forget');
  holds((await page.textContent('#forgotten')).includes('1 register'), 'forgotten');
  await page.setInputFiles('#folder', config.site);
  await page.waitForFunction(() => document.getElementById('register').textContent.includes('The register holds'), null, { timeout: 20000 });
  await close(page);
});

for (const [what, second] of [['of one size', 1], ['of two sizes', 2]])
  await test('two faces of one register are told, ' + what + ', with evidence that detente takes', async () => {
    const page = await open(file);
    await page.fill('#forum', config.forum);
    await page.setInputFiles('#folder', config.fork[0]);
    await looked(page);
    same(await trouble(page), '', 'trouble');
    await page.setInputFiles('#folder', config.fork[second]);
    await page.waitForFunction(() => document.getElementById('register').textContent.includes('A register with two faces'), null, { timeout: 20000 });
    const [got] = await Promise.all([page.waitForEvent('download'), page.click('text=Save the evidence')]);
    const path = await got.path();
    execFileSync(config.detente, ['evidence', 'verify', '--vkey', config.key, path], { stdio: 'ignore' });
    same((await page.textContent('#register .flags')).includes('split view, known since'), true, 'the flag');
    await give(page, [{ name: 'evidence.txt', mimeType: 'application/octet-stream', buffer: readFileSync(path) }]);
    holds((await page.textContent('#results')).includes('two registers that cannot both be true'), 'the page takes its own evidence');
    await close(page);
  });

// ---- as a static site

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.svg': 'image/svg+xml' };

/** A plain server of files, as any web server is one. more: other folders below a path; null: an empty page. */
function serve(folder, more = {}) {
  const server = createServer((req, res) => {
    const path = normalize(decodeURIComponent(new URL(req.url, 'http://x').pathname)), other = Object.keys(more).find((p) => p !== '/' && path.startsWith(p));
    const name = other ? join(more[other], path.slice(other.length)) : join(folder, path === '/' ? 'index.html' : path);
    try {
      const body = path === '/' && more['/'] === null ? '<!DOCTYPE html><title>vectors</title>' : readFileSync(name);
      res.writeHead(200, { 'content-type': path === '/' ? TYPES['.html'] : TYPES[extname(name)] || 'application/octet-stream' });
      res.end(body);
    } catch {
      res.writeHead(404);
      res.end();
    }
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({ url: 'http://127.0.0.1:' + server.address().port, stop: () => server.close() })));
}

await test('as a static site from any web server: the register beside the page, its charter by the forum id', async () => {
  const site = await serve(config.site), page = await open(site.url + '/');
  await page.fill('#forum', config.forum);
  await page.click('#look button[type=submit]');
  await looked(page);
  same(await trouble(page), '', 'trouble');
  const text = await shown(page);
  holds(text.includes('The register holds, and only grew') && text.includes(config.observed.root), text.slice(0, 300));
  same(await page.locator('#register details.opening').count(), config.observed.openings.length, 'openings');
  await close(page);
  site.stop();
});

await test('a site whose entries were altered is refused', async () => {
  const site = await serve(config.bent), page = await open(site.url + '/');
  await page.click('#look button[type=submit]');
  await looked(page);
  holds((await trouble(page)).includes('nothing of it was taken in'), await trouble(page) + await page.textContent('#register-part'));
  await close(page);
  site.stop();
});

// ---- for everyone

await test('dark, at 320 pixels (a phone, or 400 % zoom), with the keyboard alone', async () => {
  const page = await open(file, { colorScheme: 'dark', viewport: { width: 320, height: 640 } }), first = Object.values(config.proofs)[0];
  const order = [];
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press('Tab');
    order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  same(order.join(' '), 'forum words files address SUMMARY SUMMARY BUTTON folder forget BODY', 'order of focus');
  await page.fill('#forum', config.forum);
  await give(page, [first.file]);
  holds(await page.evaluate(() => document.documentElement.scrollWidth <= 320), 'it scrolls sideways');
  await accessible(page, 'axe, dark');
  if (config.shots)
    await page.screenshot({ path: join(config.shots, 'observer-dark.png'), fullPage: true });
  await close(page);
});

await test('it prints what was found, and not its controls', async () => {
  const page = await open(file), first = Object.values(config.proofs)[0];
  await page.fill('#forum', config.forum);
  await give(page, [first.file]);
  await page.emulateMedia({ media: 'print' });
  holds(await page.locator('#drop').isHidden() && await page.locator('#look').isHidden(), 'controls are printed');
  holds(await page.locator('#results article').first().isVisible(), 'results are not printed');
  await close(page);
});

// ---- vectors

if (config.vectors) {
  const own = await serve(TOP, { '/vectors/': config.vectors, '/': null }), page = await (await browser.newContext()).newPage();
  page.on('request', (r) => asked.add(r.url()));
  await page.goto(own.url + '/');
  await test('the shared vectors in this browser end as they do in C', async () => {
    const files = {};
    const results = await page.evaluate(async () => {
      const { runVectors } = await import('/web/test/vectors.js');
      return runVectors(async (name) => {
        const r = await fetch('/vectors/' + name);
        if (!r.ok)
          throw new Error(name + ': ' + r.status);
        return new Uint8Array(await r.arrayBuffer());
      });
    });
    for (const r of results) {
      files[r.file] = r.passed;
      same(r.failures.slice(0, 3).join('; '), '', r.file);
    }
    const n = Object.values(files).reduce((a, b) => a + b, 0);
    holds(n > 1000 && files['ed25519_edge.json'] === 539, n + ' cases');
    console.log('    ' + n + ' cases, ' + files['ed25519_edge.json'] + ' of them edge cases of Ed25519, in ' + browser.version());
  });
  own.stop();
}

await test('in all of this no request went to another host', () => {
  const hosts = [...asked].filter((u) => !/^(file:|data:|blob:)/.test(u)).map((u) => new URL(u).hostname);
  same([...new Set(hosts)].filter((h) => h !== '127.0.0.1' && h !== config.host).join(), '', 'hosts');
  holds(hosts.length > 30, 'too few requests were seen: ' + hosts.length);
});

await browser.close();
console.log(passed + ' passed, ' + failed + ' failed, 0 skipped');
process.exit(failed > 0 ? 1 : 0);
