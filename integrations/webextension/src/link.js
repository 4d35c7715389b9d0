/**
 * The link to dwell: one port to the native host, kept open, for that keeps this script running; a message at a time would start
 * the host anew for each.
 *
 * A lost host is started again after 0.5 s, then after twice as long each time, up to 30 s. The count begins anew only after a
 * link that lasted: a host that speaks and dies of what it is told would otherwise be started twice a second, for ever. A host
 * that refuses this version of the protocol is left alone until the browser starts anew or the extension is updated.
 */

import { parseFrame, PROTOCOL } from './frames.js';

export const HOST = 'org.dwell.browser';
export const FIRST_DELAY = 500;
export const LAST_DELAY = 30_000;
/** How long a host must have been there for its loss to count as the first one, in ms. */
export const LASTING = 30_000;

/**
 * How the link stands, for people: `message` and `hint` are the host's words, empty where the texts of the extension say it.
 *
 * @typedef {object} Standing
 * @property {'connecting' | 'up' | 'asleep' | 'lost' | 'missing' | 'refused'} state  asleep: the host runs, dwell does not
 * @property {string} message
 * @property {string | null} hint
 */

/**
 * @typedef {object} World
 * @property {() => chrome.runtime.Port} connect
 * @property {() => string | undefined} lastError  why the port was closed, where the port does not know
 * @property {() => number} now                      in ms, of a clock that only goes forward
 * @property {(act: () => void, ms: number) => unknown} later
 * @property {(timer: any) => void} cancel
 * @property {() => Record<string, unknown>} hello   the fields of the first frame, without `t` and `v`
 * @property {() => void} onConnected                the hello has gone out
 * @property {(frame: import('./frames.js').Frame) => void} onFrame
 * @property {(standing: Standing, delay: number) => void} onStanding
 */

export class Link {
  #world;
  /** @type {chrome.runtime.Port | null} */
  #port = null;
  /** @type {unknown} */
  #timer = null;
  #delay;
  /** When the host first spoke. @type {number | null} */
  #since = null;
  #refused = false;
  #seq = 0;

  /**
   * @param {World} world
   * @param {{ delay?: number, refused?: boolean }} [before]  how it stood when this script was last stopped
   */
  constructor(world, before = {}) {
    this.#world = world;
    this.#delay = before.delay ?? FIRST_DELAY;
    this.#refused = before.refused ?? false;
  }

  get connected() {
    return this.#port !== null;
  }

  /** Opens the port now, unless it is open or the host has refused us. */
  connect() {
    if (this.#port || this.#refused) return;
    if (this.#timer !== null) this.#world.cancel(this.#timer);
    this.#timer = null;
    let port;
    try {
      port = this.#world.connect();
    } catch (error) {
      this.#lost(String(error));
      return;
    }
    this.#port = port;
    this.#since = null;
    port.onMessage.addListener((message) => {
      if (this.#port === port) this.#take(message);
    });
    port.onDisconnect.addListener(() => {
      const reason = /** @type {{ error?: { message?: string } }} */ (/** @type {unknown} */ (port)).error?.message;
      const error = reason ?? this.#world.lastError() ?? '';
      if (this.#port !== port) return;
      this.#port = null;
      this.#lost(error);
    });
    this.send({ t: 'hello', v: PROTOCOL, ...this.#world.hello() });
    if (this.#port === port) this.#world.onConnected();
  }

  /**
   * @param {Record<string, unknown>} frame
   * @returns {boolean} whether there was a port to send it to
   */
  send(frame) {
    try {
      this.#port?.postMessage(frame);
      return this.#port !== null;
    } catch {
      // The port is gone, and its onDisconnect is on the way.
      return false;
    }
  }

  /**
   * @param {import('./reporter.js').Seen} seen
   * @param {string} why
   */
  sendState(seen, why) {
    if (this.#port) this.send({ t: 'state', seq: ++this.#seq, ...seen, why });
  }

  /** @param {unknown} message */
  #take(message) {
    const frame = parseFrame(message);
    if (!frame) return;
    this.#since ??= this.#world.now();
    if (frame.t === 'link') {
      const { message: said, hint } = frame;
      if (frame.refused !== null) {
        this.#refused = true;
        this.#world.onStanding({ state: 'refused', message: said, hint }, this.#delay);
        const port = this.#port;
        this.#port = null;
        port?.disconnect();
        return;
      }
      this.#world.onStanding({ state: frame.ok ? 'up' : 'asleep', message: said, hint }, this.#delay);
    }
    this.#world.onFrame(frame);
  }

  /** @param {string} error */
  #lost(error) {
    const missing = /not found|no such native application|forbidden/i.test(error);
    if (this.#since !== null && this.#world.now() - this.#since >= LASTING) this.#delay = FIRST_DELAY;
    this.#since = null;
    const delay = this.#delay;
    this.#delay = Math.min(delay * 2, LAST_DELAY);
    this.#timer = this.#world.later(() => {
      this.#timer = null;
      this.connect();
    }, delay);
    this.#world.onStanding({ state: missing ? 'missing' : 'lost', message: '', hint: null }, this.#delay);
  }
}
