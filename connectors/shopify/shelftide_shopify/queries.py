"""Every query that the connector sends. Each one validates against the official schemas 2026-07 and 2026-10.

Costs count objects, so the selections are lean: shop money only, except where the buyer's own currency matters.
"""

from collections.abc import Sequence

API_VERSION = "2026-07"

SHOP = """
query Shop {
  shop { id name ianaTimezone currencyCode myshopifyDomain plan { publicDisplayName } }
  currentAppInstallation { accessScopes { handle } }
}
"""

COUNT_ORDERS = "query CountOrders($query: String) { ordersCount(query: $query, limit: null) { count precision } }"
COUNT_PRODUCTS = "query CountProducts($query: String) { productsCount(query: $query, limit: null) { count precision } }"

_VISIT = """
fragment Visit on CustomerVisit {
  id occurredAt landingPage referrerUrl referralCode source sourceType
  utmParameters { source medium campaign content term }
}
"""

_LINE = """
fragment Line on LineItem {
  id title sku quantity currentQuantity
  product { id } variant { id }
  originalUnitPriceSet { shopMoney { amount currencyCode } }
  discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount currencyCode } }
}
"""

_ORDER_FIELDS = """
  id name createdAt processedAt updatedAt cancelledAt cancelReason closed test sourceName discountCodes
  displayFinancialStatus displayFulfillmentStatus
  attribution { handle }
  shippingAddress { countryCodeV2 }
  totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
  currentTotalPriceSet { shopMoney { amount currencyCode } }
  subtotalPriceSet { shopMoney { amount currencyCode } }
  totalDiscountsSet { shopMoney { amount currencyCode } }
  totalShippingPriceSet { shopMoney { amount currencyCode } }
  totalTaxSet { shopMoney { amount currencyCode } }
  totalRefundedSet { shopMoney { amount currencyCode } }
"""

_CUSTOMER = "customer { id defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }"

_REFUND_FIELDS = "id createdAt processedAt updatedAt note totalRefundedSet { shopMoney { amount currencyCode } }"

_ORDER = (
    "fragment OrderParts on Order {"
    + _ORDER_FIELDS
    + """
  CUSTOMER
  refunds { REFUND refundLineItems(first: 10) { nodes { quantity } pageInfo { hasNextPage endCursor } } }
  lineItems(first: 5) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
  customerJourneySummary {
    ready customerOrderIndex
    firstVisit { ...Visit } lastVisit { ...Visit }
    moments(first: 5) { nodes { __typename ...Visit } pageInfo { hasNextPage endCursor } }
  }
}
""".replace("REFUND", _REFUND_FIELDS)
    + _LINE
    + _VISIT
)


def _order_parts(with_customer: bool) -> str:
    return _ORDER.replace("CUSTOMER", _CUSTOMER if with_customer else "", 1)


def orders(with_customer: bool) -> str:
    """A page of orders by the time of their last change."""
    return """
query Orders($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { ...OrderParts } pageInfo { hasNextPage endCursor }
  }
}
""" + _order_parts(with_customer)


def orders_by_id(with_customer: bool) -> str:
    """Orders named by id, in the order of the ids; null for what is gone."""
    return "query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { __typename ...OrderParts } }" + _order_parts(
        with_customer
    )


ORDER_LINES = (
    """
query OrderLines($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    lineItems(first: $first, after: $after) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
  }
}
"""
    + _LINE
)

ORDER_MOMENTS = (
    """
query OrderMoments($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    customerJourneySummary {
      moments(first: $first, after: $after) { nodes { __typename ...Visit } pageInfo { hasNextPage endCursor } }
    }
  }
}
"""
    + _VISIT
)

REFUND_LINES = """
query RefundLines($id: ID!, $first: Int!, $after: String) {
  refund(id: $id) {
    refundLineItems(first: $first, after: $after) { nodes { quantity } pageInfo { hasNextPage endCursor } }
  }
}
"""

REFUND_QUANTITIES = """
query RefundQuantities($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Order {
      id refunds { id refundLineItems(first: 10) { nodes { quantity } pageInfo { hasNextPage endCursor } } }
    }
  }
}
"""

_PRODUCT_FIELDS = """
  id title handle status vendor productType tags onlineStoreUrl createdAt updatedAt
  category { fullName }
  featuredMedia { preview { image { url } } }
"""
_VARIANT = "id title sku barcode price updatedAt ITEM"
_ITEM_WITH_COST = "inventoryItem { id unitCost { amount currencyCode } }"


def _variant(with_cost: bool) -> str:
    return _VARIANT.replace("ITEM", _ITEM_WITH_COST if with_cost else "")


