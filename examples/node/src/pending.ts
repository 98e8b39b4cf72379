/** What we have sent and may hear of again: who waits for word, and what a refusal was about. */
import type { RefusedError } from './errors.js';
import type { Receipt } from './types.js';

/** Of so many messages that nobody waits for we remember the action, to name it in a refusal. */
const REMEMBERED_MAX = 1_024;

/** What a message that wanted an answer gets, once. */
export type Answer = { receipt: Receipt } | { reply: unknown };

interface Waiter {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Pending {
  readonly #waiters = new Map<bigint, Waiter>();
  readonly #remembered = new Map<bigint, string>();

  /** Waits for the answer to the message with that id. */
  answer(id: bigint): Promise<Answer> {
    return new Promise((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
  }

  /** Takes the one who waits for that id: it is told once. */
  take(id: bigint): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }

  /** Nobody waits for this one; a refusal of it will name its action. */
  remember(id: bigint, action: string): void {
    this.#remembered.set(id, action);
    if (this.#remembered.size > REMEMBERED_MAX) {
      this.#remembered.delete(this.#remembered.keys().next().value!);
    }
  }

  /** Tells the one who waits; where nobody does, gives what the message was about. */
  refuse(id: bigint, error: RefusedError): { told: boolean; action: string | undefined } {
    const waiter = this.take(id);
    waiter?.reject(error);
    return { told: waiter !== undefined, action: this.#remembered.get(id) };
  }

  /** Ends the waiting of all but those for these ids. */
  fail(error: Error, except: ReadonlySet<bigint> = new Set()): void {
    for (const [id, waiter] of this.#waiters) {
      if (except.has(id)) continue;
      this.#waiters.delete(id);
      waiter.reject(error);
    }
  }
}
