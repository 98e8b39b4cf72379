"""Clients under `henhouse start`: registered by their tokens, serving on the inherited socket, drained at the end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from functools import cached_property
from pathlib import Path

import pytest

import henhouse

ROOT = Path(__file__).parents[2]
HENHOUSE = Path(
    os.environ.get("HENHOUSE")
    or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/henhouse-under-test"
)
#: Nothing here takes seconds; on one core that many processes share, it may.
PATIENCE = 120

if not HENHOUSE.exists() and os.environ.get("CI") != "true":
    pytest.skip(f"{HENHOUSE} is not built", allow_module_level=True)

ASKING_AGENT = """
import asyncio, os, sys, henhouse

async def main():
    messenger = await henhouse.join()
    await messenger.ready()
    answer = await messenger.request("random", "echo", {"n": 1}, timeout=120)
    with open(sys.argv[1] + ".new", "w") as told:
        told.write(repr(answer))
    # Who looks for it finds all of it or nothing.
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    await messenger.draining()
    await messenger.close()

asyncio.run(main())
"""


class House:
    """`henhouse start` with that configuration, on a port that the kernel picks."""

    def __init__(self, directory: Path, agent: list[str], worker: list[str], count: int = 1) -> None:
        self.config = directory / "henhouse.toml"
        self.config.write_text(
            f'[master]\nsocket = "{directory / "s"}"\n'
            f'[[listen]]\nname = "http"\naddress = "127.0.0.1:0"\n'
            f"[agent]\ncommand = {json.dumps(agent)}\n"
            f"[worker]\ncommand = {json.dumps(worker)}\ncount = {count}\n"
        )
        self.log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            [HENHOUSE, "start", "-c", self.config], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self.log.seek(0)
        print(self.log.read())

    def until(self, what):
        """Asks again and again until there is an answer; the event has no other sign."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return what()
            except (OSError, AssertionError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    @cached_property
    def address(self) -> str:
        """Where it listens, once it says so."""
        command = [HENHOUSE, "status", "--json", "-c", self.config]

        def status():
            told = subprocess.run(command, capture_output=True, timeout=PATIENCE)
            assert told.returncode == 0, told.stderr
            return json.loads(told.stdout)

        ((_, address),) = self.until(status)["listeners"]
        return address

    def get(self, path: str = "/") -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=PATIENCE) as answer:
            return answer.read().decode()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0


def test_a_worker_with_stock_protobuf_alone_answers_and_serves(tmp_path):
    told = tmp_path / "told"
    agent = [sys.executable, "-c", ASKING_AGENT, str(told)]
    worker = [sys.executable, str(ROOT / "tests/clients/plain_worker.py")]
    with House(tmp_path, agent, worker) as house:
        assert house.until(house.get).startswith("plain worker ")
        assert house.until(told.read_text) == "{'n': 1}"
        house.stop()


WORKERS = {
    "node": ["node", str(ROOT / "examples/node/example/worker.mjs")],
    "python": [sys.executable, str(ROOT / "examples/python/example/worker.py")],
    "go": [str(ROOT / "tests/.cache/go/worker")],
}


@pytest.mark.parametrize("language", WORKERS)
def test_workers_share_a_port_ask_a_python_agent_and_drain(tmp_path, language):
    agent = [sys.executable, str(ROOT / "examples/python/example/agent.py")]
    with House(tmp_path, agent, WORKERS[language], count=2) as house:
        weather = json.loads(house.until(lambda: house.get("/weather")))
        assert weather["city"] == "Oslo"
        pids = set()

        def both_answered():
            pids.add(house.get())
            assert len({str(pid) for pid in map(worker_pid, pids)}) == 2

        house.until(both_answered)
        house.stop()


def test_a_node_worker_that_nobody_caught_is_replaced_while_the_port_answers(tmp_path):
    agent = [sys.executable, str(ROOT / "examples/python/example/agent.py")]
    with House(tmp_path, agent, WORKERS["node"]) as house:
        before = worker_pid(house.until(house.get))
        house.get("/crash")

        deadline = time.monotonic() + PATIENCE
        # No request fails meanwhile: an OSError ends the test.
        while worker_pid(house.get()) == before:
            assert time.monotonic() < deadline, "it is not replaced"
        house.stop()


@pytest.mark.parametrize("language", WORKERS)
def test_a_worker_whose_master_is_gone_exits_with_110(tmp_path, language):
    """Under a bare broker: a master's own children are killed by the kernel before they could say it."""
    path = str(tmp_path / "s")
    broker = subprocess.Popen([HENHOUSE, "broker", "--socket", path], stderr=subprocess.DEVNULL)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # A worker is there sooner than a broker on a loaded machine, and would find nobody.
            wait_for_socket(path, broker)
            worker = start_by_hand(WORKERS[language], path, listener)
            watch_until_ready(path, worker)
            broker.kill()
            assert worker.wait(PATIENCE) == 110
    finally:
        broker.kill()
        broker.wait()


def start_by_hand(command: list[str], path: str, listener: socket.socket) -> subprocess.Popen:
    """As a master starts it: the socket is descriptor 3, and the environment says so."""
    env = os.environ | {"HENHOUSE_SOCKET": path, "HENHOUSE_ROLE": "worker", "LISTEN_FDS": "1"}
    # The shell's own pid, which it keeps: it becomes the worker.
    line = f'exec env LISTEN_PID=$$ "$@" 3<&{listener.fileno()}'
    return subprocess.Popen(
        ["bash", "-c", line, "bash", *command], env=env, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL
    )


def wait_for_socket(path: str, broker: subprocess.Popen) -> None:
    """A socket at its path has been listened on: the broker puts it there only then."""
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        assert broker.poll() is None, "the broker has ended"
        assert time.monotonic() < deadline, "the broker does not listen"
        time.sleep(0.01)


def watch_until_ready(path: str, worker: subprocess.Popen) -> None:
    """Another member sees it come."""

    async def watch() -> None:
        messenger = await henhouse.join("agent", socket=path)
        news = messenger.listen("egg-pids")
        await messenger.ready()
        async for message in news:
            if worker.pid in [peer.pid for peer in message.data.workers]:
                break
        await messenger.close()

    asyncio.run(asyncio.wait_for(watch(), PATIENCE))


def worker_pid(answer: str) -> int:
    return int(answer) if answer.strip().isdigit() else json.loads(answer)["pid"]
