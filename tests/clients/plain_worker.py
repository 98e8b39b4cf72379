"""A worker with stock protobuf and no SDK: it registers, answers a message, and serves HTTP on the inherited socket."""

import asyncio
import os
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/python/src"))
from henhouse.v1 import henhouse_pb2 as wire  # noqa: E402  (generated code only, no client)


async def read_frame(reader):
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    return wire.Frame.FromString(await reader.readexactly(length))


def say(writer, **body):
    frame = wire.Frame(**body).SerializeToString()
    writer.write(struct.pack(">I", len(frame)) + frame)


async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    body = f"plain worker {os.getpid()}\n".encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()


async def main():
    reader, writer = await asyncio.open_unix_connection(os.environ["HENHOUSE_SOCKET"])
    say(writer, hello=wire.Hello(version=1, role=wire.ROLE_WORKER, token=os.environ.get("HENHOUSE_TOKEN", "")))
    welcome = (await read_frame(reader)).welcome
    server = None
    if "LISTEN_FDS" in os.environ:
        server = await asyncio.start_server(serve, sock=socket.socket(fileno=3))
    say(writer, ready=wire.Ready())
    print(f"worker {welcome.pid} is ready", flush=True)
    while not (frame := await read_frame(reader)).HasField("goodbye"):
        asked, back = frame.message, frame.sender.connection
        if frame.HasField("ping"):
            say(writer, pong=wire.Pong(nonce=frame.ping.nonce))
        elif asked.want == wire.WANT_REPLY:
            reply = wire.Message(route=wire.ROUTE_REPLY, connection=back, in_reply_to=asked.id, action=asked.action)
            reply.encoding, reply.data = asked.encoding, asked.data
            say(writer, message=reply)
        elif frame.HasField("drain"):
            if server:
                server.close()
            say(writer, goodbye=wire.Goodbye())


asyncio.run(main())
