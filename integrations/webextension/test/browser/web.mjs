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
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
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
