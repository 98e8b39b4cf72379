/** Egg's messenger: an emitter of actions, and the verbs that send them. */
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { EventEmitter } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Connection, type Hello, type Incoming } from './connection.js';
import { ClosedError, HenhouseError, RefusedError, RemoteError } from './errors.js';
import { pack } from './frames.js';
import {
  PidsSchema,
  Role as WireRole,
  Route,
  Want,
  type Fault,
  type FrameSchema,
  type Message as WireMessage,
  type MessageSchema,
} from './generated/henhouse/v1/henhouse_pb.js';
import { Outbox } from './outbox.js';
import { decode, encode, nameOf, type Encoding } from './payload.js';
import type { Drain, Message, Peers, Receipt, Role, Sender, SessionEvents } from './types.js';

/** An action's name may be as long as a file's. */
const ACTION_BYTES_MAX = 255;
const RESERVED_PREFIX = 'egg-';

/** What every client says to a question that it has no answer handler for. */
const NO_HANDLER = 'no handler';

/** A request that names no time stays open so long; the broker keeps the clock. */
const REQUEST_TIMEOUT_MS = 30_000;

/** What a process exits with when its master is gone; Egg's agents do so too. */
const MASTER_LOST_EXIT = 110;

const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 5_000;

/** How long the broker may take to answer our Goodbye. */
const GOODBYE_MS_MAX = 5_000;

/** Of so many messages that nobody waits for we remember the action, to name it in a refusal. */
const REMEMBERED_MAX = 1_024;

export interface JoinOptions {
  /** Default: HENHOUSE_ROLE. */
  role?: 'agent' | 'worker';
  /** Default: HENHOUSE_SOCKET. */
  socket?: string;
  /** Default: HENHOUSE_TOKEN. */
  token?: string;
  /** For people: what `henhouse status` calls this process. */
  name?: string;
  /** Outlive the broker and come back to it, rather than end with it. */
  reconnect?: boolean;
  /** Where failed listeners and refused messages are reported; default: the console. */
  logger?: Pick<Console, 'error' | 'warn'>;
}

/** Where a message goes: a group, the agent, somebody at random, a pid, or exactly who sent one. */
export type To = 'broadcast' | 'app' | 'agent' | 'random' | number | Sender;

export interface WireOptions {
  /** What the data is, where its type does not say it. */
  encoding?: Encoding;
}

export interface SendOptions extends WireOptions {
  /** `broadcast` and `sendToApp`: not to ourselves. */
  others?: boolean;
}

export interface RequestOptions extends WireOptions {
  /** Milliseconds. */
  timeout?: number;
}

/** A question goes to one: two answers would be no answer. */
export type ToOne = Exclude<To, 'broadcast' | 'app'>;

/** `any`: the data is what the sender made of it, and only the listener knows. */
export type Listener = (data: any, message: Message) => unknown;

/** Gives the reply, or throws what becomes the asker's `RemoteError`. */
export type AnswerHandler = (data: any, message: Message) => unknown;

/** Connects to the broker; with nothing given, as the environment says. */
export async function join(options: JoinOptions = {}): Promise<Messenger> {
  const messenger = new Messenger(options);
  await messenger[OPEN]();
  return messenger;
}

const OPEN = Symbol('open');

type MessageInit = MessageInitShape<typeof MessageSchema>;
type Body = MessageInitShape<typeof FrameSchema>['body'] & {};

interface Waiter {
  resolve(answer: { receipt: Receipt } | { reply: unknown }): void;
  reject(error: Error): void;
}

export interface Messenger {
  on(action: string, listener: Listener): this;
  once(action: string, listener: Listener): this;
  addListener(action: string, listener: Listener): this;
  prependListener(action: string, listener: Listener): this;
  prependOnceListener(action: string, listener: Listener): this;
}

// eslint-disable-next-line no-redeclare -- the listeners' types, merged into the class
export class Messenger extends EventEmitter {
  /** The connection's own events, apart from the actions so that no message can pretend to be one. */
  readonly session = new EventEmitter<SessionEvents>();
  /** The first Drain. */
  readonly draining: Promise<Drain>;
  /** The end of it all; the error where we did not ask for it. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  /** The pids on the other side, as Egg has them: the workers', or for a worker the agent's. */
  opids: readonly number[] = [];
  /** All who are ready. */
  peers: Peers = { workers: [], agent: undefined };

