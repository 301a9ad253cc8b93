"""One JSON line per fact on standard output: ids, times and counts; never a body, a name or a value somebody entered."""

import asyncio
import logging
import sys
import traceback
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

FLUSH_SECONDS: Final = 0.1
LINES_MAX: Final = 500
PLACES_MAX: Final = 20
QUIET: Final = ("aiokafka", "faust", "mode", "asyncio", "uvicorn", "httpx")


def configure(service: str, process: str, level: str, out: BinaryIO | None = None) -> None:
    """Route structlog, the standard library and uvicorn to the same lines, each naming service and process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    lines = _Lines(out or sys.stdout.buffer)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        lambda _logger, _method, event: {**event, "service": service, "process": process},
        error_without_words,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=lambda event, **_: _json(event).decode()),
            ],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    logging.basicConfig(handlers=[lines], level=number, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


class _Lines(logging.Handler):
    """Writes structlog's lines and the standard library's, several at a time: a system call for each took a third of a request.

    Ordinary lines wait up to 0.1 s in the running loop; a warning, and everything written outside of a loop, goes out at
    once and takes the waiting lines along. The lines wait here because a container's standard output is unbuffered.
    """

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out = out
        self._waiting: list[bytes] = []

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

    debug = info
    error = critical = warning

    def emit(self, record: logging.LogRecord) -> None:
        """The standard library's way in."""
        (self.warning if record.levelno >= logging.WARNING else self.info)(self.format(record).encode())

    def flush(self) -> None:
        """Write what waits; the standard library calls this at the process's end too."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._out.write(b"".join(waiting))
            self._out.flush()


def error_without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the last twenty places it passed: its words may quote a value (a key, a name)."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    if isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event["error"] = f"{type(given).__module__}.{type(given).__qualname__}"
        passed = [(frame.f_code, line) for frame, line in traceback.walk_tb(given.__traceback__)][-PLACES_MAX:]
        event["passed"] = [f"{code.co_filename.rsplit('/', 1)[-1]}:{line} {code.co_name}" for code, line in passed]
    return event


def _json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)
