#!/usr/bin/env node
// web/test/attacks.mjs - pages from elsewhere, in a real browser, against a running console.
//
// Use: node web/test/attacks.mjs MODULES CHROMIUM ADDRESS WORK
// MODULES holds playwright-core, ADDRESS is a fresh one of `detente console`. Prints a line a case and their count.
// evil.example and rebind.example are names of this machine in that browser alone.

import { createServer } from 'node:http';
import { check, end, launch } from './harness.mjs';

const [modules, chromium, address, work] = process.argv.slice(2);
const base = new URL(address).origin, port = new URL(address).port;
const key = new URL(address).hash.slice(3);
// The attacker's site: an empty page for every path, and what other sites' scripts report.
const evil = createServer((req, res) => {
  res.setHeader('Content-Type', 'text/html');
  res.end('<!doctype html><title>elsewhere</title><body>');
});
await new Promise((ready) => evil.listen(0, '127.0.0.1', ready));
const elsewhere = `http://evil.example:${evil.address().port}/`;

const browser = await launch(modules, chromium, [
  '--host-resolver-rules=MAP evil.example 127.0.0.1, MAP rebind.example 127.0.0.1',
  '--disable-features=BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessChecks,LocalNetworkAccessChecks',
]);
const context = await browser.newContext();

// ---- from a page elsewhere: the browser's own walls for private networks are off, so that ours are what holds
const bad = await context.newPage();
await bad.goto(elsewhere);