  readonly #path: string;
  readonly #hello: Hello;
  readonly #options: JoinOptions;
  readonly #log: Pick<Console, 'error' | 'warn'>;
  readonly #answers = new Map<string, AnswerHandler>();
  readonly #waiters = new Map<bigint, Waiter>();
  readonly #remembered = new Map<bigint, string>();
  readonly #outbox = new Outbox();
  #lastId = 0n;
  #connection: Connection | undefined;
  #welcome: Connection['welcome'] | undefined;
  #saidReady = false;
  #state: 'open' | 'leaving' | 'closed' = 'open';

  constructor(options: JoinOptions) {
    super();
    const path = options.socket ?? process.env['HENHOUSE_SOCKET'];
    const role = options.role ?? process.env['HENHOUSE_ROLE'];
    if (!path) throw new HenhouseError('no socket is given, and HENHOUSE_SOCKET is not set');
    if (role !== 'agent' && role !== 'worker') {
      throw new HenhouseError('no role is given, and HENHOUSE_ROLE is neither agent nor worker');
    }
    this.#path = path;
    this.#options = options;
    this.#log = options.logger ?? console;
    this.#hello = {
      role,
      token: options.token ?? process.env['HENHOUSE_TOKEN'] ?? '',
      name: options.name ?? '',
    };
    this.draining = new Promise((resolve) => this.session.once('drain', resolve));
    this.closed = new Promise((resolve) => this.session.once('closed', resolve));
  }

  // --- who we are

  get role(): 'agent' | 'worker' {
    return this.#hello.role;
  }

  get pid(): number {
    return this.#welcome?.pid ?? 0;
  }

  get connection(): number {
    return Number(this.#welcome?.connection ?? 0);
  }

  get masterPid(): number {
    return this.#welcome?.masterPid ?? 0;
  }

  // --- Egg's verbs

  /** To the agent and every worker, ourselves too. */
  broadcast(action: string, data?: unknown, options?: SendOptions): this {
    return this.#cast('broadcast', action, data, options);
  }

  /** To every worker; from a worker, to itself too. */
  sendToApp(action: string, data?: unknown, options?: SendOptions): this {
    return this.#cast('app', action, data, options);
  }

  /** To the agent; from the agent, to itself. */
  sendToAgent(action: string, data?: unknown, options?: WireOptions): this {
    return this.#cast('agent', action, data, options);
  }

  /** From the agent: to one ready worker. From a worker: to the agent. */
  sendRandom(action: string, data?: unknown, options?: WireOptions): this {
    return this.#cast('random', action, data, options);
  }

  /** To one process: by its pid, or exactly to the one that a message came from. */
  sendTo(to: number | string | Sender, action: string, data?: unknown, options?: WireOptions): this {
    return this.#cast(typeof to === 'string' ? Number(to) : to, action, data, options);
  }

  // --- what Egg does not have

  /** Sends, and hears from the broker what became of it. */
  confirm(to: To, action: string, data?: unknown, options: SendOptions = {}): Promise<Receipt> {
    return this.#ask({ want: Want.RECEIPT }, to, action, data, options).then((answer) =>
      'receipt' in answer ? answer.receipt : { queued: 0, held: 0 },
    );
  }

  /** Asks one process, and gives what its answer handler gave. */
  request<T = any>(to: ToOne, action: string, data?: unknown, options: RequestOptions = {}): Promise<T> {
    const { timeout = REQUEST_TIMEOUT_MS } = options;
    const wanted = { want: Want.REPLY, timeoutMs: Math.max(1, Math.ceil(timeout)) };
    return this.#ask(wanted, to, action, data, options).then((answer) =>
      'reply' in answer ? (answer.reply as T) : (undefined as T),
    );
  }

  /** Answers the requests of an action, which its listeners hear, too. There is one handler per action: one question, one answer. */
  answer(action: string, handler: AnswerHandler): this {
    check(action);
    if (this.#answers.has(action)) throw new HenhouseError(`${action} has its answer handler already`);
    this.#answers.set(action, handler);
    return this;
  }

  /** The listeners are set: what the broker held comes now. */
  ready(): this {
    if (!this.#saidReady) {
      this.#saidReady = true;
      this.#control({ case: 'ready', value: {} });
    }
    return this;
  }

  /** We are broken: a replacement is started while we finish what we hold. */
  failing(reason: string): this {
    this.#control({ case: 'failing', value: { reason } });
    return this;
  }

  /**
   * Opt-in: an exception that nobody caught makes this process a failing one, which goes on with
   * the requests at hand until its drain ends. Without it, Node ends the process at once.
   */
  failOnUncaught(): this {
    process.on('uncaughtException', (error) => {
      this.#log.error('[henhouse] uncaught, asking for a replacement:', error);
      // With nobody to tell there is no replacement to wait for.
      if (!this.#connection) process.exit(1);
      this.failing(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
    return this;
  }

  /** The event loop turns, and so many requests are at work. */
  beat(active: number): this {
    this.#control({ case: 'beat', value: { active } });
    return this;
  }

  /** When all that was sent has left. The verbs never wait: a sender of much does, here. */
  flushed(): Promise<void> {
    return this.#outbox.whenEmpty();
  }

  /** Sends what waits, says Goodbye, and takes what still comes until the broker says it too. */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'leaving';
      if (this.#connection) {
        const connection = this.#connection;
        connection.write(pack({ case: 'goodbye', value: {} }));
        const late = setTimeout(() => connection.destroy(), GOODBYE_MS_MAX);
        this.session.once('closed', () => clearTimeout(late));
      } else {
        this.#closed(undefined);
      }
    }
    await this.closed;
  }

  /** Calls every listener, and lets none of them harm the others or the process. */
  override emit(action: string | symbol, ...args: unknown[]): boolean {
    const listeners = this.rawListeners(action);
    const failed = (error: unknown) =>
      this.#log.error(`[henhouse] a listener of ${String(action)} failed:`, error);
    for (const listener of listeners) {
      try {
        const outcome: unknown = Reflect.apply(listener, this, args);
        if (outcome instanceof Promise) outcome.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
    return listeners.length > 0;
  }

  // --- sending

  #cast(to: To, action: string, data: unknown, options: SendOptions = {}): this {
    const { id, bytes } = this.#message({}, to, action, data, options);
    if (this.#state === 'closed') {
      // As Egg: a message into a closed channel is reported, and hurts nobody.
      this.#log.warn(`[henhouse] ${action} was not sent: the messenger is closed`);
      return this;
    }
    this.#send(id, bytes);
    this.#remembered.set(id, action);
    if (this.#remembered.size > REMEMBERED_MAX) {
      this.#remembered.delete(this.#remembered.keys().next().value!);
    }
    return this;
  }

  async #ask(wanted: MessageInit, to: To, action: string, data: unknown, options: SendOptions) {
    const { id, bytes } = this.#message(wanted, to, action, data, options);
    if (this.#state === 'closed') throw new ClosedError('the messenger is closed');
    this.#send(id, bytes);
    return new Promise<{ receipt: Receipt } | { reply: unknown }>((resolve, reject) =>
      this.#waiters.set(id, { resolve, reject }),
    );
  }

  #message(wanted: MessageInit, to: To, action: string, data: unknown, options: SendOptions) {
    check(action);
    const id = ++this.#lastId;
    const payload = encode(data, options.encoding);
    const bytes = pack({
      case: 'message',
      value: {
        ...wanted,
        ...target(to),
        id,
        action,
        encoding: payload.encoding,
        data: payload.bytes,
        others: options.others ?? false,
      },
    });
    this.#checkSize(bytes);
    return { id, bytes };
  }

  #checkSize(bytes: Buffer): void {
    const max = this.#welcome?.frameBytesMax ?? 0;
    if (bytes.length - 4 > max) {
      throw new RangeError(`a message of ${bytes.length - 4} bytes is over the broker's ${max}`);
    }
  }

  #send(id: bigint, bytes: Buffer, reply = false): void {
    if (!this.#outbox.hasRoomFor(bytes)) {
      throw new HenhouseError('too much waits to be sent: wait for flushed()');
    }
    this.#outbox.push({ bytes, reply, id });
    this.#connection?.write(bytes, () => this.#outbox.shift());
  }

  /** Not kept for a new connection: that one says these things for itself. */
  #control(body: Body): void {
    this.#connection?.write(pack(body));
  }

  // --- receiving

  #take({ body, sender }: Incoming): void {
    switch (body.case) {
      case 'message':
        this.#takeMessage(body.value, {
          pid: sender?.pid ?? 0,
          role: ROLES[sender?.role ?? 0] ?? 'operator',
          connection: Number(sender?.connection ?? 0),
        });
        break;
      case 'receipt':
        this.#answered(body.value.id)?.resolve({ receipt: body.value });
        break;
      case 'fault':
        this.#refused(body.value);
        break;
      case 'drain':
        this.session.emit('drain', { deadlineMs: body.value.deadlineMs, cause: body.value.cause });
        break;
      case 'goodbye':
        this.#connection?.end();
        break;
      default:
      // What a newer broker says and we do not know is not for us.
    }
  }

  #takeMessage(wire: WireMessage, sender: Sender): void {
    const waiter = wire.route === Route.REPLY ? this.#answered(wire.inReplyTo) : undefined;
    if (wire.route === Route.REPLY && wire.error !== '') {
      waiter?.reject(new RemoteError(wire.error));
      return;
    }
    // A view of what arrived, not a copy.
    const bytes = Buffer.from(wire.data.buffer, wire.data.byteOffset, wire.data.length);
    let data: unknown;
    try {
      data = this.#news(wire.action, sender, bytes) ?? decode(wire.encoding, bytes);
    } catch (error) {
      const why = new HenhouseError(`the data of ${wire.action} cannot be read: ${error}`);
      if (waiter) waiter.reject(why);
      else if (wire.want === Want.REPLY) this.#reply(wire, sender, undefined, why.message);
      else this.#log.error('[henhouse]', why.message);
      return;
    }
    if (waiter || wire.route === Route.REPLY) {
      waiter?.resolve({ reply: data });
      return;
    }
    const message = { action: wire.action, data, encoding: nameOf(wire.encoding), bytes, sender };
    if (wire.want === Want.REPLY) void this.#answerTo(wire, message);
    this.emit(wire.action, data, message);
  }

  /** What `egg-pids` tells, in Egg's shape; only the broker's own word counts. */
  #news(action: string, sender: Sender, bytes: Buffer): unknown {
    if (action !== 'egg-pids' || sender.role !== 'master') return undefined;
    const pids = fromBinary(PidsSchema, bytes);
    const peer = ({ pid, connection, index }: (typeof pids.worker)[number]) => ({
      pid,
      connection: Number(connection),
      index,
    });
    this.peers = { workers: pids.worker.map(peer), agent: pids.agent && peer(pids.agent) };
    const { workers, agent } = this.peers;
    this.opids = this.role === 'agent' ? workers.map(({ pid }) => pid) : agent ? [agent.pid] : [];
    return this.opids;
  }

  async #answerTo(wire: WireMessage, message: Message): Promise<void> {
    const handler = this.#answers.get(message.action);
    if (handler === undefined) {
      this.#reply(wire, message.sender, undefined, NO_HANDLER);
      return;
    }
    try {
      this.#reply(wire, message.sender, await handler(message.data, message));
    } catch (error) {
      this.#log.error(`[henhouse] the answer to ${message.action} failed:`, error);
      this.#reply(wire, message.sender, undefined, String((error as Error)?.message || error));
    }
  }

  #reply(wire: WireMessage, asker: Sender, data: unknown, error = ''): void {
    const payload = encode(data);
    const bytes = pack({
      case: 'message',
      value: {
        route: Route.REPLY,
        connection: BigInt(asker.connection),
        inReplyTo: wire.id,
        action: wire.action,
        encoding: payload.encoding,
        data: payload.bytes,
        error,
      },
    });
    this.#checkSize(bytes);
    if (this.#connection) this.#send(0n, bytes, true);
  }

  #answered(id: bigint): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }

  #refused(fault: Fault): void {
    const error = new RefusedError(fault.code, fault.detail);
    const waiter = this.#answered(fault.id);
    if (waiter) {
      waiter.reject(error);
      return;
    }
    const action = this.#remembered.get(fault.id);
    this.#log.warn(`[henhouse] ${action ?? 'a message'} was refused: ${error.message}`);
    this.session.emit('refused', error, action);
  }

  // --- the connection's life

  async [OPEN](): Promise<void> {
    const connection = await Connection.open(
      this.#path,
      this.#hello,
      (frame) => this.#take(frame),
      (error) => this.#lost(error),
    );
    this.#connection = connection;
    this.#welcome = connection.welcome;
    if (this.#saidReady) this.#control({ case: 'ready', value: {} });
    for (const { bytes } of this.#outbox.again()) {
      connection.write(bytes, () => this.#outbox.shift());
    }
  }

  #lost(error: Error): void {
    this.#connection = undefined;
    if (this.#state !== 'open') {
      this.#closed(undefined);
    } else if (this.#options.reconnect && isWorthTrying(error)) {
      void this.#comeBack(error);
    } else {
      this.#closed(error);
    }
  }

  async #comeBack(lost: Error): Promise<void> {
    this.#log.warn(`[henhouse] lost the broker, trying to come back: ${lost.message}`);
    this.session.emit('lost', lost);
    // What had left is answered by nobody now; what had not is sent again.
    for (const [id, waiter] of this.#waiters) {
      if (this.#outbox.has(id)) continue;
      this.#waiters.delete(id);
      waiter.reject(new ClosedError('the broker was lost before it answered'));
    }
    for (let most = RECONNECT_MS_MIN; this.#state === 'open'; most = Math.min(2 * most, RECONNECT_MS_MAX)) {
      // Jitter, so that all the processes of a broker do not come back in one moment.
      await wait(most * (0.5 + Math.random() / 2));
      try {
        if (this.#state !== 'open') return;
        await this[OPEN]();
        this.session.emit('restored');
        return;
      } catch (error) {
        if (!isWorthTrying(error as Error)) return this.#closed(error as Error);
      }
    }
  }

  #closed(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#outbox.clear();
    for (const waiter of this.#waiters.values()) {
      waiter.reject(error ?? new ClosedError('the messenger was closed'));
    }
    this.#waiters.clear();
    this.removeAllListeners();
    this.session.emit('closed', error);
    if (error && this.#options.socket === undefined) {
      // The master's children do not outlive it.
      this.#log.error(`[henhouse] the master is gone: ${error.message}`);
      process.exit(MASTER_LOST_EXIT);
    }
  }
}

