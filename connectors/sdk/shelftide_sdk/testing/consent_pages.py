"""The pages on which an emulated platform asks a person for consent."""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

from shelftide_sdk.testing.emulator import Response, page, redirect


def consent_page(  # what a page shows, in the order in which it shows it
    title: str,
    accounts: Sequence[tuple[str, str]],
    fields: Mapping[str, str],
    *,
    action: str = "approve",
    button: str = "Authorize",
    language: str = "en",
) -> Response:
    """A page with one form an account, (id, name) each; a form carries `fields` and the account to `action`."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    forms = "".join(
        f'<form action="{escape(action)}" method="get">{hidden}'
        f'<input type="hidden" name="account" value="{escape(key)}">'
        f"<p>{escape(name)} <code>{escape(key)}</code></p><button>{escape(button)}</button></form>"
        for key, name in accounts
    )
    head = f'<!doctype html><html lang="{escape(language)}"><title>{escape(title)}</title><h1>{escape(title)}</h1>'
    return page(f"{head}{forms}</html>")


def refusal_page(reason: str, title: str = "Error") -> Response:
    """What a person sees when the app's link is wrong."""
    return page(f"<!doctype html><title>{escape(title)}</title><p>{escape(reason)}</p>")


def back_to(redirect_uri: str, query: Mapping[str, str]) -> Response:
    """Send the browser back to the app."""
    if not redirect_uri.startswith(("http://", "https://")):
        return refusal_page("the redirect address is not registered")
    return redirect(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(query)}")
