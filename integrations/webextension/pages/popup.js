/** The popup: today on this site, what is left and why; below, how the link to dwell stands and what to do if it is broken. */

import { api, FIREFOX } from '../src/api.js';
import { hostOf, pageOf } from '../src/hosts.js';
import { ask, onBlocksChanged, onStandingChanged, standing } from './ask.js';
import { duration, element, failing, fill, say } from './words.js';

const EVERYWHERE = { origins: ['<all_urls>'] };

const site = element('site', HTMLElement);
const numbers = element('numbers', HTMLElement);
const used = element('used', HTMLElement);
const rest = element('rest', HTMLElement);
const why = element('why', HTMLElement);
const strict = element('strict', HTMLElement);
const access = element('access', HTMLButtonElement);
const link = element('standing', HTMLElement);
const message = element('standing-message', HTMLElement);
const hint = element('standing-hint', HTMLElement);

const blockPage = api.runtime.getURL('pages/blocked.html#');

fill();
onStandingChanged(() => void showStanding().then(showSite));
onBlocksChanged(() => void showSite());
access.addEventListener('click', () => void changeAccess());
await Promise.all([showStanding(), showSite(), showAccess()]);

async function showSite() {
  const host = await hostHere();
  if (host === null) {
    numbers.hidden = true;
    site.textContent = say('popup_no_site');
    why.textContent = say('popup_no_site_why');
    return;
  }
  site.textContent = host;
  // Where dwell does not run there is nobody to answer.
  const asleep = (await standing()).state === 'asleep';
  const answer = asleep ? { failure: /** @type {const} */ ('no-link') } : await ask({ t: 'query', d: host });
  if ('failure' in answer) {
    numbers.hidden = true;
    // Without a link the lines below say so, and what to do.
    why.textContent = answer.failure === 'silent' ? say('popup_silent') : '';
    return;
  }
  if (answer.frame.t !== 'usage') return;
  const { d, used_ms, left_ms, error, hint } = answer.frame;
  site.textContent = d;
  if (error !== null) {
    // That nothing could be learnt of limits does not mean that there are none.
    numbers.hidden = true;
    why.textContent = failing(error, hint);
    return;
  }
  used.textContent = duration(used_ms);
  rest.textContent = left_ms === null ? say('popup_no_limit') : duration(left_ms);
  numbers.hidden = false;
  why.textContent = answer.frame.why ?? '';
}

/** @returns {Promise<string | null>} the site of the tab in front, be it closed or not */
async function hostHere() {
  const [tab] = await api.tabs.query({ active: true, currentWindow: true });
  if (!tab?.url || tab.incognito) return null;
  const url = tab.url.startsWith(blockPage) ? tab.url.slice(blockPage.length) : tab.url;
  return hostOf(pageOf(url));
}

async function showStanding() {
  const now = await standing();
  link.className = now.state;
  message.textContent = now.message || say(`standing_${now.state}`);
  hint.textContent = now.hint ?? say(`standing_${now.state}_hint`);
}

/** Only Firefox has a use for it: Chromium stops pages without access to them. */
async function showAccess() {
  strict.hidden = !FIREFOX;
  access.textContent = say((await api.permissions.contains(EVERYWHERE)) ? 'strict_remove' : 'strict_grant');
}

async function changeAccess() {
  // Asked first, and nothing awaited before: Firefox asks a person only in answer to a click.
  if (access.textContent === say('strict_grant')) await api.permissions.request(EVERYWHERE);
  else await api.permissions.remove(EVERYWHERE);
  await showAccess();
}
