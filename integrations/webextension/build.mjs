#!/usr/bin/env node
/**
 * Packs the extension: `node build.mjs FOLDER` writes into FOLDER
 *
 *   chromium/ firefox/          to be loaded as they are
 *   dwell-chromium-VERSION.zip  for the Chrome Web Store
 *   dwell-VERSION.crx           for Chromium, signed with the key file that EXTENSION_KEY names
 *   dwell-VERSION.xpi           for Firefox, not signed: only Mozilla can
 *
 * The same sources give the same bytes: names in order, one fixed time, no trace of the machine. Needs nothing but Node.
 */

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const HERE = path.dirname(fileURLToPath(import.meta.url));
/** What a browser gets; everything else here is for making and testing it. */
const SHIPPED = ['_locales', 'icons', 'pages', 'src'];

export function build(out, { key = process.env.EXTENSION_KEY } = {}) {
  const version = versionOfDwell();
  for (const browser of ['chromium', 'firefox']) lay(path.join(out, browser), browser, version);
  for (const old of readdirSync(out)) if (/\.(zip|crx|xpi)$/.test(old)) rmSync(path.join(out, old));
  const zipped = zip(path.join(out, 'chromium'));
  writeFileSync(path.join(out, `dwell-chromium-${version}.zip`), zipped);
  writeFileSync(path.join(out, `dwell-${version}.xpi`), zip(path.join(out, 'firefox')));
  const { crx, id } = signed(zipped, key ? createPrivateKey(readFileSync(key)) : throwaway());
  writeFileSync(path.join(out, `dwell-${version}.crx`), crx);
  const { key: pinned } = JSON.parse(readFileSync(path.join(HERE, 'manifest.chromium.json'), 'utf8'));
  const expected = idOf(Buffer.from(pinned, 'base64'));
  if (id !== expected) {
    const why = key ? `${key} is not the key that the manifest pins` : 'EXTENSION_KEY names no key file, so it is signed with one made for this run';
    console.error(`extension: the crx is for a try only: ${why}. Installed, it would be ${id} and not ${expected}, and no native host would talk to it`);
  }
  return { version, id: expected };
}

/** One version for all of dwell: that of the workspace. */
function versionOfDwell() {
  const found = /^\[workspace\.package\][^[]*?^version = "(\d+\.\d+\.\d+)"/ms.exec(readFileSync(path.join(HERE, '../../Cargo.toml'), 'utf8'));
  if (!found) throw new Error('Cargo.toml: no version under [workspace.package]');
  return found[1];
}

function lay(folder, browser, version) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const shipped = (file) => !file.endsWith('.mjs') && !file.endsWith('.svg');
  for (const name of SHIPPED) cpSync(path.join(HERE, name), path.join(folder, name), { recursive: true, filter: shipped });
  const manifest = JSON.parse(readFileSync(path.join(HERE, `manifest.${browser}.json`), 'utf8'));
  writeFileSync(path.join(folder, 'manifest.json'), `${JSON.stringify({ ...manifest, version }, null, 2)}\n`);
}

/** @returns {string[]} all files below, as paths with slashes, in order of their bytes */
function filesBelow(folder, prefix = '') {
  return readdirSync(path.join(folder, prefix))
    .flatMap((name) => {
      const file = prefix + name;
      return statSync(path.join(folder, file)).isDirectory() ? filesBelow(folder, `${file}/`) : [file];
    })
    .sort();
}

/** The time that every file in the archive bears: 1980-01-01, the earliest that a zip can say. */
const DOS_DATE = (1 << 5) | 1;

/** A zip archive (PKWARE APPNOTE 6.3.10), each file deflated. */
function zip(folder) {
  const parts = [];
  const directory = [];
  let offset = 0;
  const files = filesBelow(folder);
  for (const file of files) {
    const content = readFileSync(path.join(folder, file));
    const packed = deflateRawSync(content, { level: 9 });
    const name = Buffer.from(file);
    // From "version needed" to "length of the extra field": the same in both headers.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(DOS_DATE, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), common, name, packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, tail, name);
    offset += 4 + common.length + name.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listed, Buffer.from('PK\x05\x06'), end]);
}

/** The checksum of a zip archive; Node has it only from 20.15 on. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function throwaway() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** Chromium's id of an extension: the first 128 bits of the SHA-256 of its public key, 0-f written as a-p. */
export function idOf(publicKey) {
  const hex = createHash('sha256').update(publicKey).digest('hex').slice(0, 32);
  return [...hex].map((digit) => String.fromCharCode(97 + parseInt(digit, 16))).join('');
}

/** A CRX3 package: https://chromium.googlesource.com/chromium/src/+/main/components/crx_file/crx3.proto */
function signed(zipped, privateKey) {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const digest = createHash('sha256').update(publicKey).digest();
  const signedData = field(1, digest.subarray(0, 16));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(signedData.length);
  const signature = sign('sha256', Buffer.concat([Buffer.from('CRX3 SignedData\0'), length, signedData, zipped]), privateKey);
  const header = Buffer.concat([field(2, Buffer.concat([field(1, publicKey), field(2, signature)])), field(10_000, signedData)]);
  const start = Buffer.alloc(12);
  start.write('Cr24');
  start.writeUInt32LE(3, 4);
  start.writeUInt32LE(header.length, 8);
  return { crx: Buffer.concat([start, header, zipped]), id: idOf(publicKey) };
}

/** A field of bytes as protocol buffers write it. */
function field(number, bytes) {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = process.argv[2];
  if (!out) {
    console.error('usage: build.mjs FOLDER');
    process.exit(2);
  }
  mkdirSync(out, { recursive: true });
  const { version, id } = build(out);
  console.log(`extension ${version}, in Chromium ${id}: ${out}`);
}
