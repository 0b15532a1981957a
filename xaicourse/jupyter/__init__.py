"""JupyterLab as the course wants it, and an extension of its server: ``/deck/`` and the
path of a notebook open its slides in a tab.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

DECKS = Path(__file__).resolve().parents[2] / "_build" / "html" / "slides"
CONFIG = Path(__file__).with_name("config")


def start(folder: Path, arguments: Sequence[str]) -> None:
    """Start JupyterLab in a folder with the course's settings, and return when it ends.

    They are handed over in the environment, so that a JupyterLab that shares the
    installation keeps its own.
    """
    from jupyterlab.labapp import LabApp

    others = os.environ.get("JUPYTER_CONFIG_PATH")
    paths = [str(CONFIG), *([others] if others else [])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    os.chdir(folder)
    # a superuser, as in a container, is let in: nobody else is there
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    LabApp.launch_instance(argv=[*root, *arguments])


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "xaicourse.jupyter"}]


def _load_jupyter_server_extension(server: Any) -> None:
    base = url_path_join(server.web_app.settings["base_url"], "deck")
    server.web_app.add_handlers(
        ".*",
        [
            (rf"{base}/(.*)\.ipynb", NewDeck),
            (rf"{base}/(.*)", DeckFile, {"path": str(DECKS)}),
        ],
    )


class NewDeck(JupyterHandler):
    """Writes the deck of a notebook, as that is stored now, and leads to it."""

    @web.authenticated
    async def get(self, path: str) -> None:
        """Take the path of the notebook, or of a copy of it."""
        try:
            file = await asyncio.to_thread(_write_deck, path)
        except (ValueError, OSError, ModuleNotFoundError) as error:
            raise web.HTTPError(404, str(error)) from None
        self.redirect(url_path_join(self.base_url, "deck", file.name))


class DeckFile(JupyterHandler, web.StaticFileHandler):
    """A file of a deck, to those who are logged in.

    Not by the server's own handler of files, in whose sandbox the speaker's window does
    not open: a deck comes from the course and not from the user.
    """

    @web.authenticated
    async def get(  # type: ignore[override]  # its two bases disagree
        self, path: str, include_body: bool = True
    ) -> None:
        """Send it."""
        await web.StaticFileHandler.get(self, path, include_body)

    def compute_etag(self) -> None:
        """Leave out what would be remembered when the deck is written anew."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002
        """Let the browser ask each time, as the deck may have been written anew."""
        self.set_header("Cache-Control", "no-cache")


def _write_deck(path: str) -> Path:
    # only here, so that the server starts as fast as without it
    from xaicourse.teaching import live, site

    return site.write_deck(live.find(path), DECKS)
