/** What can go wrong with a message, as types to tell apart. */
import { Code as WireCode } from './generated/henhouse/v1/henhouse_pb.js';

/** Why the broker refused something: the schema's `Code`, without its prefix. */
export type Code = keyof typeof WireCode;

export class HenhouseError extends Error {
  override name = 'HenhouseError';
}

/** The broker refused a message, a request or the connection, and says why. */
export class RefusedError extends HenhouseError {
  override name = 'RefusedError';
  readonly code: Code;
  readonly fatal: boolean;

  constructor(code: WireCode, detail: string, fatal = false) {
    // A code from a newer broker has no name here.
    const name = (WireCode[code] ?? 'UNSPECIFIED') as Code;
    super(detail === '' ? name : `${name}: ${detail}`);
    this.code = name;
    this.fatal = fatal;
  }
}

/** The process that was asked answered with an error, and this is its text. */
export class RemoteError extends HenhouseError {
  override name = 'RemoteError';
}

/** The connection has ended, here or there. */
export class ClosedError extends HenhouseError {
  override name = 'ClosedError';
}
