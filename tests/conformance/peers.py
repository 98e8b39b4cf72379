"""Who takes part in a case: clients' drivers, bare sockets, and the broker or a stub in its place."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque

import wire

#: Nothing here takes a second; on one core that many share, it may.
PATIENCE = float(os.environ.get("HENHOUSE_PATIENCE", "120"))


class Failure(Exception):
    """What a case expected did not come."""


class Inbox:
    """What came and nobody has taken, with a wait that fails."""

    def __init__(self, name):
        self.name = name
        self._items = []
        self._came = threading.Condition()

    def put(self, item):
        with self._came:
            self._items.append(item)
            self._came.notify_all()

    def take(self, wanted, what):
        """The first item that is wanted; others keep their places."""

        def found():
            return next((i for i, item in enumerate(self._items) if wanted(item)), None)

        with self._came:
            if not self._came.wait_for(lambda: found() is not None, PATIENCE):
                raise Failure(f"{self.name}: {what} did not come; what came: {brief(self._items)}")
            return self._items.pop(found())

    def take_all(self, wanted):
        """Whatever is wanted and is here now."""
        with self._came:
            taken = [item for item in self._items if wanted(item)]
            self._items = [item for item in self._items if not wanted(item)]
            return taken


class Driver:
    """One process of a client, spoken to as README.md says."""

    def __init__(self, name, command, log):
        self.name = name
        self.events = Inbox(name)
        self.pid = self.connection = None
        self.present = self.ready = False
        self._answers = Inbox(name)
        self._last = 0
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            said = json.loads(line)
            (self.events if "event" in said else self._answers).put(said)
        self.events.put({"event": "exit"})

    def say(self, command):
        """Gives the command's number, to ask for its answer."""
        self._last += 1
        line = json.dumps({"n": self._last} | command) + "\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Failure(f"{self.name}: the driver is gone") from error
        return self._last

    def answer(self, number):
        return self._answers.take(lambda said: said["n"] == number, f"the answer to command {number}")

    def kill(self):
        self._process.kill()
        self._process.wait()
        self.present = self.ready = False

    def end(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._reader.join()
        self._process.stdout.close()


class Raw:
    """A bare socket that says exactly what the case says."""

    def __init__(self, name, sock):
        self.name = name
        self.pid = os.getpid()
        self.connection = None
        self._socket = sock
        self._socket.settimeout(PATIENCE)
        self._skipped = deque()

    @classmethod
    def connect(cls, name, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        return cls(name, sock)

    def send(self, raw):
        try:
            self._socket.sendall(raw)
        except OSError:
            # The other end may have refused the first half already; what it said can be read still.
            pass

    def frame(self):
        """The next frame's bytes; None at the end of the connection."""
        try:
            prefix = self._exactly(4)
            return prefix and self._exactly(int.from_bytes(prefix, "big"))
        except TimeoutError as error:
            raise Failure(f"{self.name}: no frame came") from error

    def _exactly(self, size):
        parts, left = [], size
        while left:
            try:
                part = self._socket.recv(min(left, 1 << 20))
            except ConnectionResetError:
                part = b""
            if not part:
                return None
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def cut(self, size):
        """Takes so many bytes and breaks the connection. Gives all that had left the other end by then."""
        taken = self._exactly(size)
        if taken is None:
            raise Failure(f"{self.name}: the connection ended before {size} bytes had come")
        # From here on the other end can write nothing more. What it had written is in the socket:
        # a broker that died would never have read it, but here it is counted.
        self._socket.shutdown(socket.SHUT_RDWR)
        while part := self._socket.recv(1 << 20):
            taken += part
        self._socket.close()
        return taken

    def end(self):
        self._socket.close()


class Broker:
    """`henhouse broker`, in a process of its own."""

    def __init__(self, henhouse, path, arguments, log):
        self.path = path
        self._command = [henhouse, "broker", "--socket", path, *arguments]
        self._log = log
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None:
                raise Failure(f"the broker ended at once: exit {self._process.returncode}")
            if time.monotonic() > deadline:
                raise Failure("the broker does not listen")
            time.sleep(0.005)

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(self.path) == 0

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Failure("the broker does not end on TERM") from error
        if code != 0:
            raise Failure(f"the broker ended with {code}")

    def kill(self):
        self._process.kill()
        self._process.wait()

    def end(self):
        self.kill()


class Stub:
    """A listening socket in the broker's place: the case itself says what a broker says."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.bind(path)
        self._socket.listen()

    def accept(self, name):
        try:
            return Raw(name, self._socket.accept()[0])
        except TimeoutError as error:
            raise Failure(f"{name} did not connect") from error

    def end(self):
        self._socket.close()


def brief(value):
    text = json.dumps(value, default=lambda raw: raw.hex() if isinstance(raw, bytes) else str(raw))
    return text if len(text) < 600 else text[:600] + "…"


__all__ = ["Broker", "Driver", "Failure", "Inbox", "Raw", "Stub", "brief", "wire"]
