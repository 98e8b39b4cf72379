'use strict';
// What the agent and the workers of both Node masters do: send, count, ask, answer. A line that
// begins with "@ " is for whoever started the benchmark. The clock is the same in every process.

const plan = JSON.parse(process.env.HENHOUSE_BENCH_PLAN);
const WINDOW = 512; // messages handed to Node that it has not written yet

const now = () => Number(process.hrtime.bigint());
const report = (what) => process.stdout.write(`@ ${JSON.stringify(what)}\n`);

// `send(message, written)` gives a message to the master; `part` is "one" (the agent) or "many".
module.exports = (part, send) => {
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
      if (!isSource) return;
      report('Ready');
      // Whoever started us looks at the clocks now.
      setTimeout(() => {
        finish = now() + plan.seconds * 1e9;
        if (plan.work === 'ping') ask();
        else flood();
      }, 300);
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
  process.on('message', (message) => {
    const handler = message && take[message.action];
    if (handler) handler();
  });
};
