// A worker under PM2, as its documentation has it: ready is said, SIGINT ends it gracefully.
const server = require('./server.cjs')()

server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'))
process.on('SIGINT', () => server.close(() => process.exit(0)))
