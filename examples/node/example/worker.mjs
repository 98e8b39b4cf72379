// An express app as a worker under `henhouse start`: its port is the house's, its messenger Egg's.
import { createServer } from 'node:http';
import express from 'express';
import { identity, join, serve } from 'henhouse';

const messenger = await join({ name: 'express' });
messenger.failOnUncaught();

let prices = {};
messenger.on('prices', (data) => (prices = data));

const app = express();
app.get('/', (_request, response) => {
  response.json({ pid: process.pid, index: identity().index, prices });
});
app.get('/weather', async (request, response) => {
  const city = String(request.query.city ?? 'Oslo');
  response.json(await messenger.request('agent', 'weather', { city }, { timeout: 2_000 }));
});
app.get('/crash', (_request, response) => {
  response.send('a replacement is on its way\n');
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
});

// Listens on the inherited socket, says ready, and drains when the master asks for it.
await serve(createServer(app), messenger, { otherwise: { host: '127.0.0.1', port: 7001 } });
