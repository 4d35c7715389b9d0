/**
 * Everything at once, and nothing played: dwelld with its own sensor on a screen that nobody sees, the host that browsers start, and
 * browsers with the extension; on a bus, in a home and with a vault of their own, which are gone afterwards.
 *
 * Tests wait for what they expect; where they let time pass, it is that time which dwell is to measure.
 */

import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { launchChromium, launchFirefox, OUT, startDisplay, timely, until } from '../browser/bed.mjs';
import { startWeb } from '../browser/web.mjs';

/** Where dwelld, dwell and dwell-browser-host are. */
export const BIN = process.env.DWELL_BIN_DIR ?? fileURLToPath(new URL('../../../../target/debug', import.meta.url));
/** No notices: nobody is there to show them. */
const CONFIG = 'notifications = false\n';
const EAST = ((16 - new Date().getUTCHours() + 12) % 24) - 12;
/**
 * A zone in which it is four in the afternoon, so that no test crosses the start of a day. The signs of these zones are the wrong
 * way round: Etc/GMT-3 is three hours east of Greenwich.
 */
export const ZONE = EAST > 0 ? `Etc/GMT-${EAST}` : `Etc/GMT+${-EAST}`;

export const passes = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const now = () => Date.now();

/** @returns {Promise<Bed>} which `test`, the test's context, takes down */
export async function open(test, { config = '' } = {}) {
  const bed = new Bed();
  test.after(() => bed.close());
  await bed.start(CONFIG + config);
  return bed;
}

export class Bed {
  folder = mkdtempSync(path.join(os.tmpdir(), 'dwell-whole-'));
  /** @type {Map<string, any>} the browsers that run */
  browsers = new Map();
  #undo = [() => rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })];
  #daemon = null;
  /** The one that was started last. */
  browser = null;
  dwellProgram = path.join(BIN, 'dwell');

