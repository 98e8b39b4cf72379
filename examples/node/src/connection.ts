/** One connection to the broker, from Hello to its end. */
import { connect as connectSocket, type Socket } from 'node:net';
import type { Frame, Welcome } from './generated/henhouse/v1/henhouse_pb.js';
import { Role as WireRole } from './generated/henhouse/v1/henhouse_pb.js';
import { ClosedError, RefusedError } from './errors.js';
import { FrameReader, pack } from './frames.js';
import type { Exit } from './outbox.js';

const VERSION = 1;

export interface Hello {
  readonly role: 'agent' | 'worker';
  readonly token: string;
  readonly name: string;
}

type Body = Frame['body'];

/** Told while the bytes are read, and so in the order of their coming. */
export interface ConnectionEvents {
  welcomed(connection: Connection): void;
  /** Every frame after Welcome. */
  frame(frame: Frame): void;
  /** The end of a connection that was welcome, once. */
  ended(error: Error): void;
}

export class Connection implements Exit {
  readonly welcome: Welcome;
  readonly #socket: Socket;

  private constructor(socket: Socket, welcome: Welcome) {
    this.#socket = socket;
    this.welcome = welcome;
  }

  /** Says Hello and waits for Welcome. */
  static open(path: string, hello: Hello, events: ConnectionEvents): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(path);
      const reader = new FrameReader();
      let isOpen = false;
      let cause: Error | undefined;

      const take = (frame: Frame) => {
        const body: Body = frame.body;
        if (body.case === 'fault' && body.value.fatal) {
          // The last frame: nothing follows, and this is why.
          cause = new RefusedError(body.value.code, body.value.detail, true);
          socket.destroy();
        } else if (isOpen) {
          events.frame(frame);
        } else if (body.case === 'welcome') {
          reader.frameBytesMax = body.value.frameBytesMax || reader.frameBytesMax;
          isOpen = true;
          events.welcomed(new Connection(socket, body.value));
          resolve();
        }
      };

      socket.on('connect', () => {
        const role = hello.role === 'agent' ? WireRole.AGENT : WireRole.WORKER;
        // Pid 0: the kernel tells the broker ours, and it knows better where containers are about.
        socket.write(
          pack({ case: 'hello', value: { ...hello, version: VERSION, role, pid: 0 } }),
        );
      });
      socket.on('data', (chunk) => {
        try {
          for (const frame of reader.push(chunk)) take(frame);
        } catch (error) {
          socket.destroy(error as Error);
        }
      });
      socket.on('error', (error) => (cause ??= error));
      socket.on('close', () => {
        const error = cause ?? new ClosedError('the broker closed the connection');
        if (isOpen) events.ended(error);
        else reject(error);
      });
    });
  }

  write(bytes: Buffer, whole: () => void): boolean {
    const socket = this.#socket;
    if (!socket.writable) return false;
    let late = false;
    socket.write(bytes, (error) => {
      // A socket that is destroyed calls back without an error for what it never wrote.
      if (late && !error && !socket.destroyed) whole();
    });
    late = socket.writableLength > 0 || socket.errored !== null;
    return !late;
  }

  /** Ends our half; the broker then ends its own. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
