#!/usr/bin/env node
// web/test/console.mjs - the console's pages, by clicks and by keys, in a real browser against running consoles.
//
// Use: node web/test/console.mjs MODULES CHROMIUM WORK NAME=ADDRESS...
// WORK holds the file `passphrase`, and gets screenshots in shots/. NAMEs are us, ru, med (who have no channel yet) and new
// (whom nobody has let in). Prints a line a case and their count.

import {mkdirSync, readFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {at, button, check, step} from './harness.mjs';

const [modules, chromium, work, ...addresses] = process.argv.slice(2);
const axe = readFileSync(harness.packages(modules).resolve('axe-core/axe.min.js'), 'utf8');
const passphrase = readFileSync(work + '/passphrase', 'utf8').trim();
mkdirSync(work + '/shots', {recursive: true});

const browser = await harness.launch(modules, chromium);
const {page, base, foreign, broken} = await harness.consoles(browser, addresses);
const {us, ru, med} = page;
const shot = (p, name) => p.screenshot({path: `${work}/shots/${name}.png`});

const confirm = (p) => harness.confirm(p, passphrase);

// ---- the main job: found, accept, talk, record, countersign, open, verify
let channel;
await step('a channel is proposed by clicks', async () => {
    await at(med, 'found');
    await med.getByLabel('Name', {exact: true}).fill('plenary');
    await med.getByLabel(/Ana North/).check();
    await med.getByLabel(/Boris South/).check();
    await button(med, 'Propose it').click();
    await med.waitForSelector('text=The channel is proposed');
});
for (const [who, p] of [['us', us], ['ru', ru]])
    await step(who + ' sees who proposes it and who is asked, and accepts', async () => {
        const card = p.locator('.card', {hasText: 'A new channel is proposed'});
        await card.waitFor();
        const text = await card.innerText();
        await button(card, 'Accept').click();
        return (/Mira Mediator/.test(text) && /Ana North/.test(text) && /Boris South/.test(text) && /plenary/.test(text)) || text;
    });
await step('it opens for all', async () => {
    for (const p of [us, ru, med]) await p.locator('.card', {hasText: 'plenary'}).locator('.state', {hasText: 'open'}).waitFor({timeout: 60000});
    channel = (await us.locator('nav a', {hasText: 'plenary'}).getAttribute('href')).split('/').pop();
    await shot(us, 'forum');
});
for (const p of [us, ru, med]) await at(p, 'channel', channel);
await step('the lane is chosen before anything is written, and talk is what is chosen', async () => {
    await us.waitForSelector('.composer textarea');
    return us.locator('.lanechoice.talk input').isChecked();
});
const hostile = 'Look: \u202Egnp.exe\u202C <img src=x onerror="document.title=1"> <b>bold</b>\u0007';
await step('talk arrives, with no markup and nothing that turns it round', async () => {
    await us.fill('.composer textarea', hostile);
    await us.keyboard.press('Control+Enter');
    const item = ru.locator('.item.talk', {hasText: 'bold'});
    await item.waitFor();
    const text = await item.locator('.peer').innerText();
    return ((await item.locator('img, b:text("bold")').count()) === 0 && /‹U\+202E›/.test(text) && /‹U\+0007›/.test(text) && !/[\u202a-\u202e\u2066-\u2069]/.test(text)) || text;
});
await step('each desk that has it is told by name', async () => {
    const item = us.locator('.item.talk', {hasText: 'bold'});
    await item.getByText('All desks have it').click();
    const text = await item.locator('.arrivals').innerText();
    return (/Boris South/.test(text) && /Mira Mediator/.test(text)) || text;
});
await step('understood as, and the author says that it is right', async () => {
    await ru.locator('.item.talk', {hasText: 'bold'}).getByRole('button', {name: 'Say how you understood it'}).click();
    await ru.fill('.understandform textarea', 'You show a picture');
    await button(ru, 'Send how you understood it').click();
    await us.locator('.understood', {hasText: 'You show a picture'}).waitFor();
    await button(us, 'Yes, that was meant').click();
    await ru.getByText('The author says: understood rightly').waitFor();
});
await step('an attached file goes and comes', async () => {
    await us.setInputFiles('.filepick input', {name: 'notes ü.txt', mimeType: 'text/plain', buffer: Buffer.from('x'.repeat(3 << 20))});
    await us.locator('.send').click();
    const item = ru.locator('.item.talk', {hasText: 'notes ü.txt'});
    await item.waitFor({timeout: 90000});
    const [got] = await Promise.all([ru.waitForEvent('download'), item.getByRole('button', {name: 'Save'}).click()]);
    return readFileSync(await got.path()).length === 3 << 20;
});
await step('a file that waits to be sent is there after a look at another screen', async () => {
    await us.setInputFiles('.filepick input', {name: 'waits.txt', mimeType: 'text/plain', buffer: Buffer.from('x')});
    await at(us, 'obligations');
    await us.waitForSelector('main h1:has-text("Obligations")');
    await at(us, 'channel', channel);
    await us.locator('.picked', {hasText: 'waits.txt'}).waitFor();
    await us.locator('.picked button').click();
    return (await us.locator('.picked').count()) === 0;
});
await step('a draft and the session outlive a reload', async () => {
    await us.fill('.composer textarea', 'half a thought');
    await us.waitForTimeout(1500);
    await us.reload();
    await us.waitForSelector('.composer textarea');
    const kept = await us.inputValue('.composer textarea');
    await us.fill('.composer textarea', '');
    return kept === 'half a thought' || kept;
});
await shot(us, 'channel');
await step("the forum's id is copied as it is", async () => {
    await at(us, 'admission');
    const code = us.locator('section', {has: us.locator('#h-charter')}).locator('code.hex').first();
    await code.waitFor();
    const copied = await code.evaluate((e) => {
        getSelection().selectAllChildren(e);
        return getSelection().toString();
    });
    await at(us, 'channel', channel);
    await us.locator('.lanechoice').first().waitFor();
    return /^[0-9a-f]{64}$/.test(copied) || [copied, copied.length];
});
let record;
await step('a record: its form, what will be provable and by whom, and it is made', async () => {
    await us.locator('.lanechoice.record input').check();
    await button(us, 'Open the form').click();
    await us.selectOption('#f-mode', 'call');
    await us.selectOption('#f-initiated_by', 'both');
    await us.fill('#f-parties', 'north');
    await us.locator('.field', {has: us.locator('#f-parties')}).getByRole('button', {name: 'Add one more'}).click();
    await us.fill('#f-parties-1', 'south; and its allies');
    await us.fill('#f-started_at', '2026-11-20T10:00');
    await us.fill('#f-ended_at', '2026-11-20T10:30');
    await us.selectOption('#f-time_precision', 'exact');
    await us.selectOption('#f-level', 'envoy');
    await us.fill('#f-participants', 'two envoys');
    const said = await us.locator('.provable').innerText();
    await shot(us, 'compose');
    await us.fill('#f-ended_at', '2026-11-20T09:30');
    await button(us, 'Read it once more').click();
    const refused = await us.locator('.field.wrong', {has: us.locator('#f-ended_at')}).innerText();
    await us.waitForFunction(() => { // led there, and it is in sight: what is wrong may be far above
        const {top, bottom} = document.activeElement.getBoundingClientRect();
        return document.activeElement.closest('.field.wrong') && top >= 0 && bottom <= innerHeight;
    });
    await us.fill('#f-ended_at', '2026-11-20T10:30');
    await button(us, 'Read it once more').click();
    const review = await us.locator('.review').innerText();
    await shot(us, 'review');
    await button(us, 'Sign and make the record').click();
    await us.waitForSelector('.onerecord');
    record = (await us.evaluate(() => location.hash)).split('/').pop();
    const list = await us.locator('tr', {hasText: 'parties'}).innerText();
    return (/Boris South \(south\)/.test(said) && /Mira Mediator/.test(said) && /entry exists/.test(said) && /south; and its allies/.test(list) && /before its start/.test(refused) && /mode[^]*parties[^]*south; and its allies[^]*two envoys/.test(review)) || said + list + refused + review;
});
await step('in the conversation the two lanes differ by frame and word, not by colour alone', async () => {
    await at(us, 'channel', channel);
    await us.locator('.item.record').first().waitFor();
    const look = (s) => us.locator(s).first().evaluate((e) => [getComputedStyle(e).borderInlineStartStyle, e.querySelector('.lane').textContent.trim().split(' ')[0]]);
    const [talk, rec] = [await look('.item.talk'), await look('.item.record')];
    return (talk[0] !== rec[0] && talk[1] === 'Talk' && rec[1] === 'Record') || [talk, rec];
});
await step('the other side sees what a countersignature is not, and countersigns', async () => {
    await ru.locator('.item.record a').first().click();
    await button(ru, 'Countersign').first().click();
    const said = await ru.locator('.caution').innerText();
    await ru.waitForFunction(() => document.querySelector('.answerform button.main').getBoundingClientRect().bottom <= innerHeight);
    await ru.locator('.answerform button.main').click();
    await at(us, 'record', record);
    await us.locator('.states', {hasText: 'Countersigned'}).waitFor({timeout: 60000});
    return /no approval/.test(said) || said;
});
await step('a dispute stands side by side', async () => {
    await at(med, 'record', record);
    await button(med, 'Dispute').click();
    await med.locator('.disputed', {hasText: 'level'}).getByRole('checkbox').check();
    await med.selectOption('#d-level', 'minister');
    await button(med, 'Sign the dispute').click();
    await us.locator('th', {hasText: 'Should be, says neutral'}).waitFor({timeout: 60000});
    const row = await us.locator('tr.differs').innerText();
    await shot(us, 'record');
    return (/envoy/.test(row) && /minister/.test(row)) || row;
});
const consent = async (who, p) =>
    step(who + ' consents, with the passphrase asked again', async () => {
        await at(p, 'record', record);
        await button(p, 'Consent to opening').click();
        for (const f of ['mode', 'parties', 'started at', 'time precision']) await p.locator('.answerform').getByLabel(f, {exact: true}).check();
        await button(p, 'Sign the consent').click();
        await p.waitForSelector('dialog input[type=password]');
        const act = await p.locator('dialog').innerText();
        await confirm(p);
        if (!/Consent to opening: mode, parties, started at and time precision/.test(act)) return act;
        await p.waitForSelector('.answerform', {state: 'detached'});
        await p.locator('.told:focus', {hasText: /^Made\.$/}).waitFor();
        const banners = await p.locator('.banner.said', {hasText: /Made\./}).count(); // not the record's own, of before
        return banners === 0 || banners; // it is said once
    });
await step('who opens without an own consent is told so before the passphrase is asked, and led to it', async () => {
    await at(us, 'record', record);
    await us.locator('.states', {hasText: 'final'}).waitFor({timeout: 60000});
    await button(us, 'Open fields').click();
    const form = us.locator('.answerform');
    await form.getByLabel('mode', {exact: true}).check();
    const off = await button(form, 'Make the proof file').isDisabled();
    const said = await form.innerText();
    await form.getByLabel(/Even though a consent is missing/).check();
    const on = await button(form, 'Make the proof file').isEnabled();
    await button(form.locator('.caution'), 'Consent to opening').click();
    await button(us, 'Sign the consent').waitFor();
    await button(us, 'Cancel').click();
    return (off && on && /Your party has not consented yet/.test(said) && /these fields yet of: north and south/.test(said)) || [off, on, said];
});
await consent('us', us);
const opened = ['mode', 'parties', 'started at', 'time precision'];
await step('the other side sees in words what is consented to, and these fields are ticked already', async () => {
    await at(ru, 'record', record);
    const row = ru.locator('section', {hasText: 'What was said to it'}).locator('li', {hasText: 'Consent'});
    await row.first().waitFor({timeout: 60000});
    const said = await row.first().innerText();
    await button(ru, 'Consent to opening').click();
    const form = ru.locator('.answerform');
    await shot(ru, 'consent');
    const text = await form.innerText();
    const ticked = await form.locator('.checks label:has(input:checked)').allInnerTexts();
    await button(ru, 'Cancel').click();
    await row.first().locator('a').click();
    await ru.locator('h1', {hasText: 'Consent'}).waitFor();
    const whole = await ru.locator('.onerecord table').innerText();
    return (/Fields: mode, parties, started at and time precision/.test(said) && /north has consented to: mode, parties, started at and time precision/.test(text) && /Your party has not consented yet/.test(text) && ticked.map((x) => x.trim()).join() === opened.join() && /mode, parties, started at and time precision/.test(whole) && /standing\s+wrote the record/i.test(whole) && !/slots|[0-9a-f]{32}/.test(whole)) || [said, text, ticked, whole];
});
await consent('ru', ru);
await consent('med', med);
await step('who publishes is told so before it is done', async () => {
    await at(us, 'record', record);
    await us.locator('section', {hasText: 'What was said to it'}).locator('li', {hasText: 'Consent'}).nth(2).waitFor({timeout: 60000});
    await button(us, 'Open fields').click();
    const form = us.locator('.answerform');
    const before = await form.innerText();
    await form.getByLabel(/Publish it beside the register/).check();
    const text = await form.innerText();
    await shot(us, 'publish');
    const named = await button(form, 'Publish for everyone').count();
    await button(us, 'Cancel').click();
    return (!/This PUBLISHES/.test(before) && /This PUBLISHES the opened fields/.test(text) && named === 1) || [before, text, named];
});
await step('fields are opened, and both verifiers say the same', async () => {
    await us.locator('section', {hasText: 'What was said to it'}).locator('li', {hasText: 'Consent'}).nth(2).waitFor({timeout: 60000});
    await us.waitForFunction(() => [...document.querySelectorAll('section li')].filter((l) => /Consent/.test(l.textContent) && /final|attested/.test(l.textContent)).length >= 3, null, {timeout: 60000});
    await button(us, 'Open fields').click();
    for (const f of ['mode', 'parties', 'started at', 'time precision']) await us.locator('.answerform').getByLabel(f, {exact: true}).check();
    await button(us, 'Make the proof file').click();
    await confirm(us);
    const [got] = await Promise.all([us.waitForEvent('download'), button(us, 'Save the proof file').click()]);
    await got.saveAs(work + '/clicked.proof');
    await us.locator('.answerform [role=status]:focus', {hasText: 'Anybody else checks it on the observer page'}).waitFor();
    await at(us, 'register');
    await us.setInputFiles('form input[type=file]', work + '/clicked.proof');
    await button(us, 'Verify it').click();
    await us.locator('.card', {hasText: 'own verifier'}).waitFor();
    const said = await us.locator('.cards .card .state').allInnerTexts();
    const texts = await us.locator('.cards .card').allInnerTexts();
    const own = texts.filter((x) => /consent of north[^\n]*; it wrote the record; entry/.test(x) && /consent of south[^\n]*its own standing to the record: countersigned/.test(x));
    if (own.length !== 2) return texts;
    return said.map((x) => x.trim()).join() === 'verified,verified' || said;
});
await step('and neither takes it altered', async () => {
    const b = readFileSync(work + '/clicked.proof', 'utf8').split('\n');
    const i = Math.floor(b.length / 2);
    b[i] = (b[i][0] === 'A' ? 'B' : 'A') + b[i].slice(1);
    await us.setInputFiles('form input[type=file]', {name: 'bad.proof', mimeType: 'text/plain', buffer: Buffer.from(b.join('\n'))});
    await button(us, 'Verify it').click();
    await us.waitForFunction(() => [...document.querySelectorAll('.cards .card .state')].filter((s) => /refused/.test(s.textContent)).length === 2);
});
await step('the register is verified now, by the program; where that is long it is shown and can be cancelled, by the id of its call', async () => {
    const asked = us.waitForRequest((r) => r.url().endsWith('/api/call') && (r.postData() || '').includes('register check'));
    await button(us, 'Verify the register now').click();
    const {id} = (await asked).postDataJSON();
    await us.getByText('The register only grew, and its roots hold.').waitFor();
    await shot(us, 'register');
    return /^[0-9a-f]{32}$/.test(id) || String(id);
});

// ---- admission: asked, approved by every party with key words and passphrase, added
const whoIsHere = (p) => p.locator('section', {has: p.locator('#h-people')}).locator('p', {hasText: 'Nina New'});
await step('who has a letter and is in no channel is marked so where all are listed', async () => {
    await at(us, 'home');
    await whoIsHere(us).getByText('accredited; in none of your channels').waitFor();
    return (await us.locator('#h-people ~ .table').getByText('in none of your channels').count()) === 1;
});
await step('somebody new is asked for', async () => {
    await at(ru, 'admission');
    const form = ru.locator('form', {hasText: 'Ask to admit somebody'});
    await form.getByLabel('Channel').selectOption({label: 'plenary'});
    await form.getByLabel('Whom').selectOption({label: 'Nina New, Delegate (exercise) (south)'});
    await button(form, 'Ask all parties').click();
    await confirm(ru);
});
for (const [who, p] of [['us', us], ['med', med]])
    await step(who + ' sees organisation, name and key words, and approves', async () => {
        await at(p, 'admission');
        const card = p.locator('.card', {hasText: 'Nina New'});
        await button(card, 'Approve for my party').waitFor({timeout: 60000});
        const text = await card.innerText();
        await button(card, 'Compare by voice').click();
        await p.locator('dialog .words.large .w').first().waitFor();
        const large = await p.locator('dialog .words.large .w').count();
        if (who === 'us') await shot(p, 'compare');
        await button(p, 'Close').click();
        if (who === 'us') await shot(p, 'admission');
        await button(card, 'Approve for my party').click();
        await confirm(p);
        return (/south/.test(text) && /Boris South/.test(text) && large === 8) || [text, large];
    });
await step('and is in the channel then', async () => {
    await ru.locator('.card', {hasText: 'Nina New'}).locator('li', {hasText: 'north'}).getByText('has approved').waitFor({timeout: 60000});
    await ru.locator('.card', {hasText: 'Nina New'}).locator('li', {hasText: 'neutral'}).getByText('has approved').waitFor({timeout: 60000});
    const accept = page.new.locator('.card', {hasText: 'You are invited'});
    if (await accept.count()) await button(accept, 'Accept').click();
    await page.new.waitForTimeout(3000);
    await button(ru.locator('.card', {hasText: 'Nina New'}), 'Add the member now').click();
    await confirm(ru);
    await page.new.locator('nav a', {hasText: 'plenary'}).waitFor({timeout: 60000});
});
await step('a request that is done is a past one, below the form; and she is in a channel', async () => {
    await at(ru, 'admission');
    const past = ru.locator('details.past', {hasText: 'Past requests (1)'});
    await past.waitFor({timeout: 60000});
    const above = await ru.locator('section', {has: ru.locator('#h-requests')}).innerText();
    await past.locator('summary').click();
    await past.locator('.card', {hasText: 'Nina New'}).locator('.state', {hasText: 'added'}).waitFor();
    const below = await past.evaluate((d) => Boolean(document.querySelector('form').compareDocumentPosition(d) & Node.DOCUMENT_POSITION_FOLLOWING));
    await at(us, 'home');
    await whoIsHere(us).waitFor();
    await us.waitForFunction(() => !/in none of your channels/.test(document.body.textContent), null, {timeout: 60000});
    return (!/Nina/.test(above) && /Nobody is to be admitted/.test(above) && below) || [above, below];
});

// ---- keyboard alone
await step('by keys alone: to a channel, say something, and read it', async () => {
    await at(us, 'home');
    await us.waitForSelector('h1:focus');
    const focused = () => us.evaluate(() => {
        const e = document.activeElement;
        return {tag: e.tagName, text: (e.textContent || e.value || '').trim(), outline: getComputedStyle(e).outlineStyle, cls: e.className};
    });
    await us.locator('.preferences select').first().focus();
    await us.keyboard.press('Shift+Tab');
    const skip = await focused();
    let found = false;
    for (let i = 0; i < 40 && !found; i++) {
        await us.keyboard.press('Tab');
        const f = await focused();
        found = f.tag === 'A' && f.text === 'plenary';
        if (found && f.outline === 'none') return 'no outline';
    }
    await us.keyboard.press('Enter');
    await us.waitForSelector('.composer textarea');
    found = false;
    for (let i = 0; i < 200 && !found; i++) {
        await us.keyboard.press('Tab');
        found = (await focused()).tag === 'TEXTAREA';
    }
    await us.keyboard.type('By keys alone.');
    await us.keyboard.press('Control+Enter');
    await us.locator('.item.talk', {hasText: 'By keys alone.'}).waitFor();
    return (skip.tag === 'A' && skip.text === 'Skip to the content' && found) || [skip, found];
});
await step('the line of a record: what is public first, times by the locale, and which fields a consent names', async () => {
    await us.locator('.item.record .extract', {hasText: 'Fields: mode, parties, started at and time precision'}).last().waitFor();
    const consents = us.locator('.item.record .extract', {hasText: 'Fields: mode, parties'});
    await consents.filter({hasText: 'standing: wrote the record'}).waitFor();
    await consents.filter({hasText: 'standing: countersigned'}).waitFor();
    await us.locator('.feed').evaluate((f) => f.scrollTo(0, 0));
    const line = us.locator('.item.record .extract', {hasText: 'mode: call'});
    await line.waitFor();
    const text = await line.innerText();
    return /^mode: call · parties: north, south; and its allies · time precision: exact · initiated by: both · started at: 20 Nov 2026, 10:00 UTC/.test(text) || text;
});
await step('what is sent is seen, also by who had scrolled up', async () => {
    await us.locator('.feed').evaluate((f) => f.scrollTo(0, 0));
    await us.waitForTimeout(300);
    await us.fill('.composer textarea', 'At the end.');
    await us.keyboard.press('Control+Enter');
    await us.locator('.item.talk', {hasText: 'At the end.'}).waitFor();
    await us.waitForTimeout(300);
    const off = await us.locator('.feed').evaluate((f) => [f.scrollHeight - f.clientHeight - f.scrollTop, f.scrollHeight - f.clientHeight]);
    return (off[0] < 8 && off[1] > 100) || off;
});
await step('search finds talk and records, and Escape closes it', async () => {
    await button(us, 'Search').click();
    await us.fill('dialog input[enterkeyhint=search]', 'ENVOYS');
    await us.keyboard.press('Enter');
    await us.locator('dialog .found .item.record').first().waitFor();
    await us.fill('dialog input[enterkeyhint=search]', 'by KEYS');
    await us.keyboard.press('Enter');
    await us.locator('dialog .found .item.talk').first().waitFor();
    await us.keyboard.press('Escape');
    await us.waitForSelector('dialog', {state: 'detached'});
});

// ---- every screen: WCAG by axe, light and dark, right to left, 200 %, narrow, reduced motion
const screens = {home: ['home'], channel: ['channel', channel], compose: ['compose', channel, 'incident'], record: ['record', record], obligations: ['obligations'], register: ['register'], timeline: ['timeline'], contacts: ['contacts'], admission: ['admission'], line: ['line'], desk: ['desk'], courier: ['courier', channel], carry: ['carry', record], found: ['found']};
async function settled(p, parts) {
    await at(p, ...parts);
    await p.waitForFunction(() => document.querySelector('main h1') && !/^Loading/m.test(document.querySelector('main').innerText));
}
for (const scheme of ['light', 'dark']) {
    await us.emulateMedia({colorScheme: scheme, reducedMotion: 'reduce'});
    for (const [name, parts] of Object.entries(screens))
        await step(`${name}, ${scheme}: nothing against WCAG 2.2 AA that axe finds`, async () => {
            await settled(us, parts);
            // Under the page's own policy nothing may be added to it: axe comes in as the debugger's code does.
            const cdp = await us.context().newCDPSession(us);
            await cdp.send('Runtime.evaluate', {expression: axe});
            const {result} = await cdp.send('Runtime.evaluate', {expression: `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')))`, awaitPromise: true, returnByValue: true});
            await cdp.detach();
            await shot(us, name + '-' + scheme);
            return result.value.length === 0 || result.value;
        });
}
await us.emulateMedia({colorScheme: 'light'});
await us.setViewportSize({width: 640, height: 450}); // 1280 by 900 at 200 %
for (const [name, parts] of Object.entries(screens))
    await step(`${name} at 200 %: nothing is cut off at the side`, async () => {
        await settled(us, parts);
        const wide = await us.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        return wide <= 0 || wide;
    });
await us.setViewportSize({width: 1280, height: 900});
for (const [language, direction, word] of [['ar', 'rtl', 'ar'], ['ru', 'ltr', 'ru'], ['uk', 'ltr', 'uk'], ['fr', 'ltr', 'fr'], ['es', 'ltr', 'es']])
    await step(`${language}: ${direction}, begun, and marked as drafted by a machine`, async () => {
        await settled(us, screens.home);
        await us.locator('.preferences select').first().selectOption(language);
        await us.waitForFunction((l) => document.documentElement.lang === l && (document.querySelector('nav a').textContent !== 'Forum' || l === 'fr'), word);
        await us.waitForTimeout(300);
        const seen = await us.evaluate(() => [document.documentElement.dir, document.querySelector('nav a').textContent, !!document.querySelector('.drafted'), document.documentElement.scrollWidth <= innerWidth, document.querySelector('nav').getBoundingClientRect().left > innerWidth / 2]);
        await shot(us, 'home-' + language);
        return (seen[0] === direction && (seen[1] !== 'Forum' || language === 'fr') && seen[2] && seen[3] && seen[4] === (direction === 'rtl')) || seen;
    });
await us.locator('.preferences select').first().selectOption('en');

await step('printed from a dark screen, it is dark on white and without what is for the screen alone', async () => {
    await settled(us, screens.record);
    await us.emulateMedia({colorScheme: 'dark', media: 'print'});
    const seen = await us.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('main td')).color, getComputedStyle(document.querySelector('main table')).backgroundColor, getComputedStyle(document.querySelector('nav')).display]);
    await us.emulateMedia({colorScheme: 'light', media: 'screen'});
    return seen.join() === 'rgb(255, 255, 255),rgb(0, 0, 0),rgb(255, 255, 255),none' || seen;
});

await step('who was removed since is told as that', async () => {
    const [call] = await Promise.all([ru.waitForRequest((r) => r.url().endsWith('/api/call')), at(ru, 'home')]);
    const authorization = await call.headerValue('authorization');
    const done = await ru.evaluate(async ([authorization, body]) => {
        const r = await fetch('/api/call', {method: 'POST', headers: {'Content-Type': 'application/json', Authorization: authorization}, body});
        return r.ok || r.text();
    }, [authorization, JSON.stringify({command: 'remove', operands: [channel, 'Nina New'], options: {}, passphrase})]);
    if (done !== true) return done;
    await at(ru, 'admission');
    await ru.locator('details.past summary').click();
    await ru.locator('details.past .card', {hasText: 'Nina New'}).locator('.state', {hasText: 'added, removed since'}).waitFor({timeout: 60000});
});

// ---- what nobody should see
check('no request went to another host', foreign.length === 0, foreign);
check('no error in any page, of its policy neither', broken.length === 0, broken.slice(0, 5));
await step('ended, it shows nothing of the home', async () => {
    await button(us, 'End session').click();
    await us.getByText('This session has ended.').waitFor();
    return !/plenary|Ana North/.test(await us.locator('body').innerText());
});

await harness.end(browser);
