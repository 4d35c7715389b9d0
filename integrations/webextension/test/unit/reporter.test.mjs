import assert from 'node:assert/strict';
import test from 'node:test';
import { GAP, Reporter, SETTLING } from '../../src/reporter.js';
import { Clock, settled } from './clock.mjs';

function bed() {
  const clock = new Clock();
  const world = { clock, seen: { focused: true, host: 'a.example', audible: [] }, sent: [], looks: 0 };
  world.reporter = new Reporter({
    clock,
    look: async () => {
      world.looks += 1;
      const { seen } = world;
      await world.slow;
      return seen;
    },
    send: (seen, why) => world.sent.push(`${why}:${seen.host}`),
  });
  return world;
}

test('a change is told at once', async () => {
  const world = bed();
  world.reporter.changed('tab');
  await settled();
  assert.deepEqual(world.sent, ['tab:a.example']);
});

test('what is as it was is told only when asked for', async () => {
  const world = bed();
  world.reporter.changed('tab');
  await world.clock.pass(GAP);
  world.reporter.changed('window');
  await world.clock.pass(GAP);
  assert.deepEqual(world.sent, ['tab:a.example']);
  world.reporter.asked('report');
  await settled();
  assert.deepEqual(world.sent, ['tab:a.example', 'report:a.example']);
});

test('a burst is one look now and one when it is over', async () => {
  const world = bed();
  for (let event = 0; event < 20; event += 1) {
    world.seen = { ...world.seen, host: `h${event}.example` };
    world.reporter.changed('url');
    await settled();
  }
  await world.clock.pass(GAP);
  assert.deepEqual(world.sent, ['url:h0.example', 'url:h19.example']);
  assert.equal(world.looks, 2);
});

test('a change during a look is not lost', async () => {
  const world = bed();
  let finish;
  world.slow = new Promise((resolve) => {
    finish = resolve;
  });
  world.reporter.changed('tab');
  world.seen = { ...world.seen, host: 'b.example' };
  world.reporter.changed('url');
  finish();
  await world.clock.pass(GAP);
  assert.deepEqual(world.sent, ['tab:a.example', 'url:b.example']);
});

test('asked for during a look: answered after it, with what is true then', async () => {
  const world = bed();
  world.reporter.changed('tab');
  world.seen = { ...world.seen, host: 'b.example' };
  world.reporter.asked('report');
  await settled();
  assert.deepEqual(world.sent, ['tab:a.example', 'report:b.example']);
});

test('nothing runs while nothing happens', async () => {
  const world = bed();
  world.reporter.changed('tab');
  await world.clock.pass(10 * GAP);
  assert.deepEqual(world.clock.waiting, []);
  assert.equal(world.looks, 1);
});

test('where focus went is looked at until the browser knows it', async () => {
  for (const begin of ['moved', 'unsettled']) {
    const world = bed();
    world.reporter.asked('report');
    await world.clock.pass(GAP);
    world.reporter[begin]('window');
    await world.clock.pass(SETTLING[0] + SETTLING[1]);
    world.seen = { ...world.seen, focused: false, host: null };
    await world.clock.pass(SETTLING[2]);
    assert.deepEqual(world.sent, ['report:a.example', 'window:null'], begin);
    assert.deepEqual(world.clock.waiting, [], 'something goes on');
  }
});

test('of two moves the later one settles', async () => {
  const world = bed();
  world.reporter.moved('window');
  await world.clock.pass(SETTLING[0]);
  world.reporter.moved('window');
  assert.equal(world.clock.waiting.length, 2);
  await world.clock.pass(1000);
  // Two moves, one look after the first, all after the second.
  assert.equal(world.looks, 3 + SETTLING.length);
  assert.deepEqual(world.clock.waiting, []);
});

test('an answer is told as one, though something changes before it', async () => {
  const world = bed();
  let answer;
  world.slow = new Promise((resolve) => (answer = resolve));
  world.reporter.changed('tab');
  world.reporter.asked('report');
  world.reporter.changed('window');
  answer();
  await world.clock.pass(GAP);
  assert.deepEqual(world.sent, ['tab:a.example', 'report:a.example']);
});
