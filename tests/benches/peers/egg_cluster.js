'use strict';
// The real egg-cluster: its master, its agent and its workers.

const path = require('node:path');

const { startCluster } = require(path.join(process.env.HENHOUSE_BENCH_PEERS, 'node_modules', 'egg-cluster'));
const plan = JSON.parse(process.env.HENHOUSE_BENCH_PLAN || '{"many":4}');

startCluster({
  framework: path.join(__dirname, 'egg_framework'),
  baseDir: path.join(__dirname, 'egg_framework'),
  workers: plan.many,
  port: Number(process.env.HENHOUSE_BENCH_PORT),
}, () => process.stdout.write('@ "Booted"\n'));
