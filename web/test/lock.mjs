// web/test/lock.mjs - the lock, what ends behind an open page, a cancelled file, and the focus, in a real browser.
//
// Use: node web/test/lock.mjs MODULES CHROMIUM WORK us=ADDRESS ru=ADDRESS RELAY-PID CONSOLE-PID
// WORK holds the file `passphrase`, and the programs relay-again and console-again, which start the relay and the console of
// us where they were; ru locks itself after a minute. Prints a line a case and their count.

import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, openSync, readFileSync, readdirSync, statSync, truncateSync, closeSync, writeFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {at, button, check, step} from './harness.mjs';

const [modules, chromium, work, us1, ru1, relayPid, consolePid] = process.argv.slice(2);
const passphrase = readFileSync(work + '/passphrase', 'utf8').trim();
mkdirSync(work + '/shots', {recursive: true});

const browser = await harness.launch(modules, chromium);
const {page, broken} = await harness.consoles(browser, [us1, ru1]);
const {us, ru} = page;
const idleSince = Date.now();
const shot = (p, name) => p.screenshot({path: `${work}/shots/${name}.png`});
const started = [];
const again = (name) => {
    const p = spawn(`${work}/${name}`, {cwd: work, stdio: 'ignore'});
    started.push(p);
    return p;
};
const own = (p) => p.evaluate(() => {
    const e = document.activeElement;
    return e === document.body || !e ? 'body' : e.tagName.toLowerCase() + (e.className ? '.' + e.className.split(' ').join('.') : '');
});
const channel = (await us.locator('nav a', {hasText: 'plenary'}).getAttribute('href')).split('/').pop();
const box = '.composer textarea';

/** What the page's memory holds: is the text in any string of it? */
async function inMemory(p, text) {
    const cdp = await p.context().newCDPSession(p);
    const parts = [];
    cdp.on('HeapProfiler.addHeapSnapshotChunk', ({chunk}) => parts.push(chunk));
    await cdp.send('HeapProfiler.collectGarbage');
    await cdp.send('HeapProfiler.takeHeapSnapshot', {reportProgress: false});
    await cdp.detach();
    const all = parts.join('');
    if (process.env.DT_HEAP) writeFileSync(process.env.DT_HEAP, all);
    return all.includes(text);
}

// ---- locked by a click
// Neither word is told to the page by the test: the first came from another side, the second is typed.
const secret = 'Zanzibar-at-dawn';
const typed = 'Quicksilver-cellar';
await at(us, 'channel', channel);
await us.locator('.item.talk').waitFor(); // gives no handle to the test, which would hold all of the page
await us.locator(box).focus();
await us.keyboard.type(typed);
await step('what is shown is in memory', async () => (await inMemory(us, secret)) && inMemory(us, typed));
const asked = [];
us.on('request', (r) => asked.push(r));
await step('locked, the page shows nothing of the home, and its title and address neither', async () => {
    await button(us, 'Lock').click();
    await us.locator('h2', {hasText: 'This page is locked'}).waitFor();
    const seen = await us.evaluate(() => [document.documentElement.outerHTML, document.title, location.href].join('\n'));
    await shot(us, 'locked');
    if (!/Locked by you\./.test(seen)) return 'why it is locked is not said';
    return !new RegExp(`plenary|Ana North|${secret}|${typed}|${channel}`).test(seen) || seen;
});
await step('nor holds it in memory', async () => (!(await inMemory(us, secret)) && !(await inMemory(us, typed))));
await step('the passphrase is what is typed next', async () => /input/.test(await own(us)) || (await own(us)));
await step('going back in its history shows nothing', async () => {
    await us.goBack({waitUntil: 'commit'}).catch(() => {});
    await us.waitForTimeout(300);
    return (await us.locator('h2', {hasText: 'This page is locked'}).count()) === 1 && !(await us.locator('body').innerText()).includes('plenary');
});
await step('the token opens nothing while it is locked', async () => {
    const call = asked.find((r) => r.url().endsWith('/api/lock'));
    const token = await call.headerValue('authorization');
    return us.evaluate(async (authorization) => {
        const r = await fetch('/api/call', {method: 'POST', headers: {'Content-Type': 'application/json', Authorization: authorization}, body: '{"command":"status"}'});
        return r.status === 423 || r.status;
    }, token);
});
await step('to load it again does not unlock it', async () => {
    await us.reload();
    await us.locator('h2', {hasText: 'This page is locked'}).waitFor();
});
await step('a wrong passphrase does not, and is told', async () => {
    await us.fill('input[type=password]', 'not this');
    await us.keyboard.press('Enter');
    await us.locator('[role=alert]').waitFor();
    return ((await us.inputValue('input[type=password]')) === '' && /input/.test(await own(us))) || (await own(us));
});
await step('the right one brings the screen back, with what was begun, and the focus is in it', async () => {
    await us.fill('input[type=password]', passphrase);
    await us.keyboard.press('Enter');
    await us.waitForSelector(box);
    await us.locator('.item.talk', {hasText: secret}).waitFor();
    const f = await own(us);
    return ((await us.inputValue(box)) === typed && /h1|main/.test(f)) || [await us.inputValue(box), f];
});
await us.fill(box, '');

