/**
 * What outlives this script, which the browser may stop whenever it likes.
 *
 * In the profile on disk: the random name of this profile, and which sites are closed until when, so that a browser that starts
 * anew goes on blocking before dwell has answered. In memory, gone with the browser: how the link stands, and what else is known of
 * a block. How long a site was used, and by which rule it is closed, is in dwell's vault, and not beside it on the same disk.
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
  const [{ instance, closed }, { rules, standing, delay }] = await Promise.all([
    api.storage.local.get(['instance', 'closed']),
    api.storage.session.get(['rules', 'standing', 'delay']),
  ]);
  return {
    instance: typeof instance === 'string' ? instance : await newInstance(),
    rules: parseRules(rules) ?? bare(closed),
    standing: /** @type {import('./link.js').Standing | undefined} */ (standing) ?? null,
    delay: typeof delay === 'number' ? delay : undefined,
  };
}

/** @returns {Promise<import('./frames.js').RulesFrame>} what was kept last, in memory or else on disk */
export async function keptRules() {
  const { rules } = await api.storage.session.get('rules');
  return parseRules(rules) ?? bare((await api.storage.local.get('closed')).closed);
}

/**
 * @param {unknown} value
 * @returns {import('./frames.js').RulesFrame | null}
 */
function parseRules(value) {
  const frame = parseFrame(value);
  return frame?.t === 'rules' ? frame : null;
}

/**
 * Blocks of which no more is known than what is on disk.
 *
 * @param {unknown} closed
 * @returns {import('./frames.js').RulesFrame} no rules where it is none
 */
function bare(closed) {
  const block = Array.isArray(closed) ? closed.map((one) => ({ ...one, rule: '' })) : [];
  return parseRules({ t: 'rules', gen: 0, block }) ?? { t: 'rules', gen: 0, block: [] };
}

/**
 * In memory: this is what the pages read.
 *
 * @param {import('./frames.js').RulesFrame} rules
 */
export function keepRules(rules) {
  return api.storage.session.set({ rules });
}

/**
 * On disk, for a browser that starts anew.
 *
 * @param {import('./frames.js').RulesFrame} rules
 */
export function keepClosed(rules) {
  return api.storage.local.set({ closed: rules.block.map(({ d, except, until }) => ({ d, except, until })) });
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
