/** Egg's messenger over Henhouse. */
export { join, Messenger } from './messenger.js';
export type {
  AnswerHandler,
  Drain,
  JoinOptions,
  Listener,
  Message,
  Peer,
  Peers,
  Receipt,
  RequestOptions,
  Role,
  Sender,
  SendOptions,
  SessionEvents,
  To,
  ToOne,
  WireOptions,
} from './types.js';
export type { Encoding } from './payload.js';
export { ClosedError, HenhouseError, RefusedError, RemoteError } from './errors.js';
export type { Code } from './errors.js';
export { identity, inheritedListener } from './environment.js';
export { serve } from './serve.js';
export type { ServeOptions } from './serve.js';
