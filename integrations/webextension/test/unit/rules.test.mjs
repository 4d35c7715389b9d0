import assert from 'node:assert/strict';
import test from 'node:test';
import { blockFor, filterRules, inForce, nextEnd, siteIn } from '../../src/rules.js';

const block = (d, more = {}) => ({ rule: 'r', d, except: [], until: 1000, used_ms: 0, budget_ms: null, more_left: 0, why: '', opens: '', ...more });

test('a block holds until its time and not a moment longer', () => {
  const blocks = [block(['video.example'])];
  assert.equal(blockFor(blocks, 'www.video.example', 999), blocks[0]);
  assert.equal(blockFor(blocks, 'www.video.example', 1000), null);
  assert.deepEqual(inForce(blocks, 1000), []);
});

test('of two the one that ends last counts', () => {
  const blocks = [block(['video.example']), block(['video.example'], { until: 2000 }), block(['video.example'], { until: 1500 })];
  assert.equal(blockFor(blocks, 'video.example', 0), blocks[1]);
  assert.equal(nextEnd(blocks), 1000);
  assert.equal(nextEnd([]), null);
});

test('an exception opens for its own block alone', () => {
  const blocks = [block(['example.org'], { except: ['docs.example.org'] })];
  assert.equal(blockFor(blocks, 'docs.example.org', 0), null);
  assert.equal(blockFor(blocks, 'deep.docs.example.org', 0), null);
  assert.equal(blockFor(blocks, 'example.org', 0), blocks[0]);
  const stricter = [...blocks, block(['docs.example.org'])];
  assert.equal(blockFor(stricter, 'docs.example.org', 0), stricter[1]);
});

test('a host that is unknown is not blocked', () => {
  assert.equal(blockFor([block(['video.example'])], null, 0), null);
});

test('a site is called by the name in the rule', () => {
  assert.equal(siteIn(block(['news.example', 'video.example']), 'www.video.example'), 'video.example');
});

test('the filter is told the same', () => {
  const [rule] = filterRules([block(['video.example'], { except: ['docs.video.example'] })], 'stop');
  assert.deepEqual(rule, {
    id: 1,
    condition: { requestDomains: ['video.example'], excludedRequestDomains: ['docs.video.example'], resourceTypes: ['main_frame'] },
    action: { type: 'block' },
  });
  const [redirect] = filterRules([block(['video.example'])], { redirectTo: 'x://y/blocked.html' });
  assert.equal(redirect.action.redirect.regexSubstitution, 'x://y/blocked.html#\\0');
});

test('an odd name does not spoil the rest of the filter', () => {
  const rules = filterRules([block(['[::1]', 'video.example']), block(['Ünicode']), block(['news.example'])], 'stop');
  assert.deepEqual(rules.map(({ id, condition }) => [id, condition.requestDomains]), [[1, ['video.example']], [2, ['news.example']]]);
});
