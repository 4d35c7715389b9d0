import assert from 'node:assert/strict';
import test from 'node:test';
import { covers, hostOf, pageOf } from '../../src/hosts.js';

test('a host is all that is taken from an address', () => {
  assert.equal(hostOf('https://me:secret@WWW.Video.example:8443/path?q#f'), 'www.video.example');
  assert.equal(hostOf('http://www.video.example./'), 'www.video.example');
  assert.equal(hostOf('https://bücher.example/'), 'xn--bcher-kva.example');
  assert.equal(hostOf('http://[::1]:80/'), '[::1]');
});

test('what is no web page has no host', () => {
  for (const url of ['about:blank', 'file:///home/me', 'chrome://settings', 'moz-extension://x/', 'ftp://video.example/', 'view-source:https://video.example/', '', 'nonsense', undefined, null]) {
    assert.equal(hostOf(url), null, String(url));
  }
});

test('what is longer than any name that can be looked up is no host', () => {
  const longest = `${'a.'.repeat(126)}b`;
  assert.equal(longest.length, 253);
  assert.equal(hostOf(`https://${longest}./`), longest);
  assert.equal(hostOf(`https://a${longest}/`), null);
  assert.equal(hostOf(`https://${'a'.repeat(70_000)}/`), null);
  assert.equal(pageOf(`https://${'a'.repeat(70_000)}/`), null);
});

test('a page is found behind the viewers of the browser', () => {
  const page = 'https://video.example/watch?v=1#t=3';
  assert.equal(pageOf(page), page);
  assert.equal(pageOf(`view-source:${page}`), page);
  assert.equal(pageOf(`about:reader?url=${encodeURIComponent(page)}`), page);
  assert.equal(pageOf(`chrome-distiller://abc/?title=x&url=${encodeURIComponent(page)}`), page);
  assert.equal(pageOf('blob:https://video.example/uuid'), 'https://video.example/uuid');
});

test('nothing else is a page, least of all a script', () => {
  for (const url of ['javascript:alert(1)', 'view-source:file:///etc/passwd', 'about:reader?url=javascript%3Aalert(1)', 'about:reader', 'data:text/html,x', 'blob:null/x', undefined]) {
    assert.equal(pageOf(url), null, String(url));
  }
});

test('a domain covers itself and what is below it', () => {
  assert.ok(covers('video.example', 'video.example'));
  assert.ok(covers('video.example', 'www.m.video.example'));
  assert.ok(!covers('video.example', 'notvideo.example'));
  assert.ok(!covers('www.video.example', 'video.example'));
});
