#!/usr/bin/env node
// web/test/readout.mjs - a joint readout by clicks, in a real browser against three running consoles.
//
// Use: node web/test/readout.mjs MODULES CHROMIUM WORK NAME=ADDRESS...
// WORK holds the file `passphrase`, and gets screenshots in shots/, the readout's id in readout.id and the page's plain text in
// plain.txt. NAMEs are us, ru, med, in a channel `plenary` with one contact record. Prints a line a case and their count.

import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {at, button, step} from './harness.mjs';

const [modules, chromium, work, ...addresses] = process.argv.slice(2);
const axe = readFileSync(harness.packages(modules).resolve('axe-core/axe.min.js'), 'utf8');
const passphrase = readFileSync(work + '/passphrase', 'utf8').trim();
mkdirSync(work + '/shots', {recursive: true});

const browser = await harness.launch(modules, chromium);
const {page, broken} = await harness.consoles(browser, addresses);
const {us, ru, med} = page;
const shot = (p, name) => p.screenshot({path: `${work}/shots/${name}.png`, fullPage: true});
const row = (p, n) => p.locator('tbody tr', {has: p.locator('th', {hasText: new RegExp('^' + n + '$')})});
const gone = (p) => p.waitForSelector('.answerform', {state: 'detached'});

const confirm = (p) => harness.confirm(p, passphrase);

/** What axe finds on this page, under its own policy. */
async function against(p) {
    const cdp = await p.context().newCDPSession(p);
    await cdp.send('Runtime.evaluate', {expression: axe});
    const {result} = await cdp.send('Runtime.evaluate', {expression: `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')))`, awaitPromise: true, returnByValue: true});
    await cdp.detach();
    return result.value.length === 0 || result.value;
}

async function type(p, texts) {
    for (const [l, text] of Object.entries(texts)) await p.fill(`.answerform textarea[data-language=${l}]`, text);
}

const channel = (await us.locator('nav a', {hasText: 'plenary'}).getAttribute('href')).split('/').pop();
const first = {en: 'They met for half an hour.', ru: 'Встреча длилась полчаса.', ar: 'دام اللقاء نصف ساعة.'};
const second = {en: 'They agreed on a list.', ru: 'Они согласовали список.', ar: 'اتفقوا على قائمة.'};
const better = {en: 'They will meet again.', ru: 'Они встретятся снова.', ar: 'سيلتقون مرة أخرى.'};
let id;

await step('from the composer: what a readout is, and what of it will be provable', async () => {
    await at(us, 'channel', channel);
    await us.locator('.lanechoice.record input').check();
    await us.selectOption('.composer select', 'readout');
    await button(us, 'Open the form').click();
    await us.selectOption('#r-contact', {index: 1});
    await us.locator('.field', {has: us.locator('#r-versions')}).getByRole('button', {name: 'Add one more'}).click();
    await us.fill('#r-versions-1', 'ru');
    await us.locator('.field', {has: us.locator('#r-versions')}).getByRole('button', {name: 'Add one more'}).click();
    await us.fill('#r-versions-2', 'ar');
    const said = await us.locator('.provable').innerText();
    await shot(us, 'readout-begin');
    const bad = await against(us);
    await button(us, 'Sign and make the record').click();
    await us.getByText('It has no lines yet.').waitFor();
    id = (await us.evaluate(() => location.hash)).split('/').pop();
    writeFileSync(work + '/readout.id', id);
    return (bad === true && /Boris South/.test(said) && /show the world nothing but the entry/.test(said)) || [bad, said];
});
for (const [n, texts] of [[1, first], [2, second]])
    await step(`line ${n}, in three languages, what will be provable above the button`, async () => {
        await button(us, 'Write a line').click();
        await type(us, texts);
        const said = await us.locator('.provable').innerText();
        if (n === 1) await shot(us, 'readout-line');
        const bad = n === 1 ? await against(us) : true;
        await button(us, 'Sign and make the line').click();
        await gone(us);
        await row(us, n).waitFor();
        return (bad === true && /It can be withdrawn, which undoes nothing/.test(said) && /Boris South/.test(said)) || [bad, said];
    });
