"""Which engine: the one place that knows both."""

from pathlib import Path
from typing import Literal

from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.lakes import Lakes, LakeSecrets
from shelftide.warehouse.postgres_engine import PostgresWarehouses
from shelftide.warehouse.warehouse import Warehouses

Engine = Literal["ducklake", "postgres"]


def make_warehouses(engine: Engine, *, app_dsn: str, lakes_dsn: str, folder: Path, secrets: LakeSecrets) -> Warehouses:
    """The warehouses of an installation. `folder` holds the lakes' Parquet files."""
    if engine == "postgres":
        return PostgresWarehouses(app_dsn)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return DuckLakeWarehouses(Lakes(lakes_dsn, secrets), folder)
