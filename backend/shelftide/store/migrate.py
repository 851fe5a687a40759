"""Bring the database to the newest schema, as the role `owner`."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from shelftide.store.embedded import Dsns


def _config(dsn: str = "") -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    # Config reads percent signs as interpolation.
    config.set_main_option(
        "sqlalchemy.url", dsn.replace("postgresql://", "postgresql+asyncpg://", 1).replace("%", "%%")
    )
    return config


def newest_revision() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


async def migrate(dsns: Dsns) -> None:
    """Run all migrations that are missing. Safe to run again, and from several processes at once (advisory lock)."""
    await asyncio.to_thread(command.upgrade, _config(dsns.owner), "head")
