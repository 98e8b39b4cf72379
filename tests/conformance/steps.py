"""Plays one case: README.md says what each step means."""

import json
import os
import tempfile
from pathlib import Path

import wire
from peers import Broker, Driver, Failure, Raw, Stub, brief

#: The runner's own: what it puts between a case's messages and the question what has come.
FENCE = "conformance-fence"
NEWS = ("egg-ready", "egg-pids")

#: A step is what its first key of these says.
VERBS = (
    "start", "settle", "heard", "counts", "spread", "event", "news", "answer", "kill", "tell_broker",
    "open", "accept", "hang_up", "cut", "rest", "egg", "sends", "gets", "ends", "do",
)  # fmt: skip


def play(case, commands, henhouse):
    """Runs the case; `commands` gives the driver's command line for each of its two sides."""
    with tempfile.TemporaryDirectory(prefix="hh-") as directory:
        with open(Path(directory) / "log", "w+b") as log:
            stage = Stage(case, commands, henhouse, directory, log)
            try:
                for step in case["steps"]:
                    stage.step(step)
            except Failure as failure:
                log.seek(0)
                tail = log.read().decode(errors="replace")[-1500:]
                raise Failure(f"{failure}\n    step: {brief(step)}" + (f"\n{tail}" if tail else "")) from None
            finally:
                stage.end()


