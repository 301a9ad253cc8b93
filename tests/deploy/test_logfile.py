"""A log is turned over when it is full; no line is parted or lost until it is the oldest."""

from pathlib import Path

from deploy.logfile import LogFile


def test_a_full_log_is_put_aside_at_the_end_of_a_line(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log", bytes_max=100, files_kept=2)
    lines = [f"line {number:03}\n".encode() for number in range(40)]
    for line in lines:
        log.write(line[:4])
        log.write(line[4:])
    log.close()

    kept = [tmp_path / name for name in ("x.log.2", "x.log.1", "x.log")]
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert all(path.stat().st_size <= 110 for path in kept)
    assert b"".join(path.read_bytes() for path in kept) == b"".join(lines)[-sum(p.stat().st_size for p in kept) :]
    assert all(path.read_bytes().endswith(b"\n") for path in kept if path.read_bytes())


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    for words in (b"first\n", b"second\n"):
        log = LogFile(tmp_path / "x.log")
        log.write(words)
        log.close()

    assert (tmp_path / "x.log").read_bytes() == b"first\nsecond\n"


def test_a_line_that_never_ends_is_not_parted(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log", bytes_max=10)
    log.write(b"a" * 50)
    log.write(b"b" * 50)
    log.close()

    assert (tmp_path / "x.log").stat().st_size == 100
