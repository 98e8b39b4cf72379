// A worker under Henhouse, without any library: the few frames that it needs are a few bytes.
const net = require('node:net')
const server = require('./server.cjs')()
const { env } = process

const field = (number, data) => Buffer.concat([Buffer.from([(number << 3) | 2, data.length]), data])
const frame = (body, data = Buffer.alloc(0)) => {
  const bytes = field(body, data)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const master = net.connect(env.HENHOUSE_SOCKET)
const role = { agent: 1, worker: 2 }[env.HENHOUSE_ROLE]
const hello = [Buffer.from([8, 1, 16, role]), field(4, Buffer.from(env.HENHOUSE_TOKEN))]
master.write(frame(1, Buffer.concat(hello)))
const ready = () => master.write(frame(3))

let received = Buffer.alloc(0)
master.on('data', (data) => {
  received = Buffer.concat([received, data])
  while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
    const body = received[4] >> 3
    received = received.subarray(4 + received.readUInt32BE(0))
    if (body === 7) drain()
  }
})
master.on('close', () => process.exit(110))

function drain() {
  if (env.HENHOUSE_ROLE === 'agent') process.exit(0)
  server.close(() => process.exit(0))
}

process.on('uncaughtException', (error) => {
  console.error(error)
  master.write(frame(8, field(1, Buffer.from(error.message))))
})

if (env.HENHOUSE_ROLE === 'agent') ready()
else server.listen({ fd: 3 }, ready)
