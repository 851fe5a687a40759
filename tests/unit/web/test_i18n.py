"""Languages: every text is there, and numbers look as people of that language write them."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from shelftide.web import i18n
from shelftide.web.i18n import FOLDER, LANGUAGES, Words, catalogue, known_locale, negotiate

WEB = Path(i18n.__file__).parent
KEYWORDS = {"_": None, "text": None, "ngettext": (1, 2)}


def messages() -> set[str | tuple[str, ...]]:
    """All texts of templates and code."""
    found = extract_from_dir(
        str(WEB),
        [("**.py", "python"), ("templates/**.html", "jinja2")],
        {"templates/**.html": {"trim_blocks": "true"}},
        keywords=KEYWORDS,
    )  # fmt: skip
    return {message if isinstance(message, str) else tuple(message) for _, _, message, _, _ in found if message}


@pytest.mark.parametrize("locale", [name for name in LANGUAGES if name != "en"])
def test_every_text_is_translated_and_keeps_its_places(locale: str) -> None:
    listed = messages()
    assert len(listed) > 150
    translations = catalogue(locale)
    assert (FOLDER / locale / "LC_MESSAGES" / "messages.po").is_file()
    for message in listed:
        if isinstance(message, str):
            found = {message: translations.ugettext(message)}
            # Some words are the same in two languages.
            assert found[message] != message or message in {
                "Account",
                "E-mail",
                "Follower",
                "Formula",
                "No",
                "Password",
            }, message
        else:
            found = {
                text: translations.ungettext(message[0], message[1], n)
                for n, text in ((1, message[0]), (7, message[1]))
            }
        for source, target in found.items():
            assert set(re.findall(r"{\w+}", source)) == set(re.findall(r"{\w+}", target)), source


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("zh-TW,zh;q=0.9", "zh_Hant"), ("zh-CN", "zh_Hans"), ("zh-Hant-HK", "zh_Hant"), ("it-CH,de;q=0.8", "it"),
        ("de-DE,de;q=0.9", "en"), ("fr;q=0.9,it;q=0.95", "it"), ("", "en"), ("q=;;,", "en"),
    ],
)  # fmt: skip
def test_the_browsers_wish_is_understood(header: str, locale: str) -> None:
    assert negotiate(header) == locale


def test_a_language_that_we_do_not_speak_is_unknown() -> None:
    assert known_locale("pt-BR") is None


def test_numbers_follow_the_language() -> None:
    assert Words("zh_Hans").compact(1_234_567) == "123.5万"
    assert Words("it").number(Decimal("1234.5")) == "1.234,5"
    assert Words("en").money(Decimal("1234.50"), "USD") == "$1,234.50"
    assert Words("it").money(Decimal("15474.20"), "EUR", whole=True).replace("\xa0", " ") == "15.474 €"
    assert Words("zh_Hant").day(date(2026, 11, 11)) == "2026年11月11日"


def test_unknown_is_a_dash_and_never_a_zero() -> None:
    words = Words("en")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    shown = {words.number(None), words.compact(None), words.money(None, "USD"), words.percent(None), words.days(None)}
    assert shown | {words.ago(None, now), words.moment(None)} == {"–"}
    assert words.compact(0) == "0"


def test_times_are_told_in_the_asked_zone() -> None:
    at = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    assert "21" in Words("en", "America/New_York").moment(at)
    assert Words("en").ago(at - timedelta(hours=3), at) == "3 hours ago"
