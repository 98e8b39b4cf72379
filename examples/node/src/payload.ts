/** A message's data, between JavaScript values and bytes. */
import { Encoding as WireEncoding } from './generated/henhouse/v1/henhouse_pb.js';

/** What the bytes of a message's data are. */
export type Encoding = 'bytes' | 'json' | 'protobuf' | 'text';

export interface Payload {
  readonly encoding: WireEncoding;
  readonly bytes: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/**
 * Bytes stay bytes, a string is text, nothing is no bytes, and all else is JSON.
 *
 * @throws TypeError for what JSON cannot say: a cycle, a bigint, a function.
 */
export function encode(data: unknown, encoding?: Encoding): Payload {
  if (encoding === 'json' || (encoding === undefined && isJson(data))) {
    const json = JSON.stringify(data);
    if (json === undefined) throw new TypeError(`a ${typeof data} cannot be sent`);
    return { encoding: WireEncoding.JSON, bytes: Buffer.from(json) };
  }
  if (data === undefined) return { encoding: number(encoding ?? 'bytes'), bytes: EMPTY };
  if (typeof data === 'string') return { encoding: number(encoding ?? 'text'), bytes: Buffer.from(data) };
  if (data instanceof Uint8Array) return { encoding: number(encoding ?? 'bytes'), bytes: data };
  throw new TypeError(`as ${encoding}, data must be a string or bytes`);
}

/**
 * The value that a listener gets. No bytes at all are `undefined`, as Egg's listeners get it
 * where nothing was sent.
 *
 * @throws SyntaxError where the sender said JSON and it is none.
 */
export function decode(encoding: WireEncoding, bytes: Buffer): unknown {
  switch (encoding) {
    case WireEncoding.JSON:
      return JSON.parse(bytes.toString());
    case WireEncoding.TEXT:
      return bytes.toString();
    default:
      return bytes.length === 0 ? undefined : bytes;
  }
}

/** An encoding that we do not know is bytes to us. */
export function nameOf(encoding: WireEncoding): Encoding {
  switch (encoding) {
    case WireEncoding.JSON:
      return 'json';
    case WireEncoding.PROTOBUF:
      return 'protobuf';
    case WireEncoding.TEXT:
      return 'text';
    default:
      return 'bytes';
  }
}

function isJson(data: unknown): boolean {
  return data !== undefined && typeof data !== 'string' && !(data instanceof Uint8Array);
}

function number(encoding: Encoding): WireEncoding {
  switch (encoding) {
    case 'json':
      return WireEncoding.JSON;
    case 'protobuf':
      return WireEncoding.PROTOBUF;
    case 'text':
      return WireEncoding.TEXT;
    case 'bytes':
      return WireEncoding.UNSPECIFIED;
  }
}
