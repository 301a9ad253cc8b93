"""A log file with a limit: when it is full it is put aside under a number, and the oldest of those goes."""

from pathlib import Path
from typing import Final

BYTES_MAX: Final = 10_000_000
FILES_KEPT: Final = 3


class LogFile:
    """`x.log` is the newest, then `x.log.1`, `x.log.2`, …; a line is never parted."""

    def __init__(self, path: Path, bytes_max: int = BYTES_MAX, files_kept: int = FILES_KEPT) -> None:
        """Goes on where the file ends."""
        self._path, self._bytes_max, self._files_kept = path, bytes_max, files_kept
        self._file = path.open("ab", buffering=0)
        self._bytes = path.stat().st_size

    def write(self, chunk: bytes) -> None:
        """Write at once; turn over at the end of a line."""
        if self._bytes + len(chunk) > self._bytes_max and (cut := chunk.rfind(b"\n") + 1):
            self._append(chunk[:cut])
            self._turn_over()
            chunk = chunk[cut:]
        self._append(chunk)

    def close(self) -> None:
        """Nothing is written after it."""
        self._file.close()

    def _append(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._bytes += len(chunk)

    def _turn_over(self) -> None:
        self._file.close()
        for number in range(self._files_kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._path.open("ab", buffering=0)
        self._bytes = 0

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
