/**
 * The part of the extension that runs in the background: what happens in the browser goes in at one side, the link to dwell is at
 * the other. Only wiring; what is decided is decided in the modules beside it.
 *
 * Listeners are registered before anything is awaited, or the browser would not start this script for them.
 */

import { api, FIREFOX } from './api.js';
import { Blocking, EXPIRY } from './blocking.js';
import { Exchange, parseQuestion } from './exchange.js';
import { look } from './focus.js';
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
  const taken = blocking.take(kept.rules);
  link.connect();
  await taken;
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
 * @param {number} tabId
 * @param {{ url?: string, audible?: boolean, mutedInfo?: unknown }} change
 */
function onUpdated(tabId, change) {
  if (change.url !== undefined) void arrived(tabId, change.url, 'url');
  else if (listen && (change.audible !== undefined || change.mutedInfo !== undefined)) changed('audible');
}

if (FIREFOX) {
  // Only Firefox can leave out the titles, icons and progress of every tab, and so leave this script asleep.
  const onUpdatedTab = /** @type {{ addListener: Function }} */ (/** @type {unknown} */ (api.tabs.onUpdated));
  onUpdatedTab.addListener(onUpdated, { properties: ['url', 'audible', 'mutedInfo'] });
} else {
  api.tabs.onUpdated.addListener(onUpdated);
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
api.webNavigation?.onCommitted.addListener(({ tabId, frameId, url }) => {
  if (frameId === 0) void arrived(tabId, url, 'navigation');
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
