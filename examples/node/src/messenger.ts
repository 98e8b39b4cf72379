/** Egg's messenger: an emitter of actions, and the verbs that send them. */
import { GuardedEmitter } from './emitter.js';
import { checkAction, envelope, type Wanted } from './envelope.js';
import { ClosedError, HenhouseError } from './errors.js';
import { pack } from './frames.js';
import { Want } from './generated/henhouse/v1/henhouse_pb.js';
import { Inbox } from './inbox.js';
import { Life } from './life.js';
import { Pending } from './pending.js';
import type {
  AnswerHandler,
  Drain,
  JoinOptions,
  Listener,
  Peers,
  Receipt,
  RequestOptions,
  SendOptions,
  Sender,
  SessionEvents,
  To,
  ToOne,
  WireOptions,
} from './types.js';

/** A request that names no time stays open so long; the broker keeps the clock. */
const REQUEST_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS_MAX = 0xffff_ffff;

/** Connects to the broker; with nothing given, as the environment says. */
export async function join(options: JoinOptions = {}): Promise<Messenger> {
  const messenger = new Messenger(options);
  await messenger[OPEN]();
  return messenger;
}

const OPEN = Symbol('open');

export interface Messenger {
  on(action: string, listener: Listener): this;
  once(action: string, listener: Listener): this;
  addListener(action: string, listener: Listener): this;
  prependListener(action: string, listener: Listener): this;
  prependOnceListener(action: string, listener: Listener): this;
}

// eslint-disable-next-line no-redeclare -- the listeners' types, merged into the class
export class Messenger extends GuardedEmitter {
  /** The connection's own events, apart from the actions so that no message can pretend to be one. */
  readonly session: GuardedEmitter<SessionEvents>;
  /** The first Drain. */
  readonly draining: Promise<Drain>;
  /** The end of it all; the error where we did not ask for it. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly role: 'agent' | 'worker';

  readonly #log: Pick<Console, 'error' | 'warn'>;
  readonly #pending = new Pending();
  readonly #life: Life;
  readonly #inbox: Inbox;
  #lastId = 0n;

  constructor(options: JoinOptions) {
    const log = options.logger ?? console;
    super(log);
    const path = options.socket ?? process.env['HENHOUSE_SOCKET'];
    const role = options.role ?? process.env['HENHOUSE_ROLE'];
    if (!path) throw new HenhouseError('no socket is given, and HENHOUSE_SOCKET is not set');
    if (role !== 'agent' && role !== 'worker') {
      throw new HenhouseError('no role is given, and HENHOUSE_ROLE is neither agent nor worker');
    }
    this.role = role;
    this.session = new GuardedEmitter(log);
    this.draining = new Promise((resolve) => this.session.once('drain', resolve));
    this.closed = new Promise((resolve) => this.session.once('closed', resolve));
    this.#log = log;
    this.#inbox = new Inbox({
      role,
      log,
      pending: this.#pending,
      tell: (action, data, message) => this.emit(action, data, message),
      refused: (error, action) => {
        log.warn(`[henhouse] ${action ?? 'a message'} was refused: ${error.message}`);
        this.session.emit('refused', error, action);
      },
      reply: (bytes) => this.#life.sendNow(bytes),
    });
    const token = options.token ?? process.env['HENHOUSE_TOKEN'] ?? '';
    this.#life = new Life(
      {
        path,
        hello: { role, token, name: options.name ?? '' },
        reconnect: options.reconnect ?? false,
        exitWhenLost: options.socket === undefined,
        log,
        onFrame: (frame) => this.#inbox.take(frame),
        // What had left is answered by nobody now; what had not is sent again.
        onLost: (unsent) =>
          this.#pending.fail(new ClosedError('the broker was lost before it answered'), unsent),
        onClosed: (error) => {
          this.#pending.fail(error ?? new ClosedError('the messenger was closed'));
          this.removeAllListeners();
        },
      },
      this.session,
    );
  }

  async [OPEN](): Promise<void> {
    await this.#life.open();
  }

  // --- who we are

  get pid(): number {
    return this.#life.welcome?.pid ?? 0;
  }

  get connection(): number {
    return Number(this.#life.welcome?.connection ?? 0);
  }

  get masterPid(): number {
    return this.#life.welcome?.masterPid ?? 0;
  }

  /** The pids on the other side, as Egg has them: the workers', or for a worker the agent's. */
  get opids(): readonly number[] {
    return this.#inbox.opids;
  }

  /** All who are ready. */
  get peers(): Peers {
    return this.#inbox.peers;
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
    // 0 would be the broker's own time.
    const timeoutMs = Math.min(Math.max(1, Math.ceil(timeout)), REQUEST_TIMEOUT_MS_MAX);
    const wanted = { want: Want.REPLY, timeoutMs };
    return this.#ask(wanted, to, action, data, options).then((answer) =>
      'reply' in answer ? (answer.reply as T) : (undefined as T),
    );
  }

  /** Answers the requests of an action, which its listeners hear, too. There is one handler per action: one question, one answer. */
  answer(action: string, handler: AnswerHandler): this {
    checkAction(action);
    this.#inbox.answer(action, handler);
    return this;
  }

  /** The listeners are set: what the broker held comes now. */
  ready(): this {
    this.#life.ready();
    return this;
  }

  /** We are broken: a replacement is started while we finish what we hold. */
  failing(reason: string): this {
    this.#life.say({ case: 'failing', value: { reason } });
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
      if (!this.#life.isConnected) process.exit(1);
      this.failing(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
    return this;
  }

  /** The event loop turns, and so many requests are at work. */
  beat(active: number): this {
    this.#life.say({ case: 'beat', value: { active } });
    return this;
  }

  /** When all that was sent has left. The verbs never wait: a sender of much does, here. */
  flushed(): Promise<void> {
    return this.#life.flushed();
  }

  /** Sends what waits, says Goodbye, and takes what still comes until the broker says it too. */
  async close(): Promise<void> {
    this.#life.leave();
    await this.closed;
  }

  #cast(to: To, action: string, data: unknown, options: SendOptions = {}): this {
    const { id, bytes } = this.#message({}, to, action, data, options);
    if (!this.#life.isOpen) {
      // As Egg: a message into a closed channel is reported, and hurts nobody.
      this.#log.warn(`[henhouse] ${action} was not sent: the messenger is closed`);
      return this;
    }
    this.#life.send(bytes, id);
    this.#pending.remember(id, action);
    return this;
  }

  async #ask(wanted: Wanted, to: To, action: string, data: unknown, options: SendOptions) {
    const { id, bytes } = this.#message(wanted, to, action, data, options);
    if (!this.#life.isOpen) throw new ClosedError('the messenger is closed');
    this.#life.send(bytes, id);
    return this.#pending.answer(id);
  }

  #message(wanted: Wanted, to: To, action: string, data: unknown, options: SendOptions) {
    const id = ++this.#lastId;
    const value = envelope(id, to, action, data, options, wanted);
    return { id, bytes: pack({ case: 'message', value }) };
  }
}
