/** A limit is reached, and the site is closed: wherever it is open, however one comes back, until it is put off. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { at, go, onBlockPage, OUT, until, visit } from '../browser/bed.mjs';
import { limitToPage } from './latency.mjs';
import { open } from './bed.mjs';

const SHOTS = path.join(OUT, 'shots');
const SENTENCE = 'I would rather finish my letter.';
const SITE = 'https://www.one.example/watch?v=1';
const WORKER = 'https://worker.two.example/';

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: a limit of three seconds`, async (t) => {
    const bed = await open(t);
    await bed.well('browser', 'install', '--user');
    await bed.launch(browser);
    await bed.linked(browser);
    const history = await visit(bed, 'https://one.example/history');
    await at(history, 'https://one.example/history');
    go(history, 'https://bystander.example/');
    await at(history, 'https://bystander.example/');
    const worker = await visit(bed, WORKER);
    await at(worker, WORKER);
    await worker.evaluate(async () => {
      await navigator.serviceWorker.register('/sw.js');
      await navigator.serviceWorker.ready;
    });
    go(worker, `${WORKER}again`);
    await until('the site serving itself', () => worker.evaluate(() => document.title === 'served by the site itself'));
    const page = await visit(bed, SITE);
    await at(page, SITE);
    await page.bringToFront();
    const snooze = `snooze = { length = "5m", per-day = 3, wait = "1s", sentence = "${SENTENCE}" }`;
    await bed.rules(['one', 'two'].map((name) => `[[rule]]\nid = "${name}"\ntarget = "domain:${name}.example"\nbudget = { amount = "3s", per = "day" }\n${snooze}\n`).join('\n'));

    await t.test('the tab that is in front', async () => {
      const reached = await bed.watch.event(0, ({ event, rule }) => event === 'limit-reached' && rule === 'one', 'the limit');
      await at(page, onBlockPage);
      t.diagnostic(`from the limit to the page: ${await limitToPage(page, Date.parse(reached.at))} ms`);
      const used = (await bed.spans()).filter(({ domain }) => domain === 'one.example').reduce((sum, { from, to }) => sum + to - from, 0);
      assert.ok(used >= 3000, `closed after ${used} ms`);
      await until('the text', () => page.evaluate(() => document.querySelector('#more')?.textContent === '5 more minutes'));
      assert.equal(await page.evaluate(() => document.querySelector('h1')?.textContent), 'one.example is closed for now');
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: path.join(SHOTS, `${browser}-whole-closed.png`) });
    });
    await t.test('dwell hears that it is', () => bed.linked(browser));
    await t.test('back, out of the history', async () => {
      await history.bringToFront();
      await history.evaluate(() => void setTimeout(() => window.history.back()));
      await at(history, onBlockPage);
    });
    await t.test('a reload', async () => {
      await page.evaluate(() => void setTimeout(() => location.reload()));
      await until('the page again', () => page.evaluate(() => performance.getEntriesByType('navigation')[0].type === 'reload' && document.querySelector('h1')?.textContent === 'one.example is closed for now'));
      await at(page, onBlockPage);
    });
    await t.test('a new tab', async () => {
      const other = await visit(bed, 'https://m.one.example/');
      await at(other, onBlockPage);
      await other.close();
    });
    await t.test('the site with a service worker of its own', async () => {
      await worker.bringToFront();
      await at(worker, onBlockPage);
      const other = await visit(bed, `${WORKER}more`);
      await at(other, onBlockPage);
      await other.close();
    });
    await t.test('no other site', async () => {
      const other = await visit(bed, 'https://bystander.example/');
      await at(other, 'https://bystander.example/');
      await other.close();
    });
    await t.test('five more minutes', async () => {
      await page.bringToFront();
      await page.evaluate(() => document.querySelector('#more')?.click());
      await until('the end of the wait', () => page.evaluate(() => document.querySelector('#terms')?.checkVisibility() && !document.querySelector('#go')?.hasAttribute('aria-disabled')));
      assert.equal(await page.evaluate(() => document.querySelector('#sentence')?.textContent), SENTENCE);
      await page.focus('#typed');
      await page.keyboard.type(SENTENCE);
      await page.keyboard.press('Enter');
      await at(page, SITE);
      await at(worker, onBlockPage);
      const row = (await bed.json('limit')).limits.find(({ id }) => id === 'one');
      assert.equal(row?.snoozes_left, 2);
      assert.ok(Date.parse(row.snoozed_until) > Date.now(), row.snoozed_until);
    });
    await t.test('and the time after that counts', async () => {
      await until('its time', async () => (await bed.json('status')).active?.domain, (domain) => domain === 'one.example');
    });
    await t.test('a daemon that ends leaves nothing closed', async () => {
      await bed.stopDaemon();
      await worker.bringToFront();
      await at(worker, (url) => url.startsWith(WORKER));
    });
  });
}
