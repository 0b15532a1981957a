"""The files of the course, as someone who learns from them wants to see them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class Contents(AsyncLargeFileManager):
    """Jupyter's own, except that looking at a notebook changes nothing in it, and that
    a pair is listed as one notebook.

    JupyterLab notes in a notebook the kernel's version of Python when it opens: where
    the stored one is another, it would be unsaved before anything was done to it. And
    it notes which cells a reader has folded or opened.
    """

    async def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,
        format: str | None = None,
        require_hash: bool = False,
    ) -> dict[str, Any]:
        """Return a file or a folder as JupyterLab is told of it."""
        model: dict[str, Any] = await super().get(  # type: ignore[no-untyped-call]
            path, content=content, type=type, format=format, require_hash=require_hash
        )
        if not content:
            return model
        if model["type"] == "directory":
            names = {entry["name"] for entry in model["content"]}
            model["content"] = [
                entry
                for entry in model["content"]
                if not _is_source_of_a_pair(entry["name"], names)
            ]
        elif model["type"] == "notebook":
            _note_the_kernel(model["content"]["metadata"])
        return model

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Write a file; the cells of a pair stay folded as they were."""
        of_a_pair = model.get("type") == "notebook" and _is_of_a_pair(model["content"])
        if of_a_pair and await self.file_exists(path):
            stored = await super().get(path)  # type: ignore[no-untyped-call]
            folded = {
                cell.get("id"): cell["metadata"].get("jupyter")
                for cell in stored["content"]["cells"]
            }
            for cell in model["content"]["cells"]:
                cell["metadata"].pop("jupyter", None)
                if kept := folded.get(cell.get("id")):
                    cell["metadata"]["jupyter"] = kept
        saved: dict[str, Any] = await super().save(model, path)  # type: ignore[no-untyped-call]
        return saved


def _is_source_of_a_pair(name: str, names: set[str]) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".py" and f"{path.stem}.ipynb" in names


def _is_of_a_pair(content: dict[str, Any]) -> bool:
    return "fingerprint" in content["metadata"].get("xaicourse", {})


def _note_the_kernel(metadata: dict[str, Any]) -> None:
    # only here, so that the server starts as fast as without it
    from ipykernel.ipkernel import IPythonKernel

    if metadata.get("kernelspec", {}).get("name") == "python3":
        metadata["language_info"] = IPythonKernel.language_info
