/** Sites that are to be closed are closed, whichever way one comes to them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { at, CHROMIUM_ID, go, onBlockPage, open, until, visit } from './bed.mjs';
import { block } from './host.mjs';

for (const [browser, granted] of [['chromium', false], ['firefox', false], ['firefox', true]]) {
  test(`${browser}, access to sites ${granted ? '' : 'not '}granted`, async (t) => {
    const bed = await open(t, browser, { granted });
    const { host, web } = bed;
    await host.frame(0, (frame) => frame.t === 'applied');
    const blockPageOf = (url) => (here) => onBlockPage(here) && here.endsWith(`#${url}`);

    const there = await visit(bed, 'https://www.video.example/watch?v=1#t=3');
    await at(there, 'https://www.video.example/watch?v=1#t=3');
    const worker = await visit(bed, 'https://worker.example/');
    await at(worker, 'https://worker.example/');
    await worker.evaluate(async () => {
      await navigator.serviceWorker.register('/sw.js');
      await navigator.serviceWorker.ready;
    });
    go(worker, 'https://worker.example/again');
    await until('the site serving itself', () => worker.evaluate(() => document.title === 'served by the site itself'));
    const history = await visit(bed, 'https://history.example/one');
    await at(history, 'https://history.example/one');
    go(history, 'https://other.example/');
    await at(history, 'https://other.example/');
    const other = await visit(bed, 'https://bystander.example/');
    await at(other, 'https://bystander.example/');
    const loading = await visit(bed, 'https://www.video.example/here');
    await at(loading, 'https://www.video.example/here');
    await loading.evaluate(() => void setTimeout(() => location.assign('/never')));
    await until('the page that never comes to be asked for', () => web.hits.includes('www.video.example/never'));

    await host.block(block('video.example'), block('worker.example'), block('history.example', { except: ['docs.history.example'] }));

    await t.test('the tab that was open', () => at(there, blockPageOf('https://www.video.example/watch?v=1#t=3')));
    await t.test('the tab that was on its way to another page of it', async () => {
      await at(loading, onBlockPage);
      await until('the page to be there whole', () => loading.evaluate(() => document.readyState === 'complete' && document.querySelector('main')?.hidden === false));
    });
    await t.test('the tab of a site with a service worker of its own', () => at(worker, onBlockPage));
    await t.test('the others stay', async () => {
      await at(other, 'https://bystander.example/');
      await at(history, 'https://other.example/');
    });
    await t.test('back in the history, out of the cache', async () => {
      await history.evaluate(() => void setTimeout(() => window.history.back()));
      await at(history, blockPageOf('https://history.example/one'));
    });
    await t.test('a new tab', async () => {
      const hits = web.hits.length;
      const page = await visit(bed, 'https://m.video.example/watch');
      await at(page, blockPageOf('https://m.video.example/watch'));
      const asked = web.hits.slice(hits).includes('m.video.example/watch');
      if (granted || browser === 'chromium') assert.ok(!asked, 'the request left the browser');
    });
    await t.test('a new tab of the site with a service worker', async () => {
      await at(await visit(bed, 'https://worker.example/more'), blockPageOf('https://worker.example/more'));
    });
    await t.test('a reload of the block page', async () => {
      await there.evaluate(() => location.reload());
      await at(there, blockPageOf('https://www.video.example/watch?v=1#t=3'));
    });
    await t.test('a pop-up', async () => {
      await other.evaluate(() => void window.open('https://www.video.example/popup', '', 'width=400,height=300'));
      const popup = await until('the pop-up', async () => {
        for (const page of await bed.browser.pages()) {
          const url = await page.evaluate(() => location.href).catch(() => '');
          if (blockPageOf('https://www.video.example/popup')(url)) return page;
        }
        return null;
      });
      await popup.close();
    });
    await t.test('a form', async () => {
      await other.evaluate(() => {
        const form = document.createElement('form');
        form.method = 'post';
        form.action = 'https://www.video.example/post';
        document.body.append(form);
        form.submit();
      });
      await at(other, blockPageOf('https://www.video.example/post'));
    });
    await t.test('a redirection of another site', async () => {
      go(other, 'https://bystander.example/');
      await at(other, 'https://bystander.example/');
      await other.evaluate(() => location.replace('https://video.example/'));
      await at(other, blockPageOf('https://video.example/'));
    });
    await t.test('a host with a final dot', async () => {
      go(other, 'https://www.video.example./');
      await at(other, blockPageOf('https://www.video.example./'));
    });
    await t.test('plain http', async () => {
      go(other, 'http://www.video.example/');
      await at(other, (url) => onBlockPage(url) && /#https?:\/\/www\.video\.example\/$/.test(url));
    });
    if (browser === 'chromium') {
      await t.test('the source of a page', async () => {
        go(other, 'view-source:https://www.video.example/');
        await at(other, blockPageOf('https://www.video.example/'));
      });
    }
    await t.test('what a rule leaves out, and what only sounds alike', async () => {
      for (const url of ['https://docs.history.example/', 'https://notvideo.example/', 'https://video.example.org/']) {
        go(other, url);
        await at(other, url);
      }
    });
    await t.test('a frame within another site is not a visit', async () => {
      await other.evaluate(
        () =>
          new Promise((resolve) => {
            const frame = document.createElement('iframe');
            frame.onload = resolve;
            frame.src = 'https://www.video.example/embedded';
            document.body.append(frame);
          }),
      );
      assert.ok(web.hits.includes('www.video.example/embedded'));
    });
    await t.test('no site can tell that the extension is there', async () => {
      go(other, 'https://bystander.example/');
      await at(other, 'https://bystander.example/');
      const pages = browser === 'chromium' ? [`chrome-extension://${CHROMIUM_ID}/pages/blocked.html`, `chrome-extension://${CHROMIUM_ID}/manifest.json`] : [];
      for (const url of pages) assert.equal(await other.evaluate((wanted) => fetch(wanted).then(() => 'seen', () => 'not seen'), url), 'not seen');
    });
    await t.test('no rule any more', async () => {
      await host.block();
      go(other, 'https://www.video.example/');
      await at(other, 'https://www.video.example/');
    });
  });
}
