"""The ledger of a run: every request, every answer and every fault, in order, with the seed that repeats the faults."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any


@dataclass
class Command:
    """One command under its key: what was asked, how often, and what the caller knows of it."""

    key: str
    service: str
    method: str
    path: str
    body: Any
    site: str
    attempts: int = 0
    status: int | None = None
    """Of the last answer; None while nobody has answered."""
    problem: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether the caller was told that it is on disk."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the caller was told for good that nothing happened; time-outs, 5xx and a first try under way say nothing."""
        return self.status is not None and 400 <= self.status < 500 and self.problem != "key-in-flight"


class Ledger:
    """What happened, for the checker, and as lines of JSON for whoever wants to know later."""

    def __init__(self, seed: int, file: Path | None = None) -> None:
        """Opens `file` anew."""
        self.seed = seed
        self.commands: dict[str, Command] = {}
        self.faults: Counter[str] = Counter()
        self.skipped: dict[str, str] = {}
        """Kinds of faults that this machine does not allow, each with the reason."""
        self.refusals: list[str] = []
        """Commands of the load that should have worked and were refused."""
        self.requests = 0
        self._began = time.monotonic()
        self._file: IO[str] | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._file = file.open("w", buffering=1)
        self.write("run", seed=seed)

    def close(self) -> None:
        """Nothing more is written to the file; what is known stays known."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def asked(self, method: str, place: str, headers: Mapping[str, str], body: Any) -> None:
        """An attempt leaves for a service; only commands have a key and are kept."""
        self.requests += 1
        key = headers.get("Idempotency-Key")
        if key is None:
            return
        service, _, path = place.partition("/")
        site = headers.get("Evenkeel-Site", "")
        command = self.commands.setdefault(key, Command(key, service, method, path, body, site))
        command.attempts += 1
        self.write("asked", key=key, request=f"{method} {place}", site=site, attempt=command.attempts)

    def answered(self, key: str | None, status: int | None, problem: str, said: Any, token: str) -> None:
        """What came back; None when nothing did."""
        if key is None:
            return
        command = self.commands[key]
        self.write("answered", key=key, status=status, problem=problem, token=token)
        if status is None or command.acknowledged:
            return
        command.status, command.problem = status, problem
        if command.acknowledged:
            command.answer, command.token = said, token

    def fault(self, kind: str, target: str, **how: object) -> None:
        """Something was broken on purpose."""
        self.faults[kind] += 1
        self.write("fault", kind=kind, target=target, **how)

    def skip(self, kind: str, reason: str) -> None:
        """This machine does not allow this kind of fault."""
        self.skipped[kind] = reason
        self.write("skipped", kind=kind, reason=reason)

    def write(self, what: str, **facts: object) -> None:
        """One line, with the seconds since the beginning."""
        if self._file is not None:
            line = {"at": round(time.monotonic() - self._began, 3), "what": what} | facts
            self._file.write(json.dumps(line, default=str) + "\n")
