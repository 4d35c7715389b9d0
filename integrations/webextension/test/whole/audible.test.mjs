/** What is heard in the background is recorded where the person wants it, and enters no total. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { at, until, visit } from '../browser/bed.mjs';
import { open, passes } from './bed.mjs';

/** For how long it is heard behind another page. */
const HEARD = 2000;

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: a radio in the background`, async (t) => {
    for (const wanted of [true, false]) {
      await t.test(wanted ? 'wanted' : 'not wanted', async (t) => {
        const bed = await open(t, { config: wanted ? 'audible = true\n' : '' });
        await bed.well('browser', 'install', '--user');
        // Pages may begin to play by themselves.
        await bed.launch(browser, { args: ['--autoplay-policy=no-user-gesture-required'], prefs: { 'media.autoplay.default': 0, 'media.autoplay.blocking_policy': 0 } });
        await bed.linked(browser);
        const radio = await visit(bed, 'https://radio.example/radio');
        await at(radio, 'https://radio.example/radio');
        await until('it to play', () => radio.evaluate(() => document.querySelector('audio').currentTime > 0.5));
        const page = await visit(bed, 'https://www.one.example/');
        await at(page, 'https://www.one.example/');
        await page.bringToFront();
        await until('the page to count', async () => (await bed.json('status')).active?.domain, (domain) => domain === 'one.example');
        const from = Date.now();
        await passes(HEARD);
        const to = Date.now();
        // What goes on being heard is written down when it ends.
        await radio.evaluate(() => document.querySelector('audio').pause());
        if (wanted) await until('what was heard', () => bed.spans(), (spans) => spans.some(({ kind }) => kind === 'audible'));
        else await radio.close();
        await bed.terminal();
        const spans = await bed.spans();
        const heard = spans.filter(({ kind }) => kind === 'audible');
        const behind = heard.reduce((sum, span) => sum + Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)), 0);
        t.diagnostic(`heard behind another page: ${behind} of ${to - from} ms`);
        if (!wanted) {
          assert.deepEqual(heard, []);
          return;
        }
        assert.ok(heard.every(({ domain }) => domain === 'radio.example'), JSON.stringify(heard));
        assert.ok(behind >= HEARD - 300, JSON.stringify(spans));
        const attention = spans.filter(({ kind }) => kind !== 'audible' && kind !== 'unobserved').reduce((sum, span) => sum + span.to - span.from, 0);
        const { total_seconds } = await bed.json('report', '7d', '--by', 'domain');
        const since = Date.now() - spans.at(-1).to;
        assert.ok(total_seconds * 1000 <= attention + since + 2000, `${total_seconds} s in all, ${attention} ms of attention`);
      });
    }
  });
}
