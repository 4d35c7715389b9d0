/**
 * A browser with the extension in it, a web and a native host of its own, in a folder that is gone afterwards.
 *
 * Nothing here waits for time to pass: tests wait for what they expect. `PATIENCE` only ends a test that will never succeed.
 */

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ScriptedHost } from './host.mjs';
import { startWeb } from './web.mjs';

const PATIENCE = Number(process.env.DWELL_PATIENCE ?? 60_000);
/** Where the packed extension and the tools are: given by run.mjs. */
export const OUT = process.env.DWELL_EXTENSION_OUT ?? path.resolve(import.meta.dirname ?? '.', '../../../../target/extension');
export const require = createRequire(pathToFileURL(path.join(OUT, 'dev/package.json')));
export const CHROMIUM_ID = process.env.DWELL_EXTENSION_ID ?? 'keopfhgiklnmjbadkhiaaendmjgdepjb';
export const FIREFOX_ID = 'dwell@dwell.org';
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find(existsSync);

/** Fails with what was waited for, instead of for ever. */
export function timely(what, promise, more = () => '') {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not come: ${what}; ${more()}`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again and again until the answer is one; the browser is its own clock here. */
export async function until(what, ask, fits = Boolean, patience = PATIENCE) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (fits(last)) return last;
    } catch (error) {
      // A page that is being replaced cannot be asked; the next one can.
      last = error;
    }
    if (Date.now() > end) throw new Error(`did not come: ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function puppeteer() {
  const module = await import(pathToFileURL(require.resolve('puppeteer-core')).href);
  return module.default;
}

/** Starts the browser; `test` is the test context, which takes everything down afterwards. */
export async function open(test, browser, { headed = false, folder = mkdtempSync(path.join(os.tmpdir(), 'dwell-ext-')), granted = false, prefs = {}, prepare = () => undefined } = {}) {
  const undo = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  test.after(close);
  const web = await startWeb(folder);
  undo.push(web.close);
  const display = headed ? await startDisplay(undo) : null;
  const env = { ...process.env, HOME: folder, ...(display ? { DISPLAY: display } : {}) };
  delete env.WAYLAND_DISPLAY;
  const profile = path.join(folder, 'profile');
  const chromium = browser === 'chromium';
  const host = await ScriptedHost.start(
    chromium ? path.join(profile, 'NativeMessagingHosts') : path.join(folder, '.mozilla/native-messaging-hosts'),
    folder,
    chromium ? { allowed_origins: [`chrome-extension://${CHROMIUM_ID}/`] } : { allowed_extensions: [FIREFOX_ID] },
  );
  undo.push(() => host.close());
  prepare(host);
  const extension = granted ? withAccess(browser, folder) : path.join(OUT, browser);
  const bed = { web, host, display, env, folder, profile, browser: null, close };
  bed.launch = async () => {
    bed.browser = await (chromium ? launchChromium(extension, profile, web.port, headed, env) : launchFirefox(web.port, headed, env, prefs));
    if (!chromium) await bed.browser.installExtension(extension);
  };
  bed.restart = async () => {
    await bed.browser.close();
    await bed.launch();
  };
  undo.push(async () => {
    const process = bed.browser?.process();
    await Promise.race([bed.browser?.close().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
    process?.kill('SIGKILL');
  });
  await bed.launch();
  return bed;
}

/** The same extension, but with access to all sites granted from the start: no test can press the browser's own button. */
function withAccess(browser, folder) {
  const copy = path.join(folder, 'extension');
  cpSync(path.join(OUT, browser), copy, { recursive: true });
  const file = path.join(copy, 'manifest.json');
  const { optional_host_permissions, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...manifest, host_permissions: optional_host_permissions }));
  return copy;
}

/** @param {string[]} more  arguments besides */
export async function launchChromium(extension, profile, port, headed, env, more = []) {
  return (await puppeteer()).launch({
    browser: 'chrome',
    executablePath: CHROMIUM,
    headless: !headed,
    pipe: true,
    userDataDir: profile,
    acceptInsecureCerts: true,
    env,
    defaultViewport: null,
    ignoreDefaultArgs: ['--disable-extensions', '--enable-automation'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--ignore-certificate-errors', `--host-resolver-rules=MAP * 127.0.0.1:${port}`, ...(extension ? [`--load-extension=${extension}`] : []), ...more],
  });
}

export async function launchFirefox(port, headed, env, prefs) {
  return (await puppeteer()).launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: !headed,
    acceptInsecureCerts: true,
    env: { ...env, MOZ_DISABLE_CONTENT_SANDBOX: '1' },
    defaultViewport: null,
    extraPrefsFirefox: {
      'network.proxy.type': 1,
      'network.proxy.http': '127.0.0.1',
      'network.proxy.http_port': port,
      'network.proxy.ssl': '127.0.0.1',
      'network.proxy.ssl_port': port,
      'network.proxy.no_proxies_on': '',
      'network.proxy.allow_hijacking_localhost': false,
      ...prefs,
    },
  });
}

/** A screen that nobody sees, with a window manager on it. */
export async function startDisplay(undo) {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-noreset'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  undo.push(() => void server.kill());
  const display = await timely('a display of Xvfb', new Promise((resolve) => server.stdio[3].once('data', (line) => resolve(`:${line.toString().trim()}`))));
  const manager = spawn('openbox', [], { stdio: 'ignore', env: { ...process.env, DISPLAY: display } });
  undo.push(() => void manager.kill());
  return display;
}

/** Opens an address as a person does, without waiting for it to load: it may never. */
export async function visit(bed, url) {
  const page = await bed.browser.newPage();
  go(page, url);
  return page;
}

export function go(page, url) {
  page.goto(url).catch(() => undefined);
}

/** Where a page is, asked of the page itself. */
export function at(page, wanted) {
  const fits = typeof wanted === 'string' ? (url) => url === wanted : wanted;
  return until(`the page at ${wanted}`, async () => {
    const url = await page.evaluate(() => location.href);
    return fits(url) ? url : { not: url };
  }, (answer) => typeof answer === 'string');
}

export const onBlockPage = (url) => url.includes('/pages/blocked.html#');

/** A page of the extension's own, from which its storage can be looked at without waking the script in the background. */
export async function ownPage(bed) {
  const { host } = bed;
  const before = host.rules.block;
  const page = await visit(bed, 'https://own-page.example/');
  await host.block(...before, { ...BLANK, d: ['own-page.example'] });
  await at(page, onBlockPage);
  await page.evaluate(() => void setTimeout(() => location.assign('popup.html')));
  await at(page, (url) => url.endsWith('/pages/popup.html'));
  await host.block(...before);
  return page;
}

const BLANK = { rule: 'own-page', except: [], until: Date.now() + 3_600_000, used_ms: 0, budget_ms: null, more_left: 0, why: '', opens: '' };
