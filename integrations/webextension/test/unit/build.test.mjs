import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { idOf } from '../../build.mjs';

const BUILD = fileURLToPath(new URL('../../build.mjs', import.meta.url));
const SOURCE = path.dirname(BUILD);

function packed(t, env = {}) {
  const out = mkdtempSync(path.join(os.tmpdir(), 'dwell-pack-'));
  t.after(() => rmSync(out, { recursive: true }));
  execFileSync(process.execPath, [BUILD, out], { env: { ...process.env, ...env }, stdio: 'pipe' });
  const read = (ending) => readFileSync(path.join(out, readdirSync(out).find((name) => name.endsWith(ending))));
  return { out, zip: read('.zip'), xpi: read('.xpi'), crx: read('.crx') };
}

test('the same sources give the same bytes', (t) => {
  const key = path.join(mkdtempSync(path.join(os.tmpdir(), 'dwell-key-')), 'key.pem');
  t.after(() => rmSync(path.dirname(key), { recursive: true }));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const first = packed(t, { EXTENSION_KEY: key, TZ: 'Europe/Athens' });
  const file = path.join(SOURCE, 'src/api.js');
  utimesSync(file, new Date(), new Date());
  const second = packed(t, { EXTENSION_KEY: key, TZ: 'UTC' });
  for (const kind of ['zip', 'xpi', 'crx']) assert.ok(first[kind].equals(second[kind]), kind);
  assert.ok(!first.zip.includes(SOURCE), 'a trace of the machine');
});

test('the crx is signed as CRX3 asks', (t) => {
  const { crx, zip } = packed(t);
  assert.equal(crx.subarray(0, 4).toString(), 'Cr24');
  assert.equal(crx.readUInt32LE(4), 3);
  const header = crx.subarray(12, 12 + crx.readUInt32LE(8));
  assert.ok(crx.subarray(12 + header.length).equals(zip));
  const [, proof] = field(header, 0);
  const [afterKey, publicKey] = field(proof, 0);
  const [, signature] = field(proof, afterKey);
  const [, signedData] = field(header, field(header, 0)[0]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(signedData.length);
  const message = Buffer.concat([Buffer.from('CRX3 SignedData\0'), length, signedData, zip]);
  assert.ok(verify('sha256', message, createPublicKey({ key: publicKey, format: 'der', type: 'spki' }), signature));
});

/** @returns the place after a field of bytes, and the bytes */
function field(bytes, at) {
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  number();
  const length = number();
  return [at + length, bytes.subarray(at, at + length)];
}

test('both manifests agree on all that is not the browser’s own', () => {
  const [chromium, firefox] = ['chromium', 'firefox'].map((name) => JSON.parse(readFileSync(path.join(SOURCE, `manifest.${name}.json`), 'utf8')));
  for (const key of ['manifest_version', 'name', 'description', 'version', 'default_locale', 'action', 'icons', 'incognito', 'content_security_policy']) {
    assert.deepEqual(chromium[key], firefox[key], key);
  }
  assert.equal(chromium.incognito, 'not_allowed');
});

test('the ids are those that dwell writes into the manifests of its host', () => {
  const rust = readFileSync(path.join(SOURCE, '../../crates/dwell-bus/src/extension.rs'), 'utf8');
  const known = (name) => new RegExp(`const ${name}: &str = "([^"]+)"`).exec(rust)?.[1];
  const [chromium, firefox] = ['chromium', 'firefox'].map((name) => JSON.parse(readFileSync(path.join(SOURCE, `manifest.${name}.json`), 'utf8')));
  assert.equal(idOf(Buffer.from(chromium.key, 'base64')), known('CHROMIUM_ID'));
  assert.equal(firefox.browser_specific_settings.gecko.id, known('FIREFOX_ID'));
  const host = /HOST = '([^']+)'/.exec(readFileSync(path.join(SOURCE, 'src/link.js'), 'utf8'))?.[1];
  assert.ok(host);
  assert.equal(host, known('HOST_NAME'));
});

test('every text that the code asks for is there, and none is left over', () => {
  const texts = JSON.parse(readFileSync(path.join(SOURCE, '_locales/en/messages.json'), 'utf8'));
  const code = ['manifest.chromium.json', ...readdirSync(path.join(SOURCE, 'pages')).map((name) => `pages/${name}`)].map((name) => readFileSync(path.join(SOURCE, name), 'utf8')).join('\n');
  const asked = new Set([...code.matchAll(/say\((?:[^'()]*\? )?'([a-z_]+)'|data-text="([a-z_]+)"|__MSG_([a-z_]+)__/g)].map((found) => found.slice(1).find(Boolean)));
  const standing = (key) => key.startsWith('standing_');
  for (const key of asked) assert.ok(key in texts, `no text: ${key}`);
  const lone = Object.keys(texts).filter((key) => !standing(key) && !code.includes(`'${key}'`) && !asked.has(key));
  assert.deepEqual(lone, []);
});
