import os
import socket

import pytest

from henhouse import identity, inherited_listener
from henhouse import environment


@pytest.fixture
def inherited(monkeypatch):
    """Two listening sockets, as the master passes them."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    first = 200
    for at, listener in enumerate(sockets):
        os.dup2(listener.fileno(), first + at)
    monkeypatch.setattr(environment, "_FIRST_DESCRIPTOR", first)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_FDNAMES", "http:admin")
    yield [listener.getsockname() for listener in sockets]
    for listener in sockets:
        listener.close()


def check(name, address):
    with inherited_listener(name) as listener:
        assert listener.getsockname() == address


def test_an_inherited_socket_is_found_by_its_name(inherited):
    check("admin", inherited[1])
    check(None, inherited[0])
    assert inherited_listener("other") is None


def test_a_shell_may_stand_between_the_master_and_us(inherited, monkeypatch):
    monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
    check("http", inherited[0])


def test_nobodys_sockets_are_taken_further(inherited, monkeypatch):
    monkeypatch.setenv("LISTEN_PID", "4194303")
    assert inherited_listener() is None


def test_who_we_are_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("HENHOUSE_INDEX", "2")
    monkeypatch.delenv("HENHOUSE_GENERATION", raising=False)
    assert (identity().index, identity().generation) == (2, None)
