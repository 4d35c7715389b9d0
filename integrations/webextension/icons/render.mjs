#!/usr/bin/env node
/** Makes the PNGs from dwell.svg, with the browser that the tests use. They are kept beside it, so that packing needs no browser. */

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { require } from '../test/browser/bed.mjs';

const { default: puppeteer } = await import(pathToFileURL(require.resolve('puppeteer-core')).href);
const svg = readFileSync(new URL('dwell.svg', import.meta.url), 'utf8');
const browser = await puppeteer.launch({ browser: 'chrome', executablePath: '/usr/bin/chromium', pipe: true, args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage();
for (const size of [16, 32, 48, 128]) {
  await page.setViewport({ width: size, height: size });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }</style>${svg}`);
  writeFileSync(new URL(`${size}.png`, import.meta.url), await page.screenshot({ omitBackground: true }));
}
await browser.close();
