/** A broker and its members, each a process of its own: a pid is how Egg's verbs address somebody. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join as path } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestContext } from 'node:test';

const ROOT = fileURLToPath(new URL('../../../../..', import.meta.url));
const HENHOUSE = process.env['HENHOUSE'] ?? path(ROOT, 'target/debug/henhouse');
/** Nothing here takes a second; on one core that many share, it may. */
const PATIENCE_MS = 120_000;

/** For `test(name, { skip })`: the broker is Rust, and only the whole build has it. In CI it must be there. */
export const skip =
  existsSync(HENHOUSE) || process.env['CI'] === 'true' ? false : `${HENHOUSE} is not built`;

export interface Heard {
  action: string;
  data: any;
  undefined: boolean;
  from: number;
  opids: number[];
}

export class Member {
  pid = 0;
  readonly #child: ChildProcess;
  #said: any[] = [];
  #wake = () => {};
  #fence = 0;

  constructor(socket: string, role: 'agent' | 'worker') {
    this.#child = fork(new URL('./member.js', import.meta.url), [socket, role]);
    this.#child.on('message', (said) => {
      this.#said.push(said);
      this.#wake();
    });
  }

  async joined(): Promise<this> {
    this.pid = (await this.#take((said) => said.joined !== undefined)).joined;
    return this;
  }

  /** Calls a verb there; gives whether it returned the messenger. */
  async call(verb: string, ...words: unknown[]): Promise<boolean> {
    this.#child.send([verb, ...words]);
    return (await this.#take((said) => said.did === verb)).chained;
  }

  hears(action: string, wanted: (heard: Heard) => boolean = () => true): Promise<Heard> {
    return this.#take((said) => said.action === action && wanted(said));
  }

  /** All that has come of an action and was not taken; settle first. */
  heard(action: string): Heard[] {
    const heard = this.#said.filter((said) => said.action === action);
    this.#said = this.#said.filter((said) => said.action !== action);
    return heard;
  }

  async logs(part: string): Promise<void> {
    await this.#take((said) => said.logged?.includes(part));
  }

  /** A last word to each: what was sent before it came before it. */
  async fence(to: readonly Member[]): Promise<void> {
    const fence = ++this.#fence;
    for (const member of to) await this.call('sendTo', member.pid, 'fence', fence);
    for (const member of to) await member.hears('fence', (heard) => heard.from === this.pid && heard.data === fence);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async #take(wanted: (said: any) => boolean): Promise<any> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const at = this.#said.findIndex(wanted);
      if (at >= 0) return this.#said.splice(at, 1)[0];
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        late.onabort = () => reject(new Error(`did not come; what came: ${JSON.stringify(this.#said)}`));
      });
    }
  }
}

export class House {
  readonly #directory = mkdtempSync(path(tmpdir(), 'hh-'));
  readonly #socket = path(this.#directory, 's');
  readonly #broker: ChildProcess;
  readonly members: Member[] = [];

  private constructor(workers: number) {
    const options = ['--socket', this.#socket, '--agent', '--workers', String(workers)];
    this.#broker = spawn(HENHOUSE, ['broker', ...options], { stdio: 'ignore' });
  }

  /** An agent and so many workers, all ready; it ends with the test. */
  static async open(test: TestContext, workers: number): Promise<House & { agent: Member; workers: Member[] }> {
    const house = new House(workers);
    test.after(() => house.close());
    await house.#listens();
    const agent = await house.joins('agent');
    const apps = [];
    for (let i = 0; i < workers; i++) apps.push(await house.joins('worker'));
    for (const member of house.members) await member.call('ready');
    for (const member of house.members) await member.hears('egg-ready');
    return Object.assign(house, { agent, workers: apps });
  }

  /** One more, not ready yet. */
  async joins(role: 'agent' | 'worker'): Promise<Member> {
    const member = new Member(this.#socket, role);
    this.members.push(member);
    return member.joined();
  }

  /** Everybody says a last word to everybody. */
  async settle(members: readonly Member[] = this.members): Promise<void> {
    for (const member of members) await member.fence(members);
  }

  async stop(): Promise<void> {
    this.#broker.kill('SIGTERM');
    if (this.#broker.exitCode === null) await once(this.#broker, 'exit');
  }

  async close(): Promise<void> {
    for (const member of this.members) await member.kill();
    this.#broker.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #listens(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const socket = connect(this.#socket);
      const up = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'close').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (up) return;
      if (Date.now() > deadline) throw new Error('the broker does not listen');
      await wait(5);
    }
  }
}
