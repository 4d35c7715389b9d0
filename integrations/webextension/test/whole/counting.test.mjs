/** What a person has in front of them is what is counted, whatever happens to the parts that count it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { at, go, until, visit } from '../browser/bed.mjs';
import { open, passes } from './bed.mjs';
import { recorded, Truth } from './truth.mjs';

const CANARY = 'canary-of-privacy';
/** How long each thing stays in front: this is what is measured. */
const HELD = 1000;
/** What the count may be off for one domain, besides what a change itself took. */
const OFF = 300;

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: an hour of browsing, in little`, async (t) => {
    const bed = await open(t);
    await bed.well('browser', 'install', '--user');
    const truth = new Truth();
    const lags = [];
    const held = () => passes(HELD);
    /** Does something and waits until dwell tells that this domain is in front (null: something without one). */
    const becomes = async (domain, act, key = domain ?? 'no domain') => {
      await truth.becomes(key, async () => {
        const mark = bed.watch.events.length;
        await act();
        const shown = Date.now();
        const said = await bed.watch.event(mark, (event) => event.event === 'focus' && (event.domain ?? null) === domain, `${key} in front`);
        lags.push(Date.parse(said.at) - shown);
      });
      await held();
    };
    /** A page in front, as the browser itself sees it. */
    const front = async (page, url) => {
      await page.bringToFront();
      await at(page, url);
    };

    await becomes(null, async () => {
      await bed.launch(browser);
      await bed.linked(browser);
    });
    let first;
    let second;
    await t.test('tabs, pages, a way back', async () => {
      await becomes('one.example', async () => {
        first = await visit(bed, 'https://www.one.example/a/path?and=more');
        await front(first, 'https://www.one.example/a/path?and=more');
      });
      await becomes('two.example', async () => {
        second = await visit(bed, 'https://two.example/');
        await front(second, 'https://two.example/');
      });
      await becomes('one.example', () => first.bringToFront());
      await first.evaluate(() => void (globalThis.kept = true));
      await becomes('three.example', async () => {
        go(first, 'https://three.example/');
        await at(first, 'https://three.example/');
      });
      await first.evaluate(() => history.pushState({}, '', '/elsewhere'));
      await held();
      await becomes('four.example', async () => {
        go(first, 'https://worker.four.example/');
        await at(first, 'https://worker.four.example/');
      });
      await first.evaluate(async () => {
        await navigator.serviceWorker.register('/sw.js');
        await navigator.serviceWorker.ready;
      });
      go(first, 'https://worker.four.example/again');
      await until('the site serving itself', () => first.evaluate(() => document.title === 'served by the site itself'));
      await held();
      // Past four, and both addresses of three.
      await becomes('one.example', async () => {
        await first.evaluate(() => void setTimeout(() => history.go(-4)));
        await at(first, 'https://www.one.example/a/path?and=more');
      });
      t.diagnostic(`back ${(await first.evaluate(() => globalThis.kept === true)) ? 'out of' : 'not out of'} the cache`);
    });

    await t.test('a pop-up', async () => {
      await becomes('five.example', () => first.evaluate(() => void (globalThis.popup = window.open('https://five.example/', '', 'width=500,height=400'))));
      await becomes('one.example', () => first.evaluate(() => globalThis.popup.close()));
    });

    const own = bed.x('getactivewindow');
    await t.test('another program, and back', async () => {
      await becomes(null, () => bed.terminal());
      await becomes('one.example', () => bed.activate(own));
    });

    await t.test('a private window', async () => {
      const opened = async () => {
        bed.x('key', '--clearmodifiers', browser === 'chromium' ? 'ctrl+shift+n' : 'ctrl+shift+p');
        await until('a private window in front', () => !['', own].includes(bed.x('getactivewindow')));
      };
      await becomes(null, opened, 'private');
      // The window may not take keys yet: typed until the server has been asked.
      await until('the private page', async () => {
        bed.x('key', '--clearmodifiers', 'ctrl+l');
        bed.x('type', `https://${CANARY}.example/private`);
        bed.x('key', 'Return');
        return until('a moment', () => bed.web.hits.some((hit) => hit.startsWith(CANARY)), Boolean, 3000).catch(() => false);
      });
      await held();
      await becomes('one.example', () => bed.activate(own));
      // Chromium may be late to know of it.
      for (let again = 0; again < 2; again += 1) {
        await becomes(null, opened, 'private');
        await becomes('one.example', () => bed.activate(own));
      }
    });

    await t.test('the host is killed', async () => {
      const [host, ...others] = bed.hosts();
      assert.ok(host && others.length === 0, 'not one host');
      const killed = Date.now();
      await becomes('one.example', async () => {
        process.kill(host, 'SIGKILL');
        await bed.linked(browser, killed);
      });
    });

    await t.test('dwelld is killed, and started again', async () => {
      await becomes('two.example', () => second.bringToFront());
      // What has been told is kept; what is open may be lost, and is short here.
      await truth.becomes('one.example', async () => {
        const mark = bed.watch.events.length;
        await first.bringToFront();
        await bed.watch.event(mark, (event) => event.domain === 'one.example');
        await bed.well('spans');
      });
      await truth.becomes('nobody', () => bed.killDaemon());
      await held();
      await truth.becomes('one.example', async () => {
        await bed.startDaemon();
        await until('what is in front', async () => (await bed.json('status')).active?.domain, (domain) => domain === 'one.example');
      });
      await held();
    });

    await t.test('the browser is started again', async () => {
      const elsewhere = (event) => event.event === 'focus' && event.domain === undefined;
      await truth.becomes('no domain', async () => {
        const mark = bed.watch.events.length;
        await bed.quit(browser);
        await bed.watch.event(mark, elsewhere, 'the browser gone');
      });
      await held();
      const killed = Date.now();
      await truth.becomes('no domain', async () => {
        await bed.launch(browser);
        await bed.linked(browser, killed);
      });
      await becomes('six.example', async () => front(await visit(bed, 'https://six.example/'), 'https://six.example/'));
      await becomes(null, () => bed.terminal());
      await truth.becomes('the end', async () => undefined);
    });

    const spans = await bed.spans();
    await t.test('seconds per domain', () => {
      const sums = recorded(spans);
      const bounds = truth.bounds();
      const domains = [...sums.keys()].filter((key) => key !== 'private').sort();
      assert.deepEqual(domains, ['five', 'four', 'one', 'six', 'three', 'two'].map((name) => `${name}.example`), 'domains');
      for (const key of [...domains, 'private']) {
        const { least, most } = bounds.get(key);
        const sum = sums.get(key) ?? 0;
        t.diagnostic(`${key}: ${sum} ms recorded, ${least} to ${most} ms true`);
        assert.ok(least - OFF <= sum && sum <= most + OFF, `${key}: ${sum} ms recorded, ${least} to ${most} ms true`);
      }
      lags.sort((a, b) => a - b);
      t.diagnostic(`counted after the browser showed it: median ${lags[lags.length >> 1]} ms, at most ${lags.at(-1)} ms`);
    });

    await t.test('nothing twice, nothing backwards', () => {
      const told = spans.filter(({ kind }) => kind !== 'audible');
      for (const [index, span] of told.entries()) {
        assert.ok(span.from <= span.to && (index === 0 || told[index - 1].to <= span.from), JSON.stringify([told[index - 1], span]));
      }
    });

    await t.test('the report says the same', async () => {
      const sums = recorded(spans);
      // Whole seconds, so that the rows sum up to the total.
      const rows = (await bed.json('report', '7d', '--by', 'domain')).rows;
      for (const [domain, sum] of sums) {
        if (domain === 'private') continue;
        const row = rows.find(({ key }) => key === domain);
        assert.ok(row && Math.abs(row.seconds * 1000 - sum) < 1000, `${domain}: ${row?.seconds} s, ${sum} ms`);
      }
      const secret = rows.filter(({ kind }) => kind === 'private');
      assert.equal(secret.length, 1, JSON.stringify(rows));
      assert.ok(Math.abs(secret[0].seconds * 1000 - sums.get('private')) < 1000, JSON.stringify(secret));
    });

    await t.test('the private page is nowhere', async () => {
      assert.ok(bed.web.hits.some((hit) => hit.startsWith(CANARY)), 'it was never visited');
      const seen = { spans: await bed.well('spans', '7d'), report: await bed.well('report', '7d', '--by', 'domain'), bus: await bed.heard(), log: readFileSync(bed.log, 'latin1') };
      // That these are the places to look at.
      for (const place of ['spans', 'report', 'bus']) assert.ok(seen[place].includes('one.example'), place);
      for (const [place, text] of Object.entries(seen)) assert.ok(!text.includes(CANARY), place);
      assert.ok(!/example/.test(seen.log), 'a domain in the log');
      const found = (word) => execFileSync('sh', ['-c', 'grep -rlae "$1" "$2" || true', 'sh', word, bed.data], { encoding: 'utf8' });
      assert.equal(found(CANARY), '');
      assert.equal(found('example'), '', 'a domain in plain text on disk');
    });
  });
}
