/** How it stands between browsers and dwell, as `dwell browser status` tells it. */

import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { at, onBlockPage, OUT, until, visit } from '../browser/bed.mjs';
import { BIN, open, passes } from './bed.mjs';
import { recorded, Truth } from './truth.mjs';

/** The extension as another version of it would be. */
function ofVersion(bed, browser, version) {
  const copy = path.join(bed.folder, `extension-${browser}-${version}`);
  cpSync(path.join(OUT, browser), copy, { recursive: true });
  const file = path.join(copy, 'manifest.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version }));
  return copy;
}

test('two browsers at once', async (t) => {
  const bed = await open(t);
  await bed.well('browser', 'install', '--user');
  const pages = new Map();
  for (const browser of ['chromium', 'firefox']) {
    await bed.launch(browser);
    await bed.linked(browser);
    const page = await visit(bed, `https://${browser}.example/`);
    await at(page, `https://${browser}.example/`);
    await page.bringToFront();
    pages.set(browser, page);
  }

  await t.test('each has its own link', async () => {
    const { ok, browsers } = await bed.json('browser', 'status');
    assert.ok(ok, JSON.stringify(browsers));
    for (const browser of pages.keys()) assert.equal(browsers.find((row) => row.browser === browser).links.length, 1, browser);
    assert.equal(bed.hosts().length, 2);
  });

  await t.test('the one in front counts, and no other', async () => {
    const truth = new Truth();
    const before = recorded(await bed.spans());
    for (const browser of ['chromium', 'firefox', 'chromium', 'firefox']) {
      await truth.becomes(`${browser}.example`, async () => {
        await bed.raise(browser);
        await until(`${browser} counted`, async () => (await bed.json('status')).active, (active) => active?.domain === `${browser}.example`);
      });
      await passes(700);
    }
    await truth.becomes('the terminal', async () => {
      await bed.terminal();
      await until('the terminal counted', async () => (await bed.json('status')).active, (active) => !/chrom|firefox/.test(active?.app));
    });
    await truth.becomes('the end', async () => undefined);
    const after = recorded(await bed.spans());
    for (const [domain, { least, most }] of truth.bounds()) {
      if (!domain.endsWith('.example')) continue;
      const sum = after.get(domain) - (before.get(domain) ?? 0);
      t.diagnostic(`${domain}: ${sum} ms recorded, ${least} to ${most} ms true`);
      // What was in front before the first change may go on into it.
      assert.ok(least - 300 <= sum && sum <= most + 1500, `${domain}: ${sum} ms recorded, ${least} to ${most} ms true`);
    }
  });

  await t.test('a limit closes the site in both', async () => {
    for (const browser of pages.keys()) {
      bed.browser = bed.browsers.get(browser);
      pages.set(browser, await visit(bed, 'https://shared.example/'));
      await at(pages.get(browser), 'https://shared.example/');
    }
    await bed.rules('[[rule]]\nid = "shared"\ntarget = "domain:shared.example"\nbudget = { amount = "0m", per = "day" }\n');
    for (const page of pages.values()) await at(page, onBlockPage);
  });

  await t.test('one that is closed leaves the other', async () => {
    await bed.quit('firefox');
    await until('its link to end', () => bed.status('firefox'), (row) => row.links.length === 0);
    assert.match((await bed.status('firefox')).message, /not linked now: it is closed/);
    assert.equal((await bed.status('chromium')).links.length, 1);
    await until('its host to end', () => bed.hosts().length === 1);
  });
});

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: of another version, and without its host`, async (t) => {
    const bed = await open(t);
    // A copy of the programs, of which one is taken away.
    const bin = path.join(bed.folder, 'bin');
    mkdirSync(bin);
    for (const name of ['dwell', 'dwell-browser-host']) copyFileSync(path.join(BIN, name), path.join(bin, name));
    const host = path.join(bin, 'dwell-browser-host');
    bed.dwellProgram = path.join(bin, 'dwell');

    await t.test('not set up yet: what to do is said', async () => {
      const { ok, message, fix } = await bed.status(browser);
      assert.equal(ok, false);
      assert.match(message, /does not know where dwell's part for browsers is/);
      assert.equal(fix, 'dwell browser install');
      assert.notEqual((await bed.dwell('browser', 'status')).code, 0);
    });

    await bed.well('browser', 'install', '--user');
    for (const [version, word] of [['0.0.9', 'older'], ['99.0.0', 'newer']]) {
      await t.test(`an extension that is ${word}`, async () => {
        await bed.launch(browser, { extension: ofVersion(bed, browser, version) });
        const { links, message } = await bed.linked(browser);
        assert.equal(links[0].extension, version);
        assert.ok(message.includes(`its extension (${version}) is ${word} than dwell (`), message);
        const page = await visit(bed, 'https://www.one.example/');
        await page.bringToFront();
        await until('its time', async () => (await bed.json('status')).active?.domain, (domain) => domain === 'one.example');
        await bed.quit(browser);
        await until('the end of its link', () => bed.status(browser), (row) => row.links.length === 0);
      });
    }

    await t.test('the host is gone', async () => {
      renameSync(host, `${host}.away`);
      const { ok, host_ok, message, fix } = await bed.status(browser);
      assert.deepEqual([ok, host_ok], [false, false]);
      assert.ok(message.includes(`is to start ${host}, which is not there`), message);
      assert.equal(fix, 'dwell browser install');
      const { code, stderr } = await bed.dwell('browser', 'install', '--user');
      assert.notEqual(code, 0);
      assert.match(stderr, /dwell-browser-host is not installed/);
    });

    await t.test('the browser runs without it, and its time counts without sites', async () => {
      await bed.launch(browser);
      const page = await visit(bed, 'https://www.two.example/');
      await at(page, 'https://www.two.example/');
      await page.bringToFront();
      await until('its time', async () => (await bed.json('status')).active?.app, (app) => /chrom|firefox/.test(app ?? ''));
      await until('dwell to say so', async () => (await bed.json('status')).health, (health) => health.some(({ part, ok, message }) => part === 'browser' && !ok && /runs without dwell's extension/.test(message)));
      assert.ok((await bed.spans()).every(({ domain }) => domain !== 'two.example'));
    });

    await t.test('the host is there again', async () => {
      renameSync(`${host}.away`, host);
      await bed.quit(browser);
      const since = Date.now();
      await bed.launch(browser);
      assert.equal((await bed.linked(browser, since)).ok, true);
    });

    await t.test('removed, and nothing is left', async () => {
      await bed.well('browser', 'remove', '--user');
      assert.equal((await bed.status(browser)).manifest, null);
      rmSync(bin, { recursive: true });
      bed.dwellProgram = path.join(BIN, 'dwell');
    });
  });
}
