"""An ASGI app as a worker under `henhouse start`: uvicorn on the inherited socket."""

import asyncio
import json
import os

import uvicorn

import henhouse


async def main() -> None:
    messenger = await henhouse.join(name="uvicorn")
    messenger.fail_on_uncaught()

    async def app(scope, receive, send):
        if scope["path"] == "/weather":
            answer = await messenger.request("agent", "weather", {"city": "Oslo"}, timeout=2)
        else:
            answer = {"pid": os.getpid(), "index": henhouse.identity().index}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            # It accepts now: what the house held for us may come.
            await messenger.ready()

    listener = henhouse.inherited_listener()
    server = Server(uvicorn.Config(app, port=7001, lifespan="off", log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listener] if listener else None))
    await asyncio.wait([serving, asyncio.create_task(messenger.draining())], return_when="FIRST_COMPLETED")
    # Takes nothing new and finishes what it has.
    server.should_exit = True
    await serving
    await messenger.close()


asyncio.run(main())
