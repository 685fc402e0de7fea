#!/usr/bin/env node
// web/test/acts.mjs - the acts of a forum's life by clicks, in a real browser against three running consoles.
//
// Use: node web/test/acts.mjs MODULES CHROMIUM WORK NAME=ADDRESS...
// WORK holds the file `passphrase`, roots NAME.root under the same one, `amendment`, `amendment.two` (signed by south and
// neutral) and `late.letter`; it gets screenshots in shots/ and what was saved by a click, clicked.*. NAMEs are us, ru, med, in
// a channel `plenary` with one contact record of ru; us and med are in a `caucus`. Prints a line a case and their count.

import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {at, button, step} from './harness.mjs';

const [modules, chromium, work, ...addresses] = process.argv.slice(2);
const axe = readFileSync(harness.packages(modules).resolve('axe-core/axe.min.js'), 'utf8');
const passphrase = readFileSync(work + '/passphrase', 'utf8').trim();
mkdirSync(work + '/shots', {recursive: true});

const browser = await harness.launch(modules, chromium);
const {page, foreign, broken} = await harness.consoles(browser, addresses);
const {us, ru, med} = page;
const shot = (p, name) => p.screenshot({path: `${work}/shots/${name}.png`, fullPage: true});
const confirm = (p, word = passphrase) => harness.confirm(p, word);
const settled = async (p, ...parts) => {
    await at(p, ...parts);
    await p.waitForFunction(() => document.querySelector('main h1') && !/^Loading/m.test(document.querySelector('main').innerText));
};
const section = (p, heading) => p.locator('section', {has: p.getByRole('heading', {name: heading, exact: true})});

/** What axe finds on this page, under its own policy. */
async function against(p) {
    const cdp = await p.context().newCDPSession(p);
    await cdp.send('Runtime.evaluate', {expression: axe});
    const {result} = await cdp.send('Runtime.evaluate', {expression: `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')))`, awaitPromise: true, returnByValue: true});
    await cdp.detach();
    return result.value.length === 0 || result.value;
}

/** The file that a click saves, kept as WORK/name. */
async function saved(p, click, name) {
    const [got] = await Promise.all([p.waitForEvent('download'), click()]);
    copyFileSync(await got.path(), work + '/' + name);
    return got.suggestedFilename();
}

const plenary = (await us.locator('nav a', {hasText: 'plenary'}).getAttribute('href')).split('/').pop();
const caucus = (await us.locator('nav a', {hasText: 'caucus'}).getAttribute('href')).split('/').pop();

