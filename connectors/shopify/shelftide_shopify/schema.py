"""Shopify's official schema, from the introspection files in `schemas/` (fetched, not committed: `make assets`)."""

import gzip
from functools import cache
from pathlib import Path

import msgspec
from graphql import GraphQLSchema, build_client_schema

VERSIONS = ("2026-07", "2026-10")
FOLDER = Path(__file__).parent / "schemas"


class SchemaMissingError(RuntimeError):
    """The introspection file is absent, so queries cannot be validated."""


@cache
def load_schema(version: str, folder: Path = FOLDER) -> GraphQLSchema:
    """The schema of a version, built once a process (a third of a second).

    Raises:
        SchemaMissingError: the file is absent.
    """
    path = folder / f"admin_{version}.json.gz"
    try:
        reply = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    except FileNotFoundError as error:
        raise SchemaMissingError(
            f"Shopify's schema {version} is not here: {path} is missing. Run `make assets` to fetch it."
        ) from error
    return build_client_schema(reply["data"], assume_valid=True)
