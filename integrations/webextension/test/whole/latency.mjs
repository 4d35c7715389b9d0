/** How long after the limit the block page was there to be seen, in ms: when the browser says that it painted it first. */

import { until } from '../browser/bed.mjs';

export function limitToPage(page, limit) {
  const painted = () => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0] ?? performance.getEntriesByType('paint')[0];
    return document.querySelector('main')?.hidden === false && paint ? performance.timeOrigin + paint.startTime : null;
  };
  return until('the block page to be painted', () => page.evaluate(painted)).then((at) => Math.round(at - limit));
}
