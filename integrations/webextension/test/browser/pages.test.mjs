/** The block page and the popup, as a person meets them: by mouse, by keyboard, light and dark. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { at, onBlockPage, open, OUT, require, until, visit } from './bed.mjs';
import { block } from './host.mjs';

const AXE = readFileSync(require.resolve('axe-core'), 'utf8');
const SHOTS = path.join(OUT, 'shots');
mkdirSync(SHOTS, { recursive: true });

const SENTENCE = 'I would rather finish my letter.';

/** dwell as far as the pages go: asks for a wait and a sentence, then opens the site. */
function answers(host, { sentence, wait_ms }) {
  host.answer = (frame) => {
    if (frame.t === 'query') host.send({ t: 'usage', d: 'video.example', used_ms: 1_500_000, left_ms: 300_000, blocked: false, why: 'Your limit “evening-video” allows 30 minutes a day.' });
    if (frame.t === 'more') host.send({ t: 'more', d: 'video.example', rule: 'evening-video', wait_ms, length_ms: 300_000, left: 3, sentence });
    if (frame.t === 'snooze') {
      host.send({ t: 'snoozed', d: 'video.example', ok: true, message: 'It is open for 5 minutes.' });
      host.send({ t: 'rules', gen: 90, block: [] });
    }
  };
}

const text = (page, selector) => page.evaluate((wanted) => [...document.querySelectorAll(wanted)].filter((found) => found.checkVisibility()).map((found) => found.innerText).join('|'), selector);
const shown = (page, selector, wanted) => until(`${selector} with ${wanted}`, async () => {
  const now = await text(page, selector);
  return wanted.test(now) ? now : { not: now };
}, (answer) => typeof answer === 'string');

