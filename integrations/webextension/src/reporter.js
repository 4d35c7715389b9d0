/**
 * When the native host is told what is in front: on a change, at once, and not more often than every 50 ms while changes come in
 * bursts (a click on a window gives several events). What is as it was is not told again, unless somebody asked.
 *
 * Where focus went from one window to another it is looked at a few times more: Chromium says that it has changed, and for up to
 * 0.3 s after that still gives the old window as the one in front. A private window would count as the site behind it.
 *
 * Nothing here runs while nothing happens.
 */

/** @typedef {{ focused: boolean, host: string | null, audible: string[] }} Seen */

/** The least time between two looks, in ms. */
export const GAP = 50;
/** When it is looked at again after focus went from window to window: the time between one look and the next, in ms. */
export const SETTLING = [100, 150, 250];

export class Reporter {
  #look;
  #send;
  #clock;
  /** @type {string | null} */
  #told = null;
  #lookedAt = -Infinity;
  /** @type {unknown} */
  #timer = null;
  #looking = false;
  /** @type {string | null} why the next look is due */
  #due = null;
  #asked = false;
  /** @type {unknown} */
  #settling = null;

  /**
   * @param {object} world
   * @param {() => Promise<Seen>} world.look
   * @param {(seen: Seen, why: string) => void} world.send
   * @param {{ now: () => number, later: (act: () => void, ms: number) => unknown, cancel: (timer: any) => void }} world.clock
   */
  constructor({ look, send, clock }) {
    this.#look = look;
    this.#send = send;
    this.#clock = clock;
  }

  /**
   * Something happened that may have changed what is in front.
   *
   * @param {string} why  one word
   */
  changed(why) {
    // An answer is told as one, whatever else has changed before it.
    if (!this.#asked) this.#due = why;
    if (this.#looking || this.#timer !== null) return;
    const wait = this.#lookedAt + GAP - this.#clock.now();
    if (wait <= 0) void this.#run();
    else this.#timer = this.#clock.later(() => void this.#run(), wait);
  }

  /**
   * Focus may have gone to another window, of this browser or of another program.
   *
   * @param {string} why  one word
   */
  moved(why) {
    this.changed(why);
    this.unsettled(why);
  }

  /**
   * Focus may have gone elsewhere a moment ago.
   *
   * @param {string} why  one word
   */
  unsettled(why) {
    this.#settle(why, SETTLING);
  }

  /**
   * @param {string} why
   * @param {number[]} waits
   */
  #settle(why, [wait, ...more]) {
    if (this.#settling !== null) this.#clock.cancel(this.#settling);
    this.#settling = null;
    if (wait === undefined) return;
    this.#settling = this.#clock.later(() => {
      this.#settling = null;
      this.changed(why);
      this.#settle(why, more);
    }, wait);
  }

  /**
   * The host wants to know now, changed or not.
   *
   * @param {string} why  one word
   */
  asked(why) {
    this.#due = why;
    this.#asked = true;
    if (!this.#looking) void this.#run();
  }

  async #run() {
    if (this.#timer !== null) this.#clock.cancel(this.#timer);
    this.#timer = null;
    this.#looking = true;
    this.#lookedAt = this.#clock.now();
    const why = this.#due ?? '';
    const asked = this.#asked;
    this.#due = null;
    this.#asked = false;
    try {
      const seen = await this.#look();
      const told = JSON.stringify([seen.focused, seen.host, seen.audible]);
      if (asked || told !== this.#told) {
        this.#told = told;
        this.#send(seen, why);
      }
    } finally {
      this.#looking = false;
    }
    // What came while the browser was asked may not be in its answer.
    if (this.#asked) void this.#run();
    else if (this.#due !== null) this.changed(this.#due);
  }
}
