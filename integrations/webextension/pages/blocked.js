/**
 * What stands in the place of a site that is closed.
 *
 * The address that the person wanted is in this page's own address, behind the `#`, and goes nowhere else. What is in force is
 * read from what the background keeps, never guessed here: it writes down that a block is gone only after the browser's filter
 * has let go of it.
 */

import { api } from '../src/api.js';
import { hostOf, pageOf } from '../src/hosts.js';
import { blockFor, siteIn } from '../src/rules.js';
import { ask, blocks, expire, onBlocksChanged } from './ask.js';
import { element, failing, fill, moment, say } from './words.js';

/** Longer timers overflow and fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

const main = element('main', HTMLElement);
const title = element('title', HTMLElement);
const why = element('why', HTMLElement);
const opens = element('opens', HTMLElement);
const close = element('close', HTMLButtonElement);
const more = element('more', HTMLButtonElement);
const on = element('on', HTMLAnchorElement);
const left = element('left', HTMLElement);
const terms = element('terms', HTMLElement);
const termsTitle = element('terms-title', HTMLElement);
const still = element('still', HTMLElement);
const form = element('form', HTMLFormElement);
const typing = element('typing', HTMLElement);
const sentence = element('sentence', HTMLElement);
const typed = element('typed', HTMLInputElement);
const count = element('count', HTMLElement);
const go = element('go', HTMLButtonElement);
const neverMind = element('never-mind', HTMLButtonElement);
const status = element('status', HTMLElement);

/** The address that the person wanted. */
const page = pageOf(location.hash.slice(1));
const host = hostOf(page);
/** @type {ReturnType<typeof setTimeout> | undefined} */
let endTimer;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let countTimer;
/** What dwell asks for before it gives more minutes. @type {import('../src/frames.js').MoreFrame | null} */
let asked = null;
/** When the wait is over, by `performance.now()`. */
let waitEnds = 0;
/** The person has been given more minutes here, and need not come back to the page first. */
let given = false;

fill();
close.addEventListener('click', () => void closeTab());
more.addEventListener('click', () => void askForMore());
neverMind.addEventListener('click', () => {
  fold();
  more.focus();
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void takeMore();
});
onBlocksChanged(() => void again());
addEventListener('hashchange', () => location.reload());
// A page in the background, or on a screen that nobody looks at, does not begin to play by itself: it goes on when one comes back.
addEventListener('focus', () => void again());
document.addEventListener('visibilitychange', () => void again());
await show();

/** Something has changed. A site that is closed now is not the one for which minutes were given: those are for once. */
async function again() {
  await show();
  if (!main.hidden && on.hidden) given = false;
}

async function show() {
  if (page === null || host === null) {
    showNothing();
    return;
  }
  const now = Date.now();
  const block = blockFor(await blocks(), host, now);
  clearTimeout(endTimer);
  if (block) {
    endTimer = setTimeout(() => void expire().then(show), Math.min(block.until - now, LONGEST_TIMER));
    showClosed(block, host);
    return;
  }
  // The clock may be ahead of the background's timer; the filter has to let go first.
  await expire();
  if (blockFor(await blocks(), host, Date.now())) return show();
  showOpen(page, host);
  if (given || (document.visibilityState === 'visible' && document.hasFocus())) location.replace(page);
}

function showNothing() {
  heading(say('nothing_title'));
  why.textContent = say('nothing_why');
  main.hidden = false;
}

/**
 * @param {import('../src/frames.js').Block} block
 * @param {string} host
 */
function showClosed(block, host) {
  const site = siteIn(block, host);
  heading(say('closed_title', site));
  if (block.why === '') {
    void askWhy(block, host);
  } else {
    why.textContent = block.why;
    opens.textContent = block.opens || say('closed_opens', moment(block.until));
  }
  termsTitle.textContent = say('more_title', site);
  on.hidden = true;
  more.textContent = block.length_ms === null ? say('more') : minutes(block.length_ms);
  more.hidden = block.more_left === 0;
  left.hidden = block.more_left === 0;
  left.textContent = block.more_left === 1 ? say('more_last') : say('more_left', block.more_left);
  main.hidden = false;
}

/**
 * The browser has started anew, and knows no more than until when the site is closed. dwell may know the rest; where it is not
 * there yet, its rules come when it is.
 *
 * @param {import('../src/frames.js').Block} block
 * @param {string} host
 */
async function askWhy(block, host) {
  why.textContent = say('closed_until', moment(block.until));
  opens.textContent = '';
  const answer = await ask({ t: 'query', d: host });
  const known = 'frame' in answer && answer.frame.t === 'usage' && answer.frame.blocked ? answer.frame.why : null;
  // Meanwhile the rules may have come, or the block have ended.
  if (known && on.hidden && opens.textContent === '') {
    why.textContent = known;
    opens.textContent = say('closed_opens', moment(block.until));
  }
}

/**
 * @param {string} page
 * @param {string} host
 */