const tries = await bad.evaluate(async ({ base, key }) => {
  const out = {};
  const attempt = async (name, url, options) => {
    try {
      const r = await fetch(url, options);
      out[name] = { type: r.type, status: r.status, text: await r.text() };
    } catch (e) {
      out[name] = { error: String(e) };
    }
  };
  const body = JSON.stringify({ key });
  await attempt('read the page', base + '/');
  await attempt('read the page without cors', base + '/', { mode: 'no-cors' });
  await attempt('take the session', base + '/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  await attempt('take the session as text', base + '/api/session', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body });
  await attempt('take the session without cors', base + '/api/session', { method: 'POST', mode: 'no-cors', body });
  await attempt('call', base + '/api/call', { method: 'POST', mode: 'no-cors', body: '{"command":"status"}' });
  await attempt('call with a token', base + '/api/call', { method: 'POST', headers: { Authorization: 'Bearer ' + '0'.repeat(64) }, body: '{"command":"status"}' });
  await attempt('wait for news', base + '/api/events');
  out.beacon = navigator.sendBeacon(base + '/api/session', body);
  const element = (tag, attributes) => new Promise((done) => {
    const e = document.createElement(tag);
    Object.assign(e, attributes);
    e.onload = () => done('loaded');
    e.onerror = () => done('error');
    document.body.append(e);
    setTimeout(() => done('nothing'), 4000);
  });
  out.script = await element('script', { src: base + '/app.js' });
  out.style = await element('link', { rel: 'stylesheet', href: base + '/app.css' });
  out.image = await element('img', { src: base + '/' });
  out.socket = await new Promise((done) => {
    const s = new WebSocket(base.replace('http', 'ws') + '/api/events');
    s.onopen = () => done('open');
    s.onerror = () => done('error');
  });
  out.stream = await new Promise((done) => {
    const s = new EventSource(base + '/api/events?after=0');
    s.onopen = () => done('open');
    s.onerror = () => done('error');
  });
  return out;
}, { base, key });
for (const [name, r] of Object.entries(tries)) {
  if (typeof r === 'object')
    check(`a page elsewhere cannot ${name}`, r.error || (r.type === 'opaque' && r.text === '' && r.status === 0), r);
}
for (const what of ['script', 'style', 'image'])
  check(`nor load it as ${what}`, tries[what] !== 'loaded', tries[what]);
for (const what of ['socket', 'stream'])
  check(`nor open a ${what}`, tries[what] === 'error', tries[what]);

// A form, which needs nobody's leave to be sent.
for (const kind of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
  await bad.goto(elsewhere);
  const broken = bad.waitForEvent('requestfailed', { timeout: 5000 }).catch(() => null);
  const answered = bad.waitForResponse((r) => r.url().startsWith(base), { timeout: 5000 }).catch(() => null);
  await bad.evaluate(({ base, key, kind }) => {
    const form = document.createElement('form'), field = document.createElement('input');
    form.method = 'post';
    form.action = base + '/api/session';
    form.enctype = kind;
    field.name = '{"key":"' + key + '","x":"';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    form.submit();
  }, { base, key, kind });
  const r = await answered;
  check(`nor send a form (${kind})`, r && r.status() === 403, [r && r.status(), (await broken)?.failure()]);
}

// A frame.
await bad.goto(elsewhere);
const framed = await bad.evaluate(async (base) => {
  const f = document.createElement('iframe');
  f.src = base + '/';
  document.body.append(f);
  await new Promise((done) => { f.onload = done; setTimeout(done, 4000); });
  return f.contentWindow.length;
}, base);
const frame = bad.frames().find((f) => f !== bad.mainFrame());
const inFrame = frame ? await frame.evaluate(() => document.documentElement.outerHTML).catch(() => '') : '';
check('nor frame it', framed === 0 && !/app\.js/.test(inFrame), inFrame.slice(0, 200));

// A window of its own is let be, and is out of reach.
const popup = context.waitForEvent('page');
await bad.evaluate((base) => { window.opened = window.open(base + '/'); }, base);
const page0 = await popup;
await page0.waitForLoadState();
const reach = await bad.evaluate(async () => {
  await new Promise((done) => setTimeout(done, 500));
  try {
    return { closed: window.opened.closed, document: String(window.opened.document) };
  } catch (e) {
    return { error: e.name, closed: window.opened.closed };
  }
});
check('a window that it opens is out of its reach', reach.closed === true || reach.error === 'SecurityError', reach);
check('and has no opener', (await page0.evaluate(() => window.opener)) === null);
await page0.close();

// A name that is pointed here: same origin as itself, but not ours.
const rebind = await context.newPage();
const first = await rebind.goto(`http://rebind.example:${port}/`);
check('a name that is pointed here gets nothing', first.status() === 421, first.status());
const rebound = await rebind.evaluate(async (key) => {
  const r = await fetch('/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) });
  return r.status;
}, key);
check('and takes no session, though it is its own origin', rebound === 421, rebound);

// ---- after all that, the key is unused, and our own page opens with it
const page = await context.newPage();
const hosts = new Set(), urls = [];
page.on('request', (r) => {
  hosts.add(new URL(r.url()).host);
  urls.push(r.url() + ' ' + (r.postData() || '').slice(0, 0));
});
const logs = [];
page.on('console', (m) => logs.push(m.text()));
page.on('pageerror', (e) => logs.push(String(e)));
await page.goto(address);
await page.waitForSelector('main', { timeout: 30000 });
await page.waitForFunction(() => document.querySelector('nav') !== null, null, { timeout: 30000 });
check('our own page opens with the key that they could not use', true);
check('the key is gone from the address', !page.url().includes(key), page.url());
const kept = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), history.state, window.name]);
check('no token is kept in the browser', !/[0-9a-f]{32}/.test(JSON.stringify(kept)), kept);
const databases = await page.evaluate(async () => (await indexedDB.databases()).length + (await caches.keys()).length);
check('nor in its databases', databases === 0, databases);
check('no text becomes markup', await page.evaluate(() => {
  try {
    document.createElement('div').innerHTML = '<img src=x>';
    return false;
  } catch (e) {
    return e instanceof TypeError;
  }
}));
check('no text becomes a script', await page.evaluate(() => new Promise((done) => setTimeout(() => {
  try {
    window.eval('1');
    done(false);
  } catch (e) {
    done(true);
  }
}, 0))));
check('no inline script runs', await page.evaluate(async () => {
  const s = document.createElement('script');
  try {
    s.textContent = 'window.ran = true';
  } catch (e) {
    return true;
  }
  document.head.append(s);
  await new Promise((done) => setTimeout(done, 100));
  return window.ran !== true;
}));
check('it can ask no other host', await page.evaluate(async (elsewhere) => {
  try {
    await fetch(elsewhere, { mode: 'no-cors' });
    return false;
  } catch (e) {
    return true;
  }
}, elsewhere));

// Loaded again: the session goes on without another address.
await page.reload();
await page.waitForFunction(() => document.querySelector('nav') !== null, null, { timeout: 30000 });
check('loaded again it goes on', true);
check('and its address has no key', !/k=/.test(page.url()), page.url());
await page.goto('about:blank');
await page.goBack();
await page.waitForLoadState();
const again = await page.evaluate(() => location.href);
check('nor has it when gone back to', !/k=/.test(again), again);

const own = [...hosts].filter((h) => h !== new URL(base).host && !h.startsWith('evil.example') && h !== '');
check('no request to any other host', own.length === 0, own);
check('no secret in a path or a query', !urls.some((u) => /[0-9a-f]{32}/.test(u.replace(/\/api\/(upload|download)\/[0-9a-f]{32}/, '').replace(/#.*/, ''))), urls);
const loud = logs.filter((l) => !/Content Security Policy|TrustedHTML|trusted|Refused|fetch/i.test(l));
check('no page says an error', loud.length === 0, loud);
await page.screenshot({ path: work + '/console.png' });
evil.close();
await end(browser);
