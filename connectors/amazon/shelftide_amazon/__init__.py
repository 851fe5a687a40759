"""Amazon connectors for Shelftide: the seller's account (SP-API) and Amazon Ads."""

from shelftide_amazon.ads import AmazonAds
from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk import Connector, hookimpl


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [AmazonSeller, AmazonAds]
