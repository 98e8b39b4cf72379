from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

CODE_FORBIDDEN: Code
CODE_FULL: Code
CODE_GONE: Code
CODE_MALFORMED: Code
CODE_NOT_REGISTERED: Code
CODE_NO_SUCH_PROCESS: Code
CODE_ROLE_TAKEN: Code
CODE_SHUTTING_DOWN: Code
CODE_TIMED_OUT: Code
CODE_TOO_LARGE: Code
CODE_UNDELIVERABLE: Code
CODE_UNSPECIFIED: Code
CODE_UNSUPPORTED_VERSION: Code
DESCRIPTOR: _descriptor.FileDescriptor
ENCODING_JSON: Encoding
ENCODING_PROTOBUF: Encoding
ENCODING_TEXT: Encoding
ENCODING_UNSPECIFIED: Encoding
ROLE_AGENT: Role
ROLE_MASTER: Role
ROLE_OPERATOR: Role
ROLE_UNSPECIFIED: Role
ROLE_WORKER: Role
ROUTE_AGENT: Route
ROUTE_APP: Route
ROUTE_BROADCAST: Route
ROUTE_PID: Route
ROUTE_RANDOM: Route
ROUTE_REPLY: Route
ROUTE_UNSPECIFIED: Route
WANT_RECEIPT: Want
WANT_REPLY: Want
WANT_UNSPECIFIED: Want