// ---- charter and letters
await step('the charter in words: its rules, who has signed, and that it was never amended', async () => {
    await settled(us, 'admission');
    const text = await section(us, 'Charter: Exercise').innerText();
    await shot(us, 'charter');
    return (/Every agent tests its line every 1 minute/.test(text) && /Line test: opened by consent of its author’s party alone/.test(text) && /every side and the author’s party/.test(text) && (text.match(/has signed/g) || []).length === 3 && /never amended/.test(text)) || text;
});
const papers = section(us, 'A charter or an amendment, by file');
await step('an amendment by file: what it says, and who has not signed', async () => {
    await papers.getByLabel('File of a charter or an amendment').setInputFiles(work + '/amendment');
    const card = papers.locator('.card').first();
    await card.getByRole('heading', {name: 'Amendment 1'}).waitFor();
    const text = await card.innerText();
    await shot(us, 'amendment');
    const bad = await against(us);
    return (bad === true && /north: the root stays/.test(text) && /Successor announced:(\s*\d[a-z]+){8}/.test(text) && (text.match(/has not signed yet/g) || []).length === 3) || [bad, text];
});
await step('it is signed where the root’s key is, under the root’s own passphrase', async () => {
    await papers.getByLabel('The root’s key file').setInputFiles(work + '/north.root');
    await button(papers, 'Sign').click();
    await us.locator('dialog', {hasText: 'Passphrase of the root’s key file'}).waitFor();
    await us.fill('dialog input[type=password]', 'another');
    await us.keyboard.press('Enter');
    await us.locator('dialog', {hasText: 'That is not the passphrase'}).waitFor();
    await us.fill('dialog input[type=password]', passphrase);
    await us.keyboard.press('Enter');
    await papers.getByText('It is signed.').waitFor();
    const text = await papers.innerText();
    return ((text.match(/has not signed yet/g) || []).length === 2 && (text.match(/has signed/g) || []).length === 1) || text;
});
await step('others’ signatures are taken over from their copies, and the whole is saved', async () => {
    await papers.getByLabel('Take over signatures from other copies').setInputFiles(work + '/amendment.two');
    await papers.getByText('The signatures are taken over.').waitFor();
    const text = await papers.innerText();
    await saved(us, () => button(papers, 'Save the copy').click(), 'clicked.amendment');
    return (!/has not signed yet/.test(text) && /by every party/.test(text)) || text;
});
await step('it is taken in with the passphrase, and the charter tells of it', async () => {
    await button(papers, 'Take it in').click();
    await confirm(us);
    const charter = section(us, 'Charter: Exercise');
    await charter.getByText(/roots were replaced, or successors announced/).waitFor();
    return true;
});
const letters = (p) => section(p, 'Letters of credence');
await step('letters: who holds which, until when', async () => {
    await settled(us, 'admission');
    const row = letters(us).locator('tr', {hasText: 'Lena Late'});
    const text = await row.innerText();
    return (/south/.test(text) && /20\d\d/.test(text) && /holds/.test(text)) || text;
});
await step('a letter is looked at before it is taken in: whose root signed it', async () => {
    await letters(us).getByLabel('Letter files').setInputFiles(work + '/late.letter');
    const card = letters(us).locator('.card', {hasText: 'late.letter'});
    await card.getByText('signed by the root of').waitFor();
    const text = await card.innerText();
    await button(letters(us), 'Take them in').click();
    await us.getByText('Taken in.').waitFor();
    return (/Lena Late/.test(text) && /south/.test(text) && /may talk, record, admit, consent, propose channels/.test(text)) || text;
});
await step('a letter is revoked: by the root’s key, saved, and taken in with the passphrase', async () => {
    await settled(ru, 'admission');
    await ru.getByRole('button', {name: 'Revoke the letter of Lena Late'}).click();
    const dialog = ru.locator('dialog', {hasText: 'Only the root that issued the letter'});
    await dialog.getByLabel('The root’s key file').setInputFiles(work + '/north.root');
    await button(dialog, 'Sign the revocation').click();
    await ru.locator('dialog', {hasText: 'Passphrase of the root’s key file'}).waitFor();
    await ru.locator('dialog', {hasText: 'Passphrase of the root’s key file'}).locator('input[type=password]').fill(passphrase);
    await ru.keyboard.press('Enter');
    await dialog.locator('.trouble').waitFor(); // another party's root revokes nothing
    await dialog.getByLabel('The root’s key file').setInputFiles(work + '/south.root');
    await button(dialog, 'Sign the revocation').click();
    await ru.locator('dialog', {hasText: 'Passphrase of the root’s key file'}).locator('input[type=password]').fill(passphrase);
    await ru.keyboard.press('Enter');
    await dialog.getByText('The revocation is signed.').waitFor();
    await shot(ru, 'revoke');
    const bad = await against(ru);
    await saved(ru, () => button(dialog, 'Save the revocation').click(), 'clicked.revocation');
    await button(dialog, 'Take it in here').click();
    await ru.locator('dialog', {hasText: 'Your passphrase, once more'}).locator('input[type=password]').fill(passphrase);
    await ru.keyboard.press('Enter');
    await letters(ru).locator('tr', {hasText: 'Lena Late'}).locator('.state', {hasText: 'revoked'}).waitFor();
    await shot(ru, 'letters');
    return bad;
});

