/**
 * What was in front, as whoever put it there knows it.
 *
 * A change is not one instant: it lies between the moment before it was asked for and the moment at which dwell has said so. What
 * lies between may be counted for the old or for the new, so a slow machine makes the truth wider and never wrong; the time that
 * was held in between is certain.
 */

export class Truth {
  /** @type {{ key: string, from: number, to: number }[]} */
  #changes = [];

  /**
   * @param {string} key  what is in front afterwards: a domain, `private` or anything else
   * @param {() => Promise<unknown>} change  ends when dwell has said so
   */
  async becomes(key, change) {
    const from = Date.now();
    await change();
    const to = Date.now();
    this.#changes.push({ key, from, to });
    return to - from;
  }

  /** The least and the most that each was in front, in ms. @returns {Map<string, { least: number, most: number }>} */
  bounds() {
    const bounds = new Map();
    for (const [index, { key, from, to }] of this.#changes.entries()) {
      const next = this.#changes[index + 1];
      if (!next) break;
      const { least, most } = bounds.get(key) ?? { least: 0, most: 0 };
      bounds.set(key, { least: least + Math.max(0, next.from - to), most: most + next.to - from });
    }
    return bounds;
  }
}

/** What dwell recorded for each, in ms: of domains, and of private windows. */
export function recorded(spans) {
  const sums = new Map();
  for (const { kind, domain, from, to } of spans) {
    const key = kind === 'private' ? 'private' : kind === 'focus' ? domain : null;
    if (key !== null) sums.set(key, (sums.get(key) ?? 0) + to - from);
  }
  return sums;
}
