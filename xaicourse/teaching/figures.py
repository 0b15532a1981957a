"""Figures as the reader gets them: WebP in the page with caption and alternative text,
and a small PNG for renderers that show no pictures in HTML.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

CSS_DPI = 96  # a CSS pixel is a ninety-sixth of an inch
WIDEST = 720  # CSS pixels: pages show no figure wider than about this
SCRIPT = Path(__file__).parent / "pages" / "static" / "explore.js"
_STYLE = "max-width: 100%; height: auto; background: white; border-radius: 4px;"


def figure_data(
    figure: Figure, *, alt: str, caption: str, attributes: str = ""
) -> dict[str, str]:
    """Return a figure as the data of one output.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn twice: two pixels to a CSS pixel for the page, and one for renderers that
        leave pictures out of HTML.
    alt : str
        Alternative text.
    caption : str
        HTML.
    attributes : str
        Further attributes of the element ``figure``.

    Returns
    -------
    dict of str to str
        By MIME type: the page's element with its WebP inside, and the PNG (base64).
    """
    width = round(figure.get_figwidth() * CSS_DPI)
    picture = _data_address(webp(figure, colours=128))
    page = (
        f'<figure{attributes}><img width="{width}" style="{_STYLE}" '
        f'alt="{html.escape(alt)}" src="{picture}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
    small = io.BytesIO()
    _drawn(figure, 1, 32).save(small, "png", optimize=True)
    return {
        "text/html": page,
        "image/png": base64.b64encode(small.getvalue()).decode(),
    }


def sliding_data(
    figures: Sequence[Figure],
    *,
    values: Sequence[str],
    alts: Sequence[str],
    start: int,
    label: str,
    unit: str,
    caption: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> dict[str, str]:
    """Return figures as the data of one output that shows the one at ``start``, and the
    others under a slider wherever ``explore.js`` runs.

    A stored notebook refers to files beside it, which ``XAICOURSE_FRAMES`` names the
    folder of while it is executed for storing, and leaves the script to the page; a
    live one carries frames and script itself. Where it is executed to be compared with
    what is stored, the other frames are not drawn.
    """
    stored = bool(os.environ.get("XAICOURSE_STATIC"))
    folder = os.environ.get("XAICOURSE_FRAMES")
    frames = []
    each = zip(progress(figures), values, alts, strict=True)
    for i, (figure, value, alt) in enumerate(each):
        frame = {"value": value, "alt": alt}
        if i != start and folder:  # the page has that of the start already
            frame["src"] = _stored_frame(webp(figure, colours=64), Path(folder))
        elif i != start and not stored:
            frame["src"] = _data_address(webp(figure, colours=64))
        frames.append(frame)
    known = {"label": label, "unit": unit, "start": start, "frames": frames}
    attribute = f' data-frames="{html.escape(json.dumps(known, ensure_ascii=False))}"'
    data = figure_data(
        figures[start], alt=alts[start], caption=caption, attributes=attribute
    )
    if not stored:
        data["text/html"] += f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    return data


def webp(figure: Figure, *, colours: int) -> bytes:
    """Return a figure as WebP without loss, its colours reduced to a palette: smaller
    than PNG, and than WebP with losses, which smears thin lines.
    """
    buffer = io.BytesIO()
    _drawn(figure, 2, colours).convert("RGB").save(buffer, "webp", lossless=True)
    return buffer.getvalue()


def _drawn(figure: Figure, density: float, colours: int) -> Image.Image:
    dpi = density * min(CSS_DPI, WIDEST / figure.get_figwidth())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
    drawn = Image.open(buffer).convert("RGB")
    # The usual method spends its palette on large areas, and the small signs of a
    # legend come out in another colour; this one covers all, and packs better, too.
    return drawn.quantize(
        colours, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
    )


def _data_address(content: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"


def _stored_frame(content: bytes, folder: Path) -> str:
    """Write a frame and return its address from the notebook; its name is its hash, so
    that what is stored cannot disagree.
    """
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.webp"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return f"frames/{folder.name}/{name}"


def frames_of(page: str) -> dict[str, Any]:
    """Return what `sliding_data` wrote into an HTML output; empty if it did not."""
    _, found, rest = page.partition(' data-frames="')
    return dict(json.loads(html.unescape(rest.split('"')[0]))) if found else {}
