/** The link breaks and comes back; blocks outlive the host, the browser's script and the browser, and end on time without any of them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { at, go, onBlockPage, open, ownPage, until, visit } from './bed.mjs';
import { block } from './host.mjs';

const SITE = 'https://www.video.example/';

/** What the extension keeps on disk, read from one of its own pages. */
const kept = (page) => page.evaluate(async () => (await (globalThis.browser ?? chrome).storage.local.get('closed')).closed);
const standing = (page) => page.evaluate(async () => (await (globalThis.browser ?? chrome).storage.session.get('standing')).standing.state);
const inSeconds = (seconds) => Date.now() + seconds * 1000;

for (const browser of ['chromium', 'firefox']) {
  // Firefox stops a script without a link after 30 s; here sooner, so that events have to start it anew.
  const prefs = { 'extensions.background.idle.timeout': 1500 };
  /** The browser stops the script in the background, as it does when nothing happens for long. */
  const stopScript = async (bed) => {
    if (browser === 'firefox') return;
    // Not by way of the worker itself: what has once been attached to is held when it starts anew.
    const session = await bed.browser.target().createCDPSession();
    const running = async () => (await session.send('Target.getTargets')).targetInfos.find(({ type, url }) => type === 'service_worker' && url.endsWith('/src/background.js'));
    const before = await running();
    if (before) {
      await session.send('Target.closeTarget', { targetId: before.targetId });
      await until('the script to be stopped', async () => (await running())?.targetId !== before.targetId);
    }
    await session.detach();
  };

  test(`${browser}: the host comes and goes`, async (t) => {
    const bed = await open(t, browser, { prefs });
    const { host } = bed;
    const { instance } = await host.frame(0, (frame) => frame.t === 'hello');
    const page = await visit(bed, SITE);
    await page.bringToFront();
    await host.state(0, { host: 'www.video.example' });

    await t.test('killed: started again, and told everything anew', async () => {
      const mark = host.mark();
      await host.kill();
      const hello = await host.frame(mark, (frame) => frame.t === 'hello');
      assert.equal(hello.instance, instance);
      await host.state(mark, { why: 'hello', host: 'www.video.example' });
      await host.frame(mark, (frame) => frame.t === 'applied' && frame.ok);
    });

    await t.test('not installed for a while', async () => {
      const own = await ownPage(bed);
      await page.bringToFront();
      host.uninstall();
      await host.kill();
      await until('the extension to notice', async () => (await standing(own)) === 'missing');
      const mark = host.mark();
      host.reinstall();
      await until('the link', async () => {
        // What a person does meanwhile is what starts the script again.
        go(page, `${SITE}${Math.random()}`);
        return host.since(mark, 'hello').length > 0;
      });
      await host.state(mark, { why: 'hello' });
      await own.close();
    });

    await t.test('dwell goes and comes, the link stays', async () => {
      const own = await ownPage(bed);
      host.send({ ...host.greeting, ok: false, message: 'dwell is not running' });
      await until('the extension to notice', async () => (await standing(own)) === 'asleep');
      host.send(host.greeting);
      await until('the extension to notice', async () => (await standing(own)) === 'up');
      // Nothing is left that would wake the script while nothing happens.
      await until('no alarm', () => own.evaluate(async () => (await (globalThis.browser ?? chrome).alarms.getAll()).length === 0));
      await own.close();
    });

    await t.test('frames that it does not know change nothing', async () => {
      const mark = host.mark();
      for (const frame of [{ t: 'weather' }, [], 'text', { t: 'rules', gen: 'x' }, { t: 'rules', gen: 99, block: [{}] }]) host.send(frame);
      await host.report();
      assert.deepEqual(host.since(mark, 'applied'), []);
    });

    await t.test('refused: left alone until the browser starts anew', async () => {
      const own = await ownPage(bed);
      host.greeting = { t: 'link', ok: false, refused: 'version', message: 'too old', hint: 'Update the extension.', audible: false };
      await host.kill();
      await until('the refusal', async () => (await standing(own)) === 'refused');
      await stopScript(bed);
      const links = host.links;
      go(page, 'https://elsewhere.example/');
      await at(page, 'https://elsewhere.example/');
      // The script has been started for that, and answers without having tried the host.
      const answer = await own.evaluate(() => (globalThis.browser ?? chrome).runtime.sendMessage({ t: 'query', d: 'elsewhere.example' }));
      assert.deepEqual(answer, { failure: 'no-link' });
      assert.equal(host.links, links);
      if (browser === 'chromium') {
        host.greeting = { t: 'link', ok: true, message: '', hint: null, audible: false };
        const mark = host.mark();
        await bed.restart();
        const hello = await host.frame(mark, (frame) => frame.t === 'hello');
        assert.equal(hello.instance, instance);
      }
    });
  });

  test(`${browser}: blocks without dwell`, async (t) => {
    const bed = await open(t, browser, { prefs });
    const { host } = bed;
    await host.frame(0, (frame) => frame.t === 'applied');
    const page = await visit(bed, SITE);
    await at(page, SITE);
    const own = await ownPage(bed);
    await page.bringToFront();

    await t.test('hold while the host is away and the script was stopped', async () => {
      await host.block(block('video.example'));
      await at(page, onBlockPage);
      host.uninstall();
      await host.kill();
      await stopScript(bed);
      const other = await visit(bed, 'https://m.video.example/');
      await at(other, onBlockPage);
      await other.close();
    });

    if (browser === 'chromium') {
      await t.test('hold while the browser starts anew', async () => {
        await bed.restart();
        const other = await visit(bed, 'https://m.video.example/');
        await at(other, onBlockPage);
      });
    }
  });

  test(`${browser}: blocks end without dwell`, async (t) => {
    const bed = await open(t, browser, { prefs });
    const { host } = bed;
    await host.frame(0, (frame) => frame.t === 'applied');
    const page = await visit(bed, SITE);
    await at(page, SITE);

    await t.test('on the open tab', async () => {
      const end = inSeconds(4);
      await host.block(block('video.example', { until: end }));
      await at(page, onBlockPage);
      host.uninstall();
      await host.kill();
      await page.bringToFront();
      await at(page, SITE);
      assert.ok(Date.now() >= end, 'open before its time');
    });

    await t.test('by the alarm, with the script stopped and no page to wake it', async () => {
      host.reinstall();
      const mark = host.mark();
      await until('the link', () => {
        go(page, `${SITE}${Math.random()}`);
        return host.since(mark, 'applied').length > 0;
      });
      const own = await ownPage(bed);
      const end = inSeconds(4);
      await host.block(block('alarm.example', { until: end }));
      host.uninstall();
      await host.kill();
      await stopScript(bed);
      assert.equal((await kept(own)).length, 1);
      await until('nothing kept', async () => (await kept(own)).length === 0);
      assert.ok(Date.now() >= end, 'gone before its time');
      const other = await visit(bed, 'https://alarm.example/');
      await at(other, 'https://alarm.example/');
    });
  });
}
