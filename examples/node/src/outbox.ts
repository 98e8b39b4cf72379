/** The frames that have not left whole, so that a new connection can send them again. */

/** Past so many bytes, messages are refused here: the broker holds us back, and memory is finite. */
const OUTBOX_BYTES_MAX = 64 * 1024 * 1024;

/**
 * One write takes at most so much, where it is more than one frame. Linux takes up to 32 KiB into
 * a Unix socket whole or not at all, so that it is known which frames had left when it breaks.
 * Elsewhere a write may be half done, nothing says how much of it, and so frames leave one by one.
 */
const WRITE_BYTES_MAX = process.platform === 'linux' ? 16 * 1024 : 0;

export interface Waiting {
  readonly bytes: Buffer;
  /** Our number for the message; 0 for a frame that makes no sense on another connection. */
  readonly id: bigint;
}

/** Where frames leave to. */
export interface Exit {
  /**
   * Writes. Gives whether all of it has left already; where not, `whole` is called once it has,
   * and never where it does not.
   */
  write(bytes: Buffer, whole: () => void): boolean;
}

export class Outbox {
  #waiting: Waiting[] = [];
  /** Those before it have left; moved on, since taking from the front of a long array is slow. */
  #first = 0;
  #bytes = 0;
  #exit: Exit | undefined;
  /** So many of the first frames are on their way out. */
  #writing = 0;
  /** Whether a write comes at the end of this turn: what is sent in one goes out together. */
  #scheduled = false;
  #whenEmpty: (() => void)[] = [];

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes.length;
    this.#schedule();
  }

  hasRoomFor(bytes: Buffer): boolean {
    // An empty one takes any one frame.
    return this.#bytes === 0 || this.#bytes + bytes.length <= OUTBOX_BYTES_MAX;
  }

  /** For a new connection: these first, then what had not left of what makes sense on it. */
  startAgain(exit: Exit, first: readonly Waiting[]): void {
    this.#keep([...first, ...this.#left().filter(({ id }) => id !== 0n)]);
    this.#exit = exit;
    this.#writing = 0;
    if (this.#bytes === 0) this.#emptied();
    this.#schedule();
  }

  /** The connection has ended: what waits, waits for the next. */
  stop(): void {
    this.#exit = undefined;
  }

  /** The messages that have not left. */
  ids(): Set<bigint> {
    return new Set(this.#left().map(({ id }) => id));
  }

  whenEmpty(): Promise<void> {
    if (this.#bytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Nothing will leave any more. */
  clear(): void {
    this.#exit = undefined;
    this.#keep([]);
    this.#emptied();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#write();
    });
  }

  /** One write is under way at a time. */
  #write(): void {
    const exit = this.#exit;
    const whole = () => {
      if (this.#exit !== exit) return;
      this.#shift(this.#writing);
      this.#writing = 0;
      this.#write();
    };
    while (exit && this.#writing === 0 && this.#first < this.#waiting.length) {
      const frames = this.#next();
      if (exit.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames), whole)) {
        this.#shift(frames.length);
      } else {
        this.#writing = frames.length;
      }
    }
  }

  /** The first frames, as many as one write takes. */
  #next(): Buffer[] {
    const frames: Buffer[] = [];
    let room = WRITE_BYTES_MAX;
    for (let at = this.#first; at < this.#waiting.length; at++) {
      const { bytes } = this.#waiting[at]!;
      room -= bytes.length;
      if (room < 0 && frames.length > 0) break;
      frames.push(bytes);
    }
    return frames;
  }

  #shift(frames: number): void {
    for (const end = this.#first + frames; this.#first < end; this.#first++) {
      this.#bytes -= this.#waiting[this.#first]!.bytes.length;
    }
    if (this.#first === this.#waiting.length) {
      this.#keep([]);
      this.#emptied();
    } else if (this.#first * 2 > this.#waiting.length) {
      this.#keep(this.#left());
    }
  }

  #left(): Waiting[] {
    return this.#waiting.slice(this.#first);
  }

  #keep(waiting: Waiting[]): void {
    this.#waiting = waiting;
    this.#first = 0;
    this.#bytes = waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #emptied(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}
