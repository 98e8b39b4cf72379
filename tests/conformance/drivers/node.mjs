// The Node client under the conformance suite: commands in, events out, as README.md says.
import { createInterface } from 'node:readline';
import { join, ClosedError, RefusedError, RemoteError } from '../../../examples/node/dist/src/index.js';

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

/** Long data is so many of this byte: nobody wants it on a line. */
const FILL = 0x61;

function payload({ encoding, json, text, hex, fill }) {
  if (encoding === 'json') return json;
  if (encoding === 'text') return text;
  return fill === undefined ? Buffer.from(hex, 'hex') : Buffer.alloc(fill, FILL);
}

function shown(data, encoding, bytes) {
  if (bytes.length > 4096) {
    return { encoding, fill: bytes.every((byte) => byte === FILL) ? bytes.length : null };
  }
  if (encoding === 'json') return { encoding, json: data };
  if (encoding === 'text') return { encoding, text: data };
  return { encoding, hex: bytes.toString('hex') };
}

function code(error) {
  if (error instanceof RefusedError) return error.code;
  if (error instanceof RemoteError) return 'REMOTE';
  if (error instanceof ClosedError) return 'CLOSED';
  return 'HERE';
}

/** The type of the data names its encoding; only these two need the word. */
const named = ({ encoding }) => (encoding === 'protobuf' || encoding === 'json' ? { encoding } : {});

let messenger;

function heard(command, data, message) {
  const event = { event: 'message', action: message.action, from: message.sender };
  if (message.action === 'egg-pids') {
    const { workers, agent } = messenger.peers;
    say({ ...event, pids: { workers: workers.map(({ pid }) => pid), agent: agent?.pid ?? null } });
  } else {
    say({ ...event, ...shown(data, message.encoding, message.bytes) });
  }
  if (command.throws) throw new Error('thrown by a listener, as the case asks');
}

const VERBS = {
  broadcast: (c) => messenger.broadcast(c.action, payload(c), { ...named(c), others: c.others ?? false }),
  app: (c) => messenger.sendToApp(c.action, payload(c), { ...named(c), others: c.others ?? false }),
  agent: (c) => messenger.sendToAgent(c.action, payload(c), named(c)),
  random: (c) => messenger.sendRandom(c.action, payload(c), named(c)),
  pid: (c) => messenger.sendTo(process_(c), c.action, payload(c), named(c)),
};

const process_ = ({ pid, connection }) => (connection ? { pid, connection, role: 'worker' } : pid);
const target = (c) => (c.to === 'pid' ? process_(c) : c.to);

const COMMANDS = {
  async join({ socket, role, name, reconnect }) {
    const quiet = { warn() {}, error() {} };
    messenger = await join({ socket, role, name, reconnect: reconnect ?? false, logger: quiet });
    messenger.session.on('drain', ({ deadlineMs, cause }) => say({ event: 'drain', deadline_ms: deadlineMs, cause }));
    messenger.session.on('refused', (error, action) => say({ event: 'refused', code: error.code, action }));
    messenger.session.on('lost', () => say({ event: 'lost' }));
    messenger.session.on('restored', () => say({ event: 'restored', pid: messenger.pid, connection: messenger.connection }));
    messenger.session.on('closed', (error) => say({ event: 'closed', code: error ? code(error) : null }));
    return { pid: messenger.pid, connection: messenger.connection, master_pid: messenger.masterPid };
  },
  on: (c) => void messenger.on(c.action, (data, message) => heard(c, data, message)),
  once: (c) => void messenger.once(c.action, (data, message) => heard(c, data, message)),
  answer: (c) =>
    void messenger.answer(c.action, (data, message) => {
      heard({}, data, message);
      if (c.how === 'fail') throw new Error('the handler failed');
      return c.how === 'hold' ? new Promise(() => {}) : data;
    }),
  ready: () => void messenger.ready(),
  send: async (c) => {
    if (c.confirm) {
      const { queued, held } = await messenger.confirm(target(c), c.action, payload(c), { ...named(c), others: c.others ?? false });
      return { queued, held };
    }
    VERBS[c.to](c);
  },
  async request(c) {
    const reply = await messenger.request(target(c), c.action, payload(c), { ...named(c), timeout: c.timeout_ms ?? 120_000 });
    if (Buffer.isBuffer(reply)) return shown(reply, 'bytes', reply);
    if (reply === undefined) return shown(reply, 'bytes', Buffer.alloc(0));
    return typeof reply === 'string' ? shown(reply, 'text', Buffer.from(reply)) : { encoding: 'json', json: reply };
  },
  failing: ({ reason }) => void messenger.failing(reason),
  close: () => messenger.close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  // Not awaited: a request is under way while its answer is given by this very process.
  Promise.resolve()
    .then(() => COMMANDS[command.do](command))
    .then((ok) => say({ n: command.n, ok: ok ?? {} }))
    .catch((error) => say({ n: command.n, error: { code: code(error), detail: error.message } }));
}
process.exit(0);