class Beat(_message.Message):
    __slots__ = ["active"]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    active: int
    def __init__(self, active: _Optional[int] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ["id", "logs", "reload", "restart", "scale", "status", "stop", "tap"]
    ID_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    RELOAD_FIELD_NUMBER: _ClassVar[int]
    RESTART_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    TAP_FIELD_NUMBER: _ClassVar[int]
    id: int
    logs: LogsCommand
    reload: ReloadCommand
    restart: RestartCommand
    scale: ScaleCommand
    status: StatusCommand
    stop: StopCommand
    tap: TapCommand
    def __init__(self, id: _Optional[int] = ..., status: _Optional[_Union[StatusCommand, _Mapping]] = ..., reload: _Optional[_Union[ReloadCommand, _Mapping]] = ..., restart: _Optional[_Union[RestartCommand, _Mapping]] = ..., scale: _Optional[_Union[ScaleCommand, _Mapping]] = ..., stop: _Optional[_Union[StopCommand, _Mapping]] = ..., logs: _Optional[_Union[LogsCommand, _Mapping]] = ..., tap: _Optional[_Union[TapCommand, _Mapping]] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ["cause", "deadline_ms"]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    cause: str
    deadline_ms: int
    def __init__(self, deadline_ms: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class Failing(_message.Message):
    __slots__ = ["reason"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class Fault(_message.Message):
    __slots__ = ["code", "detail", "fatal", "id"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FATAL_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    code: Code
    detail: str
    fatal: bool
    id: int
    def __init__(self, code: _Optional[_Union[Code, str]] = ..., id: _Optional[int] = ..., detail: _Optional[str] = ..., fatal: bool = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ["beat", "command", "drain", "failing", "fault", "goodbye", "hello", "message", "ping", "pong", "ready", "receipt", "report", "sender", "welcome"]
    BEAT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    FAILING_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    beat: Beat
    command: Command
    drain: Drain
    failing: Failing
    fault: Fault
    goodbye: Goodbye
    hello: Hello
    message: Message
    ping: Ping
    pong: Pong
    ready: Ready
    receipt: Receipt
    report: Report
    sender: Sender
    welcome: Welcome
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., ready: _Optional[_Union[Ready, _Mapping]] = ..., message: _Optional[_Union[Message, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., fault: _Optional[_Union[Fault, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., failing: _Optional[_Union[Failing, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., report: _Optional[_Union[Report, _Mapping]] = ..., beat: _Optional[_Union[Beat, _Mapping]] = ..., sender: _Optional[_Union[Sender, _Mapping]] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Hello(_message.Message):
    __slots__ = ["name", "pid", "role", "token", "version"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    pid: int
    role: Role
    token: str
    version: int
    def __init__(self, version: _Optional[int] = ..., role: _Optional[_Union[Role, str]] = ..., pid: _Optional[int] = ..., token: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class LogsCommand(_message.Message):
    __slots__ = ["follow", "index_plus_one", "lines", "role"]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    INDEX_PLUS_ONE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    follow: bool
    index_plus_one: int
    lines: int
    role: Role
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., index_plus_one: _Optional[int] = ..., lines: _Optional[int] = ..., follow: bool = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ["connection", "index", "pid"]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    connection: int
    index: int
    pid: int
    def __init__(self, pid: _Optional[int] = ..., connection: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ["action", "connection", "data", "encoding", "error", "id", "in_reply_to", "others", "pid", "route", "timeout_ms", "want"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    IN_REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    WANT_FIELD_NUMBER: _ClassVar[int]
    action: str
    connection: int
    data: bytes
    encoding: Encoding
    error: str
    id: int
    in_reply_to: int
    others: bool
    pid: int
    route: Route
    timeout_ms: int
    want: Want
    def __init__(self, route: _Optional[_Union[Route, str]] = ..., pid: _Optional[int] = ..., id: _Optional[int] = ..., want: _Optional[_Union[Want, str]] = ..., encoding: _Optional[_Union[Encoding, str]] = ..., action: _Optional[str] = ..., connection: _Optional[int] = ..., in_reply_to: _Optional[int] = ..., error: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., others: bool = ..., data: _Optional[bytes] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ["detail", "ok"]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    detail: str
    ok: bool
    def __init__(self, ok: bool = ..., detail: _Optional[str] = ...) -> None: ...

class Pids(_message.Message):
    __slots__ = ["agent", "worker"]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    agent: Member
    worker: _containers.RepeatedCompositeFieldContainer[Member]
    def __init__(self, worker: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., agent: _Optional[_Union[Member, _Mapping]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ["nonce"]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    def __init__(self, nonce: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ["nonce"]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    def __init__(self, nonce: _Optional[int] = ...) -> None: ...

class Ready(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Receipt(_message.Message):
    __slots__ = ["held", "id", "queued"]
    HELD_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    held: int
    id: int
    queued: int
    def __init__(self, id: _Optional[int] = ..., queued: _Optional[int] = ..., held: _Optional[int] = ...) -> None: ...

class ReloadCommand(_message.Message):
    __slots__ = ["agent"]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: bool
    def __init__(self, agent: bool = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ["id", "line", "outcome", "status", "tapped"]
    ID_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TAPPED_FIELD_NUMBER: _ClassVar[int]
    id: int
    line: str
    outcome: Outcome
    status: str
    tapped: Tapped
    def __init__(self, id: _Optional[int] = ..., line: _Optional[str] = ..., status: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ..., tapped: _Optional[_Union[Tapped, _Mapping]] = ...) -> None: ...

class RestartCommand(_message.Message):
    __slots__ = ["index", "role"]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    index: int
    role: Role
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., index: _Optional[int] = ...) -> None: ...

class ScaleCommand(_message.Message):
    __slots__ = ["count", "relative"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    count: int
    relative: bool
    def __init__(self, count: _Optional[int] = ..., relative: bool = ...) -> None: ...

class Sender(_message.Message):
    __slots__ = ["connection", "pid", "role"]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    connection: int
    pid: int
    role: Role
    def __init__(self, pid: _Optional[int] = ..., role: _Optional[_Union[Role, str]] = ..., connection: _Optional[int] = ...) -> None: ...

class StatusCommand(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class StopCommand(_message.Message):
    __slots__ = ["now"]
    NOW_FIELD_NUMBER: _ClassVar[int]
    now: bool
    def __init__(self, now: bool = ...) -> None: ...

class TapCommand(_message.Message):
    __slots__ = ["action_prefix", "data_bytes_max"]
    ACTION_PREFIX_FIELD_NUMBER: _ClassVar[int]
    DATA_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    action_prefix: str
    data_bytes_max: int
    def __init__(self, action_prefix: _Optional[str] = ..., data_bytes_max: _Optional[int] = ...) -> None: ...

class Tapped(_message.Message):
    __slots__ = ["action", "data", "data_bytes", "encoding", "missed", "receivers", "route", "sender"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    RECEIVERS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    action: str
    data: bytes
    data_bytes: int
    encoding: Encoding
    missed: int
    receivers: int
    route: Route
    sender: Sender
    def __init__(self, sender: _Optional[_Union[Sender, _Mapping]] = ..., route: _Optional[_Union[Route, str]] = ..., action: _Optional[str] = ..., encoding: _Optional[_Union[Encoding, str]] = ..., data_bytes: _Optional[int] = ..., data: _Optional[bytes] = ..., receivers: _Optional[int] = ..., missed: _Optional[int] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ["connection", "frame_bytes_max", "master_pid", "pid", "version"]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    FRAME_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    MASTER_PID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    connection: int
    frame_bytes_max: int
    master_pid: int
    pid: int
    version: int
    def __init__(self, version: _Optional[int] = ..., connection: _Optional[int] = ..., pid: _Optional[int] = ..., frame_bytes_max: _Optional[int] = ..., master_pid: _Optional[int] = ...) -> None: ...

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Route(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Want(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Encoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
