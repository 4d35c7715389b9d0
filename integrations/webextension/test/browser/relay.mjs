/**
 * The native host of the tests: what the browser starts. It decides nothing: frames go unread to the test through a socket, and
 * back. It ends when either side does, like any native host.
 */

import net from 'node:net';

const test = net.connect(process.argv[2]);
const started = Buffer.from(JSON.stringify({ t: 'started', pid: process.pid }));
const length = Buffer.alloc(4);
length.writeUInt32LE(started.length);
test.write(Buffer.concat([length, started]));
process.stdin.pipe(test);
test.pipe(process.stdout);
const end = () => process.exit(0);
for (const stream of [test, process.stdin, process.stdout]) stream.on('error', end).on('close', end);
