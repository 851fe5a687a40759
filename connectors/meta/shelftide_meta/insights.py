"""Asking for insights: metrics that Meta rejects are dropped, and not asked for again in the same read."""

from typing import Any

from shelftide_meta.auth import api
from shelftide_meta.metrics import kind_of, of_kind
from shelftide_meta.replies import GraphError
from shelftide_meta.values import Row, list_of
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context

_BAD_PARAMETER = 100


class Insights:
    """Insights of one read. It remembers by kind of post what Meta does not have."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._rejected: dict[str, set[str]] = {}
        self._noted: set[str] = set()

    async def of_post(self, row: Row) -> list[Any]:
        """Rows of a post's insights; none where Meta keeps none for it."""
        kind = kind_of(row.get("media_product_type"), row.get("media_type"))
        try:
            metrics = of_kind(kind, self._ctx.settings.get("version", ""))
            return await self.ask(f"{row['id']}/insights", kind, metrics)
        except GraphError as error:
            if not (error.is_before_business or error.has_few_viewers):
                raise
            self._note(error)
            return []

    async def ask(self, path: str, kind: str, metrics: list[str], **params: str) -> list[Any]:
        """Rows for the metrics that are known for `kind`. An object that is gone, twice, has none."""
        rejected = self._rejected.setdefault(kind, set())
        gone = False
        while wanted := [name for name in metrics if name not in rejected]:
            try:
                url = f"{api(self._ctx.settings)}/{path}"
                response = await self._ctx.client.get(url, params={"metric": ",".join(wanted), **params})
                return list_of(read_json(response.content), path)
            except GraphError as error:
                if error.is_gone:
                    # Also seen in place of a rate limit: asked once more.
                    if gone:
                        self._note(error)
                        return []
                    gone = True
                    continue
                bad = _named(error, wanted)
                if not bad:
                    raise
                self._note(error)
                rejected |= bad
        return []

    def _note(self, error: GraphError) -> None:
        if error.message not in self._noted:
            self._noted.add(error.message)
            self._ctx.log.info("no insights: %s", error.message)


def _named(error: GraphError, wanted: list[str]) -> set[str]:
    """The metrics that a refusal is about; with one metric asked for, it is about that one."""
    if error.code != _BAD_PARAMETER or "metric" not in error.message.lower():
        return set()
    words = set(error.message.replace(",", " ").replace("'", " ").replace('"', " ").replace(".", " ").split())
    listed = error.message.lower().find("must be one of")
    if listed >= 0:  # "metric[2] must be one of the following values: ...": what is not in the list is refused
        return {name for name in wanted if name not in words} or set(wanted)
    named = {name for name in wanted if name in words}
    return named or set(wanted if len(wanted) == 1 else wanted[-1:])
