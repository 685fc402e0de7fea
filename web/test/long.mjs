#!/usr/bin/env node
// web/test/long.mjs - a channel of very many records: how fast it opens, and whether it scrolls without long tasks.
//
// Use: node web/test/long.mjs MODULES CHROMIUM ADDRESS CHANNEL LAST
// ADDRESS is a fresh one of a console, CHANNEL the channel's id, LAST the number of its last record. Prints a line a case and
// their count.

import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const [modules, chromium, address, channel, last] = process.argv.slice(2);
const playwright = createRequire(pathToFileURL(modules + '/x.js'))('playwright-core');
let passed = 0;
let failed = 0;
function check(what, good, seen) {
    if (good) passed++;
    else failed++;
    console.log('%s: %s%s', good ? 'ok' : 'FAILED', what, good ? '' : ': ' + JSON.stringify(seen));
}
const middle = (v) => v.slice().sort((a, b) => a - b)[v.length >> 1];

const browser = await playwright.chromium.launch({executablePath: chromium, args: ['--no-sandbox']});
const page = await browser.newPage({viewport: {width: 1280, height: 900}});
page.setDefaultTimeout(60000);
await page.goto(address);
await page.waitForSelector('nav a');
const at = (h) => page.evaluate((x) => {
    location.hash = x;
}, h);

// Other programs share the machine: the middle of five times.
const opened = [];
for (let i = 0; i < 5; i++) {
    await at('#/found');
    await page.waitForSelector('.screen-found');
    await page.waitForTimeout(800);
    opened.push(await page.evaluate(async ([id, n]) => {
        const begin = performance.now();
        location.hash = '#/channel/' + id;
        while (![...document.querySelectorAll('.item.record .lane')].some((e) => e.textContent.trim().endsWith(' ' + n))) await new Promise(requestAnimationFrame);
        return performance.now() - begin;
    }, [channel, last]));
}
console.log('opened in %s ms', opened.map(Math.round).join(', '));
check('it opens in less than 500 ms', middle(opened) < 500, opened);

const drawn = [];
const scroll = (how, ms) => page.evaluate(async ([direction, time]) => {
    const tasks = [];
    const o = new PerformanceObserver((l) => tasks.push(...l.getEntries().map((e) => e.duration)));
    o.observe({type: 'longtask', buffered: false});
    const feed = document.querySelector('.feed');
    let most = 0;
    const end = performance.now() + time;
    while (performance.now() < end) {
        feed.scrollTop += direction * 120;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, feed.querySelectorAll('article').length);
    }
    o.disconnect();
    const numbers = [...feed.querySelectorAll('.item.record .lane')].map((e) => Number(e.textContent.trim().split(' ').pop()));
    return {tasks, most, first: Math.min(...numbers)};
}, [how, ms]);
const up = await scroll(-1, 8000);
const down = await scroll(1, 3000);
drawn.push(up.most, down.most);
console.log('up to record %d; %d long tasks, the longest %d ms; at most %d items drawn', up.first, up.tasks.length + down.tasks.length, Math.round(Math.max(0, ...up.tasks, ...down.tasks)), Math.max(...drawn));
check('what is earlier comes as it is scrolled to', up.first < Number(last) - 100, up.first);
check('no task takes longer than 100 ms', Math.max(0, ...up.tasks, ...down.tasks) < 100, [...up.tasks, ...down.tasks]);
check('only what is near the window is drawn', Math.max(...drawn) < 60, drawn);

// At the end nothing has moved when something earlier was put before it.
await page.evaluate(() => {
    const f = document.querySelector('.feed');
    f.scrollTop = f.scrollHeight;
});
await page.waitForTimeout(500);
await browser.close();
console.log('%d passed, %d failed, 0 skipped', passed, failed);
