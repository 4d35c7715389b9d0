/**
 * Which block is in force for a host, and what the browser's own filter is told of it.
 *
 * Pure: the clock (Unix time in ms) is an argument, and a block whose time is over never counts, whether or not anybody has
 * taken it away yet.
 */

import { covers } from './hosts.js';

/** @typedef {import('./frames.js').Block} Block */

/**
 * @param {Block[]} blocks
 * @param {string | null} host
 * @param {number} now
 * @returns {Block | null} of several the one that ends last: until then the host stays closed
 */
export function blockFor(blocks, host, now) {
  if (!host) return null;
  let found = null;
  for (const block of blocks) {
    if (block.until <= now || !block.d.some((domain) => covers(domain, host))) continue;
    if (block.except.some((domain) => covers(domain, host))) continue;
    if (!found || block.until > found.until) found = block;
  }
  return found;
}

/**
 * The domain under which a block closes a host: what a person calls the site.
 *
 * @param {Block} block
 * @param {string} host
 * @returns {string}
 */
export function siteIn(block, host) {
  return block.d.find((domain) => covers(domain, host)) ?? host;
}

/**
 * @param {Block[]} blocks
 * @param {number} now
 * @returns {Block[]} those whose time is not over
 */
export function inForce(blocks, now) {
  return blocks.filter((block) => block.until > now);
}

/**
 * @param {Block[]} blocks
 * @returns {number | null} when the first of them ends
 */
export function nextEnd(blocks) {
  return blocks.length > 0 ? Math.min(...blocks.map((block) => block.until)) : null;
}

/**
 * The rules for the browser's own filter. It stops the request before it leaves, but not every page: not those that are open,
 * those that a site's own service worker answers, nor a host that is written with a final dot.
 *
 * @param {Block[]} blocks
 * @param {{ redirectTo: string } | 'stop'} act  the address of the block page, or to let the page fail
 * @returns {chrome.declarativeNetRequest.Rule[]}
 */
export function filterRules(blocks, act) {
  return blocks
    .map((block) => ({ requested: block.d.filter(isPlain), excluded: block.except.filter(isPlain) }))
    .filter(({ requested }) => requested.length > 0)
    .map(({ requested, excluded }, index) => ({
      id: index + 1,
      condition: {
        requestDomains: requested,
        ...(excluded.length > 0 ? { excludedRequestDomains: excluded } : {}),
        ...(act === 'stop' ? {} : { regexFilter: '^https?://.*' }),
        resourceTypes: [/** @type {chrome.declarativeNetRequest.ResourceType} */ ('main_frame')],
      },
      action:
        act === 'stop'
          ? { type: /** @type {chrome.declarativeNetRequest.RuleActionType} */ ('block') }
          : {
              type: /** @type {chrome.declarativeNetRequest.RuleActionType} */ ('redirect'),
              redirect: { regexSubstitution: `${act.redirectTo}#\\0` },
            },
    }));
}

/**
 * One odd name would make the browser refuse the whole list.
 *
 * @param {string} domain
 * @returns {boolean}
 */
function isPlain(domain) {
  return /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(domain);
}
