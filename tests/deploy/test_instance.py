"""A data folder keeps its secrets, ports and state, and has one owner at a time."""

import socket
import stat
from pathlib import Path

import jwt
import pytest

from deploy.instance import AlreadyRunning, Instance, process_names
from deploy.issuer import AUDIENCE, ISSUER
from deploy.ports import PortsTaken, free_ports, is_free


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance(tmp_path / "data")
    made.prepare()
    return made


def test_secrets_are_made_once_and_nobody_else_may_read_them(instance: Instance) -> None:
    before = {path.name: path.read_bytes() for path in instance.secrets.iterdir()}
    instance.prepare()

    assert {path.name: path.read_bytes() for path in instance.secrets.iterdir()} == before
    assert set(before) == {"passwords.json", "site-keys.json", "jwt.pem", "jwks.json", "proof.pem"}
    assert stat.S_IMODE(instance.secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in instance.secrets.iterdir()} == {0o600}
    assert len(set(instance.passwords().values())) == 17


def test_a_folder_has_one_owner_at_a_time(instance: Instance) -> None:
    assert not instance.running()
    with instance.held():
        assert instance.running()
        with pytest.raises(AlreadyRunning), instance.held():
            raise AssertionError
    assert not instance.running()


def test_ports_stay_the_same_unless_somebody_else_took_one(instance: Instance) -> None:
    ports = instance.ports()
    assert set(ports) == {*process_names(), "postgres", "kafka", "kafka-controller"}
    assert len(set(ports.values())) == 12
    assert instance.ports() == ports

    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", ports["kafka"]))
        stranger.listen()
        changed = instance.ports()

    assert changed["kafka"] != ports["kafka"]
    assert {name: port for name, port in changed.items() if name != "kafka"} == {
        name: port for name, port in ports.items() if name != "kafka"
    }


def test_given_ports_are_numbered_from_there_or_refused(instance: Instance) -> None:
    base = 31_000
    while not all(is_free(base + number) for number in range(12)):
        base += 12
    ports = instance.ports(base)
    assert [ports[f"{service}-api"] for service in ("intake", "scheduling", "medication")] == [
        base,
        base + 1,
        base + 2,
    ]
    assert sorted(ports.values()) == list(range(base, base + 12))

    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", base + 4))
        stranger.listen()
        with pytest.raises(PortsTaken, match=str(base + 4)):
            instance.ports(base)


def test_free_ports_are_free_and_below_those_of_outgoing_connections() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert max(ports) < 32_768
    assert all(is_free(port) for port in ports)


def test_a_token_is_verified_by_the_published_keys(instance: Instance) -> None:
    token = instance.token("somebody", ["nurse"], ["riverside"], hours=10_000)
    (key,) = jwt.PyJWKSet.from_json((instance.secrets / "jwks.json").read_text()).keys

    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)

    assert (claims["sub"], claims["roles"], claims["sites"]) == ("somebody", ["nurse"], ["riverside"])
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600


def test_the_state_is_read_whole(instance: Instance) -> None:
    assert instance.state() == {}
    instance.write_state({"phase": "ready"})

    assert instance.state() == {"phase": "ready"}
    assert [path.name for path in instance.folder.glob("*.partial")] == []
