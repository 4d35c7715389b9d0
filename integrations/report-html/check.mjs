#!/usr/bin/env node
/**
 * The pages of `dwell report --format html` as a browser shows them: `check.mjs PAGES OUT MODULES [NOT-RUN]`. PAGES is a
 * folder with pages, MODULES the node_modules with axe-core and puppeteer-core, OUT takes pictures and prints of each page,
 * NOT-RUN a list of what this machine could not run, to which lines are added.
 *
 * Each page in light, dark, narrow and in print: no finding of axe-core, nothing wider than the screen, nothing loaded,
 * nothing run.
 */

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [pages, out, modules, list] = process.argv.slice(2).map((argument) => path.resolve(argument));
const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find(Boolean);
const names = existsSync(pages) ? readdirSync(pages).filter((name) => name.endsWith('.html')).sort() : [];
if (!chromium) notRun('chromium is missing');
assert.ok(names.length > 0, `there are no pages in ${pages}`);

const require = createRequire(path.join(modules, 'x'));
const { default: puppeteer } = await import(pathToFileURL(require.resolve('puppeteer-core')).href);
const AXE = readFileSync(require.resolve('axe-core'), 'utf8');
const LOOKS = [
  { look: 'light', scheme: 'light', width: 1000 },
  { look: 'dark', scheme: 'dark', width: 1000 },
  { look: 'narrow', scheme: 'light', width: 400 },
  { look: 'narrow-dark', scheme: 'dark', width: 320 },
];

mkdirSync(out, { recursive: true });
const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const name of names) await check(name);
} finally {
  await browser.close();
}

async function check(name) {
  const text = readFileSync(path.join(pages, name), 'utf8');
  assert.ok(Buffer.byteLength(text) <= 400 * 1024, `${name} is larger than 400 KB`);
  const page = await browser.newPage();
  const asked = [];
  const wrong = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => wrong.push(message.text()));
  const address = pathToFileURL(path.join(pages, name)).href;
  for (const { look, scheme, width } of LOOKS) {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.goto(address);
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('script, link, iframe, object, embed, img, [onload], [onerror], [onclick]')].map((found) => found.outerHTML)), [], `${name}: nothing that runs or loads`);
    for (const open of [false, true]) {
      await page.evaluate((wanted) => document.querySelectorAll('details').forEach((details) => { details.open = wanted; }), open);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= globalThis.innerWidth), `${name}, ${look}: as wide as the screen`);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => `${node.html} ${node.failureSummary}`)]), [], `${name}, ${look}`);
      await page.screenshot({ path: path.join(out, `${path.parse(name).name}-${look}${open ? '-open' : ''}.png`), fullPage: true });
    }
  }
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  await page.pdf({ path: path.join(out, `${path.parse(name).name}.pdf`), format: 'A4', printBackground: true, margin: { top: '15mm', bottom: '15mm', left: '15mm', right: '15mm' } });
  // Each chart: a name, a description, a caption, and the same numbers as a table.
  const charts = await page.evaluate(() => [...document.querySelectorAll('figure')].map((figure) => {
    const svg = figure.querySelector('svg[role="img"]');
    return [svg?.querySelector('title')?.textContent, svg?.querySelector('desc')?.textContent, figure.querySelector('figcaption')?.textContent, figure.parentElement?.querySelectorAll('details table tbody tr').length].every(Boolean);
  }));
  assert.ok(charts.length > 0 && charts.every(Boolean), `${name}: each chart has words and a table`);
  assert.deepEqual([...new Set(asked)], [address], `${name} loads nothing`);
  assert.deepEqual(wrong, [], name);
  console.log(`page: ${name}: ok`);
  await page.close();
}

function onPath(name) {
  return (process.env.PATH ?? '').split(':').map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** @param {string} reason */
function notRun(reason) {
  const line = `cannot run here: the pages of reports: ${reason}`;
  console.error(line);
  if (list) appendFileSync(list, `${line}\n`);
  process.exit(process.env.DWELL_REQUIRE === 'all' ? 1 : 0);
}
