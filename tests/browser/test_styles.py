"""The style sheets themselves: colors have names, and names have enough contrast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "static" / "css"
JS = CSS.parent / "js"
_TOKEN = re.compile(r"--([a-z-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)")


def tokens() -> dict[str, tuple[str, str]]:
    """Each color in light and dark."""
    return {name: (light, dark) for name, light, dark in _TOKEN.findall((CSS / "tokens.css").read_text())}


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["page", "surface", "sunk"])
@pytest.mark.parametrize("text", ["ink", "soft", "link", "pass", "fail", "unknown", "na", "warn"])
def test_text_can_be_read(text: str, ground: str) -> None:
    found = tokens()
    for theme in (0, 1):
        assert contrast(found[text][theme], found[ground][theme]) >= 4.5


@pytest.mark.parametrize("shape", ["area-pass", "area-fail", "area-unknown", "edge"])
def test_shapes_can_be_seen(shape: str) -> None:
    found = tokens()
    for theme in (0, 1):
        assert contrast(found[shape][theme], found["surface"][theme]) >= 3


def test_scripts_stay_small() -> None:
    """All together but for that of passkeys, which three pages load (``test_passkeys.py`` of the views says which)."""
    sizes = {file.name: len(file.read_bytes()) for file in JS.glob("*.js")}
    assert sizes.pop("passkeys.js") <= 2 * 1024
    assert sum(sizes.values()) <= 8 * 1024


def test_nothing_is_loaded_from_elsewhere() -> None:
    for file in [*CSS.glob("*.css"), *JS.glob("*.js")]:
        assert not re.search(r"https?://|@import|url\(", file.read_text()), file.name


def test_themes_differ_in_their_colors_alone() -> None:
    for file in CSS.glob("*.css"):
        found = re.search(r"prefers-color-scheme|data-theme", file.read_text())
        assert bool(found) == (file.name == "tokens.css"), file.name
