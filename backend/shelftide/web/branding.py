"""White label: an agency's or brand's colour as CSS custom properties that stay readable in light and dark.

A colour that cannot be read is moved along its lightness (OKLCH) until text on it and text in it reach WCAG 2.2 AA.
"""

import hashlib
import re
from functools import lru_cache
from typing import Any

from coloraide import Color

READABLE = 4.5
# Contrast is kept against the lightest and the darkest surface that the colour meets, see app.css.
LIGHT_SURFACE = "#eef1f4"
DARK_SURFACE = "#232a33"
NEUTRAL = "#3d5a6c"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_VERSION = "3"


def checked_colour(text: str) -> str:
    """A hex colour, or the neutral one for anything else: what a person typed never reaches the style sheet."""
    return text.lower() if _HEX.fullmatch(text) else NEUTRAL


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast of two colours, 1 to 21."""
    return float(Color(first).contrast(second, method="wcag21"))


def text_on(background: str) -> str:
    """Black or white, whichever reads better on `background`."""
    return "#ffffff" if contrast("#ffffff", background) >= contrast("#0b0f14", background) else "#0b0f14"


def readable(colour: str, surface: str) -> str:
    """The colour, moved away from `surface` in lightness as little as it takes to be read on it."""
    found = Color(colour).convert("oklch")
    step = -0.01 if Color(surface).luminance() > 0.5 else 0.01
    for _ in range(100):
        shown = _hex(found)
        if contrast(shown, surface) >= READABLE:
            return shown
        found["lightness"] = min(1.0, max(0.0, found["lightness"] + step))
    return "#000000" if step < 0 else "#ffffff"


def fill(colour: str) -> str:
    """The colour as a button's background: text on it reaches AA."""
    found = Color(colour).convert("oklch")
    for _ in range(40):
        shown = _hex(found)
        if contrast(text_on(shown), shown) >= READABLE:
            return shown
        found["lightness"] = max(0.0, found["lightness"] - 0.01)
    return "#000000"


def palette(colour: str, surface: str) -> list[str]:
    """Six colours for charts, the first one the brand's; each stands out from `surface` (3:1, WCAG 1.4.11)."""
    start = Color(colour).convert("oklch")
    chroma = min(max(start["chroma"], 0.09), 0.15)
    hue = 0.0 if start.is_nan("hue") else start["hue"]
    found = [readable_graphic(colour, surface)]
    for turn in (150, 60, 220, 290, 100):
        shade = Color("oklch", [0.58, chroma, (hue + turn) % 360])
        found.append(readable_graphic(_hex(shade), surface))
    return found


def readable_graphic(colour: str, surface: str) -> str:
    """As `readable`, with the 3:1 that graphics need."""
    found = Color(colour).convert("oklch")
    step = -0.01 if Color(surface).luminance() > 0.5 else 0.01
    for _ in range(100):
        shown = _hex(found)
        if contrast(shown, surface) >= 3.0:
            return shown
        found["lightness"] = min(1.0, max(0.0, found["lightness"] + step))
    return _hex(found)


def _hex(colour: Any) -> str:
    return str(colour.clone().fit("srgb", method="oklch-chroma").convert("srgb").to_string(hex=True))


def _triple(colour: str) -> str:
    return ", ".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))


def _properties(primary: str, accent: str, surface: str) -> dict[str, str]:
    solid = fill(primary)
    ink = readable(primary, surface)
    dots = palette(accent, surface)
    return {
        "--tblr-primary": solid,
        "--tblr-primary-rgb": _triple(solid),
        "--tblr-primary-fg": text_on(solid),
        "--tblr-link-color": ink,
        "--tblr-link-color-rgb": _triple(ink),
        "--tblr-link-hover-color": ink,
        "--brand-solid": solid,
        "--brand-on-solid": text_on(solid),
        "--brand-ink": ink,
        "--accent": dots[0],
        **{f"--chart-{i}": dot for i, dot in enumerate(dots, start=1)},
    }


@lru_cache(maxsize=512)
def theme_css(primary: str, accent: str) -> str:
    """The style sheet of an agency (`primary`) that shows a brand (`accent`). Both are hex colours."""
    light = _block(_properties(primary, accent, LIGHT_SURFACE))
    dark = _block(_properties(primary, accent, DARK_SURFACE))
    return f':root {{{light}}}\n[data-bs-theme="dark"] {{{dark}}}\n'


def _block(properties: dict[str, str]) -> str:
    return "".join(f"\n  {name}: {value};" for name, value in properties.items()) + "\n"


def theme_version(primary: str, accent: str) -> str:
    """Changes whenever the style sheet does, so that a changed colour is seen at once."""
    return hashlib.blake2b(f"{_VERSION}|{primary}|{accent}".encode(), digest_size=6).hexdigest()