def products(with_cost: bool) -> str:
    """A page of products with their first variants. Unit costs need `read_inventory`."""
    return """
query Products($first: Int!, $after: String, $query: String) {
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes {
      PRODUCT
      variants(first: 10) { nodes { VARIANT } pageInfo { hasNextPage endCursor } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("PRODUCT", _PRODUCT_FIELDS).replace("VARIANT", _variant(with_cost))


def product_variants(with_cost: bool) -> str:
    """More variants of one product."""
    return """
query ProductVariants($id: ID!, $first: Int!, $after: String) {
  product(id: $id) {
    variants(first: $first, after: $after) { nodes { VARIANT } pageInfo { hasNextPage endCursor } }
  }
}
""".replace("VARIANT", _variant(with_cost))


DELETIONS = """
query Deletions($first: Int!, $after: String, $query: String) {
  events(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes { __typename id action createdAt ... on BasicEvent { subjectId subjectType } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_LEVEL = """
  id updatedAt isActive location { id }
  quantities(names: [
    "available", "on_hand", "committed", "incoming", "reserved", "damaged", "safety_stock", "quality_control"
  ]) { name quantity }
"""

STOCK = """
query Stock($first: Int!, $after: String, $query: String) {
  inventoryItems(first: $first, after: $after, query: $query) {
    nodes {
      id sku updatedAt
      inventoryLevels(first: 5) { nodes { LEVEL } pageInfo { hasNextPage endCursor } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("LEVEL", _LEVEL)

ITEM_LEVELS = """
query ItemLevels($id: ID!, $first: Int!, $after: String) {
  inventoryItem(id: $id) {
    inventoryLevels(first: $first, after: $after) { nodes { LEVEL } pageInfo { hasNextPage endCursor } }
  }
}
""".replace("LEVEL", _LEVEL)

LOCATIONS = """
query Locations($first: Int!, $after: String, $query: String) {
  locations(first: $first, after: $after, query: $query, includeInactive: true, includeLegacy: true) {
    nodes { id name isActive updatedAt address { countryCode } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_TRANSFER_LINE = "id totalQuantity inventoryItem { id sku }"
_SHIPMENT_LINE = "id quantity unreceivedQuantity inventoryItem { id sku }"
_SHIPMENT_FIELDS = "id status dateReceived tracking { arrivesAt }"


def _shipments(first: str, lines: str) -> str:
    """A transfer's shipments with their lines."""
    return (
        """
shipments(FIRST) {
  nodes { SHIPMENT lineItems(first: LINES) { nodes { LINE } pageInfo { hasNextPage endCursor } } }
  pageInfo { hasNextPage endCursor }
}
""".replace("FIRST", first)
        .replace("SHIPMENT", _SHIPMENT_FIELDS)
        .replace("LINES", lines)
        .replace("LINE", _SHIPMENT_LINE)
    )


TRANSFERS = """
query Transfers($first: Int!, $after: String, $query: String) {
  inventoryTransfers(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes {
      id status dateCreated destination { location { id } }
      lineItems(first: 5) { nodes { LINE } pageInfo { hasNextPage endCursor } }
      SHIPMENTS
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("LINE", _TRANSFER_LINE).replace("SHIPMENTS", _shipments("first: 2", "5"))

TRANSFER_LINES = """
query TransferLines($id: ID!, $first: Int!, $after: String) {
  inventoryTransfer(id: $id) {
    lineItems(first: $first, after: $after) { nodes { LINE } pageInfo { hasNextPage endCursor } }
  }
}
""".replace("LINE", _TRANSFER_LINE)

TRANSFER_SHIPMENTS = """
query TransferShipments($id: ID!, $first: Int!, $after: String) {
  inventoryTransfer(id: $id) { SHIPMENTS }
}
""".replace("SHIPMENTS", _shipments("first: $first, after: $after", "5"))

SHIPMENT_LINES = """
query ShipmentLines($id: ID!, $first: Int!, $after: String) {
  inventoryShipment(id: $id) {
    lineItems(first: $first, after: $after) { nodes { LINE } pageInfo { hasNextPage endCursor } }
  }
}
""".replace("LINE", _SHIPMENT_LINE)

_REDEEM_CODES = "nodes { id code asyncUsageCount } pageInfo { hasNextPage endCursor }"
_DISCOUNT_VALUE = """
customerGets {
  value {
    __typename
    ... on DiscountPercentage { percentage }
    ... on DiscountAmount { amount { amount currencyCode } }
  }
}
"""
# The kinds of discounts that a code opens; the value of the other two is no rate and no amount.
_CODE_DISCOUNTS = {
    "DiscountCodeBasic": _DISCOUNT_VALUE,
    "DiscountCodeBxgy": "",
    "DiscountCodeFreeShipping": "",
    "DiscountCodeApp": "",
}


def _code_discount(fields: str, codes: str) -> str:
    return " ".join(
        f"... on {kind} {{ {fields and fields + value} codes({codes}) {{ {_REDEEM_CODES} }} }}"
        for kind, value in _CODE_DISCOUNTS.items()
    )


# An order that uses a code moves its count and not `updatedAt` of the discount, so all of them are read each time.
DISCOUNTS = """
query Discounts($first: Int!, $after: String, $query: String) {
  discountNodes(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes { id discount { __typename DISCOUNT } }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("DISCOUNT }", _code_discount("title startsAt endsAt updatedAt ", "first: 5") + " }")

DISCOUNT_CODES = """
query DiscountCodes($id: ID!, $first: Int!, $after: String) {
  discountNode(id: $id) { discount { __typename DISCOUNT } }
}
""".replace("DISCOUNT }", _code_discount("", "first: $first, after: $after") + " }")

ACTIVITIES = """
query Activities($first: Int!, $after: String, $query: String) {
  marketingActivities(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes {
      id title status tactic hierarchyLevel updatedAt
      budget { budgetType total { amount currencyCode } }
      adSpend { amount currencyCode }
      utmParameters { source medium campaign }
      marketingEvent { id startedAt endedAt scheduledToEndAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

BULK_RUN = """
mutation RunBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""

BULK_POLL = """
query PollBulk($id: ID!) {
  bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount url partialDataUrl }
}
"""


def bulk_orders(since: str, with_customer: bool) -> str:
    """The bulk query for orders. A connection inside a list is refused, so refunds come without their lines."""
    return (
        "query BulkOrders { orders(query: \"updated_at:>='SINCE'\", sortKey: UPDATED_AT) { edges { node {".replace(
            "SINCE", since
        )
        + _ORDER_FIELDS
        + (_CUSTOMER if with_customer else "")
        + f" refunds {{ {_REFUND_FIELDS} }} lineItems {{ edges {{ node {{ __typename ...Line }} }} }}"
        + """
      customerJourneySummary {
        ready customerOrderIndex
        firstVisit { ...Visit } lastVisit { ...Visit }
        moments { edges { node { __typename ...Visit } } }
      }
    } } }
}
"""
        + _LINE
        + _VISIT
    )


def bulk_products(since: str, with_cost: bool) -> str:
    """The bulk query for products and their variants."""
    return (
        "query BulkProducts { products(query: \"updated_at:>='SINCE'\", sortKey: UPDATED_AT) { edges { node {".replace(
            "SINCE", since
        )
        + _PRODUCT_FIELDS
        + " variants { edges { node { __typename "
        + _variant(with_cost)
        + " } } } } } } }"
    )


SUBSCRIPTIONS = """
query Subscriptions($first: Int, $after: String) {
  webhookSubscriptions(first: $first, after: $after) { nodes { id topic uri } pageInfo { hasNextPage endCursor } }
}
"""


def create_subscriptions(topics: Sequence[str]) -> str:
    """One mutation for many topics, each under its own name in the reply."""
    made = "\n".join(
        f"  {topic}: webhookSubscriptionCreate(topic: {topic}, webhookSubscription: {{uri: $uri, format: JSON}})"
        " { webhookSubscription { id } userErrors { field message } }"
        for topic in topics
    )
    return f"mutation Subscribe($uri: String!) {{\n{made}\n}}"


def all_queries() -> dict[str, str]:
    """Every query by name, for validation."""
    flags = (True, False)
    return {
        "shop": SHOP,
        "count_orders": COUNT_ORDERS,
        "count_products": COUNT_PRODUCTS,
        **{f"orders[{flag}]": orders(flag) for flag in flags},
        **{f"orders_by_id[{flag}]": orders_by_id(flag) for flag in flags},
        "order_lines": ORDER_LINES,
        "order_moments": ORDER_MOMENTS,
        "refund_lines": REFUND_LINES,
        "refund_quantities": REFUND_QUANTITIES,
        **{f"products[{flag}]": products(flag) for flag in flags},
        **{f"product_variants[{flag}]": product_variants(flag) for flag in flags},
        "deletions": DELETIONS,
        "stock": STOCK,
        "item_levels": ITEM_LEVELS,
        "locations": LOCATIONS,
        "transfers": TRANSFERS,
        "transfer_lines": TRANSFER_LINES,
        "transfer_shipments": TRANSFER_SHIPMENTS,
        "shipment_lines": SHIPMENT_LINES,
        "discounts": DISCOUNTS,
        "discount_codes": DISCOUNT_CODES,
        "activities": ACTIVITIES,
        "bulk_run": BULK_RUN,
        "bulk_poll": BULK_POLL,
        "subscriptions": SUBSCRIPTIONS,
        "create_subscriptions": create_subscriptions(("ORDERS_CREATE", "APP_UNINSTALLED")),
        **{f"bulk_orders[{flag}]": bulk_orders("2026-01-01T00:00:00Z", flag) for flag in flags},
        **{f"bulk_products[{flag}]": bulk_products("2026-01-01T00:00:00Z", flag) for flag in flags},
    }
