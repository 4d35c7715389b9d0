/** What is in front is told: all of it, at once, and nothing else. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import test from 'node:test';
import { at, go, open, until, visit } from './bed.mjs';

const CANARY = 'canary.example';

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: tabs, addresses, windows`, async (t) => {
    const bed = await open(t, browser);
    const { host } = bed;

    await t.test('hello comes first', async () => {
      const hello = await host.frame(0, (frame) => frame.t === 'hello');
      assert.equal(host.seen.find(({ frame }) => frame.t !== 'started')?.frame, hello);
      assert.equal(hello.v, 1);
      assert.equal(hello.browser, browser);
      assert.match(hello.ext_version, /^\d+\.\d+\.\d+$/);
      assert.match(hello.instance, /^[0-9a-f]{32}$/);
      await host.state(0, { why: 'hello' });
    });

    let first;
    let second;
    await t.test('a new tab, then another', async () => {
      let mark = host.mark();
      first = await visit(bed, 'https://www.video.example/secret/path?secret=query#secret');
      await first.bringToFront();
      await host.state(mark, { focused: true, host: 'www.video.example', audible: [] });
      mark = host.mark();
      second = await visit(bed, 'http://news.example/');
      await second.bringToFront();
      await host.state(mark, { focused: true, host: 'news.example' });
    });

    await t.test('back to the first', async () => {
      const mark = host.mark();
      await first.bringToFront();
      await host.state(mark, { focused: true, host: 'www.video.example' });
    });

    await t.test('another site in the same tab', async () => {
      const mark = host.mark();
      go(first, 'https://docs.example./');
      await host.state(mark, { focused: true, host: 'docs.example' });
    });

    await t.test('another page of the same site is no news', async () => {
      await at(first, 'https://docs.example./');
      await host.report();
      const mark = host.mark();
      await first.evaluate(() => history.pushState({}, '', '/secret/elsewhere'));
      go(first, 'https://docs.example./secret/again');
      await at(first, 'https://docs.example./secret/again');
      // Whatever the two had to tell has come before the answer to this.
      await first.evaluate(() => new Promise((resolve) => void setTimeout(resolve, 0)));
      await host.report();
      assert.deepEqual(host.since(mark, 'state').map(({ why }) => why), ['report']);
    });

    await t.test('a page of the browser has no host', async () => {
      const mark = host.mark();
      go(first, 'about:blank');
      await host.state(mark, { focused: true, host: null });
    });

    await t.test('a pop-up in front, and gone again', async () => {
      await second.bringToFront();
      let mark = host.mark();
      await second.evaluate(() => void (globalThis.popup = window.open('https://popup.example/', '', 'width=400,height=300')));
      await host.state(mark, { host: 'popup.example' });
      mark = host.mark();
      await second.evaluate(() => globalThis.popup.close());
      await host.state(mark, { host: 'news.example' });
    });

    await t.test('the numbers rise, and no frame says more than a host', async () => {
      const states = host.since(0, 'state');
      assert.ok(states.every(({ seq }, index) => index === 0 || seq > states[index - 1].seq));
      assert.ok(!JSON.stringify(host.seen).includes('secret'));
    });

  });

  test(`${browser}: on a screen, among other windows`, async (t) => {
    const bed = await open(t, browser, { headed: true, prefs: { 'focusmanager.testmode': false } });
    // What drives Firefox makes it believe otherwise that it always has focus.
    const { host, env } = bed;
    const x = (...args) => spawnSync('xdotool', args, { env, encoding: 'utf8' }).stdout.trim();
    const windowOf = (name) => until(`a window ${name}`, () => x('search', '--onlyvisible', '--name', name).split('\n')[0]);
    /** As a person clicks on it; the window manager answers when it has focus. */
    const activate = (window) =>
      until(`focus on ${window}`, () => {
        x('windowactivate', window);
        return x('getactivewindow') === window;
      });
    let mark = host.mark();
    const page = await visit(bed, 'https://www.video.example/');
    await at(page, 'https://www.video.example/');
    await page.bringToFront();
    const own = await windowOf('www.video.example');
    await activate(own);
    await host.state(mark, { focused: true, host: 'www.video.example' });

    await t.test('focus goes to a terminal and comes back', async () => {
      const terminal = spawn('xterm', ['-T', 'the terminal', '-e', 'cat'], { env, stdio: 'ignore' });
      t.after(() => terminal.kill());
      const other = await windowOf('the terminal');
      await activate(other);
      // Chromium tells of it only when asked, under some window managers: dwell asks.
      await until('no focus', async () => !(await host.report()).focused);
      assert.equal((await host.report()).host, null);
      await activate(own);
      await until('focus', async () => (await host.report()).host === 'www.video.example');
    });

    await t.test('a private window is no window', async () => {
      mark = host.mark();
      const before = new Set(x('search', '--onlyvisible', '--class', '.').split('\n'));
      x('key', '--clearmodifiers', browser === 'chromium' ? 'ctrl+shift+n' : 'ctrl+shift+p');
      const secret = await until('a private window in front', () => {
        const front = x('getactivewindow');
        return front !== own && !before.has(front) && front;
      });
      await until('no focus', async () => !(await host.report()).focused);
      // The window may not take keys yet: typed until the server has been asked.
      await until('the private page', () => {
        if (bed.web.hits.some((hit) => hit.startsWith(CANARY))) return true;
        x('key', '--clearmodifiers', 'ctrl+l');
        x('type', `https://${CANARY}/private`);
        x('key', 'Return');
        return until('a moment', () => bed.web.hits.some((hit) => hit.startsWith(CANARY)), Boolean, 3000).catch(() => false);
      });
      const front = await host.report();
      assert.deepEqual([front.focused, front.host], [false, null]);
      assert.equal(x('getactivewindow'), secret);
      await activate(own);
      await until('focus', async () => (await host.report()).host === 'www.video.example');
      assert.ok(!JSON.stringify(host.seen).includes(CANARY), 'the private page was told');
    });
  });
}
