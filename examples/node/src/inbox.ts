/** What others say to us: messages to their listeners, requests to their handlers, replies to who asked. */
import { fromBinary } from '@bufbuild/protobuf';
import { HenhouseError, RefusedError, RemoteError } from './errors.js';
import { pack } from './frames.js';
import {
  PidsSchema,
  Role as WireRole,
  Route,
  Want,
  type Frame,
  type Message as WireMessage,
} from './generated/henhouse/v1/henhouse_pb.js';
import { decode, encode, nameOf } from './payload.js';
import type { Pending } from './pending.js';
import type { AnswerHandler, Message, Peers, Role, Sender } from './types.js';

/** What every client says to a question that it has no answer handler for. */
const NO_HANDLER = 'no handler';

/** A handler's error is cut here: it is for people to read. */
const ERROR_LENGTH_MAX = 1_024;

const ROLES: Readonly<Record<number, Role>> = {
  [WireRole.AGENT]: 'agent',
  [WireRole.WORKER]: 'worker',
  [WireRole.MASTER]: 'master',
  [WireRole.OPERATOR]: 'operator',
};

export interface InboxOptions {
  readonly role: 'agent' | 'worker';
  readonly log: Pick<Console, 'error' | 'warn'>;
  readonly pending: Pending;
  /** Tells the listeners of an action. */
  readonly tell: (action: string, data: unknown, message: Message) => void;
  /** A message that nobody waits for was refused. */
  readonly refused: (error: RefusedError, action: string | undefined) => void;
  /** @throws where it is too long for the broker. */
  readonly reply: (bytes: Buffer) => void;
}

export class Inbox {
  peers: Peers = { workers: [], agent: undefined };
  opids: readonly number[] = [];
  readonly #options: InboxOptions;
  readonly #answers = new Map<string, AnswerHandler>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  answer(action: string, handler: AnswerHandler): void {
    if (this.#answers.has(action)) throw new HenhouseError(`${action} has its answer handler already`);
    this.#answers.set(action, handler);
  }

  take({ body, sender }: Frame): void {
    const { pending } = this.#options;
    switch (body.case) {
      case 'message':
        this.#message(body.value, {
          pid: sender?.pid ?? 0,
          role: ROLES[sender?.role ?? 0] ?? 'operator',
          connection: Number(sender?.connection ?? 0),
        });
        break;
      case 'receipt':
        pending.take(body.value.id)?.resolve({ receipt: body.value });
        break;
      case 'fault': {
        const error = new RefusedError(body.value.code, body.value.detail);
        const { told, action } = pending.refuse(body.value.id, error);
        if (!told) this.#options.refused(error, action);
        break;
      }
      default:
      // What a newer broker says and we do not know is not for us.
    }
  }

  #message(wire: WireMessage, sender: Sender): void {
    const waiter = wire.route === Route.REPLY ? this.#options.pending.take(wire.inReplyTo) : undefined;
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
      else this.#options.log.error('[henhouse]', why.message);
      return;
    }
    if (wire.route === Route.REPLY) {
      waiter?.resolve({ reply: data });
      return;
    }
    const message = { action: wire.action, data, encoding: nameOf(wire.encoding), bytes, sender };
    if (wire.want === Want.REPLY) void this.#answerTo(wire, message);
    this.#options.tell(wire.action, data, message);
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
    this.opids = this.#options.role === 'agent' ? workers.map(({ pid }) => pid) : agent ? [agent.pid] : [];
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
      this.#options.log.error(`[henhouse] the answer to ${message.action} failed:`, error);
      this.#reply(wire, message.sender, undefined, reason(error));
    }
  }

  #reply(wire: WireMessage, asker: Sender, data: unknown, error = ''): void {
    const payload = encode(data);
    this.#options.reply(
      pack({
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
      }),
    );
  }
}

/** What the asker gets to read. No error is what an empty one means on the wire. */
function reason(error: unknown): string {
  const text = String((error as Error)?.message || error).slice(0, ERROR_LENGTH_MAX);
  return text === '' ? 'an error without words' : text;
}
