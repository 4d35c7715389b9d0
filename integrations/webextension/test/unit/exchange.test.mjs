import assert from 'node:assert/strict';
import test from 'node:test';
import { Exchange, PATIENCE } from '../../src/exchange.js';
import { Clock } from './clock.mjs';

function bed({ linked = true } = {}) {
  const clock = new Clock();
  return { clock, exchange: new Exchange({ clock, send: () => linked }) };
}

const usage = (d) => ({ t: 'usage', d, used_ms: 1, left_ms: null, blocked: false, why: null });

test('an answer under the registrable domain is the answer', async () => {
  const { clock, exchange } = bed();
  const asked = exchange.ask({ t: 'query', d: 'www.video.example' });
  exchange.take({ t: 'snoozed', d: 'video.example', ok: true, message: '' });
  exchange.take(usage('other.example'));
  exchange.take(usage('video.example'));
  assert.deepEqual(await asked, { frame: usage('video.example') });
  assert.deepEqual(clock.waiting, []);
});

test('two questions get an answer each', async () => {
  const { exchange } = bed();
  const asked = [exchange.ask({ t: 'query', d: 'a.example' }), exchange.ask({ t: 'query', d: 'a.example' })];
  exchange.take({ ...usage('a.example'), used_ms: 1 });
  exchange.take({ ...usage('a.example'), used_ms: 2 });
  assert.deepEqual((await Promise.all(asked)).map(({ frame }) => frame.used_ms), [1, 2]);
});

test('no link, a link that breaks, nobody who answers', async () => {
  assert.deepEqual(await bed({ linked: false }).exchange.ask({ t: 'more', d: 'x' }), { failure: 'no-link' });
  const broken = bed();
  const asked = broken.exchange.ask({ t: 'more', d: 'x' });
  broken.exchange.drop();
  assert.deepEqual(await asked, { failure: 'no-link' });
  const silent = bed();
  const unheard = silent.exchange.ask({ t: 'more', d: 'x' });
  await silent.clock.pass(PATIENCE);
  assert.deepEqual(await unheard, { failure: 'silent' });
});
