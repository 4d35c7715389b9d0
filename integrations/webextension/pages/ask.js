/** What the pages have from the script in the background. */

import { api } from '../src/api.js';
import { keptRules } from '../src/store.js';

/**
 * @param {import('../src/exchange.js').Question} question
 * @returns {Promise<import('../src/exchange.js').Answer>}
 */
export async function ask(question) {
  try {
    return (await api.runtime.sendMessage(question)) ?? { failure: 'silent' };
  } catch {
    return { failure: 'silent' };
  }
}

/** Has the blocks looked through whose time may be over, and waits until that is done. */
export async function expire() {
  await api.runtime.sendMessage({ t: 'expire' }).catch(() => undefined);
}

/** @returns {Promise<import('../src/frames.js').Block[]>} the blocks in force, as the background keeps them */
export async function blocks() {
  return (await keptRules()).block;
}

/**
 * @param {() => void} act
 */
export function onBlocksChanged(act) {
  api.storage.session.onChanged.addListener((changes) => {
    if ('rules' in changes) act();
  });
}

/** @returns {Promise<import('../src/link.js').Standing>} */
export async function standing() {
  const { standing: kept } = await api.storage.session.get('standing');
  return /** @type {import('../src/link.js').Standing | undefined} */ (kept) ?? { state: 'connecting', message: '', hint: null };
}

/** @param {() => void} act */
export function onStandingChanged(act) {
  api.storage.session.onChanged.addListener((changes) => {
    if ('standing' in changes) act();
  });
}
