/**
 * What the extension and its host cost, as a table: `bench.mjs [ROUNDS [BROWSER]]`.
 *
 * The processor time of a browser on a busy page is compared within pairs of equal lengths, one with the extension and one
 * without, which are run one after the other in turns, by the frame that was drawn; a machine that does something else meanwhile
 * spoils single pairs, not their median.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { at, onBlockPage, visit, until } from '../browser/bed.mjs';
import { Bed, passes } from './bed.mjs';
import { limitToPage } from './latency.mjs';

const ROUNDS = Number(process.argv[2] ?? 3);
const BROWSERS = process.argv[3] ? [process.argv[3]] : ['chromium', 'firefox'];
/** How long a page is watched for its processor time. */
const WATCHED = 20_000;
/** After its start a browser does much that has nothing to do with the page. */
const SETTLING = 8_000;
const UNFOCUSED = 10_000;
const TICKS = 100;

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

/** Ticks of a process, all below it, and what of theirs has ended. */
function ticks(root) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), stat(name)]).filter(([, fields]) => fields);
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const [pid, fields] of all) if (tree.has(Number(fields[1]))) tree.add(pid);
  }
  return all.filter(([pid]) => tree.has(pid)).reduce((sum, [, fields]) => sum + fields.slice(11, 15).reduce((own, field) => own + Number(field), 0), 0);
}

const status = (pid, field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
/** Of each of its threads. */
const switches = (pid) => new Map(readdirSync(`/proc/${pid}/task`).map((task) => [task, status(`${pid}/task/${task}`, 'voluntary_ctxt_switches')]));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

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

/** Processor time on a busy page, in % of one processor. */
function busy(browser, extension) {
  return on(
    browser,
    async (bed) => {
      const page = await visit(bed, 'https://busy.example/busy');
      await page.bringToFront();
      await until('the page', () => page.evaluate(() => document.title.startsWith('busy')));
      await passes(SETTLING);
      const { pid } = bed.browser.process();
      const before = ticks(pid);
      const from = performance.now();
      const drawn = () => page.evaluate('frames');
      const first = await drawn();
      await passes(WATCHED);
      const frames = (await drawn()) - first;
      const used = ((ticks(pid) - before) / TICKS / (performance.now() - from)) * 1000 * 100;
      return { used, frames };
    },
    extension ? {} : { extension: null },
  );
}

async function cpu(browser) {
  const pairs = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? [true, false] : [false, true];
    const found = {};
    for (const extension of order) found[extension] = await busy(browser, extension);
    pairs.push({ more: (found.true.used / found.true.frames / (found.false.used / found.false.frames) - 1) * 100, with: found.true.used, without: found.false.used, frames: found.true.frames / found.false.frames });
  }
  return pairs;
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
  const pairs = await cpu(browser);
  const more = median(pairs.map((pair) => pair.more));
  const shown = pairs.map((pair) => `${pair.with.toFixed(1)}:${pair.without.toFixed(1)} (frames ×${pair.frames.toFixed(2)})`).join(' ');
  row('busy page: more processor time, %', browser, BARS.cpu, more.toFixed(1), shown, more <= BARS.cpu);
}
console.log(`\nThe extension and its host, medians (${ROUNDS} pairs of ${WATCHED / 1000} s on the busy page)\n`);
console.log('| what | browser | at most | median | all | |');
console.log('|---|---|---:|---:|---|---|');
for (const line of rows) console.log(line);
process.exit(rows.some((line) => line.endsWith('over |')) ? 1 : 0);
