// The same small server under each master: the pid, after ?ms= milliseconds; /throw throws.
const http = require('node:http')

const answer = (request, response) => {
  const url = new URL(request.url, 'http://x')
  if (url.pathname === '/throw') {
    response.end('0')
    setImmediate(() => {
      throw new Error('as asked')
    })
    return
  }
  setTimeout(() => response.end(String(process.pid)), Number(url.searchParams.get('ms') ?? 0))
}

module.exports = () => http.createServer(answer)
