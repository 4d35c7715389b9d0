/** The browser's own interfaces, under one name in both. */

/** @type {typeof chrome} */
export const api = /** @type {{ browser?: typeof chrome }} */ (globalThis).browser ?? chrome;

/** Whether this is Firefox: a few things are done differently there, each for a reason that is told where it is done. */
export const FIREFOX = api.runtime.getURL('').startsWith('moz-extension:');