// ---- the keyboard
await step('from before the conversation, a link leads past it to the message', async () => {
    await us.locator('.channelhead button').last().focus();
    let found = '';
    for (let i = 0; i < 4 && !/Skip the conversation/.test(found); i++) {
        await us.keyboard.press('Tab');
        found = await us.evaluate(() => document.activeElement.textContent);
    }
    const seen = await us.evaluate(() => {
        const r = document.activeElement.getBoundingClientRect();
        return r.top >= 0 && r.bottom <= innerHeight && r.width > 0;
    });
    await us.keyboard.press('Enter');
    return (seen && /textarea/.test(await own(us))) || [found, seen, await own(us)];
});
await step('Ctrl+End in the conversation does, too', async () => {
    await us.locator('.feed').focus();
    await us.keyboard.press('Control+End');
    return /textarea/.test(await own(us)) || (await own(us));
});
await step('and a key from anywhere, which the help names', async () => {
    await button(us, 'Keyboard').click();
    const said = await us.locator('dialog').innerText();
    await us.keyboard.press('Alt+m');
    const inside = await us.evaluate(() => document.querySelector('dialog').contains(document.activeElement));
    await us.keyboard.press('Escape');
    await us.waitForSelector('dialog', {state: 'detached'});
    const back = await us.evaluate(() => document.activeElement.textContent);
    await us.keyboard.press('Alt+m');
    return (/Alt\+M/.test(said) && inside && back === 'Keyboard' && /textarea/.test(await own(us))) || [said, inside, back, await own(us)];
});
await step('after something is sent, the focus is where the next thing is written', async () => {
    await us.keyboard.type('One more.');
    await us.keyboard.press('Tab');
    while (!/send/.test(await own(us))) await us.keyboard.press('Tab');
    await us.keyboard.press('Enter');
    await us.locator('.item.talk', {hasText: 'One more.'}).waitFor();
    await us.waitForFunction(() => document.activeElement.matches('.composer textarea'));
});
await step('what takes itself away leaves the focus beside it', async () => {
    const item = ru.locator('.item.talk', {hasText: 'One more.'});
    await at(ru, 'channel', channel);
    await item.waitFor();
    await item.getByRole('button', {name: 'Say how you understood it'}).focus();
    await ru.keyboard.press('Enter');
    await ru.waitForTimeout(200);
    const first = await ru.evaluate(() => !!document.activeElement.closest('article'));
    await item.getByRole('button', {name: 'Cancel'}).focus();
    await ru.keyboard.press('Enter');
    await ru.waitForTimeout(200);
    const second = await ru.evaluate(() => !!document.activeElement.closest('article'));
    return (first && second) || [first, second, await own(ru)];
});
await us.emulateMedia({reducedMotion: 'reduce'}); // else it scrolls by and by
for (const parts of [['home'], ['obligations'], ['timeline'], ['contacts'], ['register'], ['admission'], ['found'], ['channel', channel], ['compose', channel, 'contact']])
    await step(`${parts[0]}: Tab goes through all that can be used, in the order of the page, and it is seen`, async () => {
        await at(us, ...parts);
        await us.waitForFunction(() => document.querySelector('main h1') && !/^Loading/m.test(document.querySelector('main').innerText));
        await us.waitForFunction(() => document.activeElement !== document.body);
        await us.evaluate(() => document.querySelector('.skip').focus());
        const all = await us.evaluate(() => {
            window.all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility() && !(e.type === 'radio' && !e.checked) && !e.closest('details:not([open]) > :not(summary)'));
            return window.all.length;
        });
        const places = [];
        const hidden = [];
        for (let i = 0; i < 4 * all; i++) {
            const [n, what, shown] = await us.evaluate(() => {
                const e = document.activeElement;
                const r = e.getBoundingClientRect();
                const s = getComputedStyle(e);
                const ring = (x) => getComputedStyle(x).outlineStyle !== 'none' || getComputedStyle(x).boxShadow !== 'none';
                return [window.all.indexOf(e), e.tagName + ' ' + (e.textContent || e.id).trim().slice(0, 30), r.bottom > 0 && r.top < innerHeight && (ring(e) || (e.parentElement && ring(e.parentElement)) || s.opacity === '0')];
            });
            if (places.length && n === 0) break;
            if (n < 0 && what.startsWith('BODY')) break;
            places.push(n);
            if (!shown) hidden.push(what);
            await us.keyboard.press('Tab');
        }
        const order = places.filter((n) => n >= 0);
        const good = order.every((n, i) => i === 0 || n >= order[i - 1]);
        const missed = all - new Set(order).size;
        return (good && missed === 0 && hidden.length === 0) || [order, missed, await us.evaluate((o) => window.all.filter((e, i) => !o.includes(i)).map((e) => e.outerHTML.slice(0, 120)), order), hidden];
    });

