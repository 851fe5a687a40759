"""The schema as text, from the models. Migrations freeze what this prints; a test compares database and models."""

from collections.abc import Iterable

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from shelftide.store.models import metadata
from shelftide.store.policies import definer_ddl, security_ddl


def schema_ddl(source: MetaData = metadata) -> str:
    """All tables, indexes, policies, grants and functions, in an order that can be run."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves the dialect's factory untyped
    lines: list[str] = ["GRANT USAGE ON SCHEMA public TO app, gate"]
    for table in source.sorted_tables:
        lines.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        lines += [
            str(CreateIndex(index).compile(dialect=dialect)).strip()
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
        lines += security_ddl(table)
    return as_script([*lines, *definer_ddl()])


def as_script(lines: Iterable[str]) -> str:
    """Statements as one script."""
    return "\n\n".join(f"{line};" for line in lines) + "\n"
