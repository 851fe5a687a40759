"""What a read brought, as a connector's own tests ask for it."""

from typing import Any

from shelftide_sdk.records import Record
from shelftide_sdk.testing.conformance import bench

key_of = bench.key_of


class Reading(bench.Reading, kw_only=True):
    """The suite's reading, with two more questions."""

    def of(self, kind: type[Record]) -> list[Any]:
        """Records of one type, in order."""
        return [record for record in self.records if type(record) is kind]

    def keyed(self) -> dict[tuple[Any, ...], Record]:
        """The last record of each key, deleted or not."""
        return {key_of(record): record for record in self.records}
