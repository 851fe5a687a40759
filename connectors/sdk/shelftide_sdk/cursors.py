"""Cursors over a connector's versions: the host keeps each with the version that wrote it.

Version 1 is written bare, so that a connector which never heard of versions finds what it saved.
"""

from shelftide_sdk.connector import Connector, Cursor, Stream
from shelftide_sdk.errors import ContractError

VERSION_KEY = "shelftide_cursor_version"


def to_stored(connector: type[Connector], cursor: Cursor) -> Cursor:
    """A cursor as the host keeps it. Raises ContractError when the connector uses the host's own word."""
    if VERSION_KEY in cursor:
        raise ContractError(f"a cursor must not hold {VERSION_KEY!r}: the host writes that")
    return cursor if connector.cursor_version == 1 else {**cursor, VERSION_KEY: connector.cursor_version}


def from_stored(connector: type[Connector], stream: Stream, stored: Cursor | None) -> Cursor | None:
    """A kept cursor as this version of the connector reads it; None begins anew.

    A cursor of a newer version (the connector was rolled back) begins anew too: nothing is lost, rows are read again.

    Raises:
        ContractError: `migrate_cursor` failed or gave no cursor.
    """
    if stored is None:
        return None
    cursor = dict(stored)
    version = cursor.pop(VERSION_KEY, 1)
    if version == connector.cursor_version:
        return cursor
    if type(version) is not int or version > connector.cursor_version:
        return None
    try:
        found = connector.migrate_cursor(stream, cursor, version)
    except Exception as error:  # outsiders' code may raise anything
        raise ContractError(f"migrate_cursor of {stream.name}: {type(error).__name__}: {error}") from error
    if found is not None and not isinstance(found, dict):
        raise ContractError(f"migrate_cursor of {stream.name} gave a {type(found).__name__}, not a cursor")
    return found
