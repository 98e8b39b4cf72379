import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, pack } from '../src/frames.js';

/** The bodies that come out when these bytes go in, so many at a time. */
function read(bytes: Buffer, size: number): unknown[] {
  const reader = new FrameReader();
  const bodies = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const frame of reader.push(bytes.subarray(at, at + size))) bodies.push(frame.body.case);
  }
  return bodies;
}

test('a frame is a big-endian length and that many bytes', () => {
  assert.equal(pack({ case: 'ready', value: {} }).toString('hex'), '000000021a00');
  assert.equal(pack({ case: 'ping', value: { nonce: 300n } }).toString('hex'), '00000005520308ac02');
});

test('frames come out however the bytes came in', () => {
  const bytes = Buffer.concat([
    pack({ case: 'ready', value: {} }),
    pack({ case: 'message', value: { action: 'x', data: Buffer.alloc(1000) } }),
    pack({ case: 'goodbye', value: {} }),
  ]);
  for (const size of [1, 2, 3, 5, 500, bytes.length]) {
    assert.deepEqual(read(bytes, size), ['ready', 'message', 'goodbye']);
  }
});

test('a length over the limit is refused before anything is held for it', () => {
  assert.throws(() => [...new FrameReader().push(Buffer.from('ffffffff', 'hex'))], RangeError);
});
