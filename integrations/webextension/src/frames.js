/**
 * What the native host sends, checked field by field. README.md has the protocol.
 *
 * The host may be older or newer than the extension. Unknown fields are ignored; a frame that lacks what it must have is dropped
 * whole, so that nothing behind this module meets half a frame.
 */

/** The protocol that this extension speaks. */
export const PROTOCOL = 1;

/**
 * One block that is in force.
 *
 * @typedef {object} Block
 * @property {string} rule      the id of the rule
 * @property {string[]} d       the domains that it closes, their sub-domains with them
 * @property {string[]} except  domains that stay open
 * @property {number} until     Unix time in ms at which it ends by itself
 * @property {number} used_ms
 * @property {number | null} budget_ms
 * @property {number} more_left how often "more minutes" can still be had today
 * @property {number | null} length_ms  how long "more minutes" would be, if the host says so beforehand
 * @property {string} why       one sentence: which rule, how much was used
 * @property {string} opens     one sentence: when it opens again
 */

/**
 * Another rule that keeps the site closed when the first one is put off.
 *
 * @typedef {object} Still
 * @property {string | null} still_by       its id; null where there is none
 * @property {number | null} still_until    Unix time in ms at which its block ends by itself
 */

/**
 * @typedef {{ t: 'link', ok: boolean, message: string, hint: string | null, audible: boolean, refused: string | null }} LinkFrame
 * @typedef {{ t: 'rules', gen: number, block: Block[] }} RulesFrame
 * @typedef {{ t: 'usage', d: string, used_ms: number, left_ms: number | null, blocked: boolean, why: string | null, error: string | null, hint: string | null }} UsageFrame  with an error nothing is known of limits
 * @typedef {{ t: 'more', d: string, rule: string, wait_ms: number, length_ms: number, left: number, sentence: string | null } & Still} MoreFrame
 * @typedef {{ t: 'more', d: string, error: string, hint: string | null }} NoMoreFrame
 * @typedef {{ t: 'snoozed', d: string, ok: boolean, message: string, hint: string | null } & Still} SnoozedFrame
 * @typedef {{ t: 'report' }} ReportFrame
 * @typedef {LinkFrame | RulesFrame | UsageFrame | MoreFrame | NoMoreFrame | SnoozedFrame | ReportFrame} Frame
 */

/**
 * @param {unknown} value  what the browser made of the JSON
 * @returns {Frame | null} null for a frame that is unknown or wrong
 */
export function parseFrame(value) {
  if (!isObject(value)) return null;
  switch (value.t) {
    case 'link':
      if (typeof value.ok !== 'boolean') return null;
      return {
        t: 'link',
        ok: value.ok,
        message: text(value.message) ?? '',
        hint: text(value.hint),
        audible: value.audible === true,
        refused: text(value.refused),
      };
    case 'rules': {
      if (!isCount(value.gen) || !Array.isArray(value.block)) return null;
      const block = value.block.map(parseBlock);
      // A list with a hole in it would open a site that is to be closed, and say that all was well.
      return block.includes(null) ? null : { t: 'rules', gen: value.gen, block: /** @type {Block[]} */ (block) };
    }
    case 'usage': {
      const d = text(value.d);
      if (d === null || !isCount(value.used_ms)) return null;
      return {
        t: 'usage',
        d,
        used_ms: value.used_ms,
        left_ms: isCount(value.left_ms) ? value.left_ms : null,
        blocked: value.blocked === true,
        why: text(value.why),
        error: text(value.error),
        hint: text(value.hint),
      };
    }
    case 'more': {
      const d = text(value.d);
      if (d === null) return null;
      const error = text(value.error);
      if (error !== null) return { t: 'more', d, error, hint: text(value.hint) };
      const rule = text(value.rule);
      if (rule === null || !isCount(value.wait_ms) || !isCount(value.length_ms)) return null;
      return {
        t: 'more',
        d,
        rule,
        wait_ms: value.wait_ms,
        length_ms: value.length_ms,
        left: isCount(value.left) ? value.left : 0,
        sentence: text(value.sentence),
        ...still(value),
      };
    }
    case 'snoozed': {
      const d = text(value.d);
      if (d === null || typeof value.ok !== 'boolean') return null;
      return { t: 'snoozed', d, ok: value.ok, message: text(value.message) ?? '', hint: text(value.hint), ...still(value) };
    }
    case 'report':
      return { t: 'report' };
    default:
      return null;
  }
}

/**
 * @param {unknown} value
 * @returns {Block | null}
 */
function parseBlock(value) {
  if (!isObject(value)) return null;
  const rule = text(value.rule);
  const d = names(value.d);
  if (rule === null || d === null || !isCount(value.until)) return null;
  return {
    rule,
    d,
    except: names(value.except) ?? [],
    until: value.until,
    used_ms: isCount(value.used_ms) ? value.used_ms : 0,
    budget_ms: isCount(value.budget_ms) ? value.budget_ms : null,
    more_left: isCount(value.more_left) ? value.more_left : 0,
    length_ms: isCount(value.length_ms) ? value.length_ms : null,
    why: text(value.why) ?? '',
    opens: text(value.opens) ?? '',
  };
}

/**
 * @param {Record<string, unknown>} value
 * @returns {Still}
 */
function still(value) {
  return { still_by: text(value.still_by), still_until: isCount(value.still_until) ? value.still_until : null };
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} value
 * @returns {value is number} whether it is a whole number that is not negative
 */
function isCount(value) {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/**
 * @param {unknown} value
 * @returns {string | null}
 */
function text(value) {
  return typeof value === 'string' ? value : null;
}

/**
 * @param {unknown} value
 * @returns {string[] | null}
 */
function names(value) {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : null;
}
