/**
 * The part of the extension that runs in the background: what happens in the browser goes in at one side, the link to dwell is at
 * the other. Only wiring; what is decided is decided in the modules beside it.
 *
 * Listeners are registered before anything is awaited, or the browser would not start this script for them. The one for what can
 * be heard is not among them: it is registered while a linked dwell wants it, and as long as that is so this script runs.
 */

import { api, FIREFOX } from './api.js';
import { Blocking, EXPIRY } from './blocking.js';
import { Exchange, parseQuestion } from './exchange.js';
import { look } from './focus.js';
import { pageOf } from './hosts.js';
import { Link, HOST, LAST_DELAY } from './link.js';
import { Reporter } from './reporter.js';
import { keepStanding, load } from './store.js';

const RECONNECT = 'reconnect';

const clock = {
  now: () => performance.now(),
  later: (/** @type {() => void} */ act, /** @type {number} */ ms) => setTimeout(act, ms),
  cancel: (/** @type {ReturnType<typeof setTimeout>} */ timer) => clearTimeout(timer),
};

const blocking = new Blocking();
const exchange = new Exchange({ send: (frame) => link?.send(frame) ?? false, clock });
const reporter = new Reporter({ look: () => look(listen), send: (seen, why) => link?.sendState(seen, why), clock });

/** @type {Link | null} null until what was kept has been read */
let link = null;
/** Whether dwell wants to know which tabs are audible. */
let listen = false;

const ready = start();

async function start() {
  const kept = await load();
  link = new Link(
    {
      ...clock,
      connect: () => api.runtime.connectNative(HOST),
      lastError: () => api.runtime.lastError?.message,
      hello: () => ({
        browser: FIREFOX ? 'firefox' : 'chromium',
        ext_version: api.runtime.getManifest().version,
        instance: kept.instance,
      }),
      onConnected: () => reporter.asked('hello'),
      onFrame: take,
      onStanding: stands,
    },
    { delay: kept.delay, refused: kept.standing?.state === 'refused' },
  );
  const again = blocking.again(kept.rules);
  link.connect();
  await again;
}

/** @param {import('./frames.js').Frame} frame */
function take(frame) {
  exchange.take(frame);
  switch (frame.t) {
    case 'rules':
      void blocking
        .take(frame)
        .catch(() => 'the browser refused the rules')
        .then((err) => link?.send({ t: 'applied', gen: frame.gen, ok: err === null, err }));
      break;
    case 'link':
      if (frame.audible !== listen) {
        listen = frame.audible;
        hearTabs();
        reporter.changed('audible');
      }
      break;
    case 'report':
      // dwell asks when focus has come to this browser.
      reporter.asked('report');
      if (!FIREFOX) reporter.unsettled('window');
      break;
  }
}

/**
 * @param {import('./link.js').Standing} standing
 * @param {number} delay
 */
function stands(standing, delay) {
  void keepStanding(standing, delay);
  if (!link?.connected) exchange.drop();
  // The browser stops this script after 30 s without a link, and its timers with it. A host that is not installed needs no
  // alarm: whatever a person does next starts this script, and with it the link.
  if (standing.state === 'lost') void api.alarms.create(RECONNECT, { when: Date.now() + LAST_DELAY });
  else void api.alarms.clear(RECONNECT);
}

/** @param {string} why */
function changed(why) {
  if (link?.connected) reporter.changed(why);
}

/**
 * @param {number} tabId
 * @param {string | undefined} url
 * @param {string} why
 */
async function arrived(tabId, url, why) {
  if (link === null) await ready;
  void blocking.arrived(tabId, url);
  changed(why);
}

/**
 * @param {number} _tabId
 * @param {{ audible?: boolean, mutedInfo?: unknown }} change
 */
function onUpdated(_tabId, change) {
  if (change.audible !== undefined || change.mutedInfo !== undefined) changed('audible');
}

/** Follows what can be heard while dwell wants to know it, and not otherwise: what tabs tell of themselves is much, and costs. */
function hearTabs() {
  const event = /** @type {{ addListener: Function, removeListener: Function }} */ (/** @type {unknown} */ (api.tabs.onUpdated));
  if (!listen) event.removeListener(onUpdated);
  // Only Firefox can leave out the titles, icons and progress of every tab.
  else if (FIREFOX) event.addListener(onUpdated, { properties: ['audible', 'mutedInfo'] });
  else event.addListener(onUpdated);
}

api.tabs.onActivated.addListener(async ({ tabId }) => {
  changed('tab');
  if (link === null) await ready;
  const tab = await api.tabs.get(tabId).catch(() => null);
  if (tab && !tab.incognito) void blocking.arrived(tabId, tab.url);
});
api.tabs.onRemoved.addListener(() => changed('tab'));
api.tabs.onAttached.addListener(() => changed('tab'));
api.windows.onFocusChanged.addListener(() => {
  // Firefox knows at once; and a tab that is looked at while it loads has no address there.
  if (FIREFOX) changed('window');
  else if (link?.connected) reporter.moved('window');
});
// Not `tabs.onUpdated`, which tells of each change of a title, an icon and an address: on a busy page that costs more than all the
// rest, and a page that changes its own address stays on its site.
api.webNavigation.onCommitted.addListener(({ tabId, frameId, url }) => {
  if (frameId === 0) void arrived(tabId, url, 'navigation');
});
// The page of an error, which is where a request ends that the filter has stopped, is not committed, yet stands under the address. A
// load that was given up leaves the tab where it was, and nobody arrived anywhere.
api.webNavigation.onErrorOccurred.addListener(async ({ tabId, frameId, url }) => {
  if (frameId !== 0) return;
  const tab = await api.tabs.get(tabId).catch(() => null);
  if (tab && !tab.incognito && pageOf(tab.url) === pageOf(url)) void arrived(tabId, tab.url, 'navigation');
});
api.permissions.onAdded.addListener(() => void ready.then(() => blocking.accessChanged()));
api.permissions.onRemoved.addListener(() => void ready.then(() => blocking.accessChanged()));
api.alarms.onAlarm.addListener(async ({ name }) => {
  await ready;
  if (name === EXPIRY) await blocking.expire();
  else if (name === RECONNECT) link?.connect();
});
api.runtime.onMessage.addListener((message, sender, reply) => {
  if (sender.id !== api.runtime.id) return false;
  if (message?.t === 'expire') {
    void ready.then(() => blocking.expire()).finally(() => reply(null));
    return true;
  }
  const question = parseQuestion(message);
  if (!question) return false;
  void ready.then(async () => {
    // Somebody is looking: this is no moment to wait for the next try.
    link?.connect();
    reply(await exchange.ask(question));
  });
  return true;
});
// Nothing to be done; the browser starts this script for them, and so opens the link with the browser.
api.runtime.onStartup.addListener(() => undefined);
api.runtime.onInstalled.addListener(() => undefined);
