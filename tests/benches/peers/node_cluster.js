'use strict';
// The least that a messenger over Node's own process channels can be: a primary that passes on.

const cluster = require('node:cluster');
const { fork } = require('node:child_process');
const http = require('node:http');

const load = require('./load.js');

const plan = JSON.parse(process.env.BENCH_PLAN);
const written = (callback) => (callback ? () => callback() : undefined);

if (process.env.BENCH_AGENT) {
  load.take('one', (message, callback) => process.send(message, written(callback)), load.hear);
} else if (cluster.isWorker) {
  load.take('many', (message, callback) => process.send(message, written(callback)), load.hear);
  const server = http.createServer(load.answer);
  server.listen(Number(process.env.BENCH_PORT), '127.0.0.1', () => process.send({ to: 'primary' }));
} else {
  const agent = fork(__filename, { env: { ...process.env, BENCH_AGENT: '1' } });
  const workers = [];
  let ready = 0;
  const pass = (message) => {
    if (message.to === 'app') for (const worker of workers) worker.send(message);
    else if (message.to === 'agent') agent.send(message);
    else if (++ready === plan.many) {
      for (const worker of workers) worker.send({ action: 'egg-ready' });
      agent.send({ action: 'egg-ready' });
    }
  };
  agent.on('message', pass);
  for (let index = 0; index < plan.many; index += 1) {
    const worker = cluster.fork();
    worker.on('message', pass);
    workers.push(worker);
  }
}
