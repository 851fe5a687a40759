"""The one address of the Admin API: sends queries, notes what they cost, and checks the version that answered."""

from collections.abc import Mapping
from typing import Any

from shelftide_sdk.connector import Context
from shelftide_sdk.errors import ContractError, TransientError
from shelftide_shopify.auth import shop_domain
from shelftide_shopify.queries import API_VERSION
from shelftide_shopify.replies import read_body

MOST_POINTS = 1_000  # one query may cost no more


class Door:
    """GraphQL over the host's client. `answered_version` is what Shopify used, `requested_cost` of the last query."""

    def __init__(self, ctx: Context) -> None:
        self.client = ctx.client
        self.url = f"https://{shop_domain(ctx.settings)}/admin/api/{API_VERSION}/graphql.json"
        self.answered_version: str | None = None
        self.requested_cost = 0.0
        self._log = ctx.log
        self._costs: dict[str, float] = {}

    async def query(self, text: str, **variables: Any) -> Mapping[str, Any]:
        """The `data` of a good reply. Errors are raised by the client through `classify`."""
        response = await self.client.post(
            self.url, json={"query": text, "variables": variables}, cost=self._costs.get(text, 1.0)
        )
        try:
            body = read_body(response)
        except ValueError as error:
            raise TransientError("Shopify sent a broken reply", detail="not JSON") from error
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
            raise ContractError("Shopify's reply carries no data")
        self._note_cost(text, body.get("extensions"))
        self._note_version(response.headers.get("x-shopify-api-version"))
        data: dict[str, Any] = body["data"]
        return data

    def _note_cost(self, text: str, extensions: Any) -> None:
        told = extensions.get("cost") if isinstance(extensions, dict) else None
        cost = told if isinstance(told, dict) else {}
        self.requested_cost = _points(cost.get("requestedQueryCost"))
        self._costs[text] = max(_points(cost.get("actualQueryCost")) or self.requested_cost, 1.0)

    def _note_version(self, version: str | None) -> None:
        # An expired version is not refused: the oldest one that still lives answers in its place.
        if version and version not in (API_VERSION, self.answered_version):
            self._log.warning("Shopify answered as version %s, asked was %s", version, API_VERSION)
        self.answered_version = version or self.answered_version


def _points(value: Any) -> float:
    """A cost in points, 0 where Shopify names none that one query may have."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_POINTS
    return float(value) if known else 0.0
