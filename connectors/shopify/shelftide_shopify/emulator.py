"""Shopify on a loopback port: OAuth, Admin GraphQL by the official schema, bulk operations, and bad habits."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from graphql import ExecutionResult, GraphQLSchema, execute_sync, parse, validate
from graphql.error import GraphQLError

from shelftide_sdk.testing.emulator import Emulator, Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Brand, Channel, WorldView
from shelftide_shopify.auth import TOKEN_HEADER
from shelftide_shopify.emulator_bulk import FILE_HOST, BulkJobs
from shelftide_shopify.emulator_cost import MAX_QUERY_COST, PLAN_NAMES, RESTORE_RATES, Bucket, CostCounter, actual_cost
from shelftide_shopify.emulator_graph import Session, chance, root_value
from shelftide_shopify.emulator_oauth import Grant, Tokens
from shelftide_shopify.emulator_subscriptions import Subscriptions
from shelftide_shopify.emulator_supply import supply_resolvers
from shelftide_shopify.schema import VERSIONS, load_schema

_STATUS_TEXTS = {
    401: "[API] Invalid API key or access token (unrecognized login or wrong password)",
    402: "Unavailable Shop",
    403: "Forbidden",
    404: "Not Found",
    423: "Locked",
    430: "Security Rejection",
}
DEMO_SECRET = "shopify-demo-secret"
_DRIFTED = "HELD_FOR_REVIEW"
_RULES = (
    ("Cannot query field", "undefinedField"),
    ("Unknown argument", "argumentNotAccepted"),
    ("Expected value of type", "argumentLiteralsIncompatible"),
    ("Value ", "argumentLiteralsIncompatible"),
    ("is required, but it was not provided", "missingRequiredArguments"),
    ("must have a selection of subfields", "selectionMismatch"),
    ("must not have a selection", "selectionMismatch"),
    ("Unknown fragment", "useAndDefineFragment"),
    ("is not defined", "variableNotDefined"),
    ("used in position expecting", "variableMismatch"),
)


class ShopifyEmulator(Emulator):
    """All shops of the world.

    Attributes:
        tokens: the OAuth side; `tokens.issue(shop, scopes)` gives a token without the consent page.
        refusals: HTTP status (402, 403, 404, 423, 430 ...) or GraphQL code (SHOP_INACTIVE ...) by shop.
        deleted_products: product key to time of deletion, by shop; `deleted_orders` likewise.
        subscriptions: which topics each shop sends, and where to.
        jobs: bulk operations; `jobs.outcomes` decides how the next ones end (FAILED, EXPIRED, CANCELED).
        protected_data: false hides e-mail and phone, as without Shopify's approval.
        channels: whose orders are served; `Channel.STORE` ones are point-of-sale orders.
    """

    platform: ClassVar[str] = "shopify"
    hosts: ClassVar[tuple[str, ...]] = ("*.myshopify.com", FILE_HOST)

    def __init__(
        self,
        world: WorldView,
        *,
        scenarios: Sequence[str] = (),
        seed: int = 7,
        plan: str = "plus",
        client_id: str = "shelftide-demo",
        client_secret: str = DEMO_SECRET,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(world, scenarios=scenarios, seed=seed, clock=clock)
        self.schemas: dict[str, GraphQLSchema] = {version: load_schema(version) for version in VERSIONS}
        self.tokens = Tokens(client_id, client_secret, self.clock)
        self.refusals: dict[str, int | str] = {}
        self.deleted_products: dict[str, dict[str, datetime]] = {}
        self.deleted_orders: dict[str, dict[str, datetime]] = {}
        self.protected_data = True
        self.channels: tuple[Channel, ...] = (Channel.SHOPIFY,)
        self.jobs = BulkJobs(root_value(), seed)
        self.subscriptions = Subscriptions()
        self.plan_name = PLAN_NAMES[plan]
        self._rate = RESTORE_RATES[plan]
        self._buckets: dict[str, Bucket] = {}
        self._calls: Counter[str] = Counter()  # by shop: one shop's bad luck is not another's
        self._root = {
            **root_value(),
            **supply_resolvers(),
            **self.subscriptions.resolvers(),
            "bulkOperationRunQuery": self._start_bulk,
            "bulkOperationCancel": lambda info, id: self.jobs.cancel(id, info.context),  # noqa: A006  # schema's name
            "bulkOperation": lambda info, id: self.jobs.poll(id, info.context),  # noqa: A006  # schema's name
        }

    def settings(self, brand: Brand) -> Mapping[str, Mapping[str, str]]:
        """The shop's address."""
        return {"shopify": {"shop": brand.accounts[Channel.SHOPIFY]}} if Channel.SHOPIFY in brand.accounts else {}

    def routes(self) -> Sequence[Route]:
        """OAuth, GraphQL, and the files of bulk operations."""
        return (
            Route("GET", r"/admin/oauth/authorize", self.tokens.authorize),
            Route("GET", r"/admin/oauth/approve", self.tokens.approve),
            Route("POST", r"/admin/oauth/access_token", self.tokens.token),
            Route("POST", r"/admin/api/(?P<version>[0-9]{4}-[0-9]{2}|unstable)/graphql\.json", self.graphql),
            Route("GET", r"/(?P<number>[0-9]+)\.jsonl", self._file),
        )

    def not_found(self, request: Request) -> Response:
        """Shopify's 404."""
        return reply({"errors": _STATUS_TEXTS[404]}, 404)

    def shop_brand(self, shop: str) -> Brand | None:
        """The brand whose shop this is."""
        named = (b for b in self.world.brands if b.accounts.get(Channel.SHOPIFY, "").lower() == shop.lower())
        return next(named, None)

    def bucket(self, shop: str) -> Bucket:
        """The shop's bucket of query cost."""
        return self._buckets.setdefault(shop, Bucket(self._rate))

    def before(self, request: Request) -> Response | None:
        """Unknown and closed shops, and failures in bursts."""
        if request.host == FILE_HOST:
            return None
        if self.shop_brand(request.host) is None:
            return reply({"errors": _STATUS_TEXTS[404]}, 404)
        refusal = self.refusals.get(request.host)
        if isinstance(refusal, int):
            return reply({"errors": _STATUS_TEXTS.get(refusal, "Error")}, refusal)
        if "flap" in self.scenarios and request.method == "POST" and self.requests % 10 in (4, 5):
            return Response(status=503 if self.requests % 2 else 502, body=b"<html>Bad Gateway</html>", headers=())
        if "throttle" in self.scenarios and request.method == "POST" and self.requests % 13 == 0:
            return reply({"errors": "Exceeded 2 calls per second for api client."}, 429, {"retry-after": "1.0"})
        return None

    def graphql(self, request: Request) -> Response:
        """One GraphQL request: token, version, syntax, schema, cost, execution."""
        shop = request.host.lower()
        grant = self._authenticate(request)
        brand = self.shop_brand(shop)
        if grant is None or brand is None:
            return reply({"errors": _STATUS_TEXTS[401]}, 401)
        version = answering_version(request.match["version"])
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return reply({"errors": "Required parameter missing or invalid: query"}, 400)
        variables = body.get("variables") or {}
        session = Session(host=self, brand=brand, shop=shop, scopes=grant.scopes, now=self.now)
        answer = self._answer(self.schemas[version], body["query"], variables, session)
        return reply(answer, headers={"x-shopify-api-version": version})

    def _authenticate(self, request: Request) -> Grant | None:
        self._calls[request.host] += 1
        if "expire" in self.scenarios and self._calls[request.host] % 6 == 0:
            self.tokens.revoke_access(request.host)
        return self.tokens.grant(request.host, request.headers.get(TOKEN_HEADER.lower(), ""))

    def _answer(
        self, schema: GraphQLSchema, query: str, variables: Mapping[str, Any], session: Session
    ) -> dict[str, Any]:
        code = self.refusals.get(session.shop)
        if isinstance(code, str):
            return _errors([{"message": f"Refused: {code}", "extensions": {"code": code}}])
        try:
            document = parse(query)
        except GraphQLError as error:
            return _errors([{"message": f"Parse error: {error.message}", "locations": _locations(error)}])
        faults = validate(schema, document)
        if faults:
            return _errors([_validation_error(fault) for fault in faults])
        requested = CostCounter(schema, document, variables).requested()
        if requested > MAX_QUERY_COST:
            return _errors([_cost_error(requested)])
        bucket = self.bucket(session.shop)
        available = self._available(bucket, requested)
        if available < requested:
            cost = _cost(requested, None, bucket.status(available))
            return {**_errors([{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]), **cost}
        bucket.take(requested)
        result = execute_sync(schema, document, self._root, session, dict(variables))
        actual = min(actual_cost(list((result.data or {}).values())), requested)
        bucket.take(actual - requested)
        return self._envelope(result, session, _cost(requested, actual, bucket.status()))

    def _available(self, bucket: Bucket, requested: int) -> float:
        if "throttle" in self.scenarios and self.requests % 3 == 0:
            return min(bucket.available, requested - 0.05 * bucket.rate)
        return bucket.available

    def _envelope(self, result: ExecutionResult, session: Session, cost: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [_execution_error(error) for error in result.errors]
        if session.warnings:
            cost["extensions"]["search"] = session.warnings
        if "schema-drift" in self.scenarios:
            drift(answer["data"])
        return {**answer, **cost}

    def _start_bulk(self, info: Any, query: str, **_: Any) -> dict[str, Any]:
        if "flap" in self.scenarios and not self.jobs.jobs:
            self.jobs.outcomes.append("FAILED")
        return self.jobs.start(info.schema, query, info.context)

    def _file(self, request: Request) -> Response:
        body = self.jobs.file(request.match["number"], request.params.get("signature", ""))
        if body is None:
            return Response(status=403, body=b"<Error><Code>AccessDenied</Code></Error>", headers=())
        return Response(body=body, headers=(("content-type", "application/octet-stream"),))


def answering_version(asked: str) -> str:
    """The version that answers: an expired one falls forward to the oldest that lives, without a word."""
    if asked in VERSIONS:
        return asked
    return VERSIONS[0] if re.fullmatch(r"\d{4}-\d{2}", asked) and asked < VERSIONS[0] else VERSIONS[-1]


def drift(data: Any) -> None:
    """Scenario `schema-drift`: a new enum value, a new field, and a null that should not be, in a few orders."""
    for row in _order_rows(data):
        key = str(row.get("id"))
        row["riskAssessmentV2"] = {"level": "PENDING"}
        if chance(f"enum/{key}", 5) and "displayFulfillmentStatus" in row:
            row["displayFulfillmentStatus"] = _DRIFTED
        if chance(f"null/{key}", 11) and "totalPriceSet" in row:
            row["totalPriceSet"] = None


def _order_rows(data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, dict):
        return []
    orders = data.get("orders")
    rows = orders.get("nodes") if isinstance(orders, dict) else data.get("nodes")
    return [row for row in rows or () if isinstance(row, dict) and "totalPriceSet" in row]


def _errors(errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"errors": list(errors)}


def _cost(requested: int, actual: int | None, status: Mapping[str, float]) -> dict[str, Any]:
    cost = {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": dict(status)}
    return {"extensions": {"cost": cost}}


def _cost_error(requested: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST}).",
        "extensions": {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": MAX_QUERY_COST},
    }


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in error.locations or ()]


def _validation_error(error: GraphQLError) -> dict[str, Any]:
    code = next((code for text, code in _RULES if text in error.message), "invalid")
    return {"message": error.message, "locations": _locations(error), "extensions": {"code": code}}


def _execution_error(error: GraphQLError) -> dict[str, Any]:
    extensions = dict(error.extensions or {}) or {"code": "INTERNAL_SERVER_ERROR"}
    return {
        "message": error.message,
        "locations": _locations(error),
        "path": list(error.path or ()),
        "extensions": extensions,
    }