// ---- line
await step('a line test waits for a person, who confirms it', async () => {
    await settled(us, 'line');
    const plen = section(us, 'plenary');
    await button(plen, 'A person here has seen their tests').waitFor({timeout: 90000});
    await shot(us, 'line');
    const bad = await against(us);
    await button(plen, 'A person here has seen their tests').click();
    await us.getByText('The others are told that a person here has seen their tests.').waitFor();
    await section(us, 'plenary').getByText('No test waits for your word.').waitFor();
    return bad;
});
await step('an outage is announced with its reason, seen by the others, and called off', async () => {
    const plen = section(us, 'plenary');
    const until = new Date(Date.now() + 3600000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    await plen.getByLabel('Until', {exact: true}).fill(until);
    await plen.getByLabel('Reason, in one line').fill('The generator is mended');
    await button(plen, 'Announce it').click();
    await plen.getByText('We have announced an outage').waitFor();
    await settled(ru, 'line');
    const card = section(ru, 'plenary').locator('.card', {hasText: 'Ana North'});
    await card.getByText('The generator is mended').waitFor({timeout: 60000});
    const text = await card.innerText();
    await shot(ru, 'line-outage');
    await button(plen, 'It is over').click();
    await plen.getByText('We have announced an outage').waitFor({state: 'detached'});
    await card.getByText('The generator is mended').waitFor({state: 'detached', timeout: 60000});
    return /Announced outage: .* – .*: The generator is mended/.test(text) || text;
});

// ---- desk
await step('the desk is handed over with a note', async () => {
    await settled(us, 'desk');
    const shift = section(us, 'Who has the desk');
    await shift.getByLabel('Who has the desk from now on').fill('Ben Adler');
    await shift.getByLabel('What the next one has to know, in one line').fill('South owes an answer');
    await button(shift, 'Hand it over').click();
    await shift.locator('tr', {hasText: 'Ben Adler'}).waitFor();
    const text = await shift.innerText();
    return (/Ben Adler has the desk since/.test(text) && /South owes an answer/.test(text) && /\d to send, \d receipts overdue/.test(text)) || text;
});
await step('a backup, sealed under the passphrase, and when the last one was made', async () => {
    const backup = section(us, 'Backup');
    const before = await backup.innerText();
    await button(backup, 'Make a backup').click();
    await us.locator('dialog', {hasText: 'The backup is sealed under the passphrase of this home'}).waitFor();
    await confirm(us);
    await backup.getByText('The backup is made.').waitFor({timeout: 60000});
    const name = await saved(us, () => button(backup, 'Save the backup').click(), 'clicked.backup');
    await backup.getByText('Last backup').waitFor();
    return (/No backup was ever made/.test(before) && /^home-20.*\.backup$/.test(name)) || [before, name];
});
await step('an archive, its figures, and the check of both', async () => {
    const archive = section(us, 'Archive of a channel');
    await archive.getByLabel('Channel').selectOption({label: 'plenary'});
    await button(archive, 'Write the archive').click();
    await confirm(us);
    await archive.getByText('The archive is written.').waitFor({timeout: 60000});
    await saved(us, () => button(archive, 'Save the archive').click(), 'clicked.archive');
    await archive.locator('.facts').first().locator('dd').nth(1).waitFor();
    const figures = await archive.locator('.facts').first().locator('dd').allInnerTexts();
    const [count, root] = [figures[0], figures[1]];
    writeFileSync(work + '/archive.count', count);
    writeFileSync(work + '/archive.root', root);
    await archive.getByLabel('Archive file').setInputFiles(work + '/clicked.archive');
    await archive.getByLabel('Items').fill(count);
    await archive.getByLabel('Root').fill(root.replace(/^./, (c) => (c === '0' ? '1' : '0')));
    await button(archive, 'Check it').click();
    await us.locator('dialog', {hasText: 'Passphrase of the archive'}).waitFor();
    await confirm(us);
    await archive.locator('.state.bad, .trouble').waitFor({timeout: 60000});
    await archive.getByLabel('Root').fill(root);
    await button(archive, 'Check it').click();
    await confirm(us);
    await archive.getByText('whole, and the one that you were told of').waitFor({timeout: 60000});
    await shot(us, 'desk');
    return against(us);
});
await step('one message goes by a rule of its own, and what is to be destroyed when is listed', async () => {
    await settled(us, 'channel', caucus);
    await us.getByLabel('How long it is kept').selectOption('7d');
    await us.fill('.composer textarea', 'For a week only.');
    await us.keyboard.press('Control+Enter');
    const item = us.locator('.item.talk', {hasText: 'For a week only.'});
    await item.getByText('To be destroyed on').waitFor();
    const back = await us.getByLabel('How long it is kept').inputValue();
    await settled(us, 'desk');
    const card = section(us, 'What is kept, and destroyed').locator('.card', {hasText: 'caucus'});
    await card.getByText('Message').waitFor();
    const at = Date.parse(await card.locator('time').first().getAttribute('datetime'));
    return (Math.abs(at - Date.now() - 7 * 86400000) < 600000 && back === '' && /What is said here is kept/.test(await card.innerText())) || [at, back, await card.innerText()];
});
await step('what is past its time is destroyed by this clock alone only after the clock was read', async () => {
    const keep = section(us, 'What is kept, and destroyed');
    await button(keep, 'Destroy what is past its time …').click();
    const clock = await keep.locator('time').last().getAttribute('datetime');
    await button(keep, 'The clock is right: destroy it').click();
    await confirm(us);
    await us.getByText('0 things were destroyed.').waitFor();
    return Math.abs(Date.parse(clock) - Date.now()) < 60000 || clock;
});

// ---- carried with leave
const record = await (async () => {
    await settled(med, 'channel', plenary);
    return (await med.locator('.item.record a').first().getAttribute('href')).split('/').pop();
})();
await step('leave is asked in talk, with the fields and the channel’s id', async () => {
    await settled(med, 'record', record);
    await med.getByRole('link', {name: 'Tell it in another channel'}).click();
    await med.getByText('No leave was given yet.').waitFor();
    await med.getByLabel('Channel in which it is told').selectOption({label: 'caucus'});
    await med.getByLabel('mode', {exact: true}).check();
    await med.getByLabel('parties', {exact: true}).check();
    await shot(med, 'carry-ask');
    const bad = await against(med);
    await button(med, 'Ask its author').click();
    await settled(ru, 'channel', plenary);
    const item = ru.locator('.item.talk', {hasText: 'I ask for leave'});
    await item.waitFor({timeout: 60000});
    const text = await item.innerText();
    return (bad === true && text.includes(caucus) && text.includes(record) && /mode and parties/.test(text)) || [bad, text];
});
await step('its author gives leave for that one channel, with the passphrase', async () => {
    await settled(ru, 'carry', record);
    await ru.getByLabel('Id of the channel in which it may be told').fill(caucus);
    for (const f of ['mode', 'parties']) await ru.getByLabel(f, {exact: true}).check();
    const said = await ru.locator('.caution').innerText();
    await shot(ru, 'carry-leave');
    await button(ru, 'Sign the leave').click();
    await confirm(ru);
    await ru.locator('.state', {hasText: 'leave given'}).waitFor();
    return /no consent to open them to anyone else/.test(said) || said;
});
await step('it is told there, when what will be provable was read', async () => {
    await settled(med, 'carry', record);
    await med.locator('.state', {hasText: 'leave given'}).waitFor({timeout: 60000});
    const form = med.locator('form', {has: med.getByRole('heading', {name: 'Tell it there'})});
    for (let i = 0; i < 30; i++) {
        await form.locator('select').selectOption({label: 'caucus'});
        await button(form, 'Show what will be provable').click();
        await form.locator('.trouble, .notes').first().waitFor();
        if (!(await form.locator('.trouble').count())) break;
        await med.waitForTimeout(2000); // the leave is not attested yet
    }
    await shot(med, 'carry-tell');
    await button(form, 'Sign and tell it there').click();
    await settled(us, 'channel', caucus);
    const item = us.locator('.item.record a', {hasText: 'Carried record'}).first();
    await item.waitFor({timeout: 60000});
    await item.click();
    const told = section(us, 'What was told');
    await told.getByText('with leave').waitFor();
    const text = await told.innerText();
    await shot(us, 'carried');
    return (/carried by neutral, of south/.test(text) && /mode\s+call/.test(text) && !/participants/.test(text)) || text;
});

// ---- courier key
let words;
/** The n words that stand there, once they do; each has its number before it. */
const read = async (all, n) => {
    await all.nth(n - 1).waitFor();
    return (await all.evaluateAll((list) => list.map((w) => w.textContent.replace(/^\d+/, '').trim()))).join(' ');
};
await step('a channel without a courier key is classical only, and a key is made', async () => {
    await settled(us, 'channel', plenary);
    await us.locator('main').getByRole('link', {name: 'Courier keys'}).click();
    await us.locator('.state', {hasText: 'classical only'}).waitFor();
    const before = await us.locator('main').innerText();
    await button(us, 'Make a key').click();
    await us.locator('.card', {hasText: 'has not confirmed'}).first().waitFor();
    return (/No courier key was put to use here yet/.test(before) && !(await us.locator('.words').count())) || before;
});
await step('it is written into a file under a passphrase of its own, typed twice', async () => {
    await button(us, 'Sealed file …').click();
    await us.getByLabel('Passphrase of the file').fill('for the courier');
    await us.getByLabel('The same again').fill('for the courrier');
    await button(us, 'Write the file').click();
    await us.getByText('The two passphrases differ').waitFor();
    await us.getByLabel('The same again').fill('for the courier');
    await button(us, 'Write the file').click();
    await us.getByText('The file is written.').waitFor();
    await saved(us, () => button(us, 'Save the file').click(), 'clicked.key');
    return /^detente/.test(readFileSync(work + '/clicked.key', 'utf8')) || readFileSync(work + '/clicked.key', 'utf8').slice(0, 30);
});
await step('the code and the words are the key itself: shown with the passphrase, and printed alone', async () => {
    await button(us, 'QR code …').click();
    await confirm(us);
    const code = us.locator('dialog svg.code');
    await code.waitFor();
    await shot(us, 'courier-code');
    const n = (await code.getAttribute('viewBox')).split(' ').map(Number);
    await us.emulateMedia({media: 'print'});
    const printed = await us.evaluate(() => [getComputedStyle(document.querySelector('svg.code')).visibility, getComputedStyle(document.querySelector('main h1')).visibility, getComputedStyle(document.querySelector('dialog button')).display]);
    await us.emulateMedia({media: 'screen'});
    await us.keyboard.press('Escape');
    await button(us, '24 words …').click();
    await confirm(us);
    words = await read(us.locator('dialog .words .w'), 24);
    await us.keyboard.press('Escape');
    return (n[2] === n[3] && n[2] >= 29 && words.split(' ').length === 24 && printed.join() === 'visible,hidden,none') || [n, words.split(' ').length, printed];
});
let fingerprint;
await step('another member takes the file in with its passphrase, and the words do for the third', async () => {
    await settled(ru, 'courier', plenary);
    await ru.getByLabel('Sealed file, or a text file').setInputFiles(work + '/clicked.key');
    await button(ru, 'Take it in').click();
    await confirm(ru, 'for the courier');
    await ru.locator('.card', {hasText: 'Key'}).waitFor();
    await settled(med, 'courier', plenary);
    await med.getByLabel('Or the text of a QR code, or the 24 words').fill(words);
    await button(med, 'Take it in').click();
    await med.locator('.card', {hasText: 'Key'}).waitFor();
    await button(us, 'Fingerprint, to be read aloud').click();
    fingerprint = await read(us.locator('.caution .words .w'), 8);
    await shot(us, 'courier');
    const bad = await against(us);
    return (bad === true && fingerprint.split(' ').length === 8) || [bad, fingerprint];
});
await step('nobody confirms by other words than are read to them, and all confirm', async () => {
    for (const p of [ru, med, us]) {
        await button(p, 'Confirm …').click();
        const field = p.getByLabel('The eight words, as another member reads them to you');
        if (p === ru) {
            await field.fill(fingerprint.split(' ').reverse().join(' '));
            await button(p, 'Confirm the key').click();
            await p.locator('.trouble').waitFor();
        }
        await field.fill(fingerprint);
        await button(p, 'Confirm the key').click();
        await field.waitFor({state: 'detached'});
    }
    await button(us, 'Put it to use').waitFor({timeout: 90000});
    return true;
});
await step('it is put to use with the passphrase, and contents are closed from then on', async () => {
    await us.getByLabel('To be replaced after').selectOption('90d');
    await button(us, 'Put it to use').click();
    await confirm(us);
    for (const p of [us, ru]) await p.locator('.state', {hasText: 'closed to a later quantum reader'}).waitFor({timeout: 90000});
    const text = await us.locator('main').innerText();
    await shot(us, 'courier-closed');
    return (/not for times, sizes and signatures/.test(text) && /to be renewed by/.test(text)) || text;
});

// ---- each of these screens: narrow, right to left, dark
const screens = {admission: ['admission'], line: ['line'], desk: ['desk'], courier: ['courier', plenary], carry: ['carry', record]};
for (const [name, parts] of Object.entries(screens))
    await step(`${name}, dark: nothing against WCAG 2.2 AA that axe finds; at 200 % nothing is cut off at the side`, async () => {
        await us.emulateMedia({colorScheme: 'dark', reducedMotion: 'reduce'});
        await settled(us, ...(name === 'carry' ? ['carry', record] : parts));
        const bad = await against(us);
        await us.setViewportSize({width: 640, height: 450});
        await settled(us, ...parts);
        const wide = await us.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        await us.setViewportSize({width: 1280, height: 900});
        return (bad === true && wide <= 0) || [bad, wide];
    });
await us.emulateMedia({colorScheme: 'light'});
await us.locator('.preferences select').first().selectOption('ar');
for (const [name, parts] of Object.entries(screens))
    await step(`${name}, right to left: nothing is cut off at the side`, async () => {
        await settled(us, ...parts);
        await us.waitForTimeout(300);
        await shot(us, name + '-ar');
        const seen = await us.evaluate(() => [document.documentElement.dir, document.documentElement.scrollWidth - innerWidth]);
        return (seen[0] === 'rtl' && seen[1] <= 0) || seen;
    });
await us.locator('.preferences select').first().selectOption('en');

await step('by keys alone: the desk is handed over', async () => {
    await settled(us, 'desk');
    await us.locator('h1:focus').waitFor();
    for (let i = 0; i < 6; i++) {
        await us.keyboard.press('Tab');
        if (await us.evaluate(() => document.activeElement.tagName === 'INPUT')) break;
    }
    await us.keyboard.type('Cleo Marsh');
    await us.keyboard.press('Tab');
    await us.keyboard.type('by keys');
    await us.keyboard.press('Enter');
    await us.locator('tr', {hasText: 'Cleo Marsh'}).waitFor();
    return true;
});
harness.check('no request went to another host', foreign.length === 0, foreign);
harness.check('no error in any page, of its policy neither', broken.length === 0, broken.slice(0, 5));

await harness.end(browser);
