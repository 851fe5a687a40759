"""Languages: gettext catalogues and CLDR formats. Nothing is formatted by hand.

Catalogues are `locale/<locale>/LC_MESSAGES/messages.po`; they are compiled in memory at first use.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_skeleton, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
)
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).parent / "locale"
DEFAULT = "en"
# Each language by its own name: who cannot read this page finds the way back.
LANGUAGES = {"en": "English", "zh_Hans": "简体中文", "zh_Hant": "繁體中文", "it": "Italiano"}
_ALIASES = {
    "zh": "zh_Hans", "zh_CN": "zh_Hans", "zh_SG": "zh_Hans", "zh_TW": "zh_Hant", "zh_HK": "zh_Hant", "zh_MO": "zh_Hant",
}  # fmt: skip
_COMPACT_FROM = 100_000

Number = Decimal | float


@cache
def catalogue(locale: str) -> NullTranslations:
    """The translations of a locale; English is the source and needs none."""
    path = FOLDER / locale / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as source:
        messages = read_po(source, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


def known_locale(text: str) -> str | None:
    """Our locale for a tag such as `zh-TW` or `it_IT`; None for a language that we do not speak."""
    tag = text.strip().replace("-", "_")
    if tag in LANGUAGES:
        return tag
    return negotiate_locale([_ALIASES.get(tag, tag), *_parents(tag)], list(LANGUAGES), sep="_")


def _parents(tag: str) -> list[str]:
    parts = tag.split("_")
    if parts[0] == "zh" and len(parts) > 2:
        return [f"zh_{parts[1]}"]
    return [_ALIASES.get(parts[0], parts[0])]


def negotiate(accept_language: str) -> str:
    """The best of our locales for an Accept-Language header."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag))
        except ValueError:
            continue
    for _, tag in sorted(wanted, key=lambda item: item[0]):
        found = known_locale(tag)
        if found:
            return found
    return DEFAULT


def _exact(value: Number) -> Decimal:
    """The number as it reads: 0.1 is 0.1, not its nearest binary fraction."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


class Words:
    """A locale at work: texts, numbers, money, dates. `zone` is where clock times are told."""

    def __init__(self, locale: str, zone: str = "UTC") -> None:
        self.locale = locale if locale in LANGUAGES else DEFAULT
        self.zone = ZoneInfo(zone)
        self._babel = Locale.parse(self.locale)
        self._catalogue = catalogue(self.locale)

    @property
    def tag(self) -> str:
        """For the `lang` attribute."""
        return self.locale.replace("_", "-")

    def at(self, zone: str) -> "Words":
        """The same language in another zone."""
        return Words(self.locale, zone)

    def text(self, message: str, **values: object) -> str:
        """A translated text; `{name}` takes a value."""
        translated = self._catalogue.ugettext(message) if message else ""
        return translated.format(**values) if values else translated

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """A translated text that counts; `{n}` takes the number."""
        return self._catalogue.ungettext(one, many, n).format(n=self.number(n), **values)

    def number(self, value: Number | None, digits: int | None = None) -> str:
        """A plain number. Unknown is a dash."""
        if value is None:
            return "–"
        exact = _exact(value)
        return format_decimal(exact if digits is None else round(exact, digits), locale=self._babel)

    def compact(self, value: Number | None) -> str:
        """A count in a tile: whole up to 99,999, then 1.2M or 120万."""
        if value is None:
            return "–"
        exact = _exact(value)
        if abs(exact) < _COMPACT_FROM:
            return self.number(exact, 0)
        return format_compact_decimal(exact, locale=self._babel, fraction_digits=1)

    def money(self, value: Number | None, currency: str, *, whole: bool = False) -> str:
        """An amount with its currency; `whole` leaves the minor unit away."""
        if value is None:
            return "–"
        exact = _exact(value)
        if whole and abs(exact) >= _COMPACT_FROM * 100:
            return format_compact_currency(exact, currency, locale=self._babel, fraction_digits=1)
        if whole:
            return format_currency(
                round(exact), currency, format=self._whole_pattern(), locale=self._babel, currency_digits=False
            )
        return format_currency(exact, currency, locale=self._babel)

    def _whole_pattern(self) -> str:
        return str(self._babel.currency_formats["standard"].pattern).replace(".00", "")

    def percent(self, value: float | None, digits: int = 1) -> str:
        """A fraction as per cent."""
        return (
            "–"
            if value is None
            else format_percent(round(value, digits + 2), locale=self._babel, decimal_quantization=False)
        )

    def change(self, value: float) -> str:
        """A relative change with its sign."""
        sign = "+" if value > 0 else "\u2212" if value < 0 else "±"
        return f"{sign}{self.percent(abs(value))}"

    def day(self, value: date) -> str:
        """A day with its year."""
        return format_date(value, format="medium", locale=self._babel)

    def short_day(self, value: date) -> str:
        """A day on an axis."""
        return format_skeleton("MMMd", value, locale=self._babel)

    def moment(self, value: datetime | None) -> str:
        """A time in the zone of these words."""
        return "–" if value is None else format_datetime(value, format="medium", tzinfo=self.zone, locale=self._babel)

    def ago(self, value: datetime | None, now: datetime) -> str:
        """How long ago."""
        if value is None:
            return "–"
        return format_timedelta(min(value - now, timedelta(seconds=-1)), add_direction=True, locale=self._babel)

    def days(self, value: float | None) -> str:
        """A length in days."""
        if value is None:
            return "–"
        return format_timedelta(timedelta(days=round(value)), granularity="day", threshold=1e9, locale=self._babel)

    def hours(self, seconds: float) -> str:
        """A length, as a promise says it."""
        return format_timedelta(timedelta(seconds=seconds), locale=self._babel)

    def names(self, items: list[str]) -> str:
        """A list in words."""
        return format_list(items, locale=self._babel) if items else ""
