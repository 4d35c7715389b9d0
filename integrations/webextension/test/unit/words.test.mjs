import assert from 'node:assert/strict';
import test from 'node:test';

globalThis.chrome = /** @type {any} */ ({
  runtime: { getURL: () => 'chrome-extension://x/' },
  i18n: { getMessage: (key, values) => [key, ...values].join(' ') },
});
const { duration } = await import('../../pages/words.js');

test('lengths of time, rounded down', () => {
  const minute = 60_000;
  assert.equal(duration(0), 'minutes 0');
  assert.equal(duration(1), 'under_a_minute');
  assert.equal(duration(minute - 1), 'under_a_minute');
  assert.equal(duration(2 * minute - 1), 'minutes 1');
  assert.equal(duration(60 * minute), 'hours 1');
  assert.equal(duration(125 * minute), 'hours_minutes 2 5');
});
