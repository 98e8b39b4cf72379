/** A message on its way out, from a verb's arguments to what the schema has for them. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Route, Want, type MessageSchema } from './generated/henhouse/v1/henhouse_pb.js';
import { encode } from './payload.js';
import type { SendOptions, To } from './types.js';

/** An action's name may be as long as a file's. */
const ACTION_BYTES_MAX = 255;
const RESERVED_PREFIX = 'egg-';

type MessageInit = MessageInitShape<typeof MessageSchema>;

/** What the sender wants to hear of a message. */
export interface Wanted {
  readonly want?: Want;
  readonly timeoutMs?: number;
}

/** @throws where the action, the receiver or the data cannot be sent. */
export function envelope(
  id: bigint,
  to: To,
  action: string,
  data: unknown,
  options: SendOptions,
  { want = Want.UNSPECIFIED, timeoutMs = 0 }: Wanted,
): MessageInit {
  checkAction(action);
  const { encoding, bytes } = encode(data, options.encoding);
  const { route, pid, connection } = receiver(to);
  // Spelled out: a chain of spreads costs more than the encoding.
  const others = options.others ?? false;
  return { id, route, pid, connection, want, timeoutMs, action, encoding, data: bytes, others };
}

/** @throws for an action that nobody may send. */
export function checkAction(action: string): void {
  if (typeof action !== 'string' || action === '') throw new TypeError('a message needs an action');
  if (Buffer.byteLength(action) > ACTION_BYTES_MAX) throw new RangeError('the action is too long');
  if (action.startsWith(RESERVED_PREFIX)) {
    throw new RangeError(`actions that begin with ${RESERVED_PREFIX} are the broker's`);
  }
}

function receiver(to: To): { route: Route; pid: number; connection: bigint } {
  switch (to) {
    case 'broadcast':
      return group(Route.BROADCAST);
    case 'app':
      return group(Route.APP);
    case 'agent':
      return group(Route.AGENT);
    case 'random':
      return group(Route.RANDOM);
  }
  const { pid, connection } = typeof to === 'number' ? { pid: to, connection: 0 } : to;
  if (!Number.isInteger(pid) || pid < 0 || pid > 0xffff_ffff) {
    throw new RangeError(`${pid} is not a pid`);
  }
  return { route: Route.PID, pid, connection: BigInt(connection) };
}

function group(route: Route) {
  return { route, pid: 0, connection: 0n };
}
