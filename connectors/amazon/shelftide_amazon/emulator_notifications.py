"""The notifications that Amazon would send about a seller, one of each type that has something to tell."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shelftide_amazon import emulator_goods_facts as goods
from shelftide_amazon import emulator_money_facts as finances
from shelftide_amazon import emulator_order_facts as orders
from shelftide_amazon.emulator_door import AmazonDoor, Row
from shelftide_amazon.notifications import KEY_HEADER
from shelftide_sdk.testing.world.model import Brand, Line, Order, stable_id

_HOUR = timedelta(hours=1)
_V0_STATES = {"UNSHIPPED": "Unshipped", "SHIPPED": "Shipped", "CANCELLED": "Canceled", "PENDING": "Pending"}


class Notifications:
    """What happened to one seller up to now."""

    def __init__(self, door: AmazonDoor, brand: Brand) -> None:
        self._world, self._brand, self._clock = door.world, brand, door.clock
        self._market = door.market_of(brand)
        self._seller = brand.accounts["amazon-sp"]

    def all(self) -> list[Row]:
        """Notifications of every type."""
        makers: Sequence[Callable[[], list[Row]]] = (
            self._orders,
            self._stock,
            self._listings,
            self._transactions,
            self._hours,
            self._finished,
        )
        return [row for make in makers for row in make()]

    def delivery(self, rows: Sequence[Row], key: str, *, queue: bool = False) -> tuple[Mapping[str, str], bytes]:
        """Headers and body: one event of the bus, or a batch of queue messages."""
        kind = rows[0].get("NotificationType") or rows[0].get("notificationType")
        event: Any = {"version": "0", "detail-type": kind, "source": "aws.partner/sellingpartnerapi", "detail": rows[0]}
        if queue:
            messages = [{"messageId": str(number), "body": json.dumps(row)} for number, row in enumerate(rows)]
            event = {"Records": messages}
        return {KEY_HEADER: key, "content-type": "application/json"}, json.dumps(event).encode()

    def _envelope(self, kind: str, payload: Row, at: datetime, *, version: str = "1.0", small: bool = False) -> Row:
        """The frame of a notification. `small`: names begin in lower case, as newer types have them."""
        about = {
            "ApplicationId": "amzn1.sellerapps.app.example",
            "SubscriptionId": f"subscription-{stable_id('subscription', kind, 8)}",
            "PublishTime": goods.stamp(at),
            "NotificationId": str(stable_id("notification", f"{self._brand.key}/{kind}/{json.dumps(payload)}", 18)),
        }
        row = {
            "NotificationVersion": version,
            "NotificationType": kind,
            "PayloadVersion": version,
            "EventTime": goods.stamp(at),
            "Payload": payload,
            "NotificationMetadata": _small(about) if small else about,
        }
        return _small(row) if small else row

    # -- orders and goods ----------------------------------------------------------------------------------------

    def _orders(self) -> list[Row]:
        shown = orders.Shown()
        return [self._order(order, shown) for order in orders.orders_of(self._world, self._brand)[-3:]]

    def _order(self, order: Order, shown: orders.Shown) -> Row:
        state = _V0_STATES[orders.status_of(order, self._world, shown)]
        at = orders.changed(order, self._world, shown)
        pieces = sum(line.quantity for line in order.lines)
        summary = {
            "MarketplaceId": self._market.id,
            "OrderStatus": state,
            "PurchaseDate": goods.stamp(order.placed_at),
            "DestinationPostalCode": None,
            "FulfillmentType": "AFN",
            "OrderType": "StandardOrder",
            "NumberOfItemsShipped": pieces if state == "Shipped" else 0,
            "NumberOfItemsUnshipped": 0 if state == "Shipped" else pieces,
            "OrderItems": [self._item(line, state) for line in order.lines],
        }
        change = {
            "NotificationLevel": "OrderLevel",
            "SellerId": self._seller,
            "AmazonOrderId": orders.order_id(order),
            "OrderChangeType": "OrderStatusChange",
            "OrderChangeTrigger": {"TimeOfOrderChange": goods.stamp(at), "ChangeReason": "None"},
            "Summary": summary,
        }
        return self._envelope("ORDER_CHANGE", {"OrderChangeNotification": change}, at)

    def _item(self, line: Line, state: str) -> Row:
        code = next(sku.code for sku in self._brand.skus if sku.key == line.sku_key)
        return {
            "OrderItemId": orders.item_id(line),
            "SellerSKU": code,
            "SupplySourceId": None,
            "Quantity": line.quantity,
            "QuantityShipped": line.quantity if state == "Shipped" else 0,
        }

    def _stock(self) -> list[Row]:
        """The one type whose schema has no metadata, and so no id."""
        found = []
        for row in goods.stock_rows(self._world, self._brand):
            details = row["inventoryDetails"]
            counts = {
                "InboundQuantityBreakdown": {
                    "Working": details["inboundWorkingQuantity"],
                    "Shipped": details["inboundShippedQuantity"],
                    "Receiving": details["inboundReceivingQuantity"],
                },
                "Fulfillable": details["fulfillableQuantity"],
                "Unfulfillable": details["unfulfillableQuantity"]["totalUnfulfillableQuantity"],
                "Researching": details["researchingQuantity"]["totalResearchingQuantity"],
                "ReservedQuantityBreakdown": {
                    "WarehouseProcessing": details["reservedQuantity"]["fcProcessingQuantity"],
                    "WarehouseTransfer": details["reservedQuantity"]["pendingTransshipmentQuantity"],
                    "PendingCustomerOrder": details["reservedQuantity"]["pendingCustomerOrderQuantity"],
                },
                "FutureSupplyBuyable": 0,
                "PendingCustomerOrderInTransit": 0,
            }
            place = {
                "MarketplaceId": self._market.id,
                "ItemName": row["productName"],
                "FulfillmentInventory": counts,
                "Stores": [],
            }
            payload = {
                "SellerId": self._seller,
                "FNSKU": row["fnSku"],
                "ASIN": row["asin"],
                "SKU": row["sellerSku"],
                "FulfillmentInventoryByMarketplace": [place],
            }
            at = datetime.fromisoformat(row["lastUpdatedTime"])
            told = self._envelope("FBA_INVENTORY_AVAILABILITY_CHANGES", payload, at)
            found.append({name: value for name, value in told.items() if name != "NotificationMetadata"})
        return found

    def _listings(self) -> list[Row]:
        found, now = [], self._clock()
        for number, sku in enumerate(goods.offered(self._world, self._brand)):
            named = {"SellerId": self._seller, "MarketplaceId": self._market.id, "Asin": goods.asin_of(sku)}
            named |= {"Sku": sku.code}
            if number == 0:
                issues = {"Severities": ["WARNING"], "EnforcementActions": []}
                found.append(self._envelope("LISTINGS_ITEM_ISSUES_CHANGE", named | issues, now))
                shelf = {"SellerId": self._seller, "FulfillmentChannelCode": "DEFAULT", "Sku": sku.code, "Quantity": 12}
                found.append(self._envelope("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", shelf, now))
            made = {"CreatedDate": goods.stamp(goods.product_of(self._brand, sku).created_at)}
            states = {"Status": ["BUYABLE", "DISCOVERABLE"]}
            found.append(self._envelope("LISTINGS_ITEM_STATUS_CHANGED", named | made | states, now))
        return found

    # -- money, hours, jobs --------------------------------------------------------------------------------------

    def _transactions(self) -> list[Row]:
        found = []
        for row in finances.transaction_rows(self._world, self._brand, self._market)[-3:]:
            about = row["sellingPartnerMetadata"]
            total = row["totalAmount"]
            transaction = {
                "SellingPartnerMetadata": {
                    "SellingPartnerId": about["sellingPartnerId"],
                    "MarketplaceId": about["marketplaceId"],
                    "AccountType": about["accountType"],
                },
                "RelatedIdentifiers": [
                    {
                        "RelatedIdentifierName": each["relatedIdentifierName"],
                        "RelatedIdentifierValue": each["relatedIdentifierValue"],
                    }
                    for each in row["relatedIdentifiers"]
                ],
                "TransactionType": row["transactionType"],
                "PostedDate": row["postedDate"],
                "TotalAmount": {"CurrencyAmount": total["currencyAmount"], "CurrencyCode": total["currencyCode"]},
            }
            at = datetime.fromisoformat(row["postedDate"])
            found.append(self._envelope("TRANSACTION_UPDATE", {"TransactionUpdateNotification": transaction}, at))
        return found

    def _hours(self) -> list[Row]:
        """The last full hour: sales, stock and views by product."""
        end = self._clock().replace(minute=0, second=0, microsecond=0)
        start, skus = end - _HOUR, goods.offered(self._world, self._brand)[:2]
        states = {state.sku_key: state for state in self._world.stock(self._brand.key)}
        sold = [o for o in orders.orders_of(self._world, self._brand) if start <= o.placed_at < end]
        named = {"accountId": f"amzn1.merchant.o.{self._seller}", "marketplaceId": self._market.id}
        named |= {"startTime": goods.stamp(start), "endTime": goods.stamp(end)}
        sales, stock, views = [], [], []
        for sku in skus:
            lines = [line for order in sold for line in order.lines if line.sku_key == sku.key]
            units, revenue = sum(x.quantity for x in lines), sum(x.quantity * x.unit_price for x in lines)
            each = named | {"asin": goods.asin_of(sku)}
            money = {"currencyCode": self._brand.currency, "orderedRevenue": float(revenue)}
            sales.append(each | money | {"orderedUnits": units})
            stock.append(each | {"highlyAvailableInventory": max(0, states[sku.key].available)})
            views.append(each | {"glanceViews": 20 * units})
        return [
            self._envelope(kind, {holder: rows}, end, version="2023-02-07", small=True)
            for kind, holder, rows in (
                ("ITEM_SALES_EVENT_CHANGE", "itemSalesEventChanges", sales),
                ("ITEM_INVENTORY_EVENT_CHANGE", "itemInventoryEventChanges", stock),
                ("DETAIL_PAGE_TRAFFIC_EVENT", "detailPageTrafficEvents", views),
            )
        ]

    def _finished(self) -> list[Row]:
        account = {"accountId": f"amzn1.merchant.o.{self._seller}"}
        report = account | {"sellerId": self._seller, "reportId": "50001", "processingStatus": "DONE"}
        report |= {"reportType": "GET_V2_SELLER_PERFORMANCE_REPORT", "reportDocumentId": "50001.document"}
        feed = account | {"sellerId": self._seller, "feedId": "60001", "processingStatus": "DONE"}
        feed |= {"feedType": "JSON_LISTINGS_FEED", "resultFeedDocumentId": "60001.document"}
        query = account | {"queryId": "70001", "query": "query{}", "processingStatus": "DONE"}
        now = self._clock()
        return [
            self._envelope(kind, payload, now, version="2020-09-04", small=True)
            for kind, payload in (
                ("REPORT_PROCESSING_FINISHED", {"reportProcessingFinishedNotification": report}),
                ("FEED_PROCESSING_FINISHED", {"feedProcessingFinishedNotification": feed}),
                ("DATA_KIOSK_QUERY_PROCESSING_FINISHED", query | {"dataDocumentId": "70001.document"}),
            )
        ]


def _small(row: Row) -> Row:
    return {name[0].lower() + name[1:]: value for name, value in row.items()}
