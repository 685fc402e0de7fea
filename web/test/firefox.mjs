// web/test/firefox.mjs - the console and the observer page in Firefox, which is driven by WebDriver BiDi.
//
// Use: node web/test/firefox.mjs MODULES FIREFOX WORK ADDRESS OBSERVER.html FORUM-ID
// WORK holds the file `passphrase` and the proof `one.proof`. Prints a line a case and their count.

import {readFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {at, button, check, step} from './harness.mjs';

const [modules, firefox, work, address, observer, forum] = process.argv.slice(2);
const passphrase = readFileSync(work + '/passphrase', 'utf8').trim();

// Its own protocol is for a Firefox that is built for it; what Debian has speaks BiDi.
const browser = await harness.packages(modules)('playwright-core').firefox.launch({channel: 'moz-firefox', executablePath: firefox});
console.log('    Firefox ' + browser.version());
const page = await (await browser.newContext({viewport: {width: 1280, height: 900}})).newPage();
const broken = [];
page.on('pageerror', (e) => broken.push(e.message));
page.setDefaultTimeout(30000);

await step('the console opens with its key, and the address does not show it', async () => {
    await page.goto(address);
    await page.locator('nav a').first().waitFor();
    return !/k=/.test(page.url()) || page.url();
});
const channel = (await page.locator('nav a', {hasText: 'plenary'}).getAttribute('href')).split('/').pop();
await step('something is said, and the focus stays where the next thing is written', async () => {
    await at(page, 'channel', channel);
    await page.locator('.composer textarea').fill('From another browser');
    await page.keyboard.press('Control+Enter');
    await page.locator('.item.talk', {hasText: 'From another browser'}).waitFor();
    await page.waitForFunction(() => document.activeElement.matches('.composer textarea'));
});
await step('loaded again it goes on', async () => {
    await page.reload();
    await page.locator('.item.talk', {hasText: 'From another browser'}).waitFor();
});
await step('locked, it shows nothing, and the passphrase brings it back', async () => {
    await button(page, 'Lock').click();
    await page.locator('h2', {hasText: 'This page is locked'}).waitFor();
    const seen = await page.locator('body').innerText();
    await page.locator('input[type=password]').fill(passphrase);
    await page.keyboard.press('Enter');
    await page.locator('.item.talk', {hasText: 'From another browser'}).waitFor();
    return !/plenary|another browser/.test(seen) || seen;
});
await step('its policy is kept: no text becomes markup, no other host is asked', () =>
    page.evaluate(async () => {
        const asked = await fetch('http://127.0.0.1:9/', {mode: 'no-cors'}).then(() => 'asked', (e) => e.name);
        let inline = false;
        const s = document.createElement('script');
        try {
            s.textContent = 'window.ran = true';
            document.head.append(s);
        } catch (_) {
            inline = false;
        }
        await new Promise((done) => setTimeout(done, 200));
        inline = window.ran === true;
        return (asked !== 'asked' && !inline) || [asked, inline];
    }));
await step('its own verifier says of a proof what the program says', async () => {
    await at(page, 'register');
    await page.setInputFiles('form input[type=file]', work + '/one.proof');
    await button(page, 'Verify it').click();
    await page.locator('.card', {hasText: 'own verifier'}).waitFor();
    const said = (await page.locator('.cards .card .state').allInnerTexts()).map((x) => x.trim());
    return (said.length === 2 && said[0] === said[1]) || said;
});

await step('the observer page verifies the proof, and refuses it altered', async () => {
    await page.goto('file://' + observer);
    await page.locator('html[data-ready=yes]').waitFor({state: 'attached'});
    await page.locator('#forum').fill(forum);
    const verdict = async (files) => {
        await page.setInputFiles('#files', files);
        await page.locator('#results > article .verdict').first().waitFor();
        return page.locator('#results > article .verdict').first().innerText();
    };
    const good = await verdict([work + '/one.proof']);
    const b = readFileSync(work + '/one.proof', 'utf8').split('\n');
    const i = Math.floor(b.length / 2);
    b[i] = (b[i][0] === 'A' ? 'B' : 'A') + b[i].slice(1);
    await page.reload();
    await page.locator('html[data-ready=yes]').waitFor({state: 'attached'});
    await page.locator('#forum').fill(forum);
    const bad = await verdict([{name: 'altered.proof', mimeType: 'text/plain', buffer: Buffer.from(b.join('\n'))}]);
    return (/Opened without consent/.test(good) && /Refused/.test(bad)) || [good, bad];
});
await step('a browser without Ed25519, as Firefox before 129, is told so, and nothing looks refused', async () => {
    await page.addInitScript(() => {
        const own = SubtleCrypto.prototype.importKey;
        SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
            if (algorithm && algorithm.name === 'Ed25519') return Promise.reject(new DOMException('Algorithm not supported', 'NotSupportedError'));
            return own.call(this, format, key, algorithm, ...rest);
        };
    });
    await page.reload();
    await page.locator('text=Ed25519').first().waitFor();
    const said = await page.locator('body').innerText();
    return (/cannot/.test(said) && !/Refused/.test(said) && !(await page.locator('#work').isVisible())) || said;
});
const loud = broken.filter((b) => !/The page.s settings blocked/.test(b)); // as was asked for above
check('no error in any page', loud.length === 0, loud);
await harness.end(browser);
