'use strict';
// The least that egg-cluster takes for a framework. It sends as Egg's own messenger does: by
// `process.send` with `to`, through egg-cluster's real master.

const EventEmitter = require('node:events');

class Part extends EventEmitter {
  constructor(part) {
    super();
    this.config = {};
    if (process.env.HENHOUSE_BENCH_PLAN) {
      require('../load.js')(part, (message, callback) => process.send(message, callback && (() => callback())));
    }
  }

  ready(callback) {
    setImmediate(callback);
  }

  callback() {
    return (_request, response) => response.end('ok');
  }

  close() {}
}

exports.Application = class Application extends Part {
  constructor() {
    super('many');
  }
};
exports.Agent = class Agent extends Part {
  constructor() {
    super('one');
  }
};
