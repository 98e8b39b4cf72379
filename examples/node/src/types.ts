/** What a listener and a caller give, and get to see. */
import type { RefusedError } from './errors.js';
import type { Encoding } from './payload.js';

export type Role = 'agent' | 'worker' | 'master' | 'operator';

/** The broker's word on who sent a message. */
export interface Sender {
  readonly pid: number;
  readonly role: Role;
  /** Never reused, unlike a pid. */
  readonly connection: number;
}

/** All there is to know of a message; a listener's second argument. */
export interface Message {
  readonly action: string;
  /** What the listener's first argument is, too. */
  readonly data: any;
  readonly encoding: Encoding;
  /** The data as it came. */
  readonly bytes: Buffer;
  readonly sender: Sender;
}

export interface Peer {
  readonly pid: number;
  readonly connection: number;
  /** A worker's slot; 0 for the agent. */
  readonly index: number;
}

/** Who is ready, as the last `egg-pids` said. */
export interface Peers {
  readonly workers: readonly Peer[];
  readonly agent: Peer | undefined;
}

/** How many processes a message is on its way to, and for how many it waits in the broker. */
export interface Receipt {
  readonly queued: number;
  readonly held: number;
}

/** Take nothing new, finish, leave. */
export interface Drain {
  readonly deadlineMs: number;
  readonly cause: string;
}

/** What happens to the connection itself. Actions have the messenger, these have `messenger.session`. */
export interface SessionEvents {
  drain: [drain: Drain];
  /** A message that nobody waited for was refused. */
  refused: [error: RefusedError, action: string | undefined];
  /** The broker went away, and we try to come back. */
  lost: [error: Error];
  restored: [];
  /** The end; with an error where we did not ask for it. */
  closed: [error: Error | undefined];
}

/** How to join. */
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
