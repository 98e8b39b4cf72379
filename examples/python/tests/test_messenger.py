"""The messenger against a broker of a few lines; tests/conformance has the real one."""

import asyncio
import contextlib
import struct
from pathlib import Path

import pytest

import henhouse
from henhouse.frames import pack
from henhouse.v1 import henhouse_pb2 as wire

PATIENCE = 120


class Broker:
    """Welcomes whoever comes, and says and hears what a test wants."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.connections: asyncio.Queue = asyncio.Queue()

    async def accept(self, *, frame_bytes_max: int = 1 << 20) -> "Connection":
        connection = Connection(*await self.connections.get())
        hello = await connection.hears("hello")
        assert (hello.version, hello.pid) == (1, 0)
        connection.says(
            welcome=wire.Welcome(version=1, connection=7, pid=42, frame_bytes_max=frame_bytes_max)
        )
        return connection


class Connection:
    def __init__(self, reader, writer) -> None:
        self.reader, self.writer = reader, writer

    def says(self, **body) -> None:
        self.writer.write(pack(wire.Frame(**body)))

    async def hears(self, body):
        (length,) = struct.unpack(">I", await self.reader.readexactly(4))
        frame = wire.Frame.FromString(await self.reader.readexactly(length))
        assert frame.WhichOneof("body") == body
        return getattr(frame, body)

    def message(self, action, data=b"", **fields) -> None:
        sender = wire.Sender(pid=5, role=wire.ROLE_AGENT, connection=3)
        self.says(message=wire.Message(action=action, data=data, **fields), sender=sender)


def house(test=None, **options):
    """Runs a test with a broker, a connection and a messenger."""
    if test is None:
        return lambda test: house(test, **options)

    async def run(path):
        broker = Broker(path)
        server = await asyncio.start_unix_server(lambda *ends: broker.connections.put_nowait(ends), path)
        async with server:
            joining = asyncio.create_task(henhouse.join("worker", socket=path, **options))
            connection = await broker.accept()
            messenger = await joining
            connection.broker = broker
            await test(connection, messenger)
            connection.writer.close()
            await messenger.closed()

    def wrapped(tmp_path: Path):
        asyncio.run(asyncio.wait_for(run(str(tmp_path / "s")), PATIENCE))

    wrapped.__name__ = test.__name__
    return wrapped


@house
async def test_it_knows_who_it_is(_, messenger):
    assert (messenger.pid, messenger.connection, messenger.role) == (42, 7, "worker")


@house
async def test_an_action_is_iterated_over(connection, messenger):
    messages = messenger.listen("x")
    for number in b"123":
        connection.message("x", bytes([number]))
    assert [(await anext(messages)).data for _ in range(3)] == [b"1", b"2", b"3"]


@house
async def test_an_iteration_ends_with_the_messenger(connection, messenger):
    messages = messenger.listen("x")
    connection.message("x", b"last")
    connection.writer.close()
    assert [message.data async for message in messages] == [b"last"]


@house
async def test_handlers_take_one_message_after_the_other(connection, messenger):
    running, seen = 0, asyncio.Queue()

    async def slow(message):
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        seen.put_nowait(message.data)

    messenger.on("x", slow)
    for number in b"123":
        connection.message("x", bytes([number]))
    assert [await seen.get() for _ in range(3)] == [b"1", b"2", b"3"]


@house
async def test_a_listener_that_is_off_hears_nothing_more(connection, messenger):
    heard = []
    listener = messenger.on("x", lambda message: heard.append(message.data))
    listener.off()
    others = messenger.listen("x")
    connection.message("x")
    await anext(others)
    assert heard == []


@house
async def test_a_handler_that_fails_is_logged_with_its_action(connection, messenger):
    seen = asyncio.Queue()

    def fails(message):
        seen.put_nowait(message.data)
        raise RuntimeError

    messenger.on("x", fails)
    connection.message("x", b"1")
    connection.message("x", b"2")
    assert [await seen.get(), await seen.get()] == [b"1", b"2"]


@house
async def test_a_verb_is_a_route(connection, messenger):
    for verb, route in [
        (messenger.broadcast, wire.ROUTE_BROADCAST),
        (messenger.send_to_app, wire.ROUTE_APP),
        (messenger.send_to_agent, wire.ROUTE_AGENT),
        (messenger.send_random, wire.ROUTE_RANDOM),
    ]:
        await verb("x", {"a": 1})
        message = await connection.hears("message")
        assert (message.route, message.data, message.encoding) == (route, b'{"a":1}', wire.ENCODING_JSON)
    await messenger.send_to(henhouse.Sender(9, "worker", 8), "x")
    message = await connection.hears("message")
    assert (message.route, message.pid, message.connection) == (wire.ROUTE_PID, 9, 8)


@house
async def test_a_request_gets_its_own_reply(connection, messenger):
    asking = asyncio.create_task(messenger.request("agent", "q", {"a": 1}, timeout=2))
    request = await connection.hears("message")
    assert (request.want, request.timeout_ms) == (wire.WANT_REPLY, 2000)
    connection.message("q", b"other", route=wire.ROUTE_REPLY, in_reply_to=request.id + 1)
    connection.message("q", b"mine", route=wire.ROUTE_REPLY, in_reply_to=request.id)
    assert await asking == b"mine"


@house
async def test_a_request_that_is_refused_raises_its_code(connection, messenger):
    asking = asyncio.create_task(messenger.request("agent", "q"))
    request = await connection.hears("message")
    connection.says(fault=wire.Fault(code=wire.CODE_GONE, id=request.id))
    with pytest.raises(henhouse.RefusedError) as refused:
        await asking
    assert refused.value.code == "GONE"


@house
async def test_a_sender_waits_while_the_broker_holds_it_back(connection, messenger):
    async def flood():
        for _ in range(100):
            await messenger.send_to_agent("x", bytes(100_000))

    flooding = asyncio.create_task(flood())
    done, _ = await asyncio.wait([flooding], timeout=0.1)
    assert not done, "ten megabytes found room somewhere"
    for _ in range(100):
        await connection.hears("message")
    await flooding


@house
async def test_it_closes_with_goodbye(connection, messenger):
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(messenger)
        closing = asyncio.create_task(stack.aclose())
        await connection.hears("goodbye")
        connection.says(goodbye=wire.Goodbye())
        await closing
    with pytest.raises(henhouse.ClosedError):
        await messenger.send_to_agent("x")


@house(reconnect=True)
async def test_it_closes_at_once_while_it_is_away(connection, messenger):
    connection.writer.close()
    # Never welcome again: whoever waited for that would wait for ever.
    await connection.broker.connections.get()
    await messenger.close()
    assert await messenger.closed() is None


@house(reconnect=True)
async def test_a_request_that_waits_for_room_is_not_lost_with_the_connection(connection, messenger):
    async def flood():
        while True:
            await messenger.send_to_agent("x", bytes(100_000))

    flooding = asyncio.create_task(flood())
    while messenger._life.outbox._room.is_set():
        await asyncio.sleep(0)
    # The outbox is full, and the request waits in line.
    asking = asyncio.create_task(messenger.request("agent", "q", b"1"))
    await asyncio.sleep(0)
    connection.writer.close()
    back = await connection.broker.accept()
    flooding.cancel()
    while (message := await back.hears("message")).action != "q":
        pass
    back.message("q", b"2", route=wire.ROUTE_REPLY, in_reply_to=message.id)
    assert await asking == b"2"
    back.says(goodbye=wire.Goodbye())
    await messenger.close()


@house(on_refused=lambda error, action: 1 / 0)
async def test_a_handler_of_refusals_that_fails_ends_nothing(connection, messenger):
    connection.says(fault=wire.Fault(code=wire.CODE_GONE))
    await messenger.send_to_agent("x")
    await connection.hears("message")
    connection.message("y", b"1")
    connection.message("x", b"2")
    assert (await anext(messenger.listen("x"))).data == b"2"
