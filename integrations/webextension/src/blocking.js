/**
 * Keeps blocked sites closed, by three means, since none of them is enough: the browser's own filter stops requests before they
 * leave; the open tabs are gone through when rules come; and whatever address a tab commits to is looked at.
 *
 * Invariants:
 * - A block ends at its `until`, with or without dwell: a timer while this script runs, an alarm if it does not, and a look at
 *   the clock before every single decision.
 * - Only an address that a tab arrives at is acted upon, never the progress of loading: sending a tab away is progress too, which
 *   Firefox reports with the old address, and the circle would never end.
 * - Rules are taken one list after the other; the last one counts.
 * - What is kept in memory is written after the filter has been told and before a tab is sent away: the block page reads it, goes
 *   on where it finds nothing in force, and must not come back to a filter that still stops it. What is kept on disk is for the next
 *   start of the browser, and no tab waits for it.
 */

import { api, FIREFOX } from './api.js';
import { hostOf, pageOf } from './hosts.js';
import { blockFor, filterRules, inForce, nextEnd } from './rules.js';
import { keepClosed, keepRules } from './store.js';

export const EXPIRY = 'expiry';
const BLOCK_PAGE = api.runtime.getURL('pages/blocked.html');
const EVERYWHERE = { origins: ['<all_urls>'] };
/** Longer timers overflow and fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** How long the open tabs have to leave before it is told that one stays, in ms, and how often it is looked meanwhile. */
const LEAVING = 2000;
const LOOKS = 10;

/** @typedef {import('./frames.js').RulesFrame} RulesFrame */

export class Blocking {
  /** @type {RulesFrame} */
  #rules = { t: 'rules', gen: 0, block: [] };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The rules are worked on one after the other. */
  #work = Promise.resolve();

  /**
   * @param {RulesFrame} rules  in place of all before
   * @returns {Promise<string | null>} what went wrong, without a name of a site in it
   */
  async take(rules) {
    const { error, sent } = await this.#afterOthers(() => this.#apply(rules));
    // The next rules do not wait for tabs.
    return (await this.#stayed(sent)) ?? error;
  }

  /** @param {RulesFrame} rules  that were in force when this script was stopped */
  async again(rules) {
    await this.#afterOthers(() => this.#apply(rules));
  }

  /** A block may have ended: by the timer, by the alarm, or because the computer slept. */
  expire() {
    return this.#afterOthers(async () => {
      const ended = inForce(this.#rules.block, Date.now()).length < this.#rules.block.length;
      if (ended) await this.#apply(this.#rules);
      else this.#arm();
    });
  }

  /** "Strict blocking" was granted or taken back. */
  accessChanged() {
    return this.#afterOthers(() => this.#filter());
  }

  /**
   * @param {number | undefined} tabId
   * @param {string | undefined} url  where the tab has arrived
   */
  async arrived(tabId, url) {
    const page = this.#closed(url);
    if (tabId === undefined || page === null) return;
    /** @type {chrome.tabs.UpdateProperties} */
    const away = { url: `${BLOCK_PAGE}#${page}` };
    // "Back" then leads to where one was before. Chromium has no such thing.
    if (FIREFOX) Object.assign(away, { loadReplace: true });
    // The tab may be gone.
    await api.tabs.update(tabId, away).catch(() => undefined);
  }

  /**
   * @param {string | undefined} url
   * @returns {string | null} the page at that address, if it is closed now
   */
  #closed(url) {
    const page = pageOf(url);
    return blockFor(this.#rules.block, hostOf(page), Date.now()) ? page : null;
  }

  /**
   * @template T
   * @param {() => Promise<T>} act
   * @returns {Promise<T>}
   */
  #afterOthers(act) {
    const done = this.#work.then(act);
    this.#work = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /**
   * @param {RulesFrame} rules
   * @returns {Promise<{ error: string | null, sent: Set<number | undefined> }>} what the browser refused, and the tabs that were sent away
   */
  async #apply(rules) {
    const block = inForce(rules.block, Date.now());
    this.#rules = { ...rules, block };
    this.#arm();
    const error = await this.#filter().then(
      () => null,
      () => 'the browser refused the rules of its own filter',
    );
    await keepRules(this.#rules);
    // A full disk keeps nothing from being closed now.
    const [sent] = await Promise.all([this.#sweep(), keepClosed(this.#rules).catch(() => undefined)]);
    return { error, sent };
  }

  #arm() {
    clearTimeout(this.#timer);
    const end = nextEnd(this.#rules.block);
    if (end === null) {
      void api.alarms.clear(EXPIRY);
      return;
    }
    this.#timer = setTimeout(() => void this.expire(), Math.min(Math.max(end - Date.now(), 0), LONGEST_TIMER));
    void api.alarms.create(EXPIRY, { when: end });
  }

  /**
   * Sends away the tabs that are open. Those that the browser has unloaded follow when somebody comes back to them.
   *
   * @returns {Promise<Set<number | undefined>>} which they were
   */
  async #sweep() {
    const open = await this.#open();
    await Promise.all(open.map((tab) => this.arrived(tab.id, tab.url)));
    return new Set(open.map((tab) => tab.id));
  }

  /**
   * A page may ask a person before it is left, and stays where the answer is no: it is not asked twice, but told.
   *
   * @param {Set<number | undefined>} sent  the tabs that were sent away
   * @returns {Promise<string | null>} that one of them stayed
   */
  async #stayed(sent) {
    let open = sent.size;
    for (let look = 0; open > 0 && look < LOOKS; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, LEAVING / LOOKS));
      open = (await this.#open()).filter((tab) => sent.has(tab.id)).length;
    }
    return open === 0 ? null : 'a page asks before it is left, and is open still';
  }

  /** @returns {Promise<chrome.tabs.Tab[]>} the tabs that show what is closed */
  async #open() {
    if (this.#rules.block.length === 0) return [];
    const tabs = await api.tabs.query({});
    return tabs.filter((tab) => !tab.incognito && !tab.discarded && this.#closed(tab.url) !== null);
  }

  /**
   * Chromium may stop a page without access to the site. Its error page commits under the address of the site, and the tab is
   * sent on from there. To redirect instead, every site on the web would have to be able to load the block page, and so to tell
   * who uses dwell: in Chromium the extension's address is the same for everybody.
   *
   * Firefox would leave an empty tab without an address, but its address of an extension is random for each profile: there the
   * filter redirects, where the person has granted access.
   */
  async #filter() {
    const may = !FIREFOX || (await api.permissions.contains(EVERYWHERE));
    const rules = may ? filterRules(this.#rules.block, FIREFOX ? { redirectTo: BLOCK_PAGE } : 'stop') : [];
    const before = await api.declarativeNetRequest.getSessionRules();
    if (before.length === 0 && rules.length === 0) return;
    await api.declarativeNetRequest.updateSessionRules({ removeRuleIds: before.map((rule) => rule.id), addRules: rules });
  }
}
