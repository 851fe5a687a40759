"""New ids: UUIDv7, so that keys grow with time and indexes stay dense."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A fresh id (RFC 9562, version 7)."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
