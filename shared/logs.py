"""One JSON line per fact on standard output: ids, times and counts; never a body, a name or a value somebody entered."""

import asyncio
import atexit
import logging
import sys
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

FLUSH_SECONDS: Final = 0.1
LINES_MAX: Final = 500
QUIET: Final = ("aiokafka", "faust", "mode", "asyncio", "uvicorn", "httpx")


def configure(service: str, process: str, level: str, out: BinaryIO | None = None) -> None:
    """Route structlog, the standard library and uvicorn to the same lines, each naming service and process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    lines = _Lines(out or sys.stdout.buffer)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _origin(service, process),
        error_without_words,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    routed = _Routed(lines)
    routed.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=lambda event, **_: _json(event).decode()),
            ],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    logging.basicConfig(handlers=[routed], level=number, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


class _Lines:
    """Writes lines, several at a time: one system call per line took a third of a request.

    Ordinary lines wait up to 0.1 s in the running loop; a warning, and everything written outside of a loop, goes out at
    once and takes the waiting lines along. The lines wait here because a container's standard output is unbuffered.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._waiting: list[bytes] = []
        atexit.register(self.flush)

    def info(self, line: bytes) -> None:
        """Write soon."""
        self._waiting.append(line + b"\n")
        if len(self._waiting) >= LINES_MAX:
            self.flush()
        if len(self._waiting) != 1:
            return
        try:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        except RuntimeError:
            self.flush()

    def warning(self, line: bytes) -> None:
        """Write now."""
        self._waiting.append(line + b"\n")
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._out.write(b"".join(waiting))
            self._out.flush()

    debug = info
    error = critical = warning


class _Routed(logging.Handler):
    """The standard library's records among the other lines."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Write soon, or now when it is a warning."""
        line = self.format(record).encode()
        if record.levelno >= logging.WARNING:
            self._lines.warning(line)
        else:
            self._lines.info(line)


def _origin(service: str, process: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"], event["process"] = service, process
        return event

    return add


def error_without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places it passed: its words may quote a value (a key, a name)."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    if isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event["error"] = f"{type(given).__module__}.{type(given).__qualname__}"
        event["passed"] = _places(given)
    return event


def _places(error: BaseException) -> list[str]:
    """`file:line function`, outermost first, of the last twenty calls."""
    trace, places = error.__traceback__, list[str]()
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-20:]


def _json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)
