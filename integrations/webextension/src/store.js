/**
 * What outlives this script, which the browser may stop whenever it likes.
 *
 * In the profile on disk: the random name of this profile, and the blocks in force, so that a browser that starts anew goes on
 * blocking before dwell has answered. In memory, gone with the browser: how the link stands.
 */

import { api } from './api.js';
import { parseFrame } from './frames.js';

/**
 * @typedef {object} Kept
 * @property {string} instance   32 hex digits, random for each profile
 * @property {import('./frames.js').RulesFrame} rules
 * @property {import('./link.js').Standing | null} standing
 * @property {number | undefined} delay
 */

/** @returns {Promise<Kept>} */
export async function load() {
  const [{ instance, rules }, { standing, delay }] = await Promise.all([
    api.storage.local.get(['instance', 'rules']),
    api.storage.session.get(['standing', 'delay']),
  ]);
  return {
    instance: typeof instance === 'string' ? instance : await newInstance(),
    rules: parseRules(rules),
    standing: /** @type {import('./link.js').Standing | undefined} */ (standing) ?? null,
    delay: typeof delay === 'number' ? delay : undefined,
  };
}

/**
 * @param {unknown} value
 * @returns {import('./frames.js').RulesFrame} no rules where it is none
 */
export function parseRules(value) {
  const frame = parseFrame(value);
  return frame?.t === 'rules' ? frame : { t: 'rules', gen: 0, block: [] };
}

/** @param {import('./frames.js').RulesFrame} rules */
export function keepRules(rules) {
  return api.storage.local.set({ rules });
}

/**
 * @param {import('./link.js').Standing} standing
 * @param {number} delay
 */
export function keepStanding(standing, delay) {
  return api.storage.session.set({ standing, delay });
}

/** @returns {Promise<string>} */
async function newInstance() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const instance = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  await api.storage.local.set({ instance });
  return instance;
}
