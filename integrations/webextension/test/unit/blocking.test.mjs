import assert from 'node:assert/strict';
import test from 'node:test';

const OWN = 'chrome-extension://x/';
/** Tabs by their id; one that is stubborn stays where it is. */
const browser = { tabs: [], updates: [] };
const nothing = async () => undefined;
globalThis.chrome = {
  runtime: { getURL: (path) => OWN + path },
  tabs: {
    query: async () => structuredClone(browser.tabs),
    update: async (id, { url }) => {
      browser.updates.push(id);
      const tab = browser.tabs.find((one) => one.id === id);
      // A page is left a moment later.
      if (!tab.stubborn) setTimeout(() => (tab.url = url), 100);
    },
  },
  alarms: { create: nothing, clear: nothing },
  declarativeNetRequest: { getSessionRules: async () => [], updateSessionRules: nothing },
  storage: { local: { set: nothing }, session: { set: nothing } },
};
const { Blocking } = await import('../../src/blocking.js');

const rules = () => ({ t: 'rules', gen: 1, block: [{ rule: 'r', d: ['video.example'], except: [], until: Date.now() + 3_600_000, used_ms: 0, budget_ms: null, more_left: 0, length_ms: null, why: '', opens: '' }] });

/** What came of these rules, with all the time that it takes. */
async function taken(t, tabs) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_000_000_000 });
  Object.assign(browser, { tabs: tabs.map((tab, id) => ({ id, incognito: false, discarded: false, ...tab })), updates: [] });
  let done = false;
  const answer = new Blocking().take(rules()).finally(() => (done = true));
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!done) t.mock.timers.tick(50);
  }
  return answer;
}

test('tabs that leave are no problem, however long they take about it', async (t) => {
  assert.equal(await taken(t, [{ url: 'https://www.video.example/' }, { url: 'https://other.example/' }]), null);
  assert.deepEqual(browser.updates, [0]);
  assert.match(browser.tabs[0].url, /blocked\.html#https:\/\/www\.video\.example/);
});

test('a page that asks before it is left is told, and not asked again', async (t) => {
  assert.match(await taken(t, [{ url: 'https://video.example/', stubborn: true }, { url: 'https://www.video.example/' }]), /is open still/);
  assert.deepEqual(browser.updates, [0, 1]);
});

test('the next rules do not wait for a page that stays', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_795_000_000_000 });
  Object.assign(browser, { tabs: [{ id: 0, url: 'https://video.example/', stubborn: true }], updates: [] });
  const blocking = new Blocking();
  const first = blocking.take(rules());
  const second = blocking.take({ t: 'rules', gen: 2, block: [] });
  // No time passes.
  assert.equal(await second, null);
  t.mock.timers.tick(5000);
  assert.equal(await first, null, 'nothing is closed any more, so nothing stays');
});
