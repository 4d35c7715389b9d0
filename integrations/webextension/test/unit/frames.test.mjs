import assert from 'node:assert/strict';
import test from 'node:test';
import { parseFrame } from '../../src/frames.js';
import { parseQuestion } from '../../src/exchange.js';

const BLOCK = { rule: 'r', d: ['video.example'], until: 5 };

test('what is missing gets its default, what is unknown is left out', () => {
  assert.deepEqual(parseFrame({ t: 'rules', gen: 3, block: [{ ...BLOCK, news: 1 }], news: 1 }), {
    t: 'rules',
    gen: 3,
    block: [{ ...BLOCK, except: [], used_ms: 0, budget_ms: null, more_left: 0, length_ms: null, why: '', opens: '' }],
  });
  assert.deepEqual(parseFrame({ t: 'link', ok: true }), { t: 'link', ok: true, message: '', hint: null, audible: false, refused: null });
  assert.deepEqual(parseFrame({ t: 'usage', d: 'x', used_ms: 1 }), { t: 'usage', d: 'x', used_ms: 1, left_ms: null, blocked: false, why: null, error: null, hint: null });
  assert.deepEqual(parseFrame({ t: 'usage', d: 'x', used_ms: 0, error: 'locked', hint: 'unlock it' }), { t: 'usage', d: 'x', used_ms: 0, left_ms: null, blocked: false, why: null, error: 'locked', hint: 'unlock it' });
  assert.deepEqual(parseFrame({ t: 'snoozed', d: 'x', ok: false, message: 'no', hint: 'later' }), { t: 'snoozed', d: 'x', ok: false, message: 'no', hint: 'later', still_by: null, still_until: null });
  assert.deepEqual(parseFrame({ t: 'more', d: 'x', rule: 'r', wait_ms: 1, length_ms: 2, still_by: 'bed', still_until: 5 }), { t: 'more', d: 'x', rule: 'r', wait_ms: 1, length_ms: 2, left: 0, sentence: null, still_by: 'bed', still_until: 5 });
  assert.deepEqual(parseFrame({ t: 'more', d: 'x', error: 'no' }), { t: 'more', d: 'x', error: 'no', hint: null });
});

test('a frame that is wrong anywhere is no frame', () => {
  const wrong = [
    null, undefined, 7, 'text', [], {}, { t: 'weather' },
    { t: 'link' }, { t: 'link', ok: 1 },
    { t: 'rules', gen: 1 }, { t: 'rules', gen: -1, block: [] }, { t: 'rules', gen: 1.5, block: [] },
    { t: 'rules', gen: 1, block: [BLOCK, { ...BLOCK, until: null }] },
    { t: 'rules', gen: 1, block: [BLOCK, { ...BLOCK, d: 'video.example' }] },
    { t: 'rules', gen: 1, block: [{ ...BLOCK, d: [7] }] },
    { t: 'rules', gen: 1, block: [null] },
    { t: 'usage', d: 'x' }, { t: 'usage', used_ms: 1 },
    { t: 'more', d: 'x' }, { t: 'more', d: 'x', rule: 'r', wait_ms: -1, length_ms: 1 },
    { t: 'snoozed', d: 'x' }, { t: 'ping', n: 1 },
  ];
  for (const frame of wrong) assert.equal(parseFrame(frame), null, JSON.stringify(frame));
});

test('a page may ask three things', () => {
  assert.deepEqual(parseQuestion({ t: 'query', d: 'x', more: 1 }), { t: 'query', d: 'x' });
  assert.deepEqual(parseQuestion({ t: 'snooze', d: 'x', rule: 'r', sentence: '' }), { t: 'snooze', d: 'x', rule: 'r', sentence: '' });
  for (const other of [null, 'x', {}, { t: 'query' }, { t: 'query', d: '' }, { t: 'state', d: 'x' }, { t: 'snooze', d: 'x', rule: 'r' }]) assert.equal(parseQuestion(other), null);
});
