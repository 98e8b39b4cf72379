import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identity, inheritedListener } from '../src/environment.js';

const ours = { LISTEN_PID: String(process.pid), LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:admin' };

test('an inherited socket is found by its name', () => {
  assert.deepEqual(inheritedListener(undefined, ours), { fd: 3 });
  assert.deepEqual(inheritedListener('http', ours), { fd: 3 });
  assert.deepEqual(inheritedListener('admin', ours), { fd: 4 });
  assert.equal(inheritedListener('other', ours), undefined);
});

test("a shell may stand between the master and us, and nobody's sockets are taken further", () => {
  assert.deepEqual(inheritedListener('http', { ...ours, LISTEN_PID: String(process.ppid) }), { fd: 3 });
  assert.equal(inheritedListener('http', { ...ours, LISTEN_PID: '1' }), process.ppid === 1 ? { fd: 3 } : undefined);
  assert.equal(inheritedListener('http', {}), undefined);
});

test('who we are comes from the environment', () => {
  const env = { HENHOUSE_INDEX: '2', HENHOUSE_INCARNATION: '7', HENHOUSE_GENERATION: '0' };
  assert.deepEqual(identity(env), { index: 2, incarnation: 7, generation: 0 });
  assert.deepEqual(identity({}), { index: undefined, incarnation: undefined, generation: undefined });
});