const ROLES: Readonly<Record<number, Role>> = {
  [WireRole.AGENT]: 'agent',
  [WireRole.WORKER]: 'worker',
  [WireRole.MASTER]: 'master',
  [WireRole.OPERATOR]: 'operator',
};

function target(to: To): MessageInit {
  switch (to) {
    case 'broadcast':
      return { route: Route.BROADCAST };
    case 'app':
      return { route: Route.APP };
    case 'agent':
      return { route: Route.AGENT };
    case 'random':
      return { route: Route.RANDOM };
  }
  const { pid, connection } = typeof to === 'number' ? { pid: to, connection: 0 } : to;
  if (!Number.isInteger(pid) || pid < 0 || pid > 0xffff_ffff) {
    throw new RangeError(`${pid} is not a pid`);
  }
  return { route: Route.PID, pid, connection: BigInt(connection) };
}

function check(action: string): void {
  if (typeof action !== 'string' || action === '') throw new TypeError('a message needs an action');
  if (Buffer.byteLength(action) > ACTION_BYTES_MAX) throw new RangeError('the action is too long');
  if (action.startsWith(RESERVED_PREFIX)) {
    throw new RangeError(`actions that begin with ${RESERVED_PREFIX} are the broker's`);
  }
}

/** A refusal that would be the same the next time is final. */
function isWorthTrying(error: Error): boolean {
  return !(
    error instanceof RefusedError &&
    ['UNSUPPORTED_VERSION', 'NOT_REGISTERED', 'MALFORMED', 'TOO_LARGE', 'FORBIDDEN'].includes(error.code)
  );
}