// ---- a file of 40 MB, cancelled in its middle: as it goes to the program, and as the program takes it in
const large = work + '/large.bin';
closeSync(openSync(large, 'w'));
truncateSync(large, 40 << 20);
const folder = existsSync(work + '/us/console') ? work + '/us/console' : null;
const left = () => (folder && existsSync(folder) ? readdirSync(folder, {recursive: true}).filter((f) => f.includes('large')) : []);
await us.emulateMedia({reducedMotion: 'no-preference'});
await at(us, 'channel', channel);
await us.waitForSelector(box);
await step('a file that goes to the program is cancelled: nothing is left of it, and it is said', async () => {
    let pieces = 0;
    await us.route('**/api/upload/*', async (route) => {
        pieces++;
        if (pieces > 10) await new Promise((r) => setTimeout(r, 250));
        await route.continue().catch(() => {});
    });
    await us.setInputFiles('.filepick input', large);
    await us.locator('.send').click();
    while (pieces < 12) await us.waitForTimeout(20);
    const there = left().length;
    const shown = await us.locator('.composer progress').evaluate((p) => p.value > 0 && p.value < p.max);
    await us.locator('.picked button').click();
    await us.getByText('Cancelled: the file was not sent').first().waitFor();
    await us.unroute('**/api/upload/*');
    await us.waitForTimeout(500);
    const focus = await own(us);
    return (there > 0 && shown && left().length === 0 && focus !== 'body') || [there, shown, left(), pieces, focus];
});
await step('one that the program takes in is cancelled: nothing was sent', async () => {
    await us.locator('.banner.said button').click();
    await us.setInputFiles('.filepick input', large);
    const called = us.waitForRequest((r) => r.url().endsWith('/api/call') && (r.postData() || '').includes('"send"'));
    await us.locator('.send').click();
    await called;
    await us.evaluate(() => document.querySelector('.picked button').click());
    await us.getByText('Cancelled: the file was not sent').first().waitFor();
    await us.waitForTimeout(1000);
    return ((await us.locator('.item.talk', {hasText: 'large.bin'}).count()) === 0 && left().length === 0) || [await us.locator('.item.talk').allInnerTexts(), left()];
});
await step('10,000 rows show how far they are, and are cancelled by a click', async () => {
    const rows = 'mode,initiated_by,parties,started_at,ended_at,time_precision,level,participants,subjects\n' + Array.from({length: 10000}, (_, n) => `call,both,north;south,2026-11-20T10:00:00Z,2026-11-20T10:30:00Z,exact,envoy,two envoys,subject ${n}\n`).join('');
    await at(us, 'compose', channel, 'contact');
    await us.getByRole('button', {name: /Import/}).first().click();
    await us.setInputFiles('dialog input[type=file]', {name: 'many.csv', mimeType: 'text/csv', buffer: Buffer.from(rows)});
    await us.locator('dialog button.main').click();
    await us.locator('dialog [role=status]').waitFor();
    await us.locator('dialog button.main').click();
    const bar = us.locator('.banner progress[max="10000"]');
    await bar.waitFor({state: 'attached', timeout: 90000}); // the machine may be busy
    await us.waitForFunction(() => document.querySelector('.banner progress[max="10000"]').value > 100);
    const reach = await us.evaluate(() => {
        const b = [...document.querySelectorAll('dialog .buttons button')].pop();
        b.focus();
        return document.activeElement === b;
    });
    await us.keyboard.press('Enter');
    await bar.waitFor({state: 'detached'});
    await us.waitForSelector('dialog', {state: 'detached'});
    await at(us, 'channel', channel);
    await us.waitForSelector(box);
    return (reach && (await us.locator('.item.record').count()) === 0) || reach;
});

