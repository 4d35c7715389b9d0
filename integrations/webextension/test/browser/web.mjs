/**
 * The whole web on one port of this machine: plain HTTP, TLS and, for a browser that comes by proxy, CONNECT. Every host
 * answers, and every page says where one is.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';

/** A service worker that answers every navigation by itself, without the network. */
const SERVICE_WORKER = `
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  if (event.request.mode === 'navigate') event.respondWith(new Response('<title>served by the site itself</title><h1>served by the site itself</h1>', { headers: { 'content-type': 'text/html' } }));
});`;

/**
 * What can be heard: a tone, again and again. By way of Web Audio, since Firefox calls an element alone audible only where there
 * is something to hear it with.
 */
const RADIO = `<!doctype html><html lang="en"><title>radio</title><audio src="/tone.wav" autoplay loop></audio><script>
const sound = new AudioContext();
sound.createMediaElementSource(document.querySelector('audio')).connect(sound.destination);
</script>`;

/** A second of 440 Hz, 16 bits, mono (RIFF WAVE). */
function tone() {
  const rate = 8000;
  const wave = Buffer.alloc(44 + 2 * rate);
  wave.write('RIFF', 0);
  wave.writeUInt32LE(wave.length - 8, 4);
  wave.write('WAVEfmt ', 8);
  wave.writeUInt32LE(16, 16);
  wave.writeUInt16LE(1, 20);
  wave.writeUInt16LE(1, 22);
  wave.writeUInt32LE(rate, 24);
  wave.writeUInt32LE(2 * rate, 28);
  wave.writeUInt16LE(2, 32);
  wave.writeUInt16LE(16, 34);
  wave.write('data', 36);
  wave.writeUInt32LE(2 * rate, 40);
  for (let n = 0; n < rate; n += 1) wave.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * n) / rate)), 44 + 2 * n);
  return wave;
}

/**
 * A page that never rests, as many do: it draws, changes its address and its title, and asks its server. It has an icon: of a page
 * without one Chromium asks for it again at each change of the address.
 */
const BUSY = `<!doctype html><html lang="en"><title>busy</title><link rel="icon" href="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"><canvas width="600" height="400"></canvas><script>
const pen = document.querySelector('canvas').getContext('2d');
let frames = 0;
setInterval(() => {
  frames += 1;
  for (let n = 0; n < 200; n += 1) { pen.fillStyle = 'hsl(' + ((frames + n) % 360) + ' 80% 50%)'; pen.fillRect((n * 37 + frames) % 600, (n * 53) % 400, 20, 20); }
}, 33);
setInterval(() => { document.title = 'busy ' + frames; history.replaceState({}, '', '/busy?' + frames); }, 500);
setInterval(() => void fetch('/asked?' + frames), 1000);
</script>`;

export async function startWeb(scratch) {
  const key = path.join(scratch, 'tls.key');
  const cert = path.join(scratch, 'tls.crt');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650', '-subj', '/CN=test', '-keyout', key, '-out', cert], { stdio: 'pipe' });
  /** @type {string[]} host and path of every request */
  const hits = [];
  const answer = (request, response) => {
    const { host } = request.headers;
    hits.push(`${host}${request.url}`);
    if (request.url === '/sw.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' });
      response.end(SERVICE_WORKER);
      return;
    }
    if (request.url === '/tone.wav') {
      response.writeHead(200, { 'content-type': 'audio/wav' });
      response.end(tone());
      return;
    }
    // A page that never comes.
    if (request.url === '/never') return;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    const own = { '/radio': RADIO, '/busy': BUSY }[request.url];
    if (own) {
      response.end(own);
      return;
    }
    response.end(`<!doctype html><html lang="en"><title>${host} ${request.url}</title><h1>${host}</h1>`);
  };
  const plain = http.createServer(answer);
  const secure = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer);
  plain.on('connect', (_request, socket, head) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    hand(socket);
  });
  // A record of TLS begins with 22; no request of HTTP does.
  const hand = (socket) => {
    socket.once('error', () => socket.destroy());
    socket.once('readable', () => {
      const first = socket.read(1);
      if (!first) return void socket.destroy();
      socket.unshift(first);
      (first[0] === 22 ? secure : plain).emit('connection', socket);
    });
  };
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    hand(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    hits,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
