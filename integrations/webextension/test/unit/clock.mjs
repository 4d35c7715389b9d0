/** A clock that goes when the test says so. */
export class Clock {
  #now = 0;
  #timers = [];

  now = () => this.#now;

  later = (act, ms) => {
    const timer = { act, at: this.#now + ms };
    this.#timers.push(timer);
    return timer;
  };

  cancel = (timer) => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };

  get waiting() {
    return this.#timers.map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Lets time go by, and everything that is due happen. */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      this.cancel(due);
      due.act();
    }
    this.#now = end;
  }
}

/** Until nothing is left that needs no time. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
