'use strict';
// The least that a messenger over Node's own process channels can be: a primary that passes on.

const cluster = require('node:cluster');
const { fork } = require('node:child_process');

const plan = JSON.parse(process.env.HENHOUSE_BENCH_PLAN);
const written = (callback) => (callback ? () => callback() : undefined);

if (process.env.HENHOUSE_BENCH_AGENT) {
  require('./load.js')('one', (message, callback) => process.send(message, written(callback)));
} else if (cluster.isWorker) {
  require('./load.js')('many', (message, callback) => process.send(message, written(callback)));
  process.send({ to: 'primary' });
} else {
  const agent = fork(__filename, { env: { ...process.env, HENHOUSE_BENCH_AGENT: '1' } });
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
