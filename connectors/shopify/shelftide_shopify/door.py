"""The one address of the Admin API: sends queries, notes what they cost, and checks the version that answered."""

from collections.abc import Mapping
from typing import Any

from shelftide_sdk.connector import Context
from shelftide_sdk.errors import ContractError, TransientError
from shelftide_shopify.auth import shop_domain
from shelftide_shopify.queries import API_VERSION
from shelftide_shopify.replies import read_body


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
        self._note_cost(text, (body.get("extensions") or {}).get("cost") or {})
        self._note_version(response.headers.get("x-shopify-api-version"))
        data: dict[str, Any] = body["data"]
        return data

    def _note_cost(self, text: str, cost: Mapping[str, Any]) -> None:
        self.requested_cost = float(cost.get("requestedQueryCost") or 0)
        actual = cost.get("actualQueryCost")
        self._costs[text] = max(float(actual or self.requested_cost), 1.0)

    def _note_version(self, version: str | None) -> None:
        # An expired version is not refused: the oldest one that still lives answers in its place.
        if version and version not in (API_VERSION, self.answered_version):
            self._log.warning("Shopify answered as version %s, asked was %s", version, API_VERSION)
        self.answered_version = version or self.answered_version
