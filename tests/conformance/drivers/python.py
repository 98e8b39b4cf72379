"""The Python client under the conformance suite: commands in, events out, as README.md says."""

import asyncio
import json
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/python/src"))
import henhouse  # noqa: E402


#: Long data is so many of this byte: nobody wants it on a line.
FILL = b"a"


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def payload(c):
    match c["encoding"]:
        case "json":
            return c["json"]
        case "text":
            return c["text"]
    return FILL * c["fill"] if "fill" in c else bytes.fromhex(c["hex"])


def shown(data, encoding, raw):
    if len(raw) > 4096:
        return {"encoding": encoding, "fill": len(raw) if raw == FILL * len(raw) else None}
    if encoding == "json":
        return {"encoding": encoding, "json": data}
    if encoding == "text":
        return {"encoding": encoding, "text": data}
    return {"encoding": encoding, "hex": raw.hex()}


def code(error):
    match error:
        case henhouse.RefusedError():
            return error.code
        case henhouse.RemoteError():
            return "REMOTE"
        case henhouse.ClosedError():
            return "CLOSED"
    return "HERE"


class Driver:
    async def join(self, c):
        self.m = await henhouse.join(
            c["role"],
            socket=c["socket"],
            name=c["name"],
            reconnect=c.get("reconnect", False),
            on_refused=lambda error, action: say(event="refused", code=error.code, action=action),
            on_lost=lambda error: say(event="lost"),
            on_restored=lambda: say(event="restored", pid=self.m.pid, connection=self.m.connection),
        )
        self.watching = [asyncio.create_task(self.drained()), asyncio.create_task(self.ended())]
        return {"pid": self.m.pid, "connection": self.m.connection, "master_pid": self.m.master_pid}

    async def drained(self):
        drain = await self.m.draining()
        say(event="drain", deadline_ms=round(drain.deadline * 1000), cause=drain.cause)

    async def ended(self):
        error = await self.m.closed()
        say(event="closed", code=code(error) if error else None)

    def heard(self, message, throws=False):
        event = {"event": "message", "action": message.action, "from": vars(message.sender)}
        if message.action == "egg-pids":
            workers = [peer.pid for peer in message.data.workers]
            agent = message.data.agent
            say(**event, pids={"workers": workers, "agent": agent.pid if agent else None})
        else:
            say(**event, **shown(message.data, message.encoding, message.bytes))
        if throws:
            raise RuntimeError("raised by a listener, as the case asks")

    async def on(self, c):
        self.m.on(c["action"], lambda message: self.heard(message, c.get("throws", False)))

    async def once(self, c):
        self.m.once(c["action"], self.heard)

    async def answer(self, c):
        async def handler(message):
            self.heard(message)
            if c["how"] == "fail":
                raise RuntimeError("the handler failed")
            if c["how"] == "hold":
                await asyncio.Event().wait()
            return message.data

        self.m.answer(c["action"], handler)

    async def ready(self, _):
        await self.m.ready()

    def to(self, c):
        if c["to"] != "pid":
            return c["to"]
        return henhouse.Sender(c["pid"], "worker", c["connection"]) if "connection" in c else c["pid"]

    async def send(self, c):
        how = {"encoding": c["encoding"] if c["encoding"] in ("json", "protobuf") else None}
        others = {"others": c["others"]} if "others" in c else {}
        if c.get("confirm"):
            return vars(await self.m.confirm(self.to(c), c["action"], payload(c), **how, **others))
        verbs = {
            "broadcast": self.m.broadcast,
            "app": self.m.send_to_app,
            "agent": self.m.send_to_agent,
            "random": self.m.send_random,
        }
        if c["to"] == "pid":
            await self.m.send_to(self.to(c), c["action"], payload(c), **how)
        else:
            await verbs[c["to"]](c["action"], payload(c), **how, **others)

    async def request(self, c):
        how = {"encoding": c["encoding"] if c["encoding"] in ("json", "protobuf") else None}
        timeout = c.get("timeout_ms", 120_000) / 1000
        reply = await self.m.request(self.to(c), c["action"], payload(c), timeout=timeout, **how)
        encoding = {bytes: "bytes", str: "text"}.get(type(reply), "json")
        return shown(reply, encoding, reply if encoding == "bytes" else b"")

    async def failing(self, c):
        self.m.failing(c["reason"])

    async def close(self, _):
        await self.m.close()

    async def run(self, c):
        try:
            say(n=c["n"], ok=await getattr(self, c["do"])(c) or {})
        except Exception as error:
            say(n=c["n"], error={"code": code(error), "detail": str(error)})


async def main():
    logging.disable()
    driver, running = Driver(), set()
    commands = asyncio.StreamReader(limit=64 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        # Not awaited: a request is under way while its answer is given by this very process.
        task = asyncio.create_task(driver.run(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
