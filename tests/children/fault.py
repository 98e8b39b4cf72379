"""A process in plain Python that does what a test tells it.

It speaks the wire by hand, without any library: a few frames are a few bytes. Its line to the
test (`HENHOUSE_TEST_CONTROL`) is as that of the child in Rust: JSON, one value per line.
"""

import json
import os
import selectors
import signal
import socket
import struct
import sys


def field(number, data):
    """A length-delimited field; these frames are all shorter than 128 bytes a piece."""
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def frame(body, data=b""):
    data = field(body, data)
    return struct.pack(">I", len(data)) + data


HELLO, WELCOME, READY, FAULT, DRAIN, FAILING, GOODBYE = 1, 2, 3, 6, 7, 8, 9


class Child:
    def __init__(self):
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(os.environ["HENHOUSE_TEST_CONTROL"])
        self.broker = None
        self.received = b""
        self.ordered = b""
        self.joining = None
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.control, selectors.EVENT_READ, self.orders)
        variable = os.environ.get
        self.say(
            event="born",
            pid=os.getpid(),
            role=variable("HENHOUSE_ROLE", ""),
            index=variable("HENHOUSE_INDEX", ""),
            incarnation=variable("HENHOUSE_INCARNATION", ""),
            generation=variable("HENHOUSE_GENERATION", ""),
        )

    def say(self, **line):
        self.control.sendall(json.dumps(line).encode() + b"\n")

    def run(self):
        while True:
            for key, _ in self.selector.select():
                # What came for a connection that was cut a moment ago is nobody's.
                if key.fileobj.fileno() != -1:
                    key.data()

    def orders(self):
        data = self.control.recv(65536)
        if not data:
            sys.exit(0)
        *lines, self.ordered = (self.ordered + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if getattr(self, "do_" + order["do"])(order) is not False:
                self.say(n=order["n"], ok=None)

    def frames(self):
        data = self.broker.recv(65536)
        if not data:
            self.selector.unregister(self.broker)
            self.say(event="cut")
            return
        self.received += data
        while len(self.received) >= 4:
            length = struct.unpack(">I", self.received[:4])[0]
            if len(self.received) < 4 + length:
                return
            body, self.received = self.received[4 : 4 + length], self.received[4 + length :]
            if body[0] >> 3 == WELCOME:
                self.say(n=self.joining, ok=None)
            elif body[0] >> 3 == DRAIN:
                self.say(event="drain")
            elif body[0] >> 3 == FAULT:
                self.say(event="fault", fault=body.decode("utf-8", "replace"))

    def do_join(self, order):
        self.joining = order["n"]
        self.broker = socket.socket(socket.AF_UNIX)
        self.broker.connect(os.environ["HENHOUSE_SOCKET"])
        role = {"agent": 1, "worker": 2}[os.environ["HENHOUSE_ROLE"]]
        token = os.environ["HENHOUSE_TOKEN"].encode()
        self.broker.sendall(frame(HELLO, bytes([1 << 3, 1, 2 << 3, role]) + field(4, token)))
        self.selector.register(self.broker, selectors.EVENT_READ, self.frames)
        return False

    def do_ready(self, _order):
        self.broker.sendall(frame(READY))

    def do_failing(self, order):
        self.broker.sendall(frame(FAILING, field(1, order["text"].encode())))

    def do_goodbye(self, _order):
        self.broker.sendall(frame(GOODBYE))

    def do_cut(self, _order):
        """The connection ends without a word, and the process lives on."""
        self.selector.unregister(self.broker)
        self.broker.close()

    def do_ignore(self, order):
        number = order["signal"]
        signal.signal(number, lambda *_: self.say(event="signal", signal=number))

    def do_say(self, order):
        print(order["text"], file=sys.stderr, flush=True)

    def do_exit(self, order):
        os._exit(order["code"])


Child().run()
