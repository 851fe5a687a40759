"""Settings: read from the environment once, in a composition root, and passed in.

docs/operations/settings.md lists them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from shelftide.core.errors import SetupError

Engine = Literal["ducklake", "postgres"]
_DATABASES = ("DATABASE_OWNER_URL", "DATABASE_GATE_URL", "DATABASE_BACKUP_URL", "DATABASE_LAKES_URL")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings.

    Attributes:
        database_url: Postgres as role `app`; empty starts the embedded server.
        database_owner_url, database_gate_url, database_backup_url, database_lakes_url: the other roles, needed with
            `database_url`.
        data_dir: Parquet files and the vault's master key; "" means beside the embedded database.
        engine: where facts live.
        broker_url: "" (in the worker's own process), `amqp://...` or `redis://...`.
        host, port: where the web server listens.
        public_url: the console's address as browsers see it.
        lease_seconds: how long a run may go without a sign of life.
        plugins: allow-list of connector distributions; empty allows all that are installed.
        demo: simulated platforms; the clock can be advanced.
        routes: `host=url` pairs that send a platform's host elsewhere (the simulator).
    """

    database_url: str = ""
    database_owner_url: str = ""
    database_gate_url: str = ""
    database_backup_url: str = ""
    database_lakes_url: str = ""
    data_dir: str = ""
    engine: Engine = "ducklake"
    broker_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8020
    public_url: str = ""
    lease_seconds: float = 30.0
    worker_threads: int = 8
    plugins: tuple[str, ...] = ()
    demo: bool = False
    routes: tuple[str, ...] = ()

    @property
    def console_url(self) -> str:
        """The console's own address."""
        return self.public_url or f"http://{self.host}:{self.port}"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `DATABASE_URL`, `DATABASE_*_URL` and `SHELFTIDE_*`.

    Raises:
        SetupError: an unknown or malformed setting, or an external database without all its roles.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, str | list[str]] = {}
    for name in ("DATABASE_URL", *_DATABASES):
        if environment.get(name):
            values[name.lower()] = environment[name]
    for name, text in environment.items():
        if name.startswith("SHELFTIDE_"):
            field = name.removeprefix("SHELFTIDE_").lower()
            if field not in Settings.__struct_fields__:
                raise SetupError(f"Unknown setting {name}.", hint="docs/operations/settings.md lists all settings.")
            values[field] = [part for part in text.split(",") if part] if field in ("plugins", "routes") else text
    missing = [name for name in _DATABASES if "database_url" in values and name.lower() not in values]
    if missing:
        raise SetupError(f"DATABASE_URL is set, but not {', '.join(missing)}.", hint="Give one address per role.")
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SetupError(
            f"A setting is wrong: {error}", hint="docs/operations/settings.md lists all settings."
        ) from error


def checkout_root() -> Path:
    """The folder that identifies this installation: the checkout, or the environment it is installed in."""
    return Path(__file__).resolve().parents[3]
