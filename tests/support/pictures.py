"""Small pictures of pages: screenshots whose colors the browser itself has counted, written with a palette."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

from playwright.sync_api import Page

_COLORS = 128

# Colors are told apart by five bits each; the most frequent keep a place of their own, others take the nearest. Bright
# ones count for more: a number in violet has few pixels.
_COUNT = """async ([picture, most]) => {
  const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
  const drawn = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(drawn.width, drawn.height).getContext("2d");
  canvas.drawImage(drawn, 0, 0);
  const seen = canvas.getImageData(0, 0, drawn.width, drawn.height).data;
  const key = (at) => ((seen[at] >> 3) << 10) | ((seen[at + 1] >> 3) << 5) | (seen[at + 2] >> 3);
  const counts = new Map();
  for (let at = 0; at < seen.length; at += 4) {
    const color = [seen[at], seen[at + 1], seen[at + 2]];
    const found = counts.get(key(at)) ?? { n: 0, color };
    found.n += 1 + (Math.max(...color) - Math.min(...color)) / 4;
    counts.set(key(at), found);
  }
  const palette = [...counts.values()].sort((a, b) => b.n - a.n).slice(0, most).map((one) => one.color);
  const far = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  const places = new Map([...counts].map(([name, { color }]) =>
    [name, palette.reduce((best, each, at) => far(each, color) < far(palette[best], color) ? at : best, 0)]));
  let places_of_all = "";
  for (let at = 0; at < seen.length; at += 4) places_of_all += String.fromCharCode(places.get(key(at)));
  return [drawn.width, drawn.height, palette.flat(), btoa(places_of_all)];
}"""


def take_picture(page: Page, reducer: Page, to: Path) -> None:
    """Write what the window shows as a PNG with a palette.

    :param reducer: an empty page of the same browser, which no policy of the site binds.
    """
    # A caret that is hidden leaves style attributes behind, of which the site's policy would complain.
    shot = page.screenshot(caret="initial")
    width, height, palette, places = reducer.evaluate(_COUNT, [base64.b64encode(shot).decode(), _COLORS])
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(_png(width, height, bytes(palette), base64.b64decode(places)))


def _png(width: int, height: int, palette: bytes, places: bytes) -> bytes:
    """One byte a pixel: PNG (third edition), 11.2, color type 3."""
    rows = b"".join(b"\0" + places[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
