/** The far end of the extension's link, as a test plays it: sees every frame, sends what it likes. */

import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { timely } from './bed.mjs';

const NAME = 'org.dwell.browser';
const RELAY = fileURLToPath(new URL('relay.mjs', import.meta.url));

export class ScriptedHost {
  /** @type {{ link: number, frame: any }[]} every frame since the start; `link` counts the hosts that were started */
  seen = [];
  links = 0;
  pid = null;
  rules = { t: 'rules', gen: 1, block: [] };
  /** What is said after a hello; null says nothing. */
  greeting = { t: 'link', ok: true, message: 'dwell is running', hint: null, audible: false };
  #socket = null;
  #server;
  #waiters = new Set();

  /**
   * @param {string} folder  the host manifest's, in the profile or the home of the browser
   * @param {string} scratch
   * @param {object} allowed who may start it: the browser's own part of the manifest
   */
  static async start(folder, scratch, allowed) {
    const host = new ScriptedHost();
    const socket = path.join(scratch, 'host.sock');
    const program = path.join(scratch, 'host');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${RELAY}' '${socket}'\n`);
    chmodSync(program, 0o755);
    mkdirSync(folder, { recursive: true });
    host.manifest = path.join(folder, `${NAME}.json`);
    writeFileSync(host.manifest, JSON.stringify({ name: NAME, description: 'a test', path: program, type: 'stdio', ...allowed }));
    host.#server = net.createServer((connection) => host.#accept(connection));
    await new Promise((resolve) => host.#server.listen(socket, resolve));
    return host;
  }

  #accept(connection) {
    const link = ++this.links;
    this.#socket = connection;
    let bytes = Buffer.alloc(0);
    connection.on('error', () => undefined);
    connection.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE(0)) {
        const end = 4 + bytes.readUInt32LE(0);
        this.#take(link, JSON.parse(bytes.subarray(4, end).toString()));
        bytes = bytes.subarray(end);
      }
    });
    connection.on('close', () => {
      if (this.#socket === connection) this.#socket = null;
      this.#take(link, { t: 'ended' });
    });
  }

  #take(link, frame) {
    if (frame.t === 'started') this.pid = frame.pid;
    this.seen.push({ link, frame });
    if (frame.t === 'hello' && this.greeting) {
      this.send(this.greeting);
      if (this.greeting.ok) this.send(this.rules);
    }
    this.answer?.(frame);
    for (const check of [...this.#waiters]) check();
  }

  get connected() {
    return this.#socket !== null;
  }

  send(frame) {
    const body = Buffer.from(JSON.stringify(frame));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    this.#socket?.write(Buffer.concat([length, body]));
  }

  /** Frames after this place are news. */
  mark() {
    return this.seen.length;
  }

  /** The frames of one kind since a mark. */
  since(mark, t) {
    return this.seen.slice(mark).map(({ frame }) => frame).filter((frame) => frame.t === t);
  }

  /** The first frame since the mark that is as wanted, which may be here already. */
  frame(mark, wanted, what = wanted.toString()) {
    return timely(
      what,
      new Promise((resolve) => {
        const check = () => {
          const found = this.seen.slice(mark).find(({ frame }) => wanted(frame));
          if (!found) return;
          this.#waiters.delete(check);
          resolve(found.frame);
        };
        this.#waiters.add(check);
        check();
      }),
      () => `seen since: ${JSON.stringify(this.seen.slice(mark).map(({ frame }) => frame))}`,
    );
  }

  /** @returns the first state since the mark that fits */
  state(mark, wanted) {
    const fits = (frame) => frame.t === 'state' && Object.entries(wanted).every(([name, value]) => JSON.stringify(frame[name]) === JSON.stringify(value));
    return this.frame(mark, fits, `a state with ${JSON.stringify(wanted)}`);
  }

  /** Gives the rules and waits until they are in force. */
  async block(...block) {
    this.rules = { t: 'rules', gen: this.rules.gen + 1, block };
    const mark = this.mark();
    this.send(this.rules);
    const { gen } = this.rules;
    const applied = await this.frame(mark, (frame) => frame.t === 'applied' && frame.gen === gen, `applied ${gen}`);
    if (!applied.ok) throw new Error(`not applied: ${applied.err}`);
  }

  /** Asks what is in front; everything that happened before has been told by then. */
  async report() {
    const mark = this.mark();
    this.send({ t: 'report' });
    return this.frame(mark, (frame) => frame.t === 'state' && frame.why === 'report', 'the state that was asked for');
  }

  /** As if the host had crashed. */
  async kill() {
    const mark = this.mark();
    process.kill(this.pid, 'SIGKILL');
    await this.frame(mark, (frame) => frame.t === 'ended', 'the end of the host');
  }

  uninstall() {
    if (existsSync(this.manifest)) renameSync(this.manifest, `${this.manifest}.away`);
  }

  reinstall() {
    renameSync(`${this.manifest}.away`, this.manifest);
  }

  close() {
    this.#socket?.destroy();
    this.#server.close();
  }
}

/** A block as dwell sends it; by default it ends in an hour. */
export function block(domain, more = {}) {
  return {
    rule: 'evening-video',
    d: [domain],
    except: [],
    until: Date.now() + 3_600_000,
    used_ms: 1_800_000,
    budget_ms: 1_800_000,
    more_left: 3,
    why: 'Your limit “evening-video” allows 30 minutes a day, and 30 minutes are used.',
    opens: 'It opens again tomorrow at 04:00.',
    ...more,
  };
}