await step('the languages stand side by side, each in its own direction', async () => {
    await at(ru, 'readout', id);
    await row(ru, 2).waitFor({timeout: 40000});
    const cells = await row(ru, 1).locator('.saying .peer').evaluateAll((all) => all.map((e) => ({text: e.textContent, lang: e.lang, direction: getComputedStyle(e).direction, left: e.getBoundingClientRect().left, top: e.getBoundingClientRect().top})));
    const heads = await ru.locator('thead th').allInnerTexts();
    return (cells.map((c) => c.text).join() === Object.values(first).join() && cells.map((c) => c.lang + c.direction).join() === 'enltr,rultr,arrtl' && cells[0].left < cells[1].left && cells[1].left < cells[2].left && cells[0].top === cells[2].top && /Russian/.test(heads[2]) && /Arabic/.test(heads[3])) || [cells, heads];
});
await step('nobody but its author has agreed yet', async () => {
    const said = await row(ru, 1).innerText();
    return (/Not agreed by all sides: stays sealed/.test(said) && /north wrote it/.test(said) && /south has not agreed/.test(said)) || said;
});
await step('the other side agrees to how it is released and to the first line, and reads what that is not', async () => {
    await button(ru, 'Agree to how and when it is released').click();
    await button(ru, 'Sign the agreement').click();
    await gone(ru);
    await row(ru, 1).getByRole('button', {name: /^Agree/}).click();
    const said = await ru.locator('.answerform').innerText();
    await shot(ru, 'readout-agree');
    const bad = await against(ru);
    await button(ru, 'Sign the agreement').click();
    await gone(ru);
    return (bad === true && /releases nothing/.test(said) && said.includes(first.ar) && !said.includes(second.en)) || [bad, said];
});
await step('and objects to the second, with a text of its own and why', async () => {
    await row(ru, 2).getByRole('button', {name: /^Object/}).click();
    const before = await button(ru, 'Sign the objection').isDisabled();
    await type(ru, {en: 'They spoke of a list.', ru: 'Они говорили о списке.', ar: 'تحدثوا عن قائمة.'});
    await ru.fill('.answerform textarea[data-why]', 'Nothing was agreed on.');
    await shot(ru, 'readout-object');
    const bad = await against(ru);
    await button(ru, 'Sign the objection').click();
    await gone(ru);
    return (bad === true && before) || [bad, before];
});
await step('its author sees that the first is agreed, and what is said against the second', async () => {
    await row(us, 1).getByText('Agreed by all sides', {exact: true}).waitFor({timeout: 40000});
    await row(us, 2).getByText('objects').waitFor({timeout: 40000});
    const said = await row(us, 2).innerText();
    const arabic = await row(us, 2).locator('.sides .peer[lang=ar]').evaluate((e) => getComputedStyle(e).direction);
    await shot(us, 'readout-objected');
    return (/They spoke of a list\./.test(said) && /Nothing was agreed on\./.test(said) && arabic === 'rtl' && !/Agreed by all/.test(said)) || [said, arabic];
});
for (const scheme of ['light', 'dark'])
    await step(`${scheme}: nothing against WCAG 2.2 AA that axe finds`, async () => {
        await us.emulateMedia({colorScheme: scheme, reducedMotion: 'reduce'});
        const bad = await against(us);
        await us.emulateMedia({colorScheme: 'light'});
        return bad;
    });
