/**
 * Egg's own cases that can be told from outside, with Egg's names, over real processes.
 * Where Egg does worse, the name of the test says what holds here.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { House, skip, type Member } from './house.js';

const data = (member: Member) => member.heard('x').map((heard) => heard.data);

test('broadcast: two apps and an agent that broadcast once each make nine receipts', { skip }, async (t) => {
  const house = await House.open(t, 2);
  for (const member of house.members) await member.call('broadcast', 'x', member.pid);
  await house.settle();
  const everybody = house.members.map(({ pid }) => pid).sort();
  for (const member of house.members) assert.deepEqual(data(member).sort(), everybody);
});

test('sendToApp: all apps, the sender included, and not the agent', { skip }, async (t) => {
  const house = await House.open(t, 2);
  await house.workers[0]!.call('sendToApp', 'x', 'from an app');
  await house.agent.call('sendToApp', 'x', 'from the agent');
  await house.settle();
  for (const worker of house.workers) assert.deepEqual(data(worker).sort(), ['from an app', 'from the agent']);
  assert.deepEqual(data(house.agent), []);
});

test('sendToAgent: from an app, and from the agent to itself', { skip }, async (t) => {
  const house = await House.open(t, 1);
  await house.workers[0]!.call('sendToAgent', 'x', 1);
  await house.agent.call('sendToAgent', 'x', 2);
  await house.settle();
  assert.deepEqual(data(house.agent).sort(), [1, 2]);
});

test('sendTo: everybody reaches everybody by pid, themselves too, and nobody else hears it', { skip }, async (t) => {
  const house = await House.open(t, 2);
  for (const from of house.members) {
    for (const to of house.members) await from.call('sendTo', to.pid, 'x', from.pid);
  }
  await house.settle();
  const everybody = house.members.map(({ pid }) => pid).sort();
  for (const member of house.members) assert.deepEqual(data(member).sort(), everybody);
});

test('sendTo: a pid may be a string', { skip }, async (t) => {
  const house = await House.open(t, 1);
  await house.agent.call('sendTo', String(house.workers[0]!.pid), 'x', 'hi');
  await house.settle();
  assert.deepEqual(data(house.workers[0]!), ['hi']);
});

test('sendTo: an unknown pid is not dropped in silence', { skip }, async (t) => {
  const house = await House.open(t, 1);
  await house.agent.call('sendTo', 4_194_303, 'x');
  await house.agent.logs('NO_SUCH_PROCESS');
});

test('sendRandom: from the agent to one app each time, and over time to all', { skip }, async (t) => {
  const house = await House.open(t, 3);
  for (let i = 0; i < 60; i++) await house.agent.call('sendRandom', 'x', i);
  await house.settle();
  const shares = house.workers.map((worker) => data(worker).length);
  assert.equal(shares.reduce((a, b) => a + b), 60);
  assert.ok(Math.min(...shares) > 0, `${shares}`);
});

test('sendRandom: from an app it is the agent, from the first moment on', { skip }, async (t) => {
  const house = await House.open(t, 1);
  await house.workers[0]!.call('sendRandom', 'x', 1);
  await house.settle();
  assert.deepEqual(data(house.agent), [1]);
});

test('sendRandom: none is lost on a worker that has just died', { skip }, async (t) => {
  const house = await House.open(t, 2);
  const [dies, lives] = house.workers as [Member, Member];
  await dies.kill();
  for (let i = 0; i < 40; i++) await house.agent.call('sendRandom', 'x', i);
  await house.settle([house.agent, lives]);
  // What the kernel took for the dead one before the broker saw its end is all that may be missing.
  await house.agent.hears('egg-pids', (heard) => heard.data.length === 1);
  for (let i = 40; i < 80; i++) await house.agent.call('sendRandom', 'x', i);
  await house.settle([house.agent, lives]);
  assert.deepEqual(data(lives).slice(-40), Array.from({ length: 40 }, (_, i) => 40 + i));
});

test('verbs chain', { skip }, async (t) => {
  const house = await House.open(t, 1);
  for (const verb of ['broadcast', 'sendToApp', 'sendToAgent', 'sendRandom']) {
    assert.ok(await house.agent.call(verb, 'x'), verb);
  }
  assert.ok(await house.agent.call('sendTo', house.agent.pid, 'x'));
});

test('egg-ready: a restarted worker hears it, and the old ones do not hear it again', { skip }, async (t) => {
  const house = await House.open(t, 2);
  await house.workers[0]!.kill();
  const next = await house.joins('worker');
  await next.call('ready');
  assert.ok((await next.hears('egg-ready')).undefined, 'it has no data');
  const rest = [house.agent, house.workers[1]!, next];
  // Another round of news, so that a second egg-ready would have come.
  await next.call('close');
  await house.agent.hears('egg-pids', (heard) => heard.data.length === 1 && heard.data[0] === rest[1]!.pid);
  for (const member of rest) assert.deepEqual(member.heard('egg-ready'), []);
});

test('egg-ready: a restarted agent hears it, and knows the apps by then', { skip }, async (t) => {
  const house = await House.open(t, 2);
  await house.agent.kill();
  const next = await house.joins('agent');
  await next.call('ready');
  const { opids } = await next.hears('egg-ready');
  assert.deepEqual([...opids].sort(), house.workers.map(({ pid }) => pid).sort());
});

test('egg-pids: the agent is told of apps that come and go, the apps of the agent', { skip }, async (t) => {
  const house = await House.open(t, 1);
  const [worker] = house.workers as [Member];
  await house.agent.hears('egg-pids', ({ data }) => data.length === 1 && data[0] === worker.pid);
  await worker.hears('egg-pids', ({ data }) => data.length === 1 && data[0] === house.agent.pid);
  const next = await house.joins('worker');
  await next.call('ready');
  await house.agent.hears('egg-pids', ({ data }) => data.length === 2);
  await next.call('close');
  await house.agent.hears('egg-pids', ({ data }) => data.length === 1);
  await house.agent.kill();
  await worker.hears('egg-pids', ({ data }) => data.length === 0);
});

test('a listener that throws or rejects is reported, and the process lives', { skip }, async (t) => {
  const house = await House.open(t, 1);
  const [worker] = house.workers as [Member];
  for (const member of house.members) {
    await house.agent.call('sendTo', member.pid, 'throws');
    await house.agent.call('sendTo', member.pid, 'rejects');
    await member.logs('in a listener');
    await member.logs('in an async listener');
  }
  await house.agent.call('sendToApp', 'x', 'still here');
  await house.settle();
  assert.deepEqual(data(worker), ['still here']);
});

test('data: strings, nothing, and all that JSON can say', { skip }, async (t) => {
  const house = await House.open(t, 1);
  const values = ['', 'a string', 0, false, null, [], { a: { b: [1, 'é'] } }];
  for (const value of values) await house.agent.call('sendToApp', 'x', value);
  await house.agent.call('sendToApp', 'x');
  await house.settle();
  const heard = house.workers[0]!.heard('x');
  assert.deepEqual(heard.slice(0, -1).map(({ data }) => data), values);
  assert.ok(heard.at(-1)!.undefined, 'nothing sent is undefined');
});

test('what is for the agent while it is down is not lost', { skip }, async (t) => {
  const house = await House.open(t, 1);
  const [worker] = house.workers as [Member];
  await house.agent.kill();
  await worker.hears('egg-pids', ({ data }) => data.length === 0);
  await worker.call('sendToAgent', 'x', 1);
  await worker.call('broadcast', 'x', 2);
  const next = await house.joins('agent');
  await next.call('ready');
  await house.settle([worker, next]);
  assert.deepEqual(data(next), [1, 2]);
});

test('a closed channel: sending is reported and hurts nobody', { skip }, async (t) => {
  const house = await House.open(t, 1);
  await house.workers[0]!.call('close');
  await house.agent.hears('egg-pids', ({ data }) => data.length === 0);
  assert.ok(await house.workers[0]!.call('sendToAgent', 'x', 1));
  await house.workers[0]!.logs('was not sent');
  await house.stop();
  assert.ok(await house.agent.call('sendToApp', 'x', 1));
  await house.agent.logs('was not sent');
});
