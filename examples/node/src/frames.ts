/** Frames in and out: a big-endian u32 length, and that many bytes of `Frame`. */
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { FrameSchema, type Frame } from './generated/henhouse/v1/henhouse_pb.js';

export const PREFIX_BYTES = 4;

/** What a broker takes where its Welcome has not said otherwise yet. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/** A frame that is passed on may have grown by so much, the broker's word on its sender. */
const STAMP_BYTES_MAX = 32;

/** The bytes of one frame, length first. */
export function pack(body: MessageInitShape<typeof FrameSchema>['body'] & {}): Buffer {
  const frame = toBinary(FrameSchema, create(FrameSchema, { body }));
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + frame.length);
  bytes.writeUInt32BE(frame.length);
  bytes.set(frame, PREFIX_BYTES);
  return bytes;
}

/** Cuts what arrives into frames. It holds what arrived, not what a length claims. */
export class FrameReader {
  frameBytesMax = FRAME_BYTES_MAX;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #length: number | undefined;

  /** @throws where the bytes are no frames; nothing more can be read then. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#length === undefined) {
        if (this.#bytes < PREFIX_BYTES) return;
        this.#length = this.#take(PREFIX_BYTES).readUInt32BE();
        if (this.#length > this.frameBytesMax + STAMP_BYTES_MAX) {
          throw new RangeError(`a frame of ${this.#length} bytes is over the limit`);
        }
      }
      if (this.#bytes < this.#length) return;
      const frame = fromBinary(FrameSchema, this.#take(this.#length));
      this.#length = undefined;
      yield frame;
    }
  }

  #take(length: number): Buffer {
    this.#bytes -= length;
    const first = this.#chunks[0];
    if (first !== undefined && first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    // Joined once per frame and not once per chunk: a frame of 16 MiB comes in hundreds.
    const all = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    const rest = all.subarray(length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    return all.subarray(0, length);
  }
}
