import assert from 'node:assert/strict';
import test from 'node:test';
import { FIRST_DELAY, LAST_DELAY, LASTING, Link } from '../../src/link.js';
import { Clock } from './clock.mjs';

function bed(before) {
  const world = { clock: new Clock(), ports: [], sent: [], frames: [], standings: [], connected: 0, error: '' };
  world.link = new Link(
    {
      ...world.clock,
      later: world.clock.later,
      cancel: world.clock.cancel,
      connect: () => {
        const port = { onMessage: listeners(), onDisconnect: listeners(), postMessage: (frame) => world.sent.push(frame), disconnect: () => (port.closed = true) };
        world.ports.push(port);
        return port;
      },
      lastError: () => world.error,
      hello: () => ({ browser: 'chromium', ext_version: '1.2.3', instance: 'x' }),
      onConnected: () => (world.connected += 1),
      onFrame: (frame) => world.frames.push(frame.t),
      onStanding: ({ state }, delay) => world.standings.push([state, delay]),
    },
    before,
  );
  world.port = () => world.ports.at(-1);
  world.die = (error = 'Native host has exited.') => {
    world.error = error;
    world.port().onDisconnect.fire();
  };
  return world;
}

function listeners() {
  const all = [];
  return { addListener: (one) => all.push(one), fire: (...values) => all.forEach((one) => one(...values)) };
}

const OK = { t: 'link', ok: true, message: '' };

test('hello is the first frame', () => {
  const { link, sent, ...world } = bed();
  link.connect();
  link.sendState({ focused: false, host: null, audible: [] }, 'hello');
  assert.deepEqual(sent[0], { t: 'hello', v: 1, browser: 'chromium', ext_version: '1.2.3', instance: 'x' });
  assert.deepEqual([sent[1].t, sent[1].seq], ['state', 1]);
  assert.equal(world.ports.length, 1);
  link.connect();
  assert.equal(world.ports.length, 1, 'one port, not two');
});

test('the host is tried again after 0.5 s, then twice as long, up to 30 s', async () => {
  const world = bed();
  world.link.connect();
  const delays = [];
  for (let time = 0; time < 9; time += 1) {
    world.die();
    delays.push(world.clock.waiting[0]);
    await world.clock.pass(delays.at(-1) - 1);
    assert.equal(world.ports.length, time + 1);
    await world.clock.pass(1);
    assert.equal(world.ports.length, time + 2);
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(delays.at(-1), LAST_DELAY);
});

test('a link that lasted starts the count anew; a host that only speaks does not', async () => {
  const world = bed({ delay: 8000 });
  world.link.connect();
  await world.clock.pass(LASTING);
  world.port().onMessage.fire('nonsense');
  world.die();
  assert.deepEqual(world.clock.waiting, [8000], 'it never spoke');
  await world.clock.pass(8000);
  world.port().onMessage.fire(OK);
  await world.clock.pass(LASTING - 1);
  world.port().onMessage.fire(OK);
  world.die();
  assert.deepEqual(world.clock.waiting, [16_000], 'it did not last');
  await world.clock.pass(16_000);
  world.port().onMessage.fire(OK);
  await world.clock.pass(LASTING);
  world.die();
  assert.deepEqual(world.clock.waiting, [FIRST_DELAY]);
});

test('somebody who looks need not wait', () => {
  const world = bed({ delay: 16_000 });
  world.link.connect();
  world.die();
  world.link.connect();
  assert.equal(world.ports.length, 2);
  assert.deepEqual(world.clock.waiting, []);
});

test('each standing is told for what it is', () => {
  const world = bed();
  world.link.connect();
  world.port().onMessage.fire(OK);
  world.port().onMessage.fire({ ...OK, ok: false });
  world.die();
  world.link.connect();
  world.die('Specified native messaging host not found.');
  world.link.connect();
  world.die('No such native application org.dwell.browser');
  world.link.connect();
  world.die('Access to the specified native messaging host is forbidden.');
  assert.deepEqual(world.standings.map(([state]) => state), ['up', 'asleep', 'lost', 'missing', 'missing', 'missing']);
});

test('a host that refuses is left alone, even by a script that starts anew', () => {
  const world = bed();
  world.link.connect();
  world.port().onMessage.fire({ ...OK, ok: false, refused: 'version' });
  assert.ok(world.port().closed);
  world.link.connect();
  assert.equal(world.ports.length, 1);
  assert.deepEqual(world.clock.waiting, []);
  const anew = bed({ refused: true });
  anew.link.connect();
  assert.equal(anew.ports.length, 0);
});

test('a port that was given up has nothing to say any more', () => {
  const world = bed();
  world.link.connect();
  const old = world.port();
  world.die();
  world.link.connect();
  old.onMessage.fire(OK);
  old.onDisconnect.fire();
  assert.deepEqual(world.frames, []);
  assert.ok(world.link.connected);
});

test('without a port nothing is sent, and said so', () => {
  const world = bed();
  assert.equal(world.link.send({ t: 'query', d: 'a.example' }), false);
  world.link.sendState({ focused: true, host: 'a.example', audible: [] }, 'tab');
  assert.deepEqual(world.sent, []);
});
