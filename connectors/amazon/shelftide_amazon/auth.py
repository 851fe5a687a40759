"""Login with Amazon for both doors: sellers (SP-API) and advertisers. A token lives an hour, its refresh token on.

Sources: "Authorizing Selling Partner API applications", "Amazon Ads API: getting started"; RFC 6749.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from shelftide_sdk.auth import App, OAuth2, Outgoing, Settings, TokenSet
from shelftide_sdk.errors import AuthorizationError, ConfigurationError

TOKEN_URL = "https://api.amazon.com/auth/o2/token"  # noqa: S105  # an address, not a secret
SELLER_HOSTS = {region: f"sellingpartnerapi-{region}.amazon.com" for region in ("na", "eu", "fe")}
ADS_HOSTS = {
    "na": "advertising-api.amazon.com",
    "eu": "advertising-api-eu.amazon.com",
    "fe": "advertising-api-fe.amazon.com",
}
SELLER_CENTRAL = {
    "na": "sellercentral.amazon.com",
    "eu": "sellercentral-europe.amazon.com",
    "fe": "sellercentral-japan.amazon.com",
}
CONSENT_HOSTS = {"na": "www.amazon.com", "eu": "eu.account.amazon.com", "fe": "apac.account.amazon.com"}
# Result files lie in Amazon's storage, under hosts that differ by region and product.
FILE_HOSTS = (
    "*.s3.amazonaws.com",
    "*.s3-external-1.amazonaws.com",
    "*.s3-eu-west-1.amazonaws.com",
    "*.s3-us-west-2.amazonaws.com",
    "*.s3.us-east-1.amazonaws.com",
    "*.s3.us-west-2.amazonaws.com",
    "*.s3.eu-west-1.amazonaws.com",
    "*.s3.ap-northeast-1.amazonaws.com",
    "*.cloudfront.net",
)
# Both products open with one login and put files into one storage.
HOSTS = (
    *SELLER_HOSTS.values(),
    *ADS_HOSTS.values(),
    *SELLER_CENTRAL.values(),
    *CONSENT_HOSTS.values(),
    "api.amazon.com",
    *FILE_HOSTS,
)
ADS_SCOPE = "advertising::campaign_management"
_AGENT = "Shelftide/0.1 (Language=Python)"


def region_of(settings: Settings) -> str:
    """The region of a connection; North America where none is named. Raises ConfigurationError for another word."""
    region = settings.get("region") or "na"
    if region not in SELLER_HOSTS:
        raise ConfigurationError(f"Amazon has no region {region[:20]!r}.", hint="Choose na, eu or fe.")
    return region


def seller_api(settings: Settings) -> str:
    """The address of SP-API in the connection's region."""
    return f"https://{SELLER_HOSTS[region_of(settings)]}"


def ads_api(settings: Settings) -> str:
    """The address of the Ads API in the connection's region."""
    return f"https://{ADS_HOSTS[region_of(settings)]}"


def sign_seller(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """Put the token on calls to SP-API, and on nothing else: a result file is fetched without it."""
    request.headers["User-Agent"] = _AGENT
    if urlsplit(request.url).hostname in SELLER_HOSTS.values():
        request.headers["x-amz-access-token"] = token.access_token
    return request


def sign_ads(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """Put token, client, profile and the call's own media type on calls to the Ads API, and on nothing else."""
    request.headers["User-Agent"] = _AGENT
    parts = urlsplit(request.url)
    if parts.hostname not in ADS_HOSTS.values():
        return request
    request.headers["Authorization"] = f"Bearer {token.access_token}"
    request.headers["Amazon-Advertising-API-ClientId"] = app.client_id
    if parts.path != "/v2/profiles" and settings.get("profile_id"):
        request.headers["Amazon-Advertising-API-Scope"] = settings["profile_id"]
    media = MEDIA_TYPES.get(parts.path)
    if media:
        request.headers |= {"Accept": media, "Content-Type": media}
    if parts.path.startswith("/reporting/reports"):
        request.headers["Content-Type"] = "application/vnd.createasyncreportrequest.v3+json"
    return request


MEDIA_TYPES: Mapping[str, str] = {
    "/sp/campaigns/list": "application/vnd.spCampaign.v3+json",
    "/sp/adGroups/list": "application/vnd.spAdGroup.v3+json",
    "/sp/productAds/list": "application/vnd.spProductAd.v3+json",
    "/sb/v4/campaigns/list": "application/vnd.sbcampaignresource.v4+json",
    "/sb/v4/adGroups/list": "application/vnd.sbadgroupresource.v4+json",
    "/sb/v4/ads/list": "application/vnd.sbadresource.v4+json",
}


def build_seller_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page of Seller Central. `extra["draft"]` marks an app that Amazon has not published yet."""
    query = {"application_id": app.extra.get("application_id") or app.client_id, "state": state}
    query["redirect_uri"] = app.redirect_uri
    if app.extra.get("draft"):
        query["version"] = "beta"
    return f"https://{SELLER_CENTRAL[region_of(settings)]}/apps/authorize/consent?{urlencode(query)}"


def build_ads_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page for advertisers."""
    query = {
        "client_id": app.client_id,
        "scope": ADS_SCOPE,
        "response_type": "code",
        "redirect_uri": app.redirect_uri,
        "state": state,
    }
    return f"https://{CONSENT_HOSTS[region_of(settings)]}/ap/oa?{urlencode(query)}"


def build_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's code. Raises AuthorizationError when it carries none."""
    code = params.get("spapi_oauth_code") or params.get("code") or ""
    if not code:
        raise AuthorizationError("the callback carries no code")
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    return _form(app, fields)


def build_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the refresh token for the next hour."""
    return _form(app, {"grant_type": "refresh_token", "refresh_token": params["refresh_token"]})


def _form(app: App, fields: Mapping[str, str]) -> Outgoing:
    return Outgoing(
        method="POST",
        url=TOKEN_URL,
        headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"},
        content=urlencode({**fields, "client_id": app.client_id, "client_secret": app.client_secret}).encode(),
    )


SELLER_AUTH = OAuth2(
    authorize_url=f"https://{SELLER_CENTRAL['na']}/apps/authorize/consent",
    token_url=TOKEN_URL,
    code_param="spapi_oauth_code",
    sign=sign_seller,
    build_authorize=build_seller_authorize,
    build_exchange=build_exchange,
    build_refresh=build_refresh,
    rotation_overlap=True,  # a refresh token stays good after its use
)
ADS_AUTH = OAuth2(
    authorize_url=f"https://{CONSENT_HOSTS['na']}/ap/oa",
    token_url=TOKEN_URL,
    scopes=(ADS_SCOPE,),
    sign=sign_ads,
    build_authorize=build_ads_authorize,
    build_exchange=build_exchange,
    build_refresh=build_refresh,
    rotation_overlap=True,
)
