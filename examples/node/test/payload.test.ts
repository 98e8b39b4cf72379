import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Encoding } from '../src/generated/henhouse/v1/henhouse_pb.js';
import { decode, encode } from '../src/payload.js';

function check(data: unknown, encoding: Encoding, text: string): void {
  const payload = encode(data);
  assert.equal(payload.encoding, encoding);
  assert.equal(Buffer.from(payload.bytes).toString(), text);
}

test('a value finds its encoding by its type', () => {
  check({ a: 1 }, Encoding.JSON, '{"a":1}');
  check(null, Encoding.JSON, 'null');
  check(0, Encoding.JSON, '0');
  check(new Date(0), Encoding.JSON, '"1970-01-01T00:00:00.000Z"');
  check('text', Encoding.TEXT, 'text');
  check('', Encoding.TEXT, '');
  check(Buffer.from('bytes'), Encoding.UNSPECIFIED, 'bytes');
  check(undefined, Encoding.UNSPECIFIED, '');
});

test('an encoding that is named holds', () => {
  assert.deepEqual(encode('text', 'json'), { encoding: Encoding.JSON, bytes: Buffer.from('"text"') });
  assert.equal(encode(Buffer.from([8, 1]), 'protobuf').encoding, Encoding.PROTOBUF);
  assert.throws(() => encode({ a: 1 }, 'text'), TypeError);
});

test('what JSON cannot say is refused in the sender, as Egg does', () => {
  const cycle: { itself?: unknown } = {};
  cycle.itself = cycle;
  assert.throws(() => encode(cycle), TypeError);
  assert.throws(() => encode(1n), TypeError);
  assert.throws(() => encode(() => {}), TypeError);
});

test('what arrives is what was sent', () => {
  assert.deepEqual(decode(Encoding.JSON, Buffer.from('{"a":[1,null]}')), { a: [1, null] });
  assert.equal(decode(Encoding.TEXT, Buffer.from('é')), 'é');
  assert.deepEqual(decode(Encoding.UNSPECIFIED, Buffer.from([0, 255])), Buffer.from([0, 255]));
  assert.equal(decode(Encoding.UNSPECIFIED, Buffer.alloc(0)), undefined);
  assert.throws(() => decode(Encoding.JSON, Buffer.from('{')), SyntaxError);
});
