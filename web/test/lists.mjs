#!/usr/bin/env node
// web/test/lists.mjs - lists and screens of the console as people read them: names of records, search, the timeline, forms with
// pairs, and how all of it looks in every language and width.
//
// Use: node web/test/lists.mjs MODULES CHROMIUM WORK RELAY FIRST NAME=ADDRESS...
// RELAY is the relay's process, FIRST the entry of
// the contact. NAMEs are us and ru, with a plenary as tests/e2e/98-console-lists.sh makes it; only us has claims.
// Screenshots are in WORK/shots. Prints a line a case and their count.

import {mkdirSync, readFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {at, button, check, step} from './harness.mjs';

const [modules, chromium, work, relay, first, ...addresses] = process.argv.slice(2);
const axe = readFileSync(harness.packages(modules).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(work + '/shots', {recursive: true});
const browser = await harness.launch(modules, chromium);
const {page, base, foreign, broken} = await harness.consoles(browser, addresses);
const {us, ru} = page;
const shot = (p, name) => p.screenshot({path: `${work}/shots/${name}.png`, fullPage: true});
const refused = [];
for (const who of ['us', 'ru']) page[who].on('response', (r) => r.status() >= 400 && refused.push(who + ' ' + r.status() + ' ' + r.request().postData()));

const channel = (await us.locator('nav a', {hasText: 'plenary'}).getAttribute('href')).split('/').pop();
const settled = async (p, parts) => {
    await at(p, ...parts);
    await p.waitForFunction(() => document.querySelector('main h1') && !/^Loading/m.test(document.querySelector('main').innerText));
    await p.waitForTimeout(250);
};

await step('a record has the same name at both sides, which is its entry', async () => {
    const names = async (p) => {
        await settled(p, ['channel', channel]);
        await p.locator('.item.record', {hasText: 'Notice of an activity'}).waitFor();
        return p.evaluate(() => Object.fromEntries([...document.querySelectorAll('.item.record')].map((e) => [e.querySelector('.kind a').getAttribute('href'), e.querySelector('.lane').textContent.trim()])));
    };
    const [a, b] = [await names(us), await names(ru)];
    const both = Object.keys(a).filter((k) => b[k]);
    return (both.length >= 5 && both.every((k) => a[k] === b[k] && /^Record · entry \d+$/.test(a[k])) && new Set(both.map((k) => a[k])).size === both.length) || [a, b];
});
await step('what is about another record names that one by its entry, too', async () => {
    await us.locator('.item.record', {hasText: 'Countersignature'}).getByText(`about Contact record, entry ${first}`).waitFor();
    await settled(us, ['obligations']);
    const said = await us.locator('main').innerText();
    if (!/about Notice of an activity, entry \d+/.test(said)) return said;
    await settled(us, ['register']);
    const list = await us.locator('tr', {hasText: 'Countersignature'}).innerText();
    return new RegExp(`about entry ${first}\\b`).test(list) || list;
});
await step('who has come back to the newest message keeps it in sight when the box below grows', async () => {
    await settled(us, ['channel', channel]);
    await us.locator('.entry').last().waitFor();
    await us.waitForTimeout(600);
    const under = () => us.evaluate(() => {
        const f = document.querySelector('.feed');
        return Math.round(f.scrollHeight - f.clientHeight - f.scrollTop);
    });
    const scroll = (by) => us.evaluate((y) => document.querySelector('.feed').scrollBy({top: y, behavior: 'instant'}), by);
    await scroll(-150);
    await us.waitForTimeout(300);
    const up = await under();
    await scroll(150);
    await us.waitForTimeout(300);
    const before = [await under(), await us.locator('.feed').evaluate((f) => f.clientHeight)];
    await us.locator('.lanechoice.record input').check();
    await us.locator('.composer.record select').waitFor();
    await us.waitForTimeout(400);
    const after = [await under(), await us.locator('.feed').evaluate((f) => f.clientHeight)];
    await us.locator('.lanechoice.talk input').check();
    return (up > 100 && before[0] <= 1 && after[1] < before[1] && after[0] <= 1) || [up, before, after];
});

// ---- search
await step('what is found is a link into the conversation, and has the focus there, however far back', async () => {
    await settled(us, ['channel', channel]);
    await button(us, 'Search').click();
    await us.fill('dialog input[enterkeyhint=search]', 'message number 3');
    await us.keyboard.press('Enter');
    const link = us.getByRole('link', {name: /^Show it in the conversation: Talk, Ana North/}).last();
    await link.waitFor();
    await shot(us, 'search');
    await link.focus();
    await us.keyboard.press('Enter');
    await us.waitForSelector('.entry:focus');
    await us.waitForTimeout(600);
    return us.evaluate(() => {
        const e = document.activeElement, feed = document.querySelector('.feed').getBoundingClientRect(), b = e.getBoundingClientRect();
        const good = !document.querySelector('dialog') && /message number 3$/m.test(e.innerText) && b.top >= feed.top && b.bottom <= feed.bottom && getComputedStyle(e.firstElementChild).outlineStyle === 'solid';
        return good || [e.innerText, b.top, b.bottom, feed.top, feed.bottom];
    });
});
await step('a record, too', async () => {
    await button(us, 'Search').click();
    await us.fill('dialog input[enterkeyhint=search]', 'Northern Shield');
    await us.keyboard.press('Enter');
    await us.getByRole('link', {name: /^Show it in the conversation: Record/}).click();
    await us.waitForSelector('.entry:focus .item.record');
    return us.evaluate(() => /Notice of an activity/.test(document.activeElement.innerText) || document.activeElement.innerText);
});
await step('the address of a message leads to it', async () => {
    await settled(us, ['home']);
    await at(us, 'channel', channel, 'r' + (await ru.locator('.item.record', {hasText: 'Question'}).locator('.kind a').first().getAttribute('href')).split('/').pop());
    await us.waitForSelector('.entry:focus .item.record');
    return us.evaluate(() => /Question/.test(document.activeElement.innerText) || document.activeElement.innerText);
});

// ---- the timeline
const row = (name) => us.evaluate((r) => [...document.querySelectorAll('.timeline .mark.' + r)].map((m) => [m.parentNode.querySelector('title').textContent, Number(m.getAttribute('width')), m.parentNode.querySelector('text').textContent]), name);
await step('the timeline has contacts, notices with their windows, openings, line tests and claims, each in words', async () => {
    await settled(us, ['timeline']);
    await us.waitForSelector('.timeline .mark.notices');
    await shot(us, 'timeline');
    await button(us, 'Months').click();
    await us.waitForTimeout(200);
    await shot(us, 'timeline-months');
    const seen = {};
    await button(us, 'Later').click();
    await us.waitForTimeout(200);
    seen.ahead = await row('notices');
    await button(us, 'Earlier').click();
    await us.waitForTimeout(200);
    for (const r of ['contacts', 'notices', 'records', 'answers', 'openings', 'lines']) seen[r] = await row(r);
    await button(us, 'All of it').click();
    await us.waitForTimeout(200);
    seen.claims = await row('claims');
    const has = (r, what, wide = 0) => seen[r].some(([title, width, text]) => what.test(title) && width >= wide && text.length > 3);
    return (has('contacts', new RegExp(`Countersigned: call, north and south, entry ${first}`)) && has('notices', /^Notice of a launch, entry \d+, north/, 10) && has('ahead', /^Notice of an activity, entry \d+/, 50) && has('records', /^Question about an activity, entry \d+, south/) &&
        has('answers', new RegExp(`^Countersignature, entry \\d+, about entry ${first}, south`)) && has('openings', new RegExp(`^Open in public: Contact record, entry ${first}, north`)) && has('openings', new RegExp(`^Consent to opening, entry \\d+, about entry ${first}`)) && has('lines', /Line test|heard/) && has('claims', /c10/)) || seen;
});
await step('from hours to years: the span and what is in it follow, by buttons and by keys', async () => {
    const spans = {};
    for (const b of ['Hours', 'Days', 'Months', 'Years', 'Ten years']) {
        await button(us, b).click();
        await us.waitForTimeout(100);
        spans[b] = await us.evaluate(() => [document.querySelectorAll('.timeline .tick').length, [...document.querySelectorAll('.timeline .ticklabel')].map((x) => x.textContent).slice(0, 3).join('|')]);
    }
    await us.locator('.timeline').focus();
    const before = await us.locator('p[aria-live=polite]').innerText();
    await us.keyboard.press('ArrowLeft');
    const moved = await us.locator('p[aria-live=polite]').innerText();
    const labels = Object.values(spans).map((x) => x[1]);
    return (Object.values(spans).every(([n]) => n >= 2 && n <= 60) && new Set(labels).size === 5 && /:00/.test(labels[0]) && /^\d{4}/.test(labels[4]) && moved !== before) || [spans, before, moved];
});

// ---- contacts without claims
await step('where no claims were imported, nothing is refused and nothing is shown', async () => {
    refused.length = 0;
    await settled(ru, ['contacts']);
    await ru.getByRole('heading', {name: 'Public claims'}).waitFor();
    await settled(ru, ['timeline']);
    await ru.waitForSelector('.timeline .mark.contacts');
    return (refused.length === 0 && (await ru.locator('.trouble').count()) === 0) || refused;
});

// ---- forms
let made;
await step('a list of pairs has an input for each name that the template gives; one more has the focus, and who takes one away keeps it', async () => {
    await settled(us, ['compose', channel, 'calendar']);
    await us.fill('#f-year', '2027');
    const items = us.locator('.field', {has: us.locator('#f-items')});
    await items.getByLabel('designation').first().fill('Northern, Shield = 27');
    await items.getByLabel('planned month or dates').first().fill('3');
    await items.getByRole('button', {name: 'Add a name and its value'}).click();
    await us.waitForSelector('.pair input:focus');
    await us.keyboard.type('note');
    await us.keyboard.press('Tab');
    await us.keyboard.type('may move');
    await items.getByRole('button', {name: 'Add one more'}).click();
    await us.waitForFunction(() => [...document.querySelectorAll('.many > .row')].findIndex((r) => r.contains(document.activeElement)) === 1);
    await us.keyboard.type('Launch');
    await items.getByRole('button', {name: 'Add one more'}).click();
    await us.waitForFunction(() => [...document.querySelectorAll('.many > .row')].findIndex((r) => r.contains(document.activeElement)) === 2);
    await shot(us, 'compose-pairs');
    await items.getByRole('button', {name: 'Take away number 3'}).click();
    await us.waitForFunction(() => [...document.querySelectorAll('.many > .row')].findIndex((r) => r.contains(document.activeElement)) === 1);
    await us.fill('#f-item_count', '2');
    await us.selectOption('#f-nil', 'false');
    await button(us, 'Read it once more').click();
    const review = await us.locator('.review').innerText();
    await button(us, 'Sign and make the record').click();
    await us.waitForSelector('.onerecord');
    made = (await us.evaluate(() => location.hash)).split('/').pop();
    await settled(ru, ['record', made]);
    const row = await ru.locator('tr', {hasText: 'items'}).innerText();
    await shot(ru, 'record-pairs');
    const good = /designation\s+Northern, Shield = 27/.test(review) && /designation\s+Northern, Shield = 27/.test(row) && /note\s+may move/.test(row) && /planned month or dates\s+3/.test(row) && /designation\s+Launch/.test(row);
    return good || [review, row];
});
await step('where the template leaves the names free, there are pairs of inputs, and an old draft is not lost', async () => {
    await settled(us, ['compose', channel, 'declaration']);
    const totals = us.locator('.field', {has: us.locator('#f-totals')});
    await totals.getByLabel('Name', {exact: true}).fill('tank');
    await totals.getByLabel('Value', {exact: true}).fill('12');
    await us.waitForTimeout(900);
    await us.reload();
    await us.waitForSelector('#f-totals');
    const kept = [await totals.getByLabel('Name', {exact: true}).inputValue(), await totals.getByLabel('Value', {exact: true}).inputValue()];
    await button(us, 'Empty the form').click();
    return kept.join() === 'tank,12' || kept;
});
await step('a record that has no entry yet says so, and then says which it has', async () => {
    process.kill(Number(relay), 'SIGSTOP');
    try {
        await settled(us, ['compose', channel, 'concern']);
        for (const [f, v] of [['title', 'Works near the line'], ['issue', 'New positions were dug.'], ['wanted', 'An account.'], ['answer_due', '2027-03-01']]) await us.fill('#f-' + f, v);
        for (const f of ['raised_by', 'severity', 'state']) await us.selectOption('#f-' + f, {index: 1});
        await button(us, 'Read it once more').click();
        await button(us, 'Sign and make the record').click();
        await us.locator('h1', {hasText: /^\s*Concern, no entry yet$/}).waitFor();
    } finally {
        process.kill(Number(relay), 'SIGCONT');
    }
    await us.locator('h1', {hasText: /^\s*Concern, entry \d+$/}).waitFor({timeout: 60000});
});

// ---- how it looks
const record = (await us.evaluate(() => location.hash)).split('/').pop();
const screens = {home: ['home'], channel: ['channel', channel], compose: ['compose', channel, 'calendar'], record: ['record', record], obligations: ['obligations'], register: ['register'], timeline: ['timeline'], contacts: ['contacts'], admission: ['admission'], found: ['found']};
for (const scheme of ['light', 'dark'])
    for (const name of ['timeline', 'compose', 'contacts'])
        await step(`${name}, ${scheme}: nothing against WCAG 2.2 AA that axe finds`, async () => {
            await us.emulateMedia({colorScheme: scheme, reducedMotion: 'reduce'});
            await settled(us, screens[name]);
            const cdp = await us.context().newCDPSession(us);
            await cdp.send('Runtime.evaluate', {expression: axe});
            const {result} = await cdp.send('Runtime.evaluate', {expression: `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')))`, awaitPromise: true, returnByValue: true});
            await cdp.detach();
            await shot(us, name + '-' + scheme);
            return result.value.length === 0 || result.value;
        });
await us.emulateMedia({colorScheme: 'light'});
// What sticks out at the side, or is cut off in a box that does not scroll. What is for screen readers alone is cut off by intent.
const cut = () => {
    const out = [];
    if (document.documentElement.scrollWidth > innerWidth) out.push('page: ' + document.documentElement.scrollWidth);
    // The places may be a row that scrolls: then one line high, and each comes into sight as it gets the focus.
    const row = document.querySelector('nav');
    const scrolls = row && row.scrollWidth > row.clientWidth && getComputedStyle(row).overflowX === 'auto';
    if (scrolls) {
        const before = document.activeElement, at = row.scrollLeft;
        if (row.offsetHeight > 64) out.push('the row of places is ' + row.offsetHeight + ' high');
        const on = row.querySelector('[aria-current]');
        if (on && (on.getBoundingClientRect().right > innerWidth + 1 || on.getBoundingClientRect().left < -1)) out.push('where one is is out of sight');
        for (const a of row.querySelectorAll('a')) {
            a.focus();
            const b = a.getBoundingClientRect();
            if (b.width <= innerWidth && (b.right > innerWidth + 1 || b.left < -1)) out.push('out of sight: ' + a.textContent);
        }
        before.focus({preventScroll: true});
        row.scrollLeft = at;
    } else if (row && row.scrollWidth > row.clientWidth) out.push('places are cut off');
    for (const e of document.querySelectorAll('main *, nav *, header *')) {
        if (scrolls && row.contains(e)) continue;
        if (e.closest('.hidden, .table, svg, .timeline, .skip, .gap, option, .notes')) continue;
        const s = getComputedStyle(e), b = e.getBoundingClientRect();
        if (!b.width || s.position === 'absolute') continue;
        if (b.right > innerWidth + 1 || b.left < -1) out.push('out: ' + e.tagName + '.' + e.className + ' ' + Math.round(b.left) + '-' + Math.round(b.right));
        if (/^(BUTTON|A|SELECT|LABEL|H1|H2|P|TD|TH)$/.test(e.tagName) && e.scrollWidth > e.clientWidth + 2 && s.display !== 'inline' && !/auto|scroll/.test(s.overflowX)) out.push('cut: ' + e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 30));
    }
    for (const e of document.querySelectorAll('.table bdi')) if (/^\S{1,16}$/.test(e.textContent) && e.getClientRects().length > 1) out.push('a word in pieces: ' + e.textContent);
    for (const e of document.querySelectorAll('.timeline .marklabel')) {
        const b = e.getBoundingClientRect(), box = e.closest('svg').getBoundingClientRect();
        if (b.right > box.right + 2 || b.left < box.left - 2) out.push('label cut: ' + e.textContent);
    }
    return out.slice(0, 6);
};
for (const language of ['en', 'ar', 'ru', 'uk', 'fr', 'es'])
    for (const width of language === 'en' || language === 'ar' ? [1280, 640, 420] : [420])
        await step(`${language}, ${width} wide: no screen is cut off or sticks out`, async () => {
            await us.setViewportSize({width, height: width === 1280 ? 900 : width === 640 ? 450 : 800});
            await settled(us, screens.home);
            await us.locator('.preferences select').first().selectOption(language);
            await us.waitForFunction((l) => document.documentElement.lang === l, language);
            const wrong = {};
            for (const [name, parts] of Object.entries(screens)) {
                await at(us, ...parts);
                await us.waitForTimeout(650);
                const found = await us.evaluate(cut);
                if (found.length) wrong[name] = found;
                if (language === 'en' || language === 'ar' || width === 420) await shot(us, `${name}-${language}-${width}`);
                if (name === 'obligations' && (language === 'en' || language === 'ar')) {
                    await us.locator('main input[type=checkbox]').nth(1).check();
                    await us.waitForTimeout(150);
                    const more = await us.evaluate(cut);
                    if (more.length) wrong.calendar = more;
                    await shot(us, `calendar-${language}-${width}`);
                }
            }
            return Object.keys(wrong).length === 0 || wrong;
        });
check('no request went to another host', foreign.length === 0, foreign);
check('no error in any page, of its policy neither', broken.length === 0, broken.slice(0, 5));
await harness.end(browser);
