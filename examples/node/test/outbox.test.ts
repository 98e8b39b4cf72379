import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Outbox } from '../src/outbox.js';

/** Frames so long that each is a write of its own. */
const LONG = 'x'.repeat(20_000);

/** Takes writes while it has room, then keeps one half out until it is told to go on. */
class Gate {
  readonly taken: string[] = [];
  room: number;
  #whole: (() => void) | undefined;

  constructor(room: number) {
    this.room = room;
  }

  write(bytes: Buffer, whole: () => void): boolean {
    assert.equal(this.#whole, undefined, 'one write is under way at a time');
    const take = () => this.taken.push(...bytes.toString().replaceAll('x', '').trim().split(' '));
    if (this.room > 0) {
      this.room -= 1;
      take();
      return true;
    }
    this.#whole = () => {
      take();
      whole();
    };
    return false;
  }

  goOn(): void {
    const whole = this.#whole;
    this.#whole = undefined;
    whole?.();
  }
}

function frame(text: string, id: bigint, long = '') {
  return { bytes: Buffer.from(`${text}${long} `), id };
}

async function filled(exit: Gate, frames: number, long = LONG): Promise<Outbox> {
  const outbox = new Outbox();
  outbox.startAgain(exit, []);
  for (let i = 1; i <= frames; i++) outbox.push(frame(`${i}`, BigInt(i), long));
  await setImmediate();
  return outbox;
}

for (let left = 0; left <= 5; left++) {
  test(`what had not left whole is sent again, once and in order: ${left} of 5 had`, async () => {
    const first = new Gate(left);
    const outbox = await filled(first, 5);
    outbox.stop();
    assert.deepEqual([...outbox.ids()], [1n, 2n, 3n, 4n, 5n].slice(left));
    const next = new Gate(10);
    outbox.startAgain(next, [frame('ready', 0n)]);
    await setImmediate();
    assert.deepEqual([...first.taken, ...next.taken.slice(1)], ['1', '2', '3', '4', '5']);
    assert.equal(next.taken[0], 'ready');
    assert.equal(outbox.ids().size, 0);
  });
}

test('a frame that is half out when the connection breaks is not said to have left later', async () => {
  const first = new Gate(0);
  const outbox = await filled(first, 1);
  outbox.stop();
  const next = new Gate(0);
  outbox.startAgain(next, []);
  await setImmediate();
  first.goOn();
  assert.deepEqual([...outbox.ids()], [1n]);
  next.goOn();
  assert.deepEqual(next.taken, ['1']);
  assert.equal(outbox.ids().size, 0);
});

test('what makes sense on one connection only is not sent over the next', async () => {
  const outbox = await filled(new Gate(0), 1);
  outbox.push(frame('reply', 0n));
  outbox.stop();
  const next = new Gate(10);
  outbox.startAgain(next, []);
  await outbox.whenEmpty();
  assert.deepEqual(next.taken, ['1']);
});

test('what is sent in one turn leaves in few writes, in order', async () => {
  const gate = new Gate(Infinity);
  let writes = 0;
  const counted = { write: (bytes: Buffer, whole: () => void) => (writes++, gate.write(bytes, whole)) };
  const outbox = await filled(counted as Gate, 100_000, '');
  await outbox.whenEmpty();
  assert.equal(gate.taken.length, 100_000);
  assert.ok(gate.taken.every((frame, at) => frame === `${at + 1}`));
  assert.ok(writes < (process.platform === 'linux' ? 1_000 : Infinity), `${writes} writes`);
});

test('a long queue leaves write by write', async () => {
  const gate = new Gate(0);
  const outbox = await filled(gate, 1_000);
  for (let i = 0; i < 1_000; i++) gate.goOn();
  await outbox.whenEmpty();
  assert.ok(gate.taken.every((frame, at) => frame === `${at + 1}`));
});
