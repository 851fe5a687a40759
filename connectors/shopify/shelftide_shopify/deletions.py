"""What a shop has deleted, from its events. Shopify keeps events for a year."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from shelftide_sdk.connector import Context, Cursor, Page, Stream, map_rows
from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.records import Product
from shelftide_shopify.door import Door
from shelftide_shopify.mapping import Row
from shelftide_shopify.queries import DELETIONS
from shelftide_shopify.shop import moment, timestamp
from shelftide_shopify.supply import map_deletion
from shelftide_shopify.walk import Plan, Position, walk


class Deletions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cursor in its JSON form: all events before `created_at` are told; `read` is a walk in the middle, `begun`
    the moment at which it began.
    """

    created_at: str | None = None
    read: Position | None = None
    begun: str | None = None


def deletion_plan(kind: str = "") -> Plan:
    """The walk over deletions since a moment, of one type of subject or of all."""
    of = f" AND subject_type:{kind}" if kind else ""
    return Plan(
        root="events",
        query=DELETIONS,
        mark=lambda row: timestamp(moment(row["createdAt"])),
        starting_at=lambda mark: f"action:destroy{of} AND created_at:>='{mark}'",
        size=100,
    )


async def read_deletions(ctx: Context, door: Door, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Deletes only. Raises ConfigurationError for a cursor of somebody else's."""
    try:
        state = msgspec.convert(cursor or {}, Deletions)
        start = timestamp(ctx.start(stream, cursor))
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    begun = state.begun if state.read is not None and state.begun else timestamp(ctx.captured_at)
    async for step in walk(door, deletion_plan(), state.read or Position(start=start)):
        if step.more:
            state = Deletions(created_at=state.created_at, read=step.position, begun=begun)
        else:
            state = Deletions(created_at=begun)
        page = deletion_page(step.rows)
        yield msgspec.structs.replace(page, cursor=msgspec.to_builtins(state))


def deletion_page(rows: Sequence[Row]) -> Page:
    """Events as deletes; an event that cannot be read is a reject."""
    deletes = []

    def note(row: Row) -> list[Product]:
        delete = map_deletion(row)
        if delete is not None:
            deletes.append(delete)
        return []

    _, rejects = map_rows(rows, note, Product)
    return Page(deletes=deletes, rejects=rejects)
