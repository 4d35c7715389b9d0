/** A rule that says so holds on browsers of which no extension can tell the site: without it, and in private windows. */

import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { OUT, until, visit } from '../browser/bed.mjs';
import { open } from './bed.mjs';

const rule = (way, budget) => `[[rule]]\nid = "video"\ntarget = "domain:one.example"\nbudget = "${budget}"\nwarn = []\nwithout-extension = "${way}"\n`;

/**
 * No window of a browser is shown, and dwell has said that nothing is in front. It says so once that has lasted for 50 ms: a window
 * that is back sooner, as no person is but a test may be, is put away once more without a word about who was in front.
 */
async function isAway(bed, browser) {
  const names = { chromium: 'chromium', firefox: 'firefox' };
  await until(`${browser} to be put away`, () => {
    const shown = bed.x('search', '--onlyvisible', '--class', names[browser]);
    return shown === '';
  });
  await bed.watch.front(({ app }) => app === null, 'nothing in front');
}

test('a browser without the extension', async (t) => {
  const bed = await open(t);
  await bed.launch('chromium', { extension: null });
  await visit(bed, 'https://www.one.example/');
  await bed.raise('chromium');
  await bed.watch.front(({ app, domain }) => app === 'chromium' && !domain, 'chromium in front');

  await t.test('counts, where the rule says so', async () => {
    await bed.rules(rule('count-all', '1h'));
    const used = async () => (await bed.json('limit')).limits.find(({ id }) => id === 'video').used_seconds;
    const before = await used();
    await until('its time to be counted', used, (seconds) => seconds > before);
  });
  await t.test('does not, where it does not', async () => {
    await bed.rules(rule('block', '1h'));
    const { used_seconds } = (await bed.json('limit')).limits.find(({ id }) => id === 'video');
    assert.equal(used_seconds, 0);
  });
  await t.test('is put away while the rule blocks', async () => {
    await bed.rules(rule('block', '0s'));
    await isAway(bed, 'chromium');
  });
  await t.test('again when it comes back', async () => {
    const mark = bed.watch.events.length;
    for (const window of bed.x('search', '--class', 'chromium').split('\n')) bed.x('windowactivate', window);
    await bed.watch.event(mark, ({ event, app }) => event === 'focus' && app === 'chromium', 'chromium in front again');
    await isAway(bed, 'chromium');
    const { code, stdout } = await bed.dwell('check', 'app:chromium');
    assert.deepEqual([code, stdout.includes('its sites cannot be told')], [10, true], stdout);
  });
  // Another one, not this with an extension added: none can be added to a Chromium that runs.
  await t.test('also another one, until its extension is linked', async () => {
    await bed.quit('chromium');
    await bed.well('browser', 'install', '--user');
    await bed.launch('chromium');
    await bed.linked('chromium');
    await until('its window to be back', () => bed.x('search', '--onlyvisible', '--class', 'chromium') !== '');
    await visit(bed, 'https://bystander.example/');
    await bed.raise('chromium');
    await bed.watch.front(({ app, domain }) => app === 'chromium' && domain === 'bystander.example', 'chromium goes on');
    assert.equal((await bed.dwell('check', 'app:chromium')).code, 0);
  });
});

// An add-on can be added to a Firefox that runs: this one is put away first, and its window is the one that comes back.
test('a browser that was put away comes back when its extension is linked', async (t) => {
  const bed = await open(t);
  await bed.well('browser', 'install', '--user');
  const firefox = await bed.launch('firefox', { extension: null });
  await visit(bed, 'https://bystander.example/');
  await bed.raise('firefox');
  await bed.rules(rule('block', '0s'));
  await isAway(bed, 'firefox');
  await firefox.installExtension(path.join(OUT, 'firefox'));
  await bed.linked('firefox');
  await until('its window to be back', () => bed.x('search', '--onlyvisible', '--class', 'firefox') !== '');
});

// Its history and bookmarks are a window of the browser's own, which no extension sees: it passes for a private one.
test("a window of the browser's own", async (t) => {
  const bed = await open(t);
  await bed.well('browser', 'install', '--user');
  await bed.launch('firefox');
  await bed.linked('firefox');
  await visit(bed, 'https://bystander.example/');
  await bed.raise('firefox');
  await bed.rules(rule('block', '0s'));
  await bed.watch.front(({ domain }) => domain === 'bystander.example', 'the usual window');
  bed.x('key', 'ctrl+shift+o');
  await isAway(bed, 'firefox');
  // The person goes on with the usual one.
  const [usual] = bed.x('search', '--name', 'bystander').split('\n');
  await bed.activate(usual);
  await bed.watch.front(({ domain }) => domain === 'bystander.example', 'the usual window again');
});

test('a private window', async (t) => {
  const bed = await open(t);
  await bed.well('browser', 'install', '--user');
  await bed.launch('chromium');
  await bed.linked('chromium');
  await visit(bed, 'https://bystander.example/');
  await bed.raise('chromium');
  await bed.rules(rule('block', '0s'));
  await bed.watch.front(({ domain }) => domain === 'bystander.example', 'the usual window');
  assert.notEqual(bed.x('search', '--onlyvisible', '--class', 'chromium'), '', 'that is not put away');
  const shown = new Set(bed.x('search', '--onlyvisible', '--class', 'chromium').split('\n'));
  bed.x('key', 'ctrl+shift+n');
  await until('a private window', () => bed.x('search', '--onlyvisible', '--class', 'chromium').split('\n').some((window) => !shown.has(window)));
  // Windows are put away by program, and the usual one goes with it.
  await isAway(bed, 'chromium');
});
