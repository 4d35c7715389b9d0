import test from 'node:test';
import assert from 'node:assert/strict';
import { open, visit } from './bed.mjs';

for (const browser of ['chromium', 'firefox']) {
  test(`${browser}: hello comes first, then what is in front`, async (t) => {
    const { host, ...bed } = await open(t, browser);
    const hello = await host.frame(0, (frame) => frame.t === 'hello');
    assert.equal(hello.v, 1);
    assert.equal(hello.browser, browser);
    assert.match(hello.instance, /^[0-9a-f]{32}$/);
    const mark = host.mark();
    await visit(bed, 'https://www.example.com/private/path?q=1');
    await host.state(mark, { focused: true, host: 'www.example.com' });
  });
}
