'use strict';
// The least that egg-cluster takes for a framework. It sends as Egg's own messenger does: by
// `process.send` with `to`, through egg-cluster's real master.

const EventEmitter = require('node:events');

const load = require('../load.js');

class Part extends EventEmitter {
  constructor(part) {
    super();
    this.config = {};
    load.take(part, (message, callback) => process.send(message, callback && (() => callback())), load.hear);
  }

  ready(callback) {
    setImmediate(callback);
  }

  callback() {
    return load.answer;
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
