"""Which host a pattern means, and where it really is."""

import pytest

from shelftide_sdk.hosts import Routes, host_pattern


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "API.Example.com", True),
        ("api.example.com", "apixexample.com", False),
        ("api.example.com", "api.example.com.evil.example", False),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "evil.example/x.example.com", False),
        ("*", "anything.example", True),
    ],
)
def test_a_star_is_one_label(pattern: str, host: str, fits: bool) -> None:
    assert (host_pattern(pattern).fullmatch(host) is not None) is fits


def test_an_unrouted_host_stays_where_it_is() -> None:
    assert Routes().connection("https://api.example.com:8443/a?b=c") == (
        "https://api.example.com:8443/a?b=c",
        "api.example.com:8443",
    )
    assert Routes().browser("https://api.example.com/a?b=c") == "https://api.example.com/a?b=c"


def test_a_routed_call_keeps_path_query_and_host() -> None:
    routes = Routes({"*.example.com": "http://127.0.0.1:7801/base/"})
    assert routes.connection("https://shop.example.com/admin/x?q=1%2F2&q=3") == (
        "http://127.0.0.1:7801/base/admin/x?q=1%2F2&q=3",
        "shop.example.com",
    )


def test_a_browser_is_sent_by_path() -> None:
    routes = Routes({"*.example.com": "http://127.0.0.1:7801"})
    assert (
        routes.browser("https://shop.example.com/oauth?a=b") == "http://127.0.0.1:7801/_as/shop.example.com/oauth?a=b"
    )
    assert routes.browser("https://shop.example.com/oauth") == "http://127.0.0.1:7801/_as/shop.example.com/oauth"


def test_the_first_route_that_fits_is_taken() -> None:
    routes = Routes({"one.example.com": "http://127.0.0.1:1", "*": "http://127.0.0.1:2"})
    assert routes.connection("https://one.example.com/")[0] == "http://127.0.0.1:1/"
    assert routes.connection("https://two.example.com/")[0] == "http://127.0.0.1:2/"
