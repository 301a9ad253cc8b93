"""How the processes of the one image find each other: `python -m deploy.container prepare`, `serve SERVICE KIND` or `verify`."""

import asyncio
import os
import sys
from pathlib import Path

from deploy.bootstrap import prepare_databases, prepare_topics
from deploy.instance import PROCESSES, Instance, Places
from deploy.proof.older import older_logs, topics_ahead
from deploy.proof.process import main as verify
from deploy.serve import serve

FOLDER = Path(os.environ.get("EVENKEEL_DATA", "/var/lib/evenkeel"))
POSTGRES = os.environ.get("EVENKEEL_POSTGRES", "postgres:5432")
KAFKA = os.environ.get("EVENKEEL_KAFKA", "kafka:9092")
HTTP_PORT = 8080


async def prepare(instance: Instance) -> None:
    """Secrets, roles, databases, migrations and topics; repeating it changes nothing."""
    instance.prepare()
    superuser = (os.environ.get("POSTGRES_USER", "postgres"), os.environ["POSTGRES_PASSWORD"])
    applied = await prepare_databases(POSTGRES, superuser, instance.passwords())
    made = await prepare_topics(KAFKA)
    if found := await older_logs(instance, POSTGRES) or await topics_ahead(instance, POSTGRES, KAFKA):
        raise SystemExit("\n".join(found))
    urls = {service: f"http://{service}-api:{HTTP_PORT}" for service in PROCESSES}
    instance.write_state({"phase": "ready", "kafka": KAFKA, "postgres": POSTGRES, "urls": urls, "processes": {}})
    print(f"{len(applied)} migrations applied, {len(made)} topics made")  # noqa: T201 - a command's output


def main(task: str, *words: str) -> None:
    """Prepare the system, or run one process of it."""
    instance = Instance(FOLDER)
    if task == "prepare":
        asyncio.run(prepare(instance))
        return
    if task == "verify":
        os.environ.update(instance.verifier_environment(Places(POSTGRES, KAFKA, "0.0.0.0", HTTP_PORT)))  # noqa: S104 - a container's own network
        verify()
        return
    service, kind = words
    os.environ.update(instance.environment(service, kind, Places(POSTGRES, KAFKA, "0.0.0.0", HTTP_PORT)))  # noqa: S104 - a container's own network
    serve(service, kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