function showOpen(page, host) {
  fold();
  heading(say('open_title', host));
  why.textContent = say('open_why');
  opens.textContent = '';
  for (const part of [more, left]) part.hidden = true;
  on.href = page;
  on.textContent = say('go_on', host);
  on.hidden = false;
  main.hidden = false;
}

/** @param {string} text */
function heading(text) {
  title.textContent = text;
  document.title = text;
}

async function closeTab() {
  const tab = await api.tabs.getCurrent();
  if (tab?.id === undefined) return;
  // Closing the last tab would close the window, and with it the browser.
  const beside = await api.tabs.query({ windowId: tab.windowId });
  if (beside.length === 1) await api.tabs.create({ windowId: tab.windowId });
  await api.tabs.remove(tab.id);
}

async function askForMore() {
  if (host === null || !terms.hidden) return;
  tell(say('more_asking'));
  const answer = await ask({ t: 'more', d: host });
  if ('failure' in answer) {
    tell(failure(answer.failure));
    return;
  }
  if (answer.frame.t !== 'more') return;
  if ('error' in answer.frame) {
    tell(failing(answer.frame.error, answer.frame.hint));
    return;
  }
  asked = answer.frame;
  waitEnds = performance.now() + asked.wait_ms;
  go.textContent = minutes(asked.length_ms);
  // Before the wait: it may not be worth it.
  still.textContent = stillClosed(asked);
  still.hidden = still.textContent === '';
  typing.hidden = asked.sentence === null;
  sentence.textContent = asked.sentence ?? '';
  typed.value = '';
  unfold();
  // Said once, and once more when the wait is over; the seconds in between are for the eye alone.
  tell([still.textContent, asked.wait_ms > 0 ? seconds(asked.wait_ms) : ''].filter(Boolean).join(' '), { seen: false });
  countDown();
}

function countDown() {
  clearTimeout(countTimer);
  const rest = waitEnds - performance.now();
  if (rest > 0) {
    count.textContent = seconds(rest);
    // At the next whole second.
    countTimer = setTimeout(countDown, rest % 1000 || 1000);
    return;
  }
  count.textContent = '';
  go.removeAttribute('aria-disabled');
  tell(say('more_now'));
}

async function takeMore() {
  if (!asked || host === null || go.hasAttribute('aria-disabled')) return;
  if (asked.sentence !== null && typed.value.trim() !== asked.sentence.trim()) {
    tell(say('sentence_differs'));
    typed.setAttribute('aria-invalid', 'true');
    typed.focus();
    return;
  }
  typed.removeAttribute('aria-invalid');
  go.setAttribute('aria-disabled', 'true');
  tell(say('more_sending'));
  const answer = await ask({ t: 'snooze', d: host, rule: asked.rule, sentence: asked.sentence === null ? '' : typed.value });
  if ('frame' in answer && answer.frame.t === 'snoozed') {
    const { ok, message, hint } = answer.frame;
    const other = stillClosed(answer.frame);
    given = ok && other === '';
    if (given) await show();
    else if (ok) fold();
    tell(other === '' ? failing(message, hint) : `${message} ${other}`);
  } else if ('failure' in answer) {
    tell(failure(answer.failure));
  }
  if (!given) go.removeAttribute('aria-disabled');
}

/**
 * @param {string} text     read out as it appears
 * @param {{ seen?: boolean }} [how]  not seen where the eye has the same beside it
 */
function tell(text, { seen = true } = {}) {
  status.className = seen ? '' : 'heard';
  status.textContent = text;
}

function unfold() {
  terms.hidden = false;
  more.setAttribute('aria-expanded', 'true');
  go.setAttribute('aria-disabled', 'true');
  if (typing.hidden) go.focus();
  else typed.focus();
}

function fold() {
  clearTimeout(countTimer);
  asked = null;
  terms.hidden = true;
  more.setAttribute('aria-expanded', 'false');
  tell('');
}

/**
 * @param {import('../src/frames.js').Still} other
 * @returns {string} that another limit keeps the site closed, and until when; empty where none does
 */
function stillClosed({ still_by, still_until }) {
  if (still_by === null) return '';
  return still_until === null ? say('still_closed', still_by) : say('still_closed_until', still_by, moment(still_until));
}

/**
 * @param {number} ms
 * @returns {string}
 */
function seconds(ms) {
  const whole = Math.ceil(ms / 1000);
  return whole === 1 ? say('more_second') : say('more_seconds', whole);
}

/**
 * @param {number} ms
 * @returns {string}
 */
function minutes(ms) {
  const whole = Math.max(1, Math.round(ms / 60_000));
  return whole === 1 ? say('more_minute') : say('more_minutes', whole);
}

/**
 * @param {import('../src/exchange.js').Failure} kind
 * @returns {string}
 */
function failure(kind) {
  return say(kind === 'no-link' ? 'no_link' : 'silent');
}
