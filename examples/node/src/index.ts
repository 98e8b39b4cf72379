/** Egg's messenger over Henhouse. */
export { join, Messenger } from './messenger.js';
export type {
  AnswerHandler,
  JoinOptions,
  Listener,
  RequestOptions,
  SendOptions,
  To,
  ToOne,
  WireOptions,
} from './messenger.js';
export type { Drain, Message, Peer, Peers, Receipt, Role, Sender, SessionEvents } from './types.js';
export type { Encoding } from './payload.js';
export { ClosedError, HenhouseError, RefusedError, RemoteError } from './errors.js';
export type { Code } from './errors.js';
export { identity, inheritedListener } from './environment.js';
export { serve } from './serve.js';
export type { ServeOptions } from './serve.js';
