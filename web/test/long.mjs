#!/usr/bin/env node
// web/test/long.mjs - a channel of very many records: how fast it opens, and whether it scrolls without long tasks.
//
// Use: node web/test/long.mjs MODULES CHROMIUM ADDRESS CHANNEL LAST PID
// ADDRESS is a fresh one of the console that is process PID, CHANNEL the channel's id, LAST the number of its last record;
// each says its own number behind its second party.
// Prints a line a case and their count.

import {readFileSync} from 'node:fs';
import * as harness from './harness.mjs';
import {check} from './harness.mjs';

const [modules, chromium, address, channel, last, pid] = process.argv.slice(2);
const browser = await harness.launch(modules, chromium);
const page = await browser.newPage({viewport: {width: 1280, height: 900}});
page.setDefaultTimeout(60000);
await page.goto(address);
await page.waitForSelector('nav a');
const at = (h) => page.evaluate((x) => {
    location.hash = x;
}, h);

// What is judged is processor time, of the page and of the program behind it: on a machine that others use, too, the time of the
// clock is no fault of the page. That is printed.
const ticks = () => {
    const f = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return 10 * (Number(f[11]) + Number(f[12])); // utime and stime, in hundredths of a second
};
const tracing = async (f) => {
    await browser.startTracing(page, {categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline']});
    const said = await f();
    const {traceEvents: events} = JSON.parse(await browser.stopTracing());
    const main = new Set(events.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map((e) => e.pid + '.' + e.tid));
    const tasks = events.filter((e) => /RunTask$/.test(e.name) && e.tdur !== undefined && main.has(e.pid + '.' + e.tid)).map((e) => e.tdur / 1000);
    return {said, tasks};
};

const opened = [];
for (let i = 0; i < 5; i++) {
    await at('#/found');
    await page.waitForSelector('.screen-found');
    await page.waitForTimeout(800);
    const before = ticks();
    const {said, tasks} = await tracing(() => page.evaluate(async ([id, n]) => {
        const begin = performance.now();
        location.hash = '#/channel/' + id;
        while (![...document.querySelectorAll('.item.record .extract')].some((e) => e.textContent.includes('south ' + n))) await new Promise(requestAnimationFrame);
        return performance.now() - begin;
    }, [channel, last]));
    opened.push({clock: Math.round(said), page: Math.round(tasks.reduce((a, b) => a + b, 0)), program: ticks() - before, traced: tasks.length});
}
console.log('opened: ' + opened.map((o) => `${o.clock} ms by the clock, ${o.page} ms of the page, ${o.program} ms of the program`).join('; '));
// The program does other things besides, as looking for the relay: the least of five counts.
check('it opens in less than 500 ms of work', opened.every((o) => o.traced > 0) && Math.min(...opened.map((o) => o.page + o.program)) < 500, opened);

const scroll = (direction, time) => page.evaluate(async ([by, ms]) => {
    const feed = document.querySelector('.feed');
    let most = 0;
    const end = performance.now() + ms;
    while (performance.now() < end) {
        feed.scrollTop += by * 120;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, feed.querySelectorAll('article').length);
    }
    const numbers = [...feed.querySelectorAll('.item.record .extract')].map((e) => Number(/south (\d+)/.exec(e.textContent)[1]));
    return {most, first: Math.min(...numbers)};
}, [direction, time]);
const up = await tracing(() => scroll(-1, 6000));
const down = await tracing(() => scroll(1, 2000));
const longest = Math.max(...up.tasks, ...down.tasks);
const most = Math.max(up.said.most, down.said.most);
console.log('up to record %d; %d tasks, the longest %d ms; at most %d items drawn', up.said.first, up.tasks.length + down.tasks.length, Math.round(longest), most);
check('what is earlier comes as it is scrolled to', up.said.first < Number(last) - 100, up.said.first);
check('no task takes longer than 100 ms', up.tasks.length > 100 && longest < 100, longest);
check('only what is near the window is drawn', most < 60, most);
await harness.end(browser);
