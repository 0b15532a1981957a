"""The files of the course, as someone who learns from them wants to see them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class Contents(AsyncLargeFileManager):
    """Jupyter's own, except that a pair is listed as one notebook, and that a notebook
    says which Python it is for before its kernel does.

    JupyterLab notes the kernel's version of Python in the notebook when that opens:
    where the stored one is another, the notebook would be unsaved before anything was
    done to it.
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


def _is_source_of_a_pair(name: str, names: set[str]) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".py" and f"{path.stem}.ipynb" in names


def _note_the_kernel(metadata: dict[str, Any]) -> None:
    # only here, so that the server starts as fast as without it
    from ipykernel.ipkernel import IPythonKernel

    if metadata.get("kernelspec", {}).get("name") == "python3":
        metadata["language_info"] = IPythonKernel.language_info
