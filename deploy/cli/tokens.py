"""Tokens of the local issuer, and what to try with them."""

import os
from typing import Annotated, Final, NamedTuple

import typer

from deploy.cli.screen import DEFAULT_DATA, Data, give_up, say
from deploy.instance import Instance
from shared.access import Purpose, Role


class Query(NamedTuple):
    """One request that is worth a first look."""

    words: str
    service: str
    path: str


QUERIES: Final = (
    Query("the sites of the network", "scheduling", "/v1/sites"),
    Query("where each patient's treatment plan stands", "intake", "/v1/plan-states?limit=3"),
    Query("where each taper stands", "medication", "/v1/taper-schedules?limit=3"),
)
# Who uses the system most, for a first look; `evenkeel token` makes any other.
ROLES: Final = (Role.FRONT_DESK, Role.COUNSELLOR, Role.NURSE, Role.PRESCRIBER, Role.NETWORK_MANAGER)
EVERY_SITE: Final = "*"


def token(
    role: Annotated[list[Role], typer.Option(help="Several are allowed.")],
    site: Annotated[list[str], typer.Option(help="Such as riverside; several are allowed, '*' is every site.")],
    data: Data = DEFAULT_DATA,
    subject: Annotated[str, typer.Option(help="Who it is for.")] = "local-user",
    *,
    purpose: Annotated[Purpose, typer.Option(help="Why they ask.")] = Purpose.TREATMENT,
    hours: Annotated[float, typer.Option(help="How long it is good for; 30 days at most.", min=0.01)] = 12,
) -> None:
    """Print a bearer token of the local issuer; refused outside local mode."""
    instance = _local(data)
    typer.echo(instance.token(subject, [one.value for one in role], site, purpose=purpose, hours=hours))


def try_it(data: Data = DEFAULT_DATA) -> None:
    """Print the addresses, a token for each role, and three requests to begin with."""
    instance = _local(data)
    urls = instance.state()["urls"]
    say("Addresses")
    for service, url in urls.items():
        say(f"  {service:<16}{url}   document: {url}/openapi.json")
    say("\nTokens for every site, good for 12 hours")
    for role in ROLES:
        say(f"  {role:<16}{instance.token(f'local-{role.replace("_", "-")}', [role], [EVERY_SITE])}")
    where = "" if data == DEFAULT_DATA else f" --data {data}"
    say("\nTry")
    for query in QUERIES:
        asked = f"$(.venv/bin/evenkeel token --role {Role.NETWORK_MANAGER} --site '{EVERY_SITE}'{where})"
        say(f"  # {query.words}")
        say(f"  curl -s '{urls[query.service]}{query.path}' -H \"Authorization: Bearer {asked}\"")


def _local(data: Data) -> Instance:
    """The instance whose issuer may sign. Gives up where tokens are somebody else's to give."""
    if os.environ.get("EVENKEEL_ENVIRONMENT", "local") != "local":
        give_up("Tokens are made here for a local instance only; elsewhere ask your identity provider.")
    instance = Instance(data.resolve())
    if not (instance.secrets / "jwt.pem").exists() or not instance.state().get("urls"):
        give_up(f"There is no local instance in {instance.folder}; `evenkeel up` makes one.")
    return instance
