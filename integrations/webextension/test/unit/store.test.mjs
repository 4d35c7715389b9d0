import assert from 'node:assert/strict';
import test from 'node:test';

/** @type {Record<string, Record<string, unknown>>} */
const areas = { local: {}, session: {} };
const area = (name) => ({
  get: async (keys) => Object.fromEntries([keys].flat().filter((key) => key in areas[name]).map((key) => [key, structuredClone(areas[name][key])])),
  set: async (values) => {
    Object.assign(areas[name], structuredClone(values));
  },
});
globalThis.chrome = { runtime: { getURL: () => 'chrome-extension://x/' }, storage: { local: area('local'), session: area('session') } };
const { keepClosed, keepRules, keptRules, load } = await import('../../src/store.js');

const RULES = {
  t: 'rules',
  gen: 3,
  block: [{ rule: 'evening-video', d: ['video.example'], except: ['docs.video.example'], until: 5, used_ms: 7, budget_ms: 9, more_left: 2, length_ms: 4, why: 'canary', opens: 'then' }],
};

test('on disk is nothing but what is closed, and until when', async () => {
  await keepRules(RULES);
  assert.deepEqual(areas.local, {});
  await keepClosed(RULES);
  assert.deepEqual(areas.local, { closed: [{ d: ['video.example'], except: ['docs.video.example'], until: 5 }] });
  assert.deepEqual(await keptRules(), RULES);
  assert.deepEqual((await load()).rules, RULES, 'a script that starts anew in the same browser knows all');
});

test('a browser that starts anew goes on blocking', async () => {
  await keepClosed(RULES);
  areas.session = {};
  const { rules } = await load();
  assert.deepEqual(rules.block, [{ rule: '', d: ['video.example'], except: ['docs.video.example'], until: 5, used_ms: 0, budget_ms: null, more_left: 0, length_ms: null, why: '', opens: '' }]);
  for (const odd of ['x', [7], [{ d: 'x', until: 5 }], { d: [] }]) {
    areas.local.closed = odd;
    assert.deepEqual((await keptRules()).block, [], JSON.stringify(odd));
  }
});
