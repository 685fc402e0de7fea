// web/test/harness.mjs - what the tests in a browser share: cases and their count, the browser, and pages of running consoles.

import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

let passed = 0;
let failed = 0;

/** One case. Gives back whether it is good; what was seen is shown where it is not. */
export function check(what, good, seen) {
    if (good) passed++;
    else failed++;
    console.log('%s: %s%s', good ? 'ok' : 'FAILED', what, good ? '' : ': ' + JSON.stringify(seen));
    return good;
}

/** One case that is good when f gives nothing or true; anything else that it gives or throws is shown. */
export async function step(what, f) {
    try {
        const said = await f();
        return check(what, said === undefined || said === true, said);
    } catch (e) {
        return check(what, false, e.message.split('\n').slice(0, 4).join(' '));
    }
}

/** A way to the packages of the folder MODULES. */
export const packages = (modules) => createRequire(pathToFileURL(modules + '/x.js'));

/** A browser: the program CHROMIUM, driven by playwright-core of MODULES. */
export const launch = (modules, chromium, args = []) =>
    packages(modules)('playwright-core').chromium.launch({executablePath: chromium, args: ['--no-sandbox', ...args]});

/** The last line, and the end of the process. */
export async function end(browser) {
    await browser.close();
    console.log('%d passed, %d failed, 0 skipped', passed, failed);
    process.exit(failed > 0 ? 1 : 0);
}

/**
 * A page for each NAME=ADDRESS, opened and past its one-time key: {page, base, foreign, broken}. What goes to another host
 * and what goes wrong in a page is collected in the last two. The pages are tried under their own policy.
 */
export async function consoles(browser, addresses) {
    const page = {};
    const base = {};
    const foreign = [];
    const broken = [];
    for (const a of addresses) {
        const [who, address] = [a.slice(0, a.indexOf('=')), a.slice(a.indexOf('=') + 1)];
        const context = await browser.newContext({viewport: {width: 1280, height: 900}, locale: 'en-GB', acceptDownloads: true});
        const p = await context.newPage();
        base[who] = new URL(address).origin;
        p.on('request', (r) => {
            if (!r.url().startsWith(base[who]) && !/^(data|blob):/.test(r.url())) foreign.push(r.url());
        });
        p.on('pageerror', (e) => broken.push(who + ': ' + e.message));
        p.on('console', (m) => {
            // A refusal that asks for the passphrase is an answer of the program, and the browser notes it.
            if (m.type() === 'error' && !/status of 40[0-9]/.test(m.text())) broken.push(who + ': ' + m.text());
        });
        p.setDefaultTimeout(30000);
        await p.goto(address);
        await p.locator('nav a').first().waitFor();
        page[who] = p;
    }
    return {page, base, foreign, broken};
}

/** Lead a console's page to #/part/part. */
export const at = (p, ...parts) => p.evaluate((h) => {
    location.hash = h;
}, '#/' + parts.map(encodeURIComponent).join('/'));

export const button = (p, name) => p.getByRole('button', {name, exact: true});

/** An act asks for the passphrase again: give it. */
export async function confirm(p, passphrase) {
    await p.waitForSelector('dialog input[type=password]');
    await p.fill('dialog input[type=password]', passphrase);
    await p.keyboard.press('Enter');
    await p.waitForSelector('dialog input[type=password]', {state: 'detached'}); // another dialog may follow
}
