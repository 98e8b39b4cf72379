/** The frames that have not left yet, so that a new connection can send them again. */

/** Past so many bytes, messages are refused here: the broker holds us back, and memory is finite. */
export const OUTBOX_BYTES_MAX = 64 * 1024 * 1024;

export interface Waiting {
  readonly bytes: Buffer;
  /** A reply goes to the connection that asked, and makes no sense on a new one of ours. */
  readonly reply: boolean;
  /** Our number for the message. */
  readonly id: bigint;
}

export class Outbox {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #whenEmpty: (() => void)[] = [];

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes.length;
  }

  hasRoomFor(bytes: Buffer): boolean {
    // An empty one takes any one frame.
    return this.#bytes === 0 || this.#bytes + bytes.length <= OUTBOX_BYTES_MAX;
  }

  /** The oldest has left. */
  shift(): void {
    const first = this.#waiting.shift();
    if (first) this.#bytes -= first.bytes.length;
    if (this.#waiting.length === 0) this.#emptied();
  }

  /** What a new connection has to send first. */
  again(): readonly Waiting[] {
    this.#waiting = this.#waiting.filter((waiting) => !waiting.reply);
    this.#bytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (this.#waiting.length === 0) this.#emptied();
    return this.#waiting;
  }

  has(id: bigint): boolean {
    return this.#waiting.some((waiting) => waiting.id === id);
  }

  whenEmpty(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Nothing will leave any more. */
  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
    this.#emptied();
  }

  #emptied(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}
