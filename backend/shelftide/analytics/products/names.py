"""Names that mean one thing, in Latin and Chinese script, simplified and traditional, with accents and without."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec
from pypinyin import lazy_pinyin
from rapidfuzz.distance import JaroWinkler

SAME = 1.0
_SPOKEN = 0.9
_NEAR = 0.93
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W_]+")
# Legal forms and words that stand on every account tell nothing about who it is.
_EMPTY_LATIN = "official officiel ufficiale shop store flagship beauty the inc ltd llc gmbh srl spa co"
_EMPTY_HAN = ("官方旗舰店", "官方旗艦店", "旗舰店", "旗艦店", "官方", "有限公司")
_EMPTY = frozenset(_EMPTY_LATIN.split(" "))


class Named(msgspec.Struct, frozen=True):
    """Something that has names: its id, and every name that it goes by."""

    key: str
    names: tuple[str, ...]


class Resolved(msgspec.Struct, frozen=True):
    """Who a name means, how sure (0 to 1), and by which of its names."""

    key: str
    confidence: float
    by: str


@lru_cache(maxsize=65_536)
def plain(name: str) -> str:
    """A name without case, accents, width, punctuation and empty words: `Ｌúxi® Official` becomes `luxi`."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    words = [word for word in _WORD.findall(text) if word not in _EMPTY]
    for word in _EMPTY_HAN:
        words = [found for found in (each.replace(word, "") for each in words) if found]
    return " ".join(words) or " ".join(_WORD.findall(text))


@lru_cache(maxsize=65_536)
def spoken(name: str) -> str:
    """A name as it sounds, without tones and spaces: 露晞 and `Lu Xi` both become `luxi`.

    Simplified and traditional characters sound alike, so this joins them too.
    """
    return "".join(_WORD.findall(" ".join(lazy_pinyin(plain(name))).casefold()))


def parts(name: str) -> tuple[str, ...]:
    """The scripts of a mixed name one by one: `Luxi 露晞` is `Luxi` and `露晞`."""
    han = "".join(_HAN.findall(name))
    latin = " ".join(_WORD.findall(_HAN.sub(" ", name)))
    return tuple(part for part in (han, latin) if part) if han and latin else (name,)


def likeness(left: str, right: str) -> float:
    """How sure it is that two names mean one thing: 1 the same, 0.9 the same sound, else near spelling, else 0."""
    best = 0.0
    for a in (left, *parts(left)):
        for b in (right, *parts(right)):
            best = max(best, _likeness(a, b))
    return best


def _likeness(left: str, right: str) -> float:
    a, b = plain(left), plain(right)
    if not a or not b:
        return 0.0
    if a == b or a.replace(" ", "") == b.replace(" ", ""):
        return SAME
    if len(spoken(a)) >= 4 and spoken(a) == spoken(b):
        return _SPOKEN
    # Short names differ by a letter and mean different things; long ones are misspelt.
    near = JaroWinkler.similarity(a, b) if min(len(a), len(b)) >= 6 else 0.0
    return near * _SPOKEN if near >= _NEAR else 0.0


def resolve(name: str, known: Iterable[Named], *, at_least: float = 0.8) -> Resolved | None:
    """Who `name` means; None when nobody is likely enough, or two are equally likely."""
    found = sorted(
        (
            Resolved(entity.key, score, alias)
            for entity in known
            for alias in entity.names
            if (score := likeness(name, alias)) >= at_least
        ),
        key=lambda each: -each.confidence,
    )
    if not found:
        return None
    rivals = {each.key for each in found if each.confidence == found[0].confidence}
    return found[0] if len(rivals) == 1 else None


def mentions(text: str, names: Sequence[str]) -> str | None:
    """The first of `names` that a text says whole, in any script; None when it says none."""
    said = f" {plain(text)} "
    joined = said.replace(" ", "")
    for name in names:
        wanted = plain(name)
        if len(wanted.replace(" ", "")) < 2:
            continue
        if _HAN.search(wanted):
            if wanted.replace(" ", "") in joined or _heard(wanted, joined):
                return name
        elif len(wanted) >= 4 and (f" {wanted} " in said or wanted.replace(" ", "") in said.split()):
            return name
    return None


def _heard(name: str, text: str) -> bool:
    """Whether a text says a Chinese name of three characters or more in the other script: compared by sound."""
    wanted, said = lazy_pinyin("".join(_HAN.findall(name))), lazy_pinyin("".join(_HAN.findall(text)))
    size = len(wanted)
    return size >= 3 and any(said[at : at + size] == wanted for at in range(len(said) - size + 1))
