/**
 * What the extension and its host cost, as a table: `bench.mjs [ROUNDS [BROWSER]]`.
 *
 * The processor time of a browser on a busy page is compared within rounds of equal lengths, with the extension, with one that
 * has nothing in it, and with none, one after the other in the same browser, by the frame that was drawn; a machine that does
 * something else meanwhile spoils single rounds, not their median.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { at, onBlockPage, OUT, visit, until } from '../browser/bed.mjs';
import { Bed, passes } from './bed.mjs';
import { limitToPage } from './latency.mjs';

const ROUNDS = Number(process.argv[2] ?? 3);
const BROWSERS = process.argv[3] ? [process.argv[3]] : ['chromium', 'firefox'];
/** How long a page is watched for its processor time. */
const WATCHED = { chromium: 10_000, firefox: 30_000 };
/** After its start, and after an extension came or went, a browser does much that has nothing to do with the page; Firefox for longer. */
const SETTLING = { chromium: 15_000, firefox: 45_000 };
const UNFOCUSED = 10_000;

const BARS = { cpu: 1, rss: 6, switches: 0, latency: 150 };

/** Fields of /proc/PID/stat after the program's name, which may hold anything: the parent is 1, user and system ticks are 11 and 12. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Processor time in ms of a process and of all below it, as far as their threads run still (/proc/PID/task/TID/schedstat, in ns). */
function used(root) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), stat(name)]).filter(([, fields]) => fields);
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const [pid, fields] of all) if (tree.has(Number(fields[1]))) tree.add(pid);
  }
  const threads = new Map();
  for (const pid of tree) {
    try {
      for (const task of readdirSync(`/proc/${pid}/task`)) threads.set(`${pid}/${task}`, Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]) / 1e6);
    } catch {
      // It has ended meanwhile.
    }
  }
  return threads;
}

const status = (pid, field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
/** Of each of its threads. */
const switches = (pid) => new Map(readdirSync(`/proc/${pid}/task`).map((task) => [task, status(`${pid}/task/${task}`, 'voluntary_ctxt_switches')]));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** An extension that does nothing and may do nothing. */
function nothing() {
  const folder = path.join(OUT, 'nothing');
  mkdirSync(folder, { recursive: true });
  const gecko = { id: 'nothing@dwell.org', strict_min_version: '140.0' };
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({ manifest_version: 3, name: 'nothing', version: '1', browser_specific_settings: { gecko } }));
  return folder;
}

async function on(browser, work, options = {}) {
  const bed = new Bed();
  try {
    await bed.start('notifications = false\n');
    await bed.well('browser', 'install', '--user');
    await bed.launch(browser, options);
    if (options.extension !== null) await bed.linked(browser);
    return await work(bed);
  } finally {
    await bed.close();
  }
}

/**
 * Processor time on a busy page, in ms a frame: with dwell's extension, with one that does nothing, and with none, in turns. They
 * are put into a browser that runs and taken out again, so that all else is the same.
 */
function cpu(browser) {
  return on(
    browser,
    async (bed) => {
      const page = await visit(bed, 'https://busy.example/busy');
      await page.bringToFront();
      await until('the page', () => page.evaluate(() => document.title.startsWith('busy')));
      const { pid } = bed.browser.process();
      const measure = async () => {
        await passes(SETTLING[browser]);
        const drawn = () => page.evaluate('frames');
        const [before, first] = [used(pid), await drawn()];
        await passes(WATCHED[browser]);
        const [after, last] = [used(pid), await drawn()];
        const sum = [...after].reduce((sum, [thread, ms]) => sum + ms - (before.get(thread) ?? 0), 0);
        return sum / (last - first);
      };
      const beside = async (folder, isReady) => {
        const id = await bed.browser.installExtension(folder);
        await isReady();
        const found = await measure();
        await bed.browser.uninstallExtension(id);
        return found;
      };
      const kinds = {
        none: measure,
        nothing: () => beside(nothing(), () => undefined),
        dwell: () => beside(path.join(OUT, browser), () => bed.linked(browser)),
      };
      const rounds = [];
      for (let round = 0; round < 2 * ROUNDS; round += 1) {
        const found = {};
        // Each kind is as often first as any other.
        const order = Object.keys(kinds);
        for (const kind of [...order.slice(round % 3), ...order.slice(0, round % 3)]) found[kind] = await kinds[kind]();
        rounds.push(found);
        console.error(`${browser}, ms a frame: ${Object.entries(found).map(([kind, ms]) => `${kind} ${ms.toFixed(3)}`).join(', ')}`);
      }
      return rounds;
    },
    { extension: null, args: browser === 'chromium' ? ['--enable-unsafe-extension-debugging'] : [] },
  );
}

