"""`python -m deploy.cli`, where the `evenkeel` script is not installed."""

from deploy.cli import app

app(prog_name="evenkeel")
