/**
 * Questions that the block page and the popup put to dwell, and the answers that belong to them.
 *
 * Frames carry no number. The host answers in turn, under the domain that was asked for or under the registrable domain that it
 * belongs to; the eldest question of that kind takes the answer.
 */

import { covers } from './hosts.js';

/** How long a page waits for an answer, in ms. */
export const PATIENCE = 10_000;

/** @typedef {import('./frames.js').Frame} Frame */
/**
 * @typedef {'no-link' | 'silent'} Failure  there is no link to dwell; nobody answers
 * @typedef {{ frame: Frame } | { failure: Failure }} Answer
 */

/** The kind of answer that each question gets. */
const ANSWERS = /** @type {const} */ ({ query: 'usage', more: 'more', snooze: 'snoozed' });

/** @typedef {{ t: 'query' | 'more', d: string } | { t: 'snooze', d: string, rule: string, sentence: string }} Question */

export class Exchange {
  #send;
  #clock;
  /** @type {{ kind: string, d: string, settle: (answer: Answer) => void }[]} */
  #open = [];

  /**
   * @param {object} world
   * @param {(frame: Question) => boolean} world.send
   * @param {{ later: (act: () => void, ms: number) => unknown, cancel: (timer: any) => void }} world.clock
   */
  constructor({ send, clock }) {
    this.#send = send;
    this.#clock = clock;
  }

  /**
   * @param {Question} question
   * @returns {Promise<Answer>}
   */
  ask(question) {
    return new Promise((resolve) => {
      const entry = {
        kind: ANSWERS[question.t],
        d: question.d,
        settle: (/** @type {Answer} */ answer) => {
          this.#clock.cancel(timer);
          this.#open = this.#open.filter((other) => other !== entry);
          resolve(answer);
        },
      };
      const timer = this.#clock.later(() => entry.settle({ failure: 'silent' }), PATIENCE);
      this.#open.push(entry);
      if (!this.#send(question)) entry.settle({ failure: 'no-link' });
    });
  }

  /**
   * Hands a frame to whoever waits for it.
   *
   * @param {Frame} frame
   */
  take(frame) {
    if (!('d' in frame)) return;
    this.#open.find((entry) => entry.kind === frame.t && covers(frame.d, entry.d))?.settle({ frame });
  }

  /** The link is gone, and with it every answer that was on its way. */
  drop() {
    for (const entry of [...this.#open]) entry.settle({ failure: 'no-link' });
  }
}

/**
 * What a page asked, if it is a question at all.
 *
 * @param {unknown} value
 * @returns {Question | null}
 */
export function parseQuestion(value) {
  if (typeof value !== 'object' || value === null) return null;
  const { t, d, rule, sentence } = /** @type {Record<string, unknown>} */ (value);
  if (typeof d !== 'string' || d === '') return null;
  if (t === 'query' || t === 'more') return { t, d };
  if (t === 'snooze' && typeof rule === 'string' && typeof sentence === 'string') return { t, d, rule, sentence };
  return null;
}
