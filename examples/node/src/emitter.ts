/** An emitter whose listeners harm neither one another nor whoever emits. */
import { EventEmitter } from 'node:events';

export class GuardedEmitter<T extends Record<keyof T, any[]> | [never] = [never]> extends EventEmitter<T> {
  readonly #log: Pick<Console, 'error'>;

  constructor(log: Pick<Console, 'error'>) {
    super();
    this.#log = log;
  }

  /** Calls every listener; one that throws or rejects is logged. */
  override emit(event: any, ...args: any[]): boolean {
    const listeners = this.rawListeners(event);
    const failed = (error: unknown) =>
      this.#log.error(`[henhouse] a listener of ${String(event)} failed:`, error);
    for (const listener of listeners) {
      try {
        const outcome: unknown = Reflect.apply(listener, this, args);
        if (outcome instanceof Promise) outcome.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
    return listeners.length > 0;
  }
}