/** No finding of axe-core, in light and in dark; a picture of each is kept. */
async function looksWell(page, name, schemes = ['light', 'dark']) {
  await page.bringToFront();
  for (const scheme of schemes) {
    if (schemes.length > 1) await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], `${name}, ${scheme}`);
    await page.screenshot({ path: path.join(SHOTS, `${name}-${scheme}.png`) });
  }
}

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: the pages`, async (t) => {
    const bed = await open(t, browser);
    const { host } = bed;
    await host.frame(0, (frame) => frame.t === 'applied');
    const schemes = browser === 'chromium' ? ['light', 'dark'] : ['plain'];
    const name = (what) => `${browser}-${what}`;

    const address = 'https://www.video.example/watch?v=1';
    const page = await visit(bed, address);
    await page.setViewport({ width: 900, height: 760 });
    await at(page, address);
    answers(host, { sentence: SENTENCE, wait_ms: 3_600_000 });
    await host.block(block('video.example'));
    await at(page, onBlockPage);

    await t.test('says which rule, how much was used and when it opens again', async () => {
      await shown(page, 'h1', /^video\.example is closed for now$/);
      assert.match(await text(page, '#why'), /evening-video.*30 minutes are used/);
      assert.match(await text(page, '#opens'), /tomorrow at 04:00/);
      assert.match(await text(page, '#left'), /^3 times left today\.$/);
      assert.equal(await page.evaluate(() => document.title), 'video.example is closed for now');
      assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
      await looksWell(page, name('closed'), schemes);
    });

    await t.test('Close comes first for the keyboard', async () => {
      await page.bringToFront();
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'close');
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'more');
    });

    await t.test('more minutes wait, and the wait is not chattered', async () => {
      await page.keyboard.press('Enter');
      await shown(page, '#status', /^Can be pressed after 3600 seconds\.$/);
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'typed');
      assert.equal(await page.evaluate(() => document.querySelector('#count')?.getAttribute('aria-hidden')), 'true');
      const before = await text(page, '#count');
      await until('the seconds to go by', async () => (await text(page, '#count')) !== before);
      assert.match(await text(page, '#status'), /3600/);
      await page.keyboard.type('Something else');
      await page.keyboard.press('Enter');
      assert.equal(host.seen.filter(({ frame }) => frame.t === 'snooze').length, 0);
      await looksWell(page, name('more'), schemes);
      await page.evaluate(() => document.querySelector('#never-mind')?.click());
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'more');
      assert.equal(await text(page, '#terms'), '');
    });

    await t.test('without the sentence nothing opens', async () => {
      answers(host, { sentence: SENTENCE, wait_ms: 1 });
      await page.evaluate(() => document.querySelector('#more')?.click());
      await shown(page, '#status', /^Can be pressed now\.$/);
      await page.evaluate(() => document.querySelector('#go')?.click());
      await shown(page, '#status', /^That is not the sentence yet/);
      assert.equal(host.seen.filter(({ frame }) => frame.t === 'snooze').length, 0);
    });

    await t.test('with it the site opens again, where one was', async () => {
      const mark = host.mark();
      await page.focus('#typed');
      await page.keyboard.type(SENTENCE);
      await page.keyboard.press('Enter');
      const snooze = await host.frame(mark, (frame) => frame.t === 'snooze');
      assert.deepEqual(snooze, { t: 'snooze', d: 'www.video.example', rule: 'evening-video', sentence: SENTENCE });
      await at(page, address);
    });

    await t.test('a refusal is told', async () => {
      host.answer = (frame) => frame.t === 'more' && host.send({ t: 'more', d: 'video.example', error: 'Three times were agreed for today.', hint: null });
      await host.block(block('video.example', { more_left: 1, length_ms: 300_000 }));
      await at(page, onBlockPage);
      await shown(page, '#left', /^Once more today\.$/);
      await shown(page, '#more', /^5 more minutes$/);
      await page.evaluate(() => document.querySelector('#more')?.click());
      await shown(page, '#status', /^Three times were agreed for today\.$/);
      await host.block(block('video.example', { more_left: 0 }));
      await until('no more minutes on offer', async () => (await text(page, '#more')) === '');
    });

    await t.test('a site whose block ends is offered, and one goes on when one comes back', async () => {
      const elsewhere = await visit(bed, 'https://elsewhere.example/');
      await at(elsewhere, 'https://elsewhere.example/');
      await elsewhere.bringToFront();
      await host.block();
      await page.bringToFront();
      await at(page, address);
      await elsewhere.close();
    });

    await t.test('a browser that starts anew says until when, and asks dwell for the rest', async () => {
      const usage = { t: 'usage', d: 'video.example', used_ms: 1, left_ms: 0, blocked: true, why: 'Half an hour is used.' };
      host.answer = () => undefined;
      const mark = host.mark();
      await host.block(block('video.example', { why: '', opens: '', more_left: 0 }));
      await at(page, onBlockPage);
      await host.frame(mark, (frame) => frame.t === 'query');
      assert.match(await text(page, '#why'), /^It is closed until .*\d\d:\d\d/);
      host.send(usage);
      await shown(page, '#why', /^Half an hour is used\.$/);
      await shown(page, '#opens', /^It opens again at .*\d\d:\d\d/);
    });

    await t.test('another limit that keeps the site closed is named before the wait', async () => {
      const still = { still_by: 'bedtime', still_until: Date.now() + 7_200_000 };
      host.answer = (frame) => {
        if (frame.t === 'more') host.send({ t: 'more', d: 'video.example', rule: 'evening-video', wait_ms: 1, length_ms: 300_000, left: 3, sentence: null, ...still });
        if (frame.t === 'snooze') host.send({ t: 'snoozed', d: 'video.example', ok: true, message: 'The limit is put off for 5 minutes.', ...still });
      };
      await host.block(block('video.example'));
      await shown(page, '#more', /./);
      await page.evaluate(() => document.querySelector('#more')?.click());
      await shown(page, '#still', /^The limit bedtime keeps it closed all the same, until .*\d\d:\d\d/);
      await shown(page, '#status', /^Can be pressed now\.$/);
      await page.evaluate(() => document.querySelector('#go')?.click());
      await shown(page, '#status', /^The limit is put off for 5 minutes\. The limit bedtime keeps it closed all the same, until/);
      assert.equal(await text(page, '#terms'), '');
    });

    await t.test('minutes that were given count for once', async () => {
      host.answer = (frame) => {
        if (frame.t === 'more') host.send({ t: 'more', d: 'video.example', rule: 'evening-video', wait_ms: 1, length_ms: 300_000, left: 3, sentence: null });
        if (frame.t === 'snooze') host.send({ t: 'snoozed', d: 'video.example', ok: true, message: 'It is open for 5 minutes.' });
      };
      await page.evaluate(() => document.querySelector('#more')?.click());
      await shown(page, '#status', /^Can be pressed now\.$/);
      await page.evaluate(() => document.querySelector('#go')?.click());
      await shown(page, '#status', /^It is open for 5 minutes\.$/);
      // A limit that dwell knew nothing of when it answered.
      await host.block(block('video.example', { why: 'It is bedtime.' }));
      await shown(page, '#why', /^It is bedtime\.$/);
      const elsewhere = await visit(bed, 'https://elsewhere.example/');
      await at(elsewhere, 'https://elsewhere.example/');
      await elsewhere.bringToFront();
      await host.block();
      await shown(page, 'h1', /^www\.video\.example is open$/);
      await at(page, onBlockPage);
      await page.bringToFront();
      await at(page, address);
      await elsewhere.close();
    });

    await t.test('the popup', async () => {
      answers(host, { sentence: null, wait_ms: 1 });
      // Nobody but the extension may go to its pages in Firefox: so from one to the other.
      await host.block(block('other.example'));
      const popup = await visit(bed, 'https://other.example/');
      await at(popup, onBlockPage);
      await popup.setViewport({ width: 336, height: 420 });
      await popup.bringToFront();
      await popup.evaluate(() => void setTimeout(() => location.assign('popup.html')));
      await shown(popup, 'h1', /^No site in this tab$/);
      // As the button opens it: before the page that is in front.
      await page.bringToFront();
      await popup.evaluate(() => void setTimeout(() => location.reload()));
      await shown(popup, 'h1', /^video\.example$/);
      await shown(popup, '#numbers', /Used today\s+25 min[^]*Left\s+5 min/);
      assert.match(await text(popup, '#why'), /evening-video/);
      host.answer = (frame) => frame.t === 'query' && host.send({ t: 'usage', d: 'video.example', used_ms: 0, left_ms: null, blocked: false, why: null, error: 'the vault is locked', hint: 'unlock it with: dwell vault unlock' });
      await popup.evaluate(() => void setTimeout(() => location.reload()));
      await shown(popup, '#why', /^the vault is locked; unlock it with: dwell vault unlock$/);
      assert.equal(await text(popup, '#numbers'), '');
      answers(host, { sentence: null, wait_ms: 1 });
      await popup.evaluate(() => void setTimeout(() => location.reload()));
      await shown(popup, '#numbers', /Left\s+5 min/);
      assert.match(await text(popup, '#standing'), /^dwell is running/);
      assert.equal((await text(popup, '#strict')) !== '', browser === 'firefox');
      await looksWell(popup, name('popup'), schemes);

      host.send({ t: 'link', ok: false, message: '', hint: null, audible: false });
      await shown(popup, '#standing', /^dwell is not running\.\s+Start it with: systemctl --user start dwelld$/);
      host.uninstall();
      await host.kill();
      await shown(popup, '#standing', /^This browser cannot find dwell\.\s+Install dwell, then run: dwell browser install$/);
      await looksWell(popup, name('popup-missing'), schemes);
      host.reinstall();
      await shown(popup, '#standing', /^dwell is running/);
    });

    await t.test('Close closes the tab', async () => {
      await host.block(block('video.example'));
      await at(page, onBlockPage);
      await page.bringToFront();
      await page.evaluate(() => void setTimeout(() => document.querySelector('#close')?.click()));
      await until('the tab to be gone', () => page.isClosed() || page.evaluate(() => false).catch(({ message }) => /no such frame|closed|detached/i.test(message)));
    });
  });
}
