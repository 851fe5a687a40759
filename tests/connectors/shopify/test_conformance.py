"""Shopify keeps the promises of every connector."""

from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_shopify.connector import Shopify


class TestShopify(ConnectorConformance):
    connector = Shopify
    loopback = True
