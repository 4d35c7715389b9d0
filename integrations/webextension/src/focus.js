/**
 * What is in front: the host of the active tab of the window that has focus, and the hosts that can be heard.
 *
 * Private windows are never seen: the manifest keeps the extension out of them, and what the browser should hand out all the
 * same is dropped here. A private window in front therefore looks like no window in front.
 */

import { api, FIREFOX } from './api.js';
import { hostOf } from './hosts.js';

/** The native host takes frames of 64 KiB. */
const MOST_AUDIBLE = 50;

/**
 * `app`, missing in the types: windows of installed web applications. `devtools`: developer tools in a window of their own,
 * which only Chromium knows; left out, they would look like a private window.
 *
 * @type {any}
 */
const WINDOW_TYPES = ['normal', 'popup', 'app', ...(FIREFOX ? [] : ['devtools'])];

/**
 * @param {boolean} listen  whether audible tabs are wanted
 * @returns {Promise<import('./reporter.js').Seen>}
 */
export async function look(listen) {
  const [front, audible] = await Promise.all([inFront(), listen ? heard() : []]);
  return { ...front, audible };
}

/** @returns {Promise<{ focused: boolean, host: string | null }>} */
async function inFront() {
  const nothing = { focused: false, host: null };
  try {
    const window = await api.windows.getLastFocused({ windowTypes: WINDOW_TYPES });
    if (!window.focused || window.incognito || window.id === undefined) return nothing;
    // They are no page of a site, whichever they look into.
    if (window.type === 'devtools') return { focused: true, host: null };
    const [tab] = await api.tabs.query({ active: true, windowId: window.id });
    if (!tab || tab.incognito) return nothing;
    return { focused: true, host: hostOf(tab.url) };
  } catch {
    // There is no window yet, or the last one has just gone.
    return nothing;
  }
}

/** @returns {Promise<string[]>} in alphabetical order, each once */
async function heard() {
  const tabs = await api.tabs.query({ audible: true, muted: false });
  const hosts = tabs.filter((tab) => !tab.incognito).map((tab) => hostOf(tab.url));
  return [...new Set(hosts.filter((host) => host !== null))].sort().slice(0, MOST_AUDIBLE);
}
