/** A worker's HTTP server, from the inherited socket to the last request. */
import type { Server as HttpServer, ServerResponse } from 'node:http';
import type { ListenOptions, Server } from 'node:net';
import { inheritedListener } from './environment.js';
import type { Messenger } from './messenger.js';

export interface ServeOptions {
  /** The `[[listen]]` name; default: the first. */
  name?: string;
  /** Where to listen when there is no inherited socket, as in a worker started by hand. */
  otherwise?: ListenOptions;
}

/**
 * Listens, says ready, and after Drain takes no new connection, finishes what it has and closes
 * the messenger; the process then ends by itself. Resolves once the server listens.
 */
export async function serve(
  server: Server | HttpServer,
  messenger: Messenger,
  { name, otherwise }: ServeOptions = {},
): Promise<void> {
  const where = inheritedListener(name) ?? otherwise;
  if (where === undefined) throw new Error(`no listening socket${name ? ` ${name}` : ''} was inherited`);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
  messenger.ready();
  let draining = false;
  server.on('request', (_request: unknown, response: ServerResponse) => {
    // The answer to a request that came before the drain ends its connection, too.
    response.on('close', () => draining && setImmediate(closeIdle));
  });
  const closeIdle = () => 'closeIdleConnections' in server && server.closeIdleConnections();
  void messenger.draining.then(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    // A kept-alive connection without a request would hold us until the deadline.
    draining = true;
    closeIdle();
    await closed;
    await messenger.close();
  });
}
