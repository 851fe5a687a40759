"""Whatever colour an agency chooses, its pages can be read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.web.branding import (
    DARK_SURFACE,
    LIGHT_SURFACE,
    NEUTRAL,
    checked_colour,
    contrast,
    fill,
    palette,
    readable,
    text_on,
    theme_css,
    theme_version,
)

COLOURS = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


@given(COLOURS)
def test_text_can_be_read_in_and_on_any_colour(colour: str) -> None:
    for surface in (LIGHT_SURFACE, DARK_SURFACE):
        assert contrast(readable(colour, surface), surface) >= 4.5
        assert all(contrast(dot, surface) >= 3.0 for dot in palette(colour, surface))
    solid = fill(colour)
    assert contrast(text_on(solid), solid) >= 4.5


def test_a_readable_choice_is_left_as_it_is() -> None:
    assert readable("#0f4c81", LIGHT_SURFACE) == "#0f4c81"
    assert fill("#0f4c81") == "#0f4c81"


def test_yellow_gets_dark_text() -> None:
    assert text_on("#ffd54f") == "#0b0f14"
    assert fill("#ffd54f") == "#ffd54f"


@pytest.mark.parametrize("text", ["red", "#fff", "#12345g", "#000000;} body{display:none", "", "#0f4c81\n"])
def test_what_is_no_colour_never_reaches_the_style_sheet(text: str) -> None:
    assert checked_colour(text) == NEUTRAL


def test_the_address_changes_with_either_colour() -> None:
    versions = {theme_version(a, b) for a in ("#111111", "#222222") for b in ("#111111", "#333333")}
    assert len(versions) == 4


def test_light_and_dark_are_both_given() -> None:
    css = theme_css("#0f4c81", "#2a9d8f")
    light, dark = css.split('[data-bs-theme="dark"]')
    ink = re.compile(r"--brand-ink: (#\w{6})")
    first, second = ink.search(light), ink.search(dark)
    assert first is not None
    assert second is not None
    assert first[1] != second[1]
