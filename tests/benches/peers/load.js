'use strict';
// What the agent and the workers of all Node houses do, whoever their master is: send, count, ask,
// answer, serve. They report to whoever started the benchmark at a socket of his. The clock is the
// same in every process.

const net = require('node:net');

const plan = JSON.parse(process.env.BENCH_PLAN);
const WINDOW = 512; // messages handed to Node that it has not written yet

const now = () => Number(process.hrtime.bigint());
let desk;
const report = (what) => {
  desk ??= net.connect(process.env.BENCH_DESK);
  desk.write(`@ ${JSON.stringify(what)}\n`);
};

// What a worker answers to every request, and ends the connection.
exports.answer = (_request, response) => {
  response.setHeader('Connection', 'close');
  response.end('served\n');
};

// `part` is "one" (the agent) or "many"; `send(message, written)` gives a message to the master,
// `hear(actions, handler)` calls the handler with the action of each that comes.
exports.take = (part, send, hear) => {
  const other = part === 'one' ? 'app' : 'agent';
  const data = 'x'.repeat(plan.payload);
  const isSource = part === plan.from;

  const flood = () => {
    const began = now();
    const until = began + plan.seconds * 1e9;
    let sent = 0;
    let open = 0;
    let ended = false;
    const more = () => {
      while (!ended && open < WINDOW) {
        if (now() >= until) {
          ended = true;
          send({ action: 'end', to: other, data });
          report({ Sent: { messages: sent, began } });
          return;
        }
        open += 1;
        sent += 1;
        send({ action: 'tick', to: other, data }, () => {
          open -= 1;
          if (open === WINDOW / 2) setImmediate(more);
        });
      }
    };
    more();
  };

  const times = [];
  let asked = 0;
  let finish = 0;
  const ask = () => {
    asked = now();
    send({ action: 'ask', to: other, data });
  };

  let counted = 0;
  let ends = 0;
  const take = {
    'egg-ready': () => {
      if (plan.work === 'stand') report('Ready');
      if (plan.work === 'stand' || !isSource) return;
      report('Ready');
      // Whoever started us looks at the clocks now.
      setTimeout(() => {
        finish = now() + plan.seconds * 1e9;
        if (plan.work === 'ping') ask();
        else flood();
      }, plan.pause);
    },
    tick: () => { counted += 1; },
    end: () => {
      ends += 1;
      if (ends === plan.sources) report({ Counted: { messages: counted, ended: now(), gap: 0 } });
    },
    ask: () => send({ action: 'answer', to: other, data }),
    answer: () => {
      times.push(now() - asked);
      if (now() < finish) ask();
      else report({ Asked: { nanoseconds: times } });
    },
  };
  hear(Object.keys(take), (action) => take[action]?.());
};

// How Node's own processes hear.
exports.hear = (_actions, handler) => process.on('message', (message) => message && handler(message.action));