function host(browser) {
  return on(browser, async (bed) => {
    const page = await visit(bed, 'https://busy.example/busy');
    await page.bringToFront();
    await until('its time', async () => (await bed.json('status')).active?.domain, (domain) => domain === 'busy.example');
    const [pid] = bed.hosts();
    const rss = status(pid, 'VmRSS') / 1000;
    await bed.terminal();
    // What losing the focus itself brings is over.
    await passes(3000);
    const before = switches(pid);
    await passes(UNFOCUSED);
    // A thread that has ended meanwhile has woken for that.
    const after = switches(pid);
    const ended = [...before.keys()].filter((task) => !after.has(task)).length;
    return { rss, switches: [...after].reduce((sum, [task, count]) => sum + count - (before.get(task) ?? 0), ended) };
  });
}

function latency(browser) {
  return on(browser, async (bed) => {
    const found = [];
    for (let round = 0; round < 2 * ROUNDS + 1; round += 1) {
      const site = `site-${round}.example`;
      const page = await visit(bed, `https://${site}/`);
      await at(page, `https://${site}/`);
      await page.bringToFront();
      await until('its time', async () => (await bed.json('status')).active?.domain, (domain) => domain === site);
      const mark = bed.watch.events.length;
      await bed.well('limit', 'set', `domain:${site}`, '3s', '--yes');
      const reached = await bed.watch.event(mark, ({ event, target }) => event === 'limit-reached' && target === `domain:${site}`, 'the limit');
      await at(page, onBlockPage);
      found.push(await limitToPage(page, Date.parse(reached.at)));
      await page.close();
    }
    return found;
  });
}

const rows = [];
function row(what, browser, bar, found, more, good) {
  rows.push(`| ${what} | ${browser} | ${bar} | ${found} | ${more} | ${good ? '' : 'over'} |`);
  // It takes minutes until all is known.
  console.error(rows.at(-1));
}
for (const browser of BROWSERS) {
  const found = await latency(browser);
  row('limit → block page, ms', browser, BARS.latency, median(found), found.join(' '), median(found) <= BARS.latency);
  const { rss, switches: woken } = await host(browser);
  row('host: resident memory, MB', browser, BARS.rss, rss.toFixed(1), '', rss <= BARS.rss);
  row(`host: voluntary switches in ${UNFOCUSED / 1000} s without focus`, browser, BARS.switches, woken, '', woken <= BARS.switches);
  const rounds = await cpu(browser);
  const more = (kind, than) => median(rounds.map((found) => (found[kind] / found[than] - 1) * 100));
  const shown = rounds.map(({ dwell, nothing, none }) => [dwell, nothing, none].map((ms) => ms.toFixed(3)).join(':')).join(' ');
  row('busy page: more processor time a frame, %', browser, BARS.cpu, more('dwell', 'none').toFixed(1), shown, more('dwell', 'none') <= BARS.cpu);
  // No bar: it tells which part of that is dwell's doing.
  row('… more than with an extension that does nothing, %', browser, '', more('dwell', 'nothing').toFixed(1), '', true);
}
console.log(`\nThe extension and its host, medians (${2 * ROUNDS} rounds of ${BROWSERS.map((browser) => `${WATCHED[browser] / 1000} s`).join(' and ')} each on the busy page: with dwell's, with one that does nothing, with none)\n`);
console.log('| what | browser | at most | median | all | |');
console.log('|---|---|---:|---:|---|---|');
for (const line of rows) console.log(line);
process.exit(rows.some((line) => line.endsWith('over |')) ? 1 : 0);
