import assert from 'node:assert/strict';
import test from 'node:test';

/** A browser with one window in front, which answers as Chromium does: only for the types that it is asked for. */
const browser = { window: null, tabs: [] };
globalThis.chrome = {
  runtime: { getURL: (path) => `chrome-extension://x/${path}` },
  windows: {
    getLastFocused: async ({ windowTypes }) => {
      if (!browser.window || !windowTypes.includes(browser.window.type)) throw new Error('No window');
      return browser.window;
    },
  },
  tabs: { query: async () => browser.tabs },
};
const { look } = await import('../../src/focus.js');

test('the tab of the window in front', async () => {
  browser.window = { id: 1, type: 'normal', focused: true, incognito: false };
  browser.tabs = [{ url: 'https://www.video.example/watch', incognito: false }];
  assert.deepEqual(await look(false), { focused: true, host: 'www.video.example', audible: [] });
  browser.window = { ...browser.window, incognito: true };
  assert.deepEqual(await look(false), { focused: false, host: null, audible: [] });
});

test('developer tools in a window of their own are in front, and no site', async () => {
  browser.window = { id: 2, type: 'devtools', focused: true, incognito: false };
  browser.tabs = [];
  assert.deepEqual(await look(false), { focused: true, host: null, audible: [] });
});
