"""Who may do what: signature, time, role, purpose and site, each checked before anything is read or decided."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Annotated, Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fastapi import APIRouter, Header

from shared.access import Role, RulesIncomplete, allow, checked
from shared.http import Commands, create_app
from shared.operations import RouteNotPlain
from shared.service import Service
from tests.embedded import ServiceDatabase
from tests.shared.http.running import AUDIENCE, ISSUER, ROLES, Small, running
from tests.shared.http.small import RULES, SMALL

TAPER = "0193f0c2-5b7e-7c1a-9a55-3f0d2f6f8a11"
REQUESTS = {
    "start_taper": ("PUT", f"/v1/tapers/{TAPER}", {"patient_id": TAPER, "dose_mg": "16"}),
    "reduce_dose": ("POST", f"/v1/tapers/{TAPER}/dose-reductions", {"dose_mg": "8", "effective_on": "2026-03-02"}),
    "reduce_dose_anywhere": (
        "POST",
        f"/v1/network/tapers/{TAPER}/dose-reductions",
        {"dose_mg": "8", "effective_on": "2026-03-02"},
    ),
    "list_tapers": ("GET", "/v1/tapers", None),
    "get_taper": ("GET", f"/v1/tapers/{TAPER}", None),
    "get_taper_now": ("GET", f"/v1/tapers/{TAPER}/now", None),
    "list_tapers_of_all_sites": ("GET", "/v1/network/tapers", None),
    "check_taper": ("POST", "/v1/taper-checks", {"patient_id": TAPER, "dose_mg": "16"}),
    "fail_unforeseen": ("GET", "/v1/fault", None),
}


async def ask(small: Small, operation: str, authorization: str | None, **headers: str) -> httpx.Response:
    method, path, body = REQUESTS[operation]
    asked = {"Idempotency-Key": uuid4().hex, "If-Match": '"1"'} | headers
    if authorization is not None:
        asked["Authorization"] = authorization
    return await small.client.request(method, path, json=body, headers=asked)


def test_every_operation_is_tried_here() -> None:
    assert REQUESTS.keys() == RULES.keys()


@pytest.mark.parametrize("operation", list(REQUESTS))
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_let_in_where_its_rule_says_so_and_nowhere_else(
    small: Small, role: str, operation: str
) -> None:
    token = small.issuer.token(role, sites=(small.site,))

    answer = await ask(small, operation, f"Bearer {token}")

    assert (answer.status_code != 403) == (Role(role) in RULES[operation].roles), answer.text
    assert answer.status_code != 401


@pytest.mark.parametrize("operation", list(REQUESTS))
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic bnVyc2U6MQ==", "Bearer a.b.c", "Bearer " + "x" * 9000]
)
async def test_nobody_is_let_in_unknown(small: Small, authorization: str | None, operation: str) -> None:
    before = await small.stored()

    answer = await ask(small, operation, authorization)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await small.stored() == before


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 86_400},
        {"iss": "https://elsewhere.test"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "Jane Roe"},
        {"roles": None},
        {"roles": 7},
        {"sites": None},
        {"sites": ["Riverside'"]},
        {"sites": [["riverside"]]},
        {"sites": [f"site-{number}" for number in range(300)]},
        {"purpose": None},
        {"purpose": "curiosity"},
    ],
)
async def test_a_token_with_an_odd_claim_is_not_valid(small: Small, claims: dict[str, Any]) -> None:
    answer = await ask(small, "list_tapers", f"Bearer {small.issuer.token('nurse', **claims)}")

    assert answer.status_code == 401


async def test_a_token_signed_by_somebody_else_is_not_valid(small: Small) -> None:
    content = {
        "sub": "nurse-1",
        "roles": ["nurse"],
        "sites": ["*"],
        "purpose": "treatment",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(time.time()) + 600,
    }
    stranger, kid = ec.generate_private_key(ec.SECP256R1()), {"kid": "key-1"}
    public = json.loads(small.issuer.file.read_text())["keys"][0]
    forged = [
        jwt.encode(content, stranger, algorithm="ES256", headers=kid),
        jwt.encode(content, stranger, algorithm="ES256", headers={"kid": "key-9"}),
        jwt.encode(content, stranger, algorithm="ES256"),
        jwt.encode(content, ed25519.Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=kid),
        jwt.encode(content, "", algorithm="none", headers=kid),
        confused({"alg": "HS256", "typ": "JWT", **kid}, content, json.dumps(public).encode()),
    ]

    for token in forged:
        assert (await ask(small, "list_tapers", f"Bearer {token}")).status_code == 401


def confused(head: dict[str, str], content: dict[str, Any], public: bytes) -> str:
    """The public key used as a shared secret: the classic confusion of algorithms."""

    def packed(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    signed = f"{packed(json.dumps(head).encode())}.{packed(json.dumps(content).encode())}"
    return f"{signed}.{packed(hmac.new(public, signed.encode(), hashlib.sha256).digest())}"


async def test_a_changed_token_is_not_valid_even_right_after_the_true_one(small: Small) -> None:
    token = small.issuer.token("counsellor")
    assert (await ask(small, "list_tapers", f"Bearer {token}")).status_code == 200
    head, content, signature = token.split(".")
    stronger = small.issuer.token("prescriber").split(".")[1]

    for changed in (f"{head}.{stronger}.{signature}", f"{head}.{content}.", f"{head}.{content}.{signature[:-4]}AAAA"):
        assert (await ask(small, "list_tapers", f"Bearer {changed}")).status_code == 401


async def test_a_remembered_token_ends_when_it_says(
    database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with running(database, tmp_path_factory.mktemp("exp"), jwt_leeway_seconds=0) as small:
        token = small.issuer.token("nurse", exp=int(time.time()) + 2)
        assert (await ask(small, "list_tapers", f"Bearer {token}")).status_code == 200

        await asyncio.sleep(2.1)
        answer = await ask(small, "list_tapers", f"Bearer {token}")

        assert answer.json()["detail"] == "The token has expired"


async def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(
    database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.identity.KEYS_SECONDS_MIN", 0.0)
    async with running(database, tmp_path_factory.mktemp("rotation"), jwt_cached_seconds_max=0.001) as small:
        old = f"Bearer {small.issuer.token('nurse')}"
        assert (await ask(small, "list_tapers", old)).status_code == 200
        small.issuer.publish("key-2")
        new = f"Bearer {small.issuer.token('nurse')}"

        assert (await ask(small, "list_tapers", new)).status_code == 200
        assert (await ask(small, "list_tapers", old)).status_code == 401
        small.issuer.file.unlink()
        assert (await ask(small, "list_tapers", new)).status_code == 200


@pytest.mark.parametrize("operation", list(REQUESTS))
async def test_a_stranger_is_told_nothing_about_headers(small: Small, operation: str) -> None:
    odd = {
        "Idempotency-Key": "x",
        "If-Match": "x",
        "Evenkeel-Site": "X",
        "Correlation-Id": "x",
        "Consistency-Token": "x",
    }

    assert (await ask(small, operation, None, **odd)).status_code == 401


async def test_the_purpose_must_fit(small: Small) -> None:
    token = small.issuer.token("nurse", purpose="payment")

    assert (await ask(small, "start_taper", f"Bearer {token}")).status_code == 403
    assert (await ask(small, "list_tapers", f"Bearer {token}")).status_code == 200


@pytest.mark.parametrize(
    ("sites", "header", "status"),
    [
        (("a-site",), None, 201),
        (("a-site",), "a-site", 201),
        (("a-site", "b-site"), "b-site", 201),
        (("*",), "any-site", 201),
        (("a-site",), "b-site", 403),
        (("a-site", "b-site"), None, 422),
        (("*",), None, 422),
        ((), None, 422),
        ((), "a-site", 403),
    ],
)
async def test_a_command_is_done_at_a_site_of_the_callers(
    small: Small, sites: tuple[str, ...], header: str | None, status: int
) -> None:
    token = small.issuer.token("nurse", sites=sites)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    headers |= {"Evenkeel-Site": header} if header else {}
    body = {"patient_id": str(uuid4()), "dose_mg": "16"}

    answer = await small.client.put(f"/v1/tapers/{uuid4()}", json=body, headers=headers)

    assert answer.status_code == status, answer.text
    if status != 201:
        assert answer.json()["field"] == "Evenkeel-Site"


async def test_another_sites_record_reads_as_absent_unless_the_rule_reaches_further(small: Small) -> None:
    taper_id = uuid4()
    await small.start(taper_id)
    body = {"dose_mg": "8", "effective_on": "2026-03-02"}

    for path, roles, status in (
        (f"/v1/tapers/{taper_id}/dose-reductions", ("nurse",), 404),
        (f"/v1/network/tapers/{taper_id}/dose-reductions", ("nurse",), 403),
        (f"/v1/network/tapers/{taper_id}/dose-reductions", ("prescriber",), 201),
    ):
        headers = small.headers(*roles, sites=("elsewhere",), If_Match='"1"')
        answer = await small.client.post(path, json=body, headers=headers)
        assert answer.status_code == status

    site = await small.owner.fetchval(
        "select site_id from log.event where stream = $1 and version = 2", f"smalltaper-{taper_id}"
    )
    assert site == "elsewhere"


async def test_the_caller_is_checked_before_the_body_is_read(small: Small) -> None:
    answer = await small.client.put(f"/v1/tapers/{TAPER}", content=b"{", headers={"Content-Length": "1"})

    assert answer.status_code == 401


def test_an_operation_without_a_rule_does_not_start() -> None:
    rule = allow(Role.NURSE)

    with pytest.raises(RulesIncomplete, match="operation b has no rule"):
        checked(["a", "b"], {"a": rule})
    with pytest.raises(RulesIncomplete, match="rule c has no operation"):
        checked(["a"], {"a": rule, "c": rule})
    with pytest.raises(RulesIncomplete, match="two operations are called a"):
        checked(["a", "a"], {"a": rule})
    with pytest.raises(RulesIncomplete, match="lets nobody in"):
        checked(["a"], {"a": allow()})


async def test_a_service_with_a_forgotten_rule_does_not_start(small: Small) -> None:
    fewer = {name: rule for name, rule in RULES.items() if name != "get_taper"}
    service = Service(SMALL.name, SMALL.vocabulary, SMALL.router, fewer, SMALL.migrations)

    with pytest.raises(RulesIncomplete, match="operation get_taper has no rule"):
        create_app(service, small.app.settings)


async def test_a_route_that_asks_for_more_than_a_door_does_not_start(small: Small) -> None:
    router = APIRouter()

    @router.post("/things")
    async def do_thing(door: Commands, x_role: Annotated[str, Header()]) -> None:
        """Would read a header past the door."""

    service = Service("odd", SMALL.vocabulary, router, {"do_thing": allow(Role.NURSE)}, SMALL.migrations)

    with pytest.raises(RouteNotPlain, match="do_thing"):
        create_app(service, small.app.settings)
