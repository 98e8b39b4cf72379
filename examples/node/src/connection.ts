/** One connection to the broker, from Hello to its end. */
import { connect as connectSocket, type Socket } from 'node:net';
import type { Frame, Welcome } from './generated/henhouse/v1/henhouse_pb.js';
import { Role as WireRole } from './generated/henhouse/v1/henhouse_pb.js';
import { ClosedError, RefusedError } from './errors.js';
import { FrameReader, pack } from './frames.js';

const VERSION = 1;

export interface Hello {
  readonly role: 'agent' | 'worker';
  readonly token: string;
  readonly name: string;
}

type Body = Frame['body'];

/** A message for us, with the broker's word on its sender. */
export type Incoming = Pick<Frame, 'body' | 'sender'>;

export class Connection {
  readonly welcome: Welcome;
  readonly #socket: Socket;

  private constructor(socket: Socket, welcome: Welcome) {
    this.#socket = socket;
    this.welcome = welcome;
  }

  /**
   * Says Hello and waits for Welcome. From then on every frame goes to `onFrame`, in order,
   * and the end, once, to `onEnd`.
   */
  static open(
    path: string,
    hello: Hello,
    onFrame: (frame: Incoming) => void,
    onEnd: (error: Error) => void,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(path);
      const reader = new FrameReader();
      let open: Connection | undefined;
      let cause: Error | undefined;

      const take = (frame: Frame) => {
        const body: Body = frame.body;
        if (body.case === 'fault' && body.value.fatal) {
          // The last frame: nothing follows, and this is why.
          cause = new RefusedError(body.value.code, body.value.detail, true);
          socket.destroy();
        } else if (open === undefined && body.case === 'welcome') {
          reader.frameBytesMax = body.value.frameBytesMax || reader.frameBytesMax;
          open = new Connection(socket, body.value);
          resolve(open);
        } else if (body.case === 'ping') {
          socket.write(pack({ case: 'pong', value: { nonce: body.value.nonce } }));
        } else if (open !== undefined) {
          onFrame(frame);
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
        if (open === undefined) reject(error);
        else onEnd(error);
      });
    });
  }

  /** Writes a frame; `written` is called when the kernel has all of it. */
  write(bytes: Buffer, written?: () => void): void {
    if (this.#socket.writableCorked === 0) {
      // What is sent in one turn of the event loop goes out in one system call.
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(bytes, (error) => {
      if (!error) written?.();
    });
  }

  /** Ends our half; the broker then ends its own. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
