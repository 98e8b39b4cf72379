/** What a listener and a caller get to see. */
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
