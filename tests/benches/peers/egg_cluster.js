'use strict';
// The real egg-cluster: its master, its agent and its workers.

const path = require('node:path');

const { startCluster } = require(path.join(process.env.BENCH_PACKAGES, 'node_modules', 'egg-cluster'));
const plan = JSON.parse(process.env.BENCH_PLAN);

startCluster({
  framework: path.join(__dirname, 'egg_framework'),
  baseDir: path.join(__dirname, 'egg_framework'),
  workers: plan.many,
  port: Number(process.env.BENCH_PORT),
});