await step('at 200 % nothing is cut off at the side', async () => {
    await us.setViewportSize({width: 640, height: 450});
    const wide = await us.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await us.setViewportSize({width: 1280, height: 900});
    return wide <= 0 || wide;
});
await step('what was read is what is signed: a version that has gone meanwhile is refused', async () => {
    await row(ru, 2).getByRole('button', {name: /^Agree/}).click();
    await row(us, 2).getByRole('button', {name: /^Write it anew/}).click();
    await type(us, better);
    await button(us, 'Sign and make the line').click();
    await gone(us);
    await row(ru, 2).getByText(better.en).waitFor({timeout: 40000});
    const shown = await ru.locator('.answerform').innerText();
    await button(ru, 'Sign the agreement').click();
    const said = await ru.locator('.answerform .trouble').innerText();
    await button(ru, 'Cancel').click();
    return (shown.includes(second.en) && /in force/.test(said) && !/Agreed by all/.test(await row(ru, 2).innerText())) || [shown, said];
});
await step('then it agrees to what stands there now', async () => {
    await button(ru, 'Agree to the 1 line that is open to you').click();
    await button(ru, 'Sign the agreement').click();
    await gone(ru);
    await row(us, 2).getByText('Agreed by all sides', {exact: true}).waitFor({timeout: 40000});
});
await step('the mediator agrees to all, too, and sees the same', async () => {
    await at(med, 'readout', id);
    await row(med, 2).getByText('Agreed by all sides', {exact: true}).waitFor({timeout: 40000});
    await button(med, 'Agree to all 2 lines that are open to you').click();
    await button(med, 'Sign the agreement').click();
    await gone(med);
    await row(us, 1).getByText('neutral agrees').waitFor({timeout: 40000});
});
await step('a line that was agreed and is changed in one language says so, until it is as it was; who was about to consent looks again', async () => {
    await button(med, 'Release it').click();
    const could = await button(med, 'Sign the consent').isEnabled();
    await row(us, 1).getByRole('button', {name: /^Write it anew/}).click();
    const warned = await us.locator('.answerform').innerText();
    await type(us, {ru: 'Встреча не состоялась.'});
    await button(us, 'Sign and make the line').click();
    await gone(us);
    const changed = row(ru, 1).locator('td.differs');
    await changed.waitFor({timeout: 40000});
    const said = await changed.allInnerTexts();
    await med.getByText('The agreed lines have changed since you opened this').waitFor({timeout: 40000});
    const can = await button(med, 'Sign the consent').isEnabled();
    await button(med, 'Cancel').click();
    await shot(ru, 'readout-changed');
    await row(us, 1).getByText('Встреча не состоялась.').waitFor();
    await row(us, 1).getByRole('button', {name: /^Write it anew/}).click();
    await type(us, first);
    await button(us, 'Sign and make the line').click();
    await gone(us);
    await row(ru, 1).getByText(first.ru).waitFor({timeout: 40000});
    await row(ru, 1).getByRole('button', {name: /^Agree/}).click();
    await button(ru, 'Sign the agreement').click();
    await gone(ru);
    await row(us, 1).getByText('Agreed by all sides', {exact: true}).waitFor({timeout: 40000});
    return (said.length === 1 && /Встреча не состоялась.*Changed after/s.test(said[0]) && /had agreed to this line/.test(warned) && could && !can) || [said, warned, could, can];
});
await step('printed, it is forum and day, its text and its standing and nothing else', async () => {
    await us.emulateMedia({colorScheme: 'dark', media: 'print'});
    const seen = await us.evaluate(() => ({text: document.body.innerText, ground: getComputedStyle(document.body).backgroundColor, buttons: [...document.querySelectorAll('button, input, select, .top, nav')].filter((e) => e.offsetParent !== null).length}));
    await us.pdf({path: work + '/shots/readout.pdf'});
    await shot(us, 'readout-print');
    await us.emulateMedia({colorScheme: 'light', media: 'screen'});
    return (Object.values({...first, a: better.en, b: better.ar}).every((x) => seen.text.includes(x)) && /Agreed by all sides/.test(seen.text) && seen.buttons === 0 && seen.ground === 'rgb(255, 255, 255)' && !/Ana North|plenary|What is not released/.test(seen.text) && seen.text.trim().startsWith('Exercise. As of ')) || seen;
});
for (const [who, p] of [['us', us], ['ru', ru]])
    await step(who + ' consents, after what that releases and what not, with the passphrase', async () => {
        await button(p, 'Release it').click();
        const said = await p.locator('.answerform').innerText();
        if (who === 'us') await shot(p, 'readout-consent');
        const bad = await against(p);
        await button(p, 'Sign the consent').click();
        await confirm(p);
        await p.locator('.told').getByText('Your party’s consents are made').waitFor();
        return (bad === true && /2 lines are agreed/.test(said) && /Nothing is published by this/.test(said)) || [bad, said];
    });
await step('all consents are in the register: said in words, the plain text offered, and published only when that is chosen', async () => {
    await us.getByText('All consents are in the register: the agreed lines may be released').waitFor({timeout: 40000});
    const said = await us.locator('.answerform').innerText();
    const locked = await button(us, 'Publish the agreed lines').isDisabled();
    const bad = await against(us);
    const [got] = await Promise.all([us.waitForEvent('download'), button(us, 'Save the plain text').click()]);
    await got.saveAs(work + '/plain.txt');
    await us.getByLabel('Publish it beside the register').check();
    await shot(us, 'readout-release');
    await button(us, 'Publish the agreed lines').click();
    await confirm(us);
    await us.locator('.told').getByText('Published beside the register').waitFor();
    return (bad === true && locked && /cannot be taken back/.test(said) && /proves nothing by itself/.test(said)) || [bad, locked, said];
});
await step('a record page of a readout and one of a line lead to it', async () => {
    await at(med, 'record', id);
    await med.getByRole('link', {name: /^Open the readout/}).click();
    await row(med, 1).waitFor();
    await row(med, 1).locator('th a').click();
    await med.getByRole('link', {name: 'Open the readout of this line'}).click();
    await row(med, 1).waitFor();
    return (await med.evaluate(() => location.hash)).endsWith(id);
});
await step('in Arabic the page turns round, and its languages stay what they are', async () => {
    await med.locator('.preferences select').first().selectOption('ar');
    await med.waitForFunction(() => document.documentElement.dir === 'rtl' && /بيان مشترك/.test(document.querySelector('h1').textContent));
    const seen = await row(med, 1).locator('.saying .peer').evaluateAll((all) => all.map((e) => getComputedStyle(e).direction));
    await shot(med, 'readout-ar');
    return seen.join() === 'ltr,ltr,rtl' || seen;
});
await step('no error in any page, of its policy neither', () => broken.length === 0 || broken.slice(0, 5));

await harness.end(browser);
