// A process in plain JavaScript that does what a test tells it.
//
// It speaks the wire by hand, without any library: a few frames are a few bytes. Its line to the
// test (`HENHOUSE_TEST_CONTROL`) is as that of the child in Rust: JSON, one value per line.

import net from 'node:net'

const { env } = process
const WELCOME = 2
const FAULT = 6
const DRAIN = 7

/** A length-delimited field; these frames are all shorter than 128 bytes a piece. */
function field(number, data) {
  if (data.length >= 128) throw new Error('too long')
  return Buffer.concat([Buffer.from([(number << 3) | 2, data.length]), data])
}

function frame(body, data = Buffer.alloc(0)) {
  const bytes = field(body, data)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const control = net.connect(env.HENHOUSE_TEST_CONTROL)
const say = (line) => control.write(JSON.stringify(line) + '\n')
let broker
let joining
let received = Buffer.alloc(0)

say({
  event: 'born',
  pid: process.pid,
  role: env.HENHOUSE_ROLE,
  index: env.HENHOUSE_INDEX,
  incarnation: env.HENHOUSE_INCARNATION,
  generation: env.HENHOUSE_GENERATION,
})

const orders = {
  join({ n }) {
    joining = n
    broker = net.connect(env.HENHOUSE_SOCKET)
    const role = { agent: 1, worker: 2 }[env.HENHOUSE_ROLE]
    const token = field(4, Buffer.from(env.HENHOUSE_TOKEN))
    broker.write(frame(1, Buffer.concat([Buffer.from([1 << 3, 1, 2 << 3, role]), token])))
    broker.on('data', frames)
    broker.on('end', () => say({ event: 'cut' }))
    broker.on('error', () => {})
    return false
  },
  ready: () => void broker.write(frame(3)),
  failing: ({ text }) => void broker.write(frame(8, field(1, Buffer.from(text)))),
  goodbye: () => void broker.write(frame(9)),
  /** The connection ends without a word, and the process lives on. */
  cut: () => void broker.destroy(),
  ignore({ signal }) {
    if (signal === 15) process.on('SIGTERM', () => say({ event: 'signal', signal }))
  },
  say: ({ text }) => void process.stderr.write(text + '\n'),
  exit: ({ code }) => process.exit(code),
}

function frames(data) {
  received = Buffer.concat([received, data])
  while (received.length >= 4) {
    const end = 4 + received.readUInt32BE(0)
    if (received.length < end) return
    const body = received.subarray(4, end)
    received = received.subarray(end)
    if (body[0] >> 3 === WELCOME) say({ n: joining, ok: null })
    if (body[0] >> 3 === DRAIN) say({ event: 'drain' })
    if (body[0] >> 3 === FAULT) say({ event: 'fault', fault: body.toString() })
  }
}

let ordered = ''
control.setEncoding('utf8')
control.on('data', (data) => {
  const lines = (ordered + data).split('\n')
  ordered = lines.pop()
  for (const line of lines) {
    const order = JSON.parse(line)
    if (orders[order.do](order) !== false) say({ n: order.n, ok: null })
  }
})
control.on('close', () => process.exit(0))
