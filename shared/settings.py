"""Everything that the environment may decide, read once at start; each limit carries its unit in its name."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(StrEnum):
    """Where this runs. What is only for a laptop asks for `local`."""

    LOCAL = "local"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Read from `EVENKEEL_…`; a missing or impossible value stops the start and names its variable."""

    model_config = SettingsConfigDict(env_prefix="EVENKEEL_", frozen=True, extra="ignore")

    environment: Environment = Environment.PRODUCTION
    database_dsn: str = Field(repr=False)
    keyring_dsn: str = Field(repr=False)
    site_keys_file: Path
    kafka: str = Field(description="Bootstrap servers, `host:port,host:port`.")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65_535)
    jwt_jwks_file: Path = Path("jwks.json")
    jwt_issuer: str = ""
    jwt_audience: str = ""
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    data_dir: Path = Path("data")

    # Requests
    body_bytes_max: int = Field(default=1_048_576, gt=0)
    requests_in_flight_max: int = Field(default=1024, gt=0)
    requests_in_flight_per_caller_max: int = Field(default=64, gt=0)
    shutdown_seconds: int = Field(default=10, gt=0)
    jwt_leeway_seconds: int = Field(default=5, ge=0)
    jwt_cached_tokens_max: int = Field(default=10_000, gt=0)
    jwt_cached_seconds_max: float = Field(default=60.0, gt=0)

    # Reading
    page_rows_default: int = Field(default=50, gt=0)
    page_rows_max: int = Field(default=200, gt=0)
    consistency_wait_seconds: float = Field(default=2.0, ge=0)
    consistency_poll_seconds: float = Field(default=0.25, gt=0)
    consistency_spacing_seconds: float = Field(default=0.03, gt=0)
    consistency_waiters_max: int = Field(default=2000, gt=0)

    # Deciding and appending
    batch_commands_max: int = Field(default=128, gt=0)
    queued_commands_max: int = Field(default=2048, gt=0)
    redecide_max: int = Field(default=3, ge=0)
    event_bytes_max: int = Field(default=900_000, gt=0)
    cached_streams_max: int = Field(default=20_000, gt=0)
    effective_past_days_max: int = Field(default=3660, gt=0)
    effective_future_minutes_max: int = Field(default=10, ge=0)

    # Parking: a consumer stops when so many keys wait, or so much of its newest events had to be set aside
    parked_keys_max: int = Field(default=100, gt=0)
    parked_window_events: int = Field(default=200, gt=0)
    parked_window_events_min: int = Field(default=20, gt=0)
    parked_ratio_max: float = Field(default=0.2, gt=0, le=1)

    # Pools and time limits of the database
    pool_connections_max: int = Field(default=10, gt=0)
    pool_wait_seconds: float = Field(default=5.0, gt=0)
    statement_seconds_max: float = Field(default=15.0, gt=0)