// ---- the relay ends, and comes back
await at(us, 'channel', channel);
await us.waitForSelector(box);
process.kill(Number(relayPid), 'SIGKILL');
await step('without the relay the page stays, and says since when and what still works', async () => {
    const banner = us.locator('.banner', {hasText: 'The relay cannot be reached since'});
    await banner.waitFor({timeout: 60000});
    const said = await banner.innerText();
    await shot(us, 'relay-gone');
    return (/since \d+ \w+ \d{4}, \d\d:\d\d/.test(said) && /Reading, searching and writing go on/.test(said) && /by themselves/.test(said)) || said;
});
await step('what is sent waits, and says so', async () => {
    await us.fill(box, 'While the relay was away');
    await us.keyboard.press('Control+Enter');
    const item = us.locator('.item.talk', {hasText: 'While the relay was away'});
    await item.waitFor();
    await item.getByText('not on its way').waitFor();
});
again('relay-again');
await step('when it is back, the page is by itself, and what waited goes', async () => {
    await us.getByText('The relay is reached again').waitFor({timeout: 60000});
    await us.locator('.banner', {hasText: 'The relay cannot be reached'}).waitFor({state: 'detached'});
    await us.locator('.item.talk', {hasText: 'While the relay was away'}).getByText('not on its way').waitFor({state: 'detached', timeout: 30000});
});

// ---- the program itself ends
await us.fill(box, 'kept before the end');
await us.waitForTimeout(1500);
process.kill(Number(consolePid), 'SIGKILL');
await step('without the program the page stays, and says what to do', async () => {
    const banner = us.locator('.banner.bad', {hasText: 'The program behind this page does not answer'});
    await banner.waitFor({timeout: 60000});
    const said = await banner.innerText();
    await shot(us, 'program-gone');
    return (/It does not since \d/.test(said) && /detente console/.test(said) && /Drafts are kept/.test(said)) || said;
});
await us.fill(box, 'kept before the end, and typed after it');
await us.waitForTimeout(1000);
await step('what cannot be sent stays where it was typed', async () => {
    await us.locator('.send').click();
    await us.locator('.composer .trouble').waitFor();
    return (await us.inputValue(box)) === 'kept before the end, and typed after it' || (await us.inputValue(box));
});
again('console-again');
await step('another program at the same place: the page says so, and still has what was typed', async () => {
    await us.locator('h2', {hasText: 'This session has ended'}).waitFor({timeout: 60000});
    return (await us.inputValue('textarea.unsaved')) === 'kept before the end, and typed after it' || (await us.locator('body').innerText());
});
await step('with a fresh address in the same tab all of it is back', async () => {
    const deadline = Date.now() + 20000;
    let address = '';
    while (!address && Date.now() < deadline) {
        address = existsSync(work + '/us.again') ? readFileSync(work + '/us.again', 'utf8').split('\n')[0] : '';
        await us.waitForTimeout(100);
    }
    await us.evaluate((h) => {
        location.hash = h;
    }, new URL(address).hash);
    await us.waitForSelector('nav a');
    await at(us, 'channel', channel);
    await us.waitForSelector(box);
    return (await us.inputValue(box)) === 'kept before the end, and typed after it' || (await us.inputValue(box));
});
await step('and the program keeps it now', async () => {
    await us.waitForTimeout(1500);
    await us.reload();
    await us.waitForSelector(box);
    const kept = await us.inputValue(box);
    await us.fill(box, '');
    return kept === 'kept before the end, and typed after it' || kept;
});

// ---- nobody there for a minute
await step('a page that nobody touches locks itself after its minute, and not before', async () => {
    await ru.locator('h2', {hasText: 'This page is locked'}).waitFor({timeout: 100000});
    const after = Date.now() - idleSince;
    await ru.getByText('Locked after 1 minute without use.').waitFor({timeout: 3000});
    return (after >= 55000 && !/plenary|Boris/.test(await ru.locator('body').innerText())) || after;
});
await step('five wrong passphrases end the session', async () => {
    for (let i = 0; i < 5; i++) {
        await ru.waitForFunction(() => document.querySelector('h2').textContent !== 'This page is locked' || !document.querySelector('input').readOnly);
        await ru.fill('input[type=password]', 'not this ' + i);
        await ru.keyboard.press('Enter');
        await ru.waitForFunction((n) => (document.querySelector('input') === null) === (n === 4) && (n === 4 || document.querySelector('[role=alert]')), i);
    }
    await ru.getByText('This session has ended.').waitFor();
});
await step('“End session” does what it says', async () => {
    await button(us, 'End session').click();
    await us.getByText('This session has ended.').waitFor();
    const how = await us.locator('.outside ul').innerText();
    if (!/\.\/run/.test(how) || !/detente console --url/.test(how)) return how;
    return !/plenary|Ana North/.test(await us.locator('body').innerText());
});
const loud = broken.filter((b) => !/ERR_CONNECTION|Failed to fetch|status of 423/.test(b));
check('no page says an error', loud.length === 0, loud);
check('the file that was cancelled was one of 40 MB', statSync(large).size === 40 << 20);
for (const p of started) p.kill();
await harness.end(browser);
