#!/usr/bin/env node
/**
 * All that is known about the extension being right: `run.mjs FOLDER [NOT-RUN] [WHAT]`, FOLDER for what is made, NOT-RUN a list of
 * what this machine could not run, to which lines are added. Pictures of the pages are left in FOLDER/shots. WHAT:
 *
 *   extension  (the default) the extension against a native host that the tests play
 *   whole      the extension, the host and dwelld, as they are in DWELL_BIN_DIR (target/debug)
 *   bench      what the extension and the host cost, with the programs in DWELL_BIN_DIR
 *   tools      only fetches the tools, which the pages of reports are looked at with too
 *
 * What a machine lacks is named; with DWELL_REQUIRE=all that is a failure.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('..', import.meta.url));
/** Looked for by name or path; any of a row will do. */
const PROGRAMS = [['chromium', 'chromium-browser', 'google-chrome'], ['firefox-esr', 'firefox'], ['Xvfb'], ['openbox'], ['xdotool'], ['xterm'], ['openssl']];
/** Findings of the linter that are as they should be: Firefox for Android has no native messaging, the extension is not for it. */
const EXPECTED = ['KEY_FIREFOX_ANDROID_UNSUPPORTED_BY_MIN_VERSION'];

const out = path.resolve(process.argv[2] ?? path.join(SOURCE, '../../target/extension'));
const dev = path.join(out, 'dev');
const modules = path.join(dev, 'node_modules');
const what = process.argv[4] ?? 'extension';
const failed = [];
/** Only these have dwell itself to deal with. */
const WHOLE = [['dbus-daemon'], ['dbus-monitor'], ['dbus-send']];

const lacking = toolsLacking();
if (lacking) notRun(lacking);
else if (what === 'extension') checkAll();
else if (what !== 'tools') checkWhole();
process.exit(failed.length > 0 ? 1 : 0);

function checkAll() {
  step('build', process.execPath, path.join(SOURCE, 'build.mjs'), out);
  if (failed.length > 0) return;
  step('types', process.execPath, path.join(modules, 'typescript/bin/tsc'), '--project', SOURCE, '--typeRoots', path.join(modules, '@types'));
  lint();
  step('unit tests', process.execPath, '--test', '--test-reporter=dot', ...tests('unit'));
  const missing = PROGRAMS.filter((names) => !names.some(onPath)).map((names) => names[0]);
  if (missing.length > 0) {
    notRun(`missing: ${missing.join(', ')}`);
    return;
  }
  step('browsers', process.execPath, '--test', '--test-reporter=spec', '--test-concurrency=2', '--test-timeout=400000', ...tests('browser'));
}

function checkWhole() {
  step('build', process.execPath, path.join(SOURCE, 'build.mjs'), out);
  if (failed.length > 0) return;
  const missing = [...PROGRAMS, ...WHOLE].filter((names) => !names.some(onPath)).map((names) => names[0]);
  const bin = process.env.DWELL_BIN_DIR ?? path.join(SOURCE, '../../target/debug');
  missing.push(...['dwelld', 'dwell', 'dwell-browser-host'].map((name) => path.join(bin, name)).filter((program) => !existsSync(program)));
  if (missing.length > 0) notRun(`missing: ${missing.join(', ')}`);
  else if (what === 'bench') step('bench', process.execPath, path.join(SOURCE, 'test/whole/bench.mjs'));
  else step('everything at once', process.execPath, '--test', '--test-reporter=spec', '--test-concurrency=2', '--test-timeout=400000', ...tests('whole'));
}

/** @returns {string | null} why the tools cannot be had */
function toolsLacking() {
  if (Number(process.versions.node.split('.')[0]) < 20) return `Node 20 is needed, this is ${process.versions.node}`;
  const lock = readFileSync(path.join(SOURCE, 'package-lock.json'));
  const stamp = path.join(dev, 'installed');
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return null;
  if (!onPath('npm')) return 'npm is missing';
  mkdirSync(dev, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(path.join(SOURCE, file), path.join(dev, file));
  console.log('extension: npm ci');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], { cwd: dev, stdio: 'inherit' });
  if (status !== 0) return 'npm could not fetch the tools';
  writeFileSync(stamp, wanted);
  return null;
}

function lint() {
  const { stdout, stderr } = spawnSync(process.execPath, [path.join(modules, 'web-ext/bin/web-ext.js'), 'lint', '--source-dir', path.join(out, 'firefox'), '--output', 'json', '--no-config-discovery'], {
    encoding: 'utf8',
    env: { ...process.env, HOME: dev },
  });
  try {
    const { errors, warnings, notices } = JSON.parse(stdout);
    const found = [...errors, ...warnings, ...notices].filter(({ code }) => !EXPECTED.includes(code));
    for (const { code, message, file } of found) console.error(`lint: ${code}: ${message} (${file})`);
    if (found.length > 0) failed.push('lint');
    else console.log('extension: lint: ok');
  } catch {
    console.error(stdout, stderr);
    failed.push('lint');
  }
}

function step(name, program, ...args) {
  console.log(`extension: ${name}`);
  const { status } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, DWELL_EXTENSION_OUT: out } });
  if (status !== 0) {
    console.error(`extension: ${name}: failed`);
    failed.push(name);
  }
}

function tests(folder) {
  const all = readdirSync(path.join(SOURCE, 'test', folder)).filter((name) => name.endsWith('.test.mjs'));
  return all.sort().map((name) => path.join(SOURCE, 'test', folder, name));
}

function onPath(name) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, name)));
}

/** @param {string} reason */
function notRun(reason) {
  const line = `cannot run here: the browser extension: ${reason}`;
  console.error(line);
  if (process.argv[3]) appendFileSync(process.argv[3], `${line}\n`);
  if (process.env.DWELL_REQUIRE === 'all') failed.push('not run');
}
