/** A block ends on time, though dwelld is dead: nobody else would lift it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { at, onBlockPage, visit } from '../browser/bed.mjs';
import { open, passes, ZONE } from './bed.mjs';

const SITE = 'https://www.three.example/';
const MINUTE = 60_000;
/** At least this long until the end, so that all that comes before fits in. */
const ROOM = 12_000;

const clockOf = (at) => new Date(at).toLocaleTimeString('en-GB', { timeZone: ZONE, timeStyle: 'short' });

test('blocked hours end with dwelld dead', async (t) => {
  const bed = await open(t);
  await bed.well('browser', 'install', '--user');
  const pages = new Map();
  for (const browser of ['chromium', 'firefox']) {
    await bed.launch(browser);
    await bed.linked(browser);
    const page = await visit(bed, SITE);
    await at(page, SITE);
    pages.set(browser, page);
  }
  const end = Math.ceil((Date.now() + ROOM) / MINUTE) * MINUTE;
  await bed.rules(`[[rule]]\nid = "evening"\ntarget = "domain:three.example"\nblocked = ["${clockOf(end - 120 * MINUTE)}-${clockOf(end)}"]\n`);
  for (const page of pages.values()) await at(page, onBlockPage);
  for (const browser of pages.keys()) await bed.linked(browser);
  await bed.killDaemon();
  for (const [browser, page] of pages) {
    bed.browser = bed.browsers.get(browser);
    const other = await visit(bed, `${SITE}other`);
    // On a slow machine the end may have come meanwhile.
    await at(other, (url) => onBlockPage(url) || Date.now() >= end);
    await other.close();
    await page.bringToFront();
  }
  // Hours end with a minute: that is longer away than anything else is waited for.
  await passes(end - Date.now());
  for (const [browser, page] of pages) {
    await t.test(browser, async () => {
      // A page that nobody looks at does not open by itself.
      bed.raise(browser);
      await at(page, SITE);
      assert.ok(Date.now() >= end, `open ${end - Date.now()} ms before its time`);
    });
  }
});