  async start(config) {
    const made = (name) => {
      mkdirSync(path.join(this.folder, name), { recursive: true, mode: 0o700 });
      return path.join(this.folder, name);
    };
    this.home = made('home');
    this.data = path.join(this.folder, 'data');
    const run = made('run');
    this.log = path.join(this.folder, 'dwelld.log');
    this.web = await startWeb(this.folder);
    this.#undo.push(this.web.close);
    this.display = await startDisplay(this.#undo);
    const { PATH, LANG, TMPDIR, ...rest } = process.env;
    this.env = {
      PATH: `/usr/local/bin:/usr/bin:/bin:${PATH ?? ''}`,
      LANG: 'C.UTF-8',
      TZ: ZONE,
      HOME: this.home,
      DISPLAY: this.display,
      XDG_RUNTIME_DIR: run,
      DWELL_DATA_DIR: this.data,
      DWELL_CONFIG: path.join(this.folder, 'config.toml'),
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${run}/bus`,
      // Nobody answers there: no program may fall back to the machine's.
      DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${run}/no-system-bus`,
      ...(TMPDIR ? { TMPDIR } : {}),
      ...(rest.DWELL_PATIENCE ? { DWELL_PATIENCE: rest.DWELL_PATIENCE } : {}),
    };
    writeFileSync(this.env.DWELL_CONFIG, `zone = "${ZONE}"\n${config}`);
    // Nothing that is installed here may be started by the bus.
    const bus = this.run('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=1', `--address=${this.env.DBUS_SESSION_BUS_ADDRESS}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...this.env, XDG_DATA_DIRS: made('empty') },
    });
    await timely('the bus', new Promise((resolve) => bus.stdout.once('data', resolve)));
    this.bus = path.join(this.folder, 'bus.log');
    const monitor = this.run('dbus-monitor', ['--session'], { stdio: ['ignore', openSync(this.bus, 'w'), 'ignore'] });
    await until('the bus to be listened to', () => existsSync(this.bus) && readFileSync(this.bus).length > 0);
    this.monitor = monitor;
    await this.startDaemon();
  }

  /** Starts a program that ends with the test. */
  run(program, args = [], options = {}) {
    const child = spawn(program, args, { stdio: 'ignore', env: this.env, ...options });
    this.#undo.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
    });
    return child;
  }

  async startDaemon() {
    const log = openSync(this.log, 'a');
    this.#daemon = this.run(path.join(BIN, 'dwelld'), ['--no-keyring'], { stdio: ['ignore', log, log] });
    closeSync(log);
    await until('dwelld', async () => (await this.dwell('status', '--json')).code === 0);
    this.watch = new Watch(this);
    await this.watch.started();
  }

  get daemonPid() {
    return this.#daemon.pid;
  }

  /** As if it had crashed. */
  async killDaemon() {
    const ended = new Promise((resolve) => this.#daemon.once('exit', resolve));
    this.#daemon.kill('SIGKILL');
    await ended;
  }

  /** As systemd ends it. */
  async stopDaemon() {
    const ended = new Promise((resolve) => this.#daemon.once('exit', resolve));
    this.#daemon.kill('SIGTERM');
    await ended;
  }

  /** Asks dwell as a person does. */
  dwell(...args) {
    return new Promise((resolve) => {
      execFile(this.dwellProgram, args, { env: this.env, encoding: 'utf8', maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        resolve({ code: error ? (error.code ?? -1) : 0, stdout, stderr });
      });
    });
  }

  /** The same, and it goes well. */
  async well(...args) {
    const { code, stdout, stderr } = await this.dwell(...args);
    assert.equal(code, 0, `dwell ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Takes over rules, as text. */
  async rules(text) {
    const file = path.join(this.folder, 'rules.toml');
    writeFileSync(file, text);
    await this.well('rules', 'import', '--yes', file);
  }

  async json(...args) {
    const { stdout, stderr } = await this.dwell(...args, '--json');
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`dwell ${args.join(' ')}: ${stderr}${stdout}`);
    }
  }

  /** The timeline, from start to end. */
  async spans() {
    const lines = (await this.well('spans', '7d', '--format', 'ndjson')).trim().split('\n').map((line) => JSON.parse(line));
    const spans = lines.filter(({ schema }) => schema === 'dwell.span/1');
    return spans.map((span) => ({ ...span, from: Date.parse(span.start), to: Date.parse(span.end) }));
  }

  /** What `dwell browser status` says of one browser. */
  async status(browser) {
    return (await this.json('browser', 'status')).browsers.find((row) => row.browser === browser);
  }

  /** Waits until a browser's extension is linked to dwell, and has done what it was told. */
  linked(browser, since = 0) {
    return until(`${browser} to be linked`, () => this.status(browser), (row) => row?.links.some((link) => Date.parse(link.since) >= since && !link.unconfirmed));
  }

  /** Everything that went over the bus until now. */
  async heard() {
    // A message of our own is the last one that has to be in it.
    const mark = `mark-${Math.random()}`;
    spawnSync('dbus-send', ['--session', '--type=signal', '/test', 'test.Test.Mark', `string:${mark}`], { env: this.env });
    return until('the monitor', () => readFileSync(this.bus, 'latin1'), (text) => text.includes(mark));
  }

  /** The processes that a browser started as its host. */
  hosts() {
    const name = (pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      } catch {
        return [];
      }
    };
    const environment = (pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8');
      } catch {
        return '';
      }
    };
    const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && name(entry)[0].endsWith('/dwell-browser-host'));
    return pids.filter((pid) => environment(pid).includes(this.folder)).map(Number);
  }

  /** Starts a browser; `extension`: another folder than the packed one, or null for none. */
  async launch(browser, { extension = path.join(OUT, browser), prefs = {}, args = [] } = {}) {
    let started;
    if (browser === 'chromium') {
      // Where a person's own manifests are looked for belongs to the profile.
      started = await launchChromium(extension, path.join(this.home, '.config/chromium'), this.web.port, true, this.env, args);
    } else {
      // What drives Firefox makes it believe otherwise that it always has focus.
      started = await launchFirefox(this.web.port, true, this.env, { 'focusmanager.testmode': false, ...prefs });
      if (extension) await started.installExtension(extension);
    }
    this.browsers.set(browser, started);
    this.browser = started;
    this.#undo.push(() => this.quit(browser));
    return started;
  }

  async quit(browser) {
    const running = this.browsers.get(browser);
    if (!running) return;
    this.browsers.delete(browser);
    const child = running.process();
    const ended = new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve(null) : child.once('exit', resolve)));
    let late;
    await Promise.race([running.close().catch(() => undefined).then(() => ended), new Promise((resolve) => (late = setTimeout(resolve, 10_000)))]);
    clearTimeout(late);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }

  /** A program of the screen's that does one thing and ends. */
  x(...args) {
    return spawnSync('xdotool', args, { env: this.env, encoding: 'utf8' }).stdout.trim();
  }

  windowNamed(name) {
    return until(`a window ${name}`, () => this.x('search', '--onlyvisible', '--name', name).split('\n')[0]);
  }

  /** As a person clicks on it. */
  activate(window) {
    return until(`focus on ${window}`, () => {
      this.x('windowactivate', window);
      return this.x('getactivewindow') === window;
    });
  }

  /** The window of a browser that runs, to the front. */
  raise(browser) {
    const names = { chromium: 'chromium', firefox: 'firefox-esr|firefox|Navigator' };
    return until(`${browser} in front`, () => {
      const [window] = this.x('search', '--onlyvisible', '--class', names[browser]).split('\n');
      this.x('windowactivate', window);
      return window !== '' && this.x('getactivewindow') === window;
    });
  }

  /** A window of another program, and in front. */
  async terminal() {
    this.run('xterm', ['-T', 'the terminal', '-e', 'cat']);
    const window = await this.windowNamed('the terminal');
    await this.activate(window);
    return window;
  }

  async close() {
    for (const step of this.#undo.splice(0).reverse()) await step();
  }
}

/** `dwell watch`, from the daemon's start to its end. */
class Watch {
  events = [];
  #waiters = new Set();
  #bed;

  constructor(bed) {
    this.#bed = bed;
    this.child = bed.run(path.join(BIN, 'dwell'), ['watch', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.events.push({ ...JSON.parse(line), seen: now() });
      for (const check of [...this.#waiters]) check();
    });
  }

  /** It hears what happens from now on. */
  async started() {
    await until('dwell watch', () => readFileSync(this.#bed.bus, 'utf8').includes('member=Watch') || this.events.length > 0, Boolean, 2000).catch(() => undefined);
  }

  /** The first event from `mark` on that is as wanted. */
  event(mark, wanted, what = wanted.toString()) {
    return timely(
      what,
      new Promise((resolve) => {
        const check = () => {
          const found = this.events.slice(mark).find(wanted);
          if (!found) return;
          this.#waiters.delete(check);
          resolve(found);
        };
        this.#waiters.add(check);
        check();
      }),
      () => `seen since: ${JSON.stringify(this.events.slice(mark))}`,
    );
  }

  /** The last thing that was said to be in front is as wanted, now or soon. */
  async front(wanted, what) {
    await until(what, () => {
      const last = this.events.findLast(({ event }) => event === 'focus');
      return last !== undefined && wanted(last) ? true : { not: last };
    }, (answer) => answer === true);
  }
}
