/**
 * When the native host is told what is in front: on a change, at once, and not more often than every 50 ms while changes come in
 * bursts (a click on a window gives several events). What is as it was is not told again, unless somebody asked.
 *
 * Nothing here runs while nothing happens.
 */

/** @typedef {{ focused: boolean, host: string | null, audible: string[] }} Seen */

/** The least time between two looks, in ms. */
export const GAP = 50;

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
    this.#due = why;
    if (this.#looking || this.#timer !== null) return;
    const wait = this.#lookedAt + GAP - this.#clock.now();
    if (wait <= 0) void this.#run();
    else this.#timer = this.#clock.later(() => void this.#run(), wait);
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
