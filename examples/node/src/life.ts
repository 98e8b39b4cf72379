/** The life of a messenger's connection: opened, lost, found again, closed. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EventEmitter } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Connection, type Hello } from './connection.js';
import { HenhouseError, RefusedError } from './errors.js';
import { pack, PREFIX_BYTES } from './frames.js';
import type { Frame, FrameSchema, Welcome } from './generated/henhouse/v1/henhouse_pb.js';
import { Outbox } from './outbox.js';
import type { SessionEvents } from './types.js';

const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 5_000;

/** What a process exits with when its master is gone; Egg's agents do so too. */
const MASTER_LOST_EXIT = 110;

/** How long the broker may take to answer our Goodbye. */
const GOODBYE_MS_MAX = 5_000;

/** A refusal with one of these would be the same the next time. */
const FINAL = ['UNSUPPORTED_VERSION', 'NOT_REGISTERED', 'MALFORMED', 'TOO_LARGE', 'FORBIDDEN'];

type Body = MessageInitShape<typeof FrameSchema>['body'] & {};

export interface LifeOptions {
  readonly path: string;
  readonly hello: Hello;
  readonly reconnect: boolean;
  /** The process ends with its master. */
  readonly exitWhenLost: boolean;
  readonly log: Pick<Console, 'error' | 'warn'>;
  /** Every frame after Welcome, in order. */
  readonly onFrame: (frame: Frame) => void;
  /** The connection broke, and we look for another; of these messages, nothing had left. */
  readonly onLost: (unsent: Set<bigint>) => void;
  /** The end; with an error where we did not ask for it. */
  readonly onClosed: (error: Error | undefined) => void;
}

export class Life {
  readonly #options: LifeOptions;
  readonly #events: EventEmitter<SessionEvents>;
  readonly #outbox = new Outbox();
  readonly #left = new AbortController();
  #connection: Connection | undefined;
  #welcome: Welcome | undefined;
  #saidReady = false;
  #state: 'open' | 'leaving' | 'closed' = 'open';

  constructor(options: LifeOptions, events: EventEmitter<SessionEvents>) {
    this.#options = options;
    this.#events = events;
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Whether anything can still be sent, now or over the next connection. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  open(): Promise<void> {
    return Connection.open(this.#options.path, this.#options.hello, {
      welcomed: (connection) => this.#opened(connection),
      frame: (frame) => this.#take(frame),
      ended: (error) => this.#lost(error),
    });
  }

  /**
   * Sends a message, and keeps it for the next connection where it cannot leave.
   *
   * @throws where it is too long for the broker, or too much waits.
   */
  send(bytes: Buffer, id: bigint): void {
    this.#checkSize(bytes);
    if (!this.#outbox.hasRoomFor(bytes)) {
      throw new HenhouseError('too much waits to be sent: wait for flushed()');
    }
    this.#outbox.push({ bytes, id });
  }

  /**
   * Sends what makes sense on this connection only. It waits for no room: a reply is bounded by
   * what the broker lets others ask.
   *
   * @throws where it is too long for the broker.
   */
  sendNow(bytes: Buffer): void {
    this.#checkSize(bytes);
    // Behind our Goodbye nothing is said.
    if (this.#connection && this.#state === 'open') this.#outbox.push({ bytes, id: 0n });
  }

  say(body: Body): void {
    this.sendNow(pack(body));
  }

  ready(): void {
    if (this.#saidReady) return;
    this.#saidReady = true;
    this.say({ case: 'ready', value: {} });
  }

  flushed(): Promise<void> {
    return this.#outbox.whenEmpty();
  }

  leave(): void {
    if (this.#state !== 'open') return;
    this.say({ case: 'goodbye', value: {} });
    this.#state = 'leaving';
    this.#left.abort();
    const connection = this.#connection;
    if (connection === undefined) {
      this.#closed(undefined);
      return;
    }
    const late = setTimeout(() => connection.destroy(), GOODBYE_MS_MAX);
    this.#events.once('closed', () => clearTimeout(late));
  }

  #checkSize(bytes: Buffer): void {
    const max = this.#welcome?.frameBytesMax ?? 0;
    if (bytes.length - PREFIX_BYTES > max) {
      throw new RangeError(`a message of ${bytes.length - PREFIX_BYTES} bytes is over the broker's ${max}`);
    }
  }

  #opened(connection: Connection): void {
    if (this.#state !== 'open') {
      // Closed meanwhile: nobody wants it any more.
      connection.destroy();
      return;
    }
    this.#connection = connection;
    this.#welcome = connection.welcome;
    const ready = { bytes: pack({ case: 'ready', value: {} }), id: 0n };
    this.#outbox.startAgain(connection, this.#saidReady ? [ready] : []);
  }

  #take(frame: Frame): void {
    const { body } = frame;
    switch (body.case) {
      case 'ping':
        this.say({ case: 'pong', value: { nonce: body.value.nonce } });
        break;
      case 'drain':
        this.#events.emit('drain', { deadlineMs: body.value.deadlineMs, cause: body.value.cause });
        break;
      case 'goodbye':
        this.#connection?.end();
        break;
      default:
        this.#options.onFrame(frame);
    }
  }

  #lost(error: Error): void {
    this.#connection = undefined;
    this.#outbox.stop();
    if (this.#state !== 'open') {
      this.#closed(undefined);
    } else if (this.#options.reconnect && isWorthTrying(error)) {
      void this.#comeBack(error);
    } else {
      this.#closed(error);
    }
  }

  async #comeBack(lost: Error): Promise<void> {
    this.#options.log.warn(`[henhouse] lost the broker, trying to come back: ${lost.message}`);
    this.#options.onLost(this.#outbox.ids());
    this.#events.emit('lost', lost);
    for (let most = RECONNECT_MS_MIN; this.#state === 'open'; most = Math.min(2 * most, RECONNECT_MS_MAX)) {
      try {
        // Jitter, so that all the processes of a broker do not come back in one moment.
        await wait(most * (0.5 + Math.random() / 2), undefined, { signal: this.#left.signal });
        await this.open();
        if (this.#state === 'open') this.#events.emit('restored');
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
    this.#options.onClosed(error);
    this.#events.emit('closed', error);
    if (error && this.#options.exitWhenLost) {
      this.#options.log.error(`[henhouse] the master is gone: ${error.message}`);
      process.exit(MASTER_LOST_EXIT);
    }
  }
}

function isWorthTrying(error: Error): boolean {
  return !(error instanceof RefusedError && FINAL.includes(error.code));
}
