/** Texts for people, from _locales, and how lengths of time are written. */

import { api } from '../src/api.js';

/**
 * @param {string} key
 * @param {...(string | number)} values  what stands for $1, $2 …
 * @returns {string}
 */
export function say(key, ...values) {
  return api.i18n.getMessage(key, values.map(String));
}

/** Puts the texts into the page: `data-text` names the message of an element. */
export function fill() {
  document.documentElement.lang = say('language');
  document.documentElement.dir = say('@@bidi_dir');
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = say(element.getAttribute('data-text') ?? '');
  }
}

/**
 * Whole minutes, rounded down: what is left is not made to look like more than it is.
 *
 * @param {number} ms
 * @returns {string}
 */
export function duration(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0 && ms > 0) return say('under_a_minute');
  if (minutes < 60) return say('minutes', minutes);
  if (minutes % 60 === 0) return say('hours', minutes / 60);
  return say('hours_minutes', Math.floor(minutes / 60), minutes % 60);
}

/**
 * @param {number} unixMs
 * @returns {string} the time, with the day where it is not today
 */
export function moment(unixMs) {
  const date = new Date(unixMs);
  const today = date.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const day = today ? {} : { weekday: 'long', day: 'numeric', month: 'long' };
  return date.toLocaleString(undefined, { ...day, hour: '2-digit', minute: '2-digit' });
}

/**
 * What went wrong and what to do, in dwell's words.
 *
 * @param {string} error
 * @param {string | null} hint
 * @returns {string}
 */
export function failing(error, hint) {
  return hint ? `${error}; ${hint}` : error;
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}
