// The agent and the workers under `henhouse start`, with our client for Node.

import { createServer } from 'node:http';

import load from './load.js';

const { join, serve } = await import(process.env.BENCH_CLIENT);
const messenger = await join();
const isAgent = messenger.role === 'agent';

// The verbs do not wait; what was handed over is written when `flushed` says so.
let waiting = [];
const written = (callback) => {
  waiting.push(callback);
  if (waiting.length > 1) return;
  messenger.flushed().then(() => {
    const written = waiting;
    waiting = [];
    for (const callback of written) callback();
  });
};
const send = ({ action, to, data }, callback) => {
  if (to === 'app') messenger.sendToApp(action, data);
  else messenger.sendToAgent(action, data);
  if (callback) written(callback);
};
const hear = (actions, handler) => {
  for (const action of actions) messenger.on(action, () => handler(action));
};

load.take(isAgent ? 'one' : 'many', send, hear);
if (isAgent) messenger.ready();
else await serve(createServer(load.answer), messenger);