class Stage:
    def __init__(self, case, commands, henhouse, directory, log):
        self.path = os.path.join(directory, "s")
        self.cast = {}
        self.roles = {}
        self.later = {}
        self.left = []
        self.fences = 0
        self.last_frame = {}
        self.broker = None
        if case.get("broker") == "stub":
            self.broker = Stub(self.path)
        else:
            self.broker = Broker(henhouse, self.path, case.get("broker", ["--agent"]), log)
        for name, who in case.get("cast", {}).items():
            role, _, other = who.partition("/")
            self.roles[name] = role
            self.cast[name] = Driver(name, commands[1 if other else 0], log)

    def end(self):
        for peer in [*self.cast.values(), self.broker]:
            if peer is not None:
                peer.end()

    def step(self, step):
        for verb in VERBS:
            if verb in step:
                getattr(self, verb)(step)
                return
        raise Failure("a step that nobody knows")

    # --- drivers

    def do(self, step):
        names = step["who"] if isinstance(step["who"], list) else [step["who"]]
        for name in names:
            for i in range(step.get("times", 1)):
                self.do_once(name, step, i)

    def do_once(self, name, step, i):
        not_said = ("who", "times", "from", "pad", "as", "error", "gives")
        command = {key: value for key, value in step.items() if key not in not_said}
        if "times" in step:
            number = step.get("from", 0) + i
            command |= {"encoding": "json", "json": [number, "a" * step["pad"]] if "pad" in step else number}
        if command["do"] == "join":
            command = {"socket": self.path, "role": self.roles[name], "name": name} | command
        command = self.resolved(command)
        driver = self.cast[name]
        number = driver.say(command)
        if "as" in step:
            self.later[step["as"]] = (driver, number)
            return
        self.check_answer(driver.answer(number), step, driver)
        if command["do"] == "join" and "error" not in step:
            driver.present = True
        elif command["do"] == "ready":
            driver.ready = True
        elif command["do"] == "close":
            driver.present = driver.ready = False

    def answer(self, step):
        driver, number = self.later.pop(step["answer"])
        self.check_answer(driver.answer(number), step, driver)

    def check_answer(self, said, step, driver):
        if "error" in step:
            found = said.get("error", {}).get("code", "no error")
            if found != step["error"]:
                raise Failure(f"{driver.name}: wanted {step['error']}, got {found}: {brief(said)}")
            return
        if "ok" not in said:
            raise Failure(f"{driver.name}: {brief(said)}")
        if "connection" in said["ok"]:
            driver.pid, driver.connection = said["ok"]["pid"], said["ok"]["connection"]
        match(said["ok"], self.resolved(step.get("gives", {})), driver.name)

    def start(self, step):
        """Joins, listens, gets ready, and waits for egg-ready; one after the other."""
        for name in step["start"]:
            self.do({"who": name, "do": "join"})
            for action in (*NEWS, FENCE, *step.get("on", [])):
                self.do({"who": name, "do": "on", "action": action})
        for name in step["start"]:
            self.do({"who": name, "do": "ready"})
        if not step.get("booting"):
            for name in step["start"]:
                self.cast[name].events.take(action_is("egg-ready"), "egg-ready")

    def settle(self, _):
        """Everybody says a last word to everybody: what was sent before it has come with it."""
        self.fences += 1
        drivers = [peer for peer in self.cast.values() if isinstance(peer, Driver) and peer.ready]
        for sender in drivers:
            for receiver in drivers:
                fence = {"do": "send", "to": "pid", "pid": receiver.pid, "connection": receiver.connection}
                self.do_fence(sender, fence | {"action": FENCE, "encoding": "json", "json": self.fences})
        for receiver in drivers:
            for sender in drivers:
                receiver.events.take(
                    lambda event, sender=sender: action_is(FENCE)(event)
                    and event["from"]["connection"] == sender.connection
                    and event["json"] == self.fences,
                    f"what {sender.name} sent",
                )

    def do_fence(self, sender, command):
        said = sender.answer(sender.say(command))
        if "ok" not in said:
            raise Failure(f"{sender.name}: {brief(said)}")

    def heard(self, step):
        """Exactly these messages have come since the last time that it was asked."""
        for name in step["who"] if isinstance(step["who"], list) else [step["who"]]:
            self.heard_by(name, step)

    def heard_by(self, name, step):
        events, wanted = self.cast[name].events, [self.from_whom(message) for message in step["heard"]]
        got = [events.take(is_message, f"message {i + 1} of {len(wanted)}") for i in range(len(wanted))]
        extra = events.take_all(is_message)
        if extra:
            raise Failure(f"{name}: too much came: {brief(extra)}")
        if step.get("order") == "any":
            got.sort(key=sort_key)
            wanted.sort(key=sort_key)
        for found, want in zip(got, wanted, strict=True):
            match(found, want, name)

    def from_whom(self, message):
        message = self.resolved(message)
        if isinstance(message.get("from"), str):
            sender = self.cast[message["from"]]
            message["from"] = {"pid": sender.pid, "connection": sender.connection}
        return message

    def counts(self, step):
        """The numbers from 0 on, in order, and nothing else."""
        events = self.cast[step["who"]].events
        for i in range(step["counts"]):
            found = events.take(is_message, f"number {i}")
            if found["json"] != i:
                raise Failure(f"{step['who']}: number {i} should have come, not {found['json']}")
        if extra := events.take_all(is_message):
            raise Failure(f"{step['who']}: too much came: {brief(extra)}")

    def spread(self, step):
        """So many messages in all, and each had at least so many; after a settle."""
        shares = {name: len(self.cast[name].events.take_all(is_message)) for name in step["who"]}
        if sum(shares.values()) != step["spread"] or min(shares.values()) < step["least"]:
            raise Failure(f"{step['spread']} in all were to come, and {step['least']} to each: {shares}")

    def event(self, step):
        wanted = self.resolved(step["event"])
        driver = self.cast[step["who"]]
        kind = {key: wanted[key] for key in ("event", "action") if key in wanted}
        found = driver.events.take(lambda event: kind.items() <= event.items(), brief(wanted))
        match(found, wanted, step["who"])
        if found["event"] == "restored":
            driver.pid, driver.connection = found["pid"], found["connection"]

    def news(self, step):
        """The last egg-pids, or one that is still to come, names exactly these."""

        def pids(names):
            return sorted(self.cast[name].pid for name in names)

        workers, agent = pids(step["news"]["workers"]), step["news"].get("agent")
        agent = agent and self.cast[agent].pid
        for name in step["who"] if isinstance(step["who"], list) else [step["who"]]:
            self.cast[name].events.take(
                lambda event: action_is("egg-pids")(event)
                and sorted(event["pids"]["workers"]) == workers
                and event["pids"]["agent"] == agent,
                f"egg-pids with {step['news']}",
            )

    def egg(self, step):
        """egg-ready has come so often, and not once more after a settle."""
        events = self.cast[step["who"]].events
        for _ in range(step["egg"]):
            events.take(action_is("egg-ready"), "egg-ready")
        if events.take_all(action_is("egg-ready")):
            raise Failure(f"{step['who']}: egg-ready came too often")

    def kill(self, step):
        self.cast[step["kill"]].kill()

    def tell_broker(self, step):
        for what in step["tell_broker"].split():
            getattr(self.broker, what)()

    # --- bare sockets

    def open(self, step):
        name = step["open"]
        raw = self.cast[name] = Raw.connect(name, self.path)
        if "as" not in step:
            return
        role = {"agent": 1, "worker": 2}[step["as"]]
        raw.send(wire.prefixed(wire.encode({"hello": {"version": 1, "role": role}})))
        welcome = wire.decode(raw.frame())["welcome"]
        raw.pid, raw.connection = welcome["pid"], welcome["connection"]
        if step.get("ready", True):
            raw.send(wire.prefixed(wire.encode({"ready": {}})))

    def accept(self, step):
        """The stub takes a connection, reads its Hello and says Welcome unless told not to."""
        raw = self.cast[step["accept"]] = self.broker.accept(step["accept"])
        hello = wire.decode(raw.frame())
        match(hello, step.get("hello", {}), step["accept"])
        if "welcome" in step:
            raw.send(wire.prefixed(wire.encode({"welcome": step["welcome"]})))

    def hang_up(self, step):
        self.cast.pop(step["hang_up"]).end()

    def cut(self, step):
        """Breaks the connection after so many bytes, and takes the next; for each of those numbers."""
        name, driver = step["cut"], self.cast[step["who"]]
        for size in step["after"]:
            frames = wire.whole(self.cast.pop(name).cut(size))
            self.left += self.messages(frames)
            self.event({"who": step["who"], "event": {"event": "lost"}})
            self.accept({"accept": name, "hello": {"hello": {"version": 1}}, "welcome": step["welcome"]})
            self.event({"who": step["who"], "event": {"event": "restored"}})
            if driver.connection != step["welcome"]["connection"]:
                raise Failure(f"{driver.name}: it does not know its new connection")

    def rest(self, step):
        """
        Up to the message `end` there comes what had not left whole before the cuts: numbers and
        questions, each once, the numbers in order. Questions that had left have failed.
        """
        raw, frames = self.cast[step["rest"]], []
        # A question may be begun by a thread of its own, and come behind `end`.
        missing = {"end", *step["asked"]} - {message["data"] for message in self.left}
        while missing:
            if (frame := raw.frame()) is None:
                raise Failure(f"{raw.name}: the connection ended, {missing} did not come")
            frames.append(wire.decode(frame))
            missing.discard(frames[-1].get("message", {}).get("data"))
        rest = self.messages(frames)
        said = [json.loads(message["data"])[0] for message in self.left + rest if message["action"] == "n"]
        if said != list(range(step["numbers"])):
            raise Failure(f"{raw.name}: the numbers are {said}")
        asked = [message["data"] for message in self.left + rest if message["action"] == "q"]
        if sorted(asked) != sorted(step["asked"]):
            raise Failure(f"{raw.name}: the questions are {asked}")
        for message in rest:
            if message["want"] == 1:
                self.sends({"sends": raw.name, "frames": [{"receipt": {"id": message["id"], "queued": 1}}]})
            elif message["want"] == 2:
                reply = {"route": 6, "in_reply_to": message["id"], "action": "q", "encoding": 3, "data": "yes"}
                sender = {"pid": 5, "role": 1, "connection": 3}
                self.sends({"sends": raw.name, "frames": [{"message": reply, "sender": sender}]})
        had_left = [message["data"] for message in self.left if message["action"] == "q"]
        for name in step["asked"]:
            self.answer({"answer": name} | ({"error": "CLOSED"} if name in had_left else {}))
        for what, messages in (("left", self.left), ("come", rest)):
            # Else the case does not show what it is for.
            if sum(message["action"] == "q" for message in messages) < step["least"]:
                raise Failure(f"{raw.name}: too few of the questions had {what}: {len(had_left)} had left")

    def messages(self, frames):
        """The messages among one connection's frames, where Ready is said once at most."""
        if sum("ready" in frame for frame in frames) > 1:
            raise Failure("ready was said twice on one connection")
        return [frame["message"] for frame in frames if "message" in frame]

    def sends(self, step):
        raw = self.cast[step["sends"]]
        if "bytes" in step:
            raw.send(bytes.fromhex(step["bytes"]))
            return
        frames = [wire.encode(self.resolved(frame)) for frame in step["frames"]]
        if "pad_to" in step:
            # Field 32 of Frame: unknown, and passed on.
            missing = step["pad_to"] - len(frames[0])
            size = missing - 2
            while len(wire.varint(32 << 3 | 2) + wire.varint(size)) + size > missing:
                size -= 1
            frames[0] += wire.varint(32 << 3 | 2) + wire.varint(size) + bytes(size)
        stream = b"".join(map(wire.prefixed, frames))
        for at in range(0, len(stream), step.get("chunk", len(stream))):
            raw.send(stream[at : at + step.get("chunk", len(stream))])

    def gets(self, step):
        """The next frame that is of that kind: the broker's news come when they come."""
        raw, wanted = self.cast[step["who"]], self.resolved(step["gets"])
        while True:
            frame = raw.frame()
            if frame is None:
                raise Failure(f"{raw.name}: the connection ended, {brief(wanted)} did not come")
            found = wire.decode(frame)
            news = found.get("message", {}).get("action") in NEWS
            if not news and found.keys() & wanted.keys():
                break
        match(found, wanted, raw.name)
        if step.get("contains", "") not in frame.hex():
            raise Failure(f"{raw.name}: {step['contains']} is not in {frame.hex()}")
        if len(frame) > step.get("bytes_max", len(frame)):
            raise Failure(f"{raw.name}: {len(frame)} bytes came, at most {step['bytes_max']} should")

    def ends(self, step):
        """Nothing but news comes any more, and then the end of the connection."""
        raw = self.cast[step["ends"]]
        while (frame := raw.frame()) is not None:
            if wire.decode(frame).get("message", {}).get("action") not in NEWS:
                raise Failure(f"{raw.name}: the connection should have ended, this came: {frame.hex()}")

    # --- names

    def resolved(self, value):
        """"$w1.pid" and "$w1.connection" are the actor's."""
        if isinstance(value, dict):
            return {key: self.resolved(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.resolved(part) for part in value]
        if isinstance(value, str) and value.startswith("$"):
            name, attribute = value[1:].split(".")
            return getattr(self.cast[name], attribute)
        return value


def is_message(event):
    return event["event"] == "message" and event["action"] not in (*NEWS, FENCE)


def action_is(action):
    return lambda event: event.get("action") == action and event["event"] == "message"


def sort_key(message):
    return str([message.get(key) for key in ("action", "json", "text", "hex")] + [message.get("from", {}).get("connection")])


def match(found, wanted, name, at=""):
    """All that is wanted is found; what is not asked for does not matter."""
    if isinstance(wanted, dict) and isinstance(found, dict) and at != ".json":
        for key, part in wanted.items():
            if key not in found:
                raise Failure(f"{name}: {at}.{key} is missing: {brief(found)}")
            match(found[key], part, name, f"{at}.{key}")
    elif found != wanted or (type(found) is bool) != (type(wanted) is bool):
        raise Failure(f"{name}: {at or 'what came'} is {brief(found)} and not {brief(wanted)}")
