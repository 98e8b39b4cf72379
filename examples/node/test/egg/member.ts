/** One process of a house: joins, tells its parent what it hears, and sends what it is told to. */
import { join, type Messenger } from '../../src/index.js';

const [socket, role] = process.argv.slice(2);

const messenger = await join({
  socket: socket!,
  role: role as 'agent' | 'worker',
  logger: { error: report, warn: report },
});
function report(...words: unknown[]): void {
  process.send!({ logged: words.map(String).join(' ') });
}

for (const action of ['x', 'fence', 'egg-ready', 'egg-pids']) {
  messenger.on(action, (data, message) =>
    process.send!({ action, data, undefined: data === undefined, from: message.sender.pid, opids: messenger.opids }),
  );
}
messenger.on('throws', () => {
  throw new Error('in a listener');
});
messenger.on('rejects', async () => {
  throw new Error('in an async listener');
});

process.on('message', ([verb, ...words]: [keyof Messenger, ...unknown[]]) => {
  const chained = (messenger[verb] as (...words: unknown[]) => unknown)(...words) === messenger;
  process.send!({ did: verb, chained });
});
process.on('disconnect', () => process.exit());
process.send!({ joined: messenger.pid });
