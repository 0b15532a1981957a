"""What every data set of the course looks like, and where its files are found, verified
and fetched.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pooch

from xaicourse.validation import as_mask, check_choice, check_flag, check_shape

ENVIRONMENT_VARIABLE = "XAICOURSE_DATA"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A table, what is to be predicted from it, and where its rows came from.

    Attributes
    ----------
    name : str
        Short name, the one `xaicourse data fetch NAME` uses.
    features : pandas.DataFrame
        One row a case.
    target : pandas.Series
        What is predicted, in the order of `features`.
    test : numpy.ndarray
        Boolean mask of the official held-out rows.
    source : {"real", "simulated"}
        Whether people or a known mechanism produced the rows.
    origin : str
        One sentence for the reader of a notebook.
    citation : str
        How to cite the data.
    truth : object or None
        The mechanism, when the rows are simulated.
    """

    name: str
    features: pd.DataFrame
    target: pd.Series[int]
    test: np.ndarray
    source: Literal["real", "simulated"]
    origin: str
    citation: str
    truth: object | None = None

    def __post_init__(self) -> None:
        rows = len(self.features)
        check_shape("target", self.target, (rows,))
        as_mask("test", self.test, (rows,))

    def __repr__(self) -> str:
        rows, columns = self.features.shape
        return (
            f"Dataset({self.name!r}, {rows:,} rows, {columns} features, {self.source})"
        )

    @property
    def train_features(self) -> pd.DataFrame:
        """Rows of `features` outside the official test part."""
        return self.features[~self.test]

    @property
    def train_target(self) -> pd.Series[int]:
        """Targets outside the official test part."""
        return self.target[~self.test]

    @property
    def test_features(self) -> pd.DataFrame:
        """Rows of `features` in the official test part."""
        return self.features[self.test]

    @property
    def test_target(self) -> pd.Series[int]:
        """Targets in the official test part."""
        return self.target[self.test]


@dataclass(frozen=True)
class RemoteFile:
    """A file at a public address and the SHA-256 digest (hexadecimal) that its bytes
    must have; ``None`` where the course may not fetch it and readers bring their own.
    """

    url: str
    sha256: str | None

    @property
    def name(self) -> str:
        """Last part of the address; the file keeps it on disk."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class DatasetInfo:
    """What is known about a data set before it is loaded.

    Attributes
    ----------
    name : str
        Short name; also the sub-folder its files lie in.
    title : str
        One line for a list of data sets.
    rows : int
        Number of rows of the real data.
    files : tuple of RemoteFile
        What a download consists of.
    citation, terms : str
        How to cite the data and the terms they come under.
    """

    name: str
    title: str
    rows: int
    files: tuple[RemoteFile, ...]
    citation: str
    terms: str

    @property
    def own(self) -> bool:
        """Whether readers bring the files themselves."""
        return any(file.sha256 is None for file in self.files)

    def state(self) -> Literal["at hand", "absent", "wrong checksum"]:
        """Whether the real data can be loaded now; looks at the disk only, never at the
        network.
        """
        try:
            return "absent" if self.find() is None else "at hand"
        except ChecksumError:
            return "wrong checksum"

    def find(self) -> dict[str, Path] | None:
        """Verified paths of the files by name; None when one is absent.

        Raises
        ------
        ChecksumError
            A file is there but its bytes are not the published ones.
        ValueError
            The environment variable XAICOURSE_DATA names no folder.
        """
        folder = data_folder() / self.name
        paths = {file.name: folder / file.name for file in self.files}
        present = [file for file in self.files if paths[file.name].is_file()]
        for file in present:
            if file.sha256 is None:
                continue
            digest = hashlib.sha256(paths[file.name].read_bytes()).hexdigest()
            if digest != file.sha256:
                raise ChecksumError(
                    f"{paths[file.name]} has SHA-256 {digest[:12]}..., expected "
                    f"{file.sha256[:12]}...; "
                    f"delete it, or replace it with `xaicourse data fetch {self.name}`"
                )
        return paths if len(present) == len(self.files) else None

    def choose(self, source: str) -> dict[str, Path] | None:
        """Verified paths of the real files, or None where the simulated twin is to
        stand in.

        Parameters
        ----------
        source : {"auto", "real", "simulated"}
            "auto" takes the real data when their files are at hand.

        Raises
        ------
        ValueError
            `source` is none of the three; or as `find` raises it.
        FileNotFoundError
            The real data are asked for and are not at hand.
        """
        check_choice("source", source, ("auto", "real", "simulated"))
        files = None if source == "simulated" else self.find()
        if files is None and source == "real":
            raise FileNotFoundError(
                f"the real {self.name} data are not at hand; fetch them once with "
                f"`xaicourse data fetch {self.name}`, "
                f"or name the folder that holds {self.name}/{self.files[0].name} in "
                f"{ENVIRONMENT_VARIABLE}"
            )
        return files

    def fetch(self, *, progress: bool = False) -> dict[str, Path]:
        """Download what is missing or damaged, verify it, and return the paths by file
        name.

        Parameters
        ----------
        progress : bool
            Show a progress bar on standard error.

        Raises
        ------
        ConnectionError
            A file could not be downloaded whole (nothing of it is kept), or is one that
            readers bring themselves.
        ChecksumError
            A downloaded file is not the published one; nothing of it is kept.
        """
        folder = data_folder() / self.name
        if self.own:
            raise ConnectionError(
                f"the course may not pass {self.files[0].name} on; {self.files[0].url} "
                f"is where it comes from, and {folder} where it belongs"
            )
        logger = pooch.get_logger()
        level = logger.level
        # pooch announces each download on standard error otherwise
        logger.setLevel(logging.WARNING)
        try:
            for file in self.files:
                try:
                    pooch.retrieve(
                        file.url,
                        f"sha256:{file.sha256}",
                        fname=file.name,
                        path=folder,
                        progressbar=progress,
                    )
                except OSError as error:  # requests' are, those of wrong addresses, too
                    raise ConnectionError(
                        f"could not download {file.url}: {error}"
                    ) from error
                except ValueError as error:  # of pooch, which has compared the hash
                    raise ChecksumError(
                        f"what came from {file.url} is not the published file (SHA-256 "
                        f"{file.sha256:.12}... expected): it has changed, or a proxy "
                        f"or a login page answered instead; a browser shows which"
                    ) from error
        finally:
            logger.setLevel(level)
        return {file.name: folder / file.name for file in self.files}


class ChecksumError(ValueError):
    """A data file is not, byte for byte, the one the course was written with."""


_registry: dict[str, DatasetInfo] = {}


def register(info: DatasetInfo) -> DatasetInfo:
    """Add a data set to the `available` ones, and return it; its module calls this when
    imported.
    """
    _registry[info.name] = info
    return info


def available() -> dict[str, DatasetInfo]:
    """Return the data sets that are real where their files are at hand, by name.

    Examples
    --------
    >>> import xaicourse.datasets
    >>> available()["census"].rows
    48842
    """
    return dict(sorted(_registry.items()))


def fetch(name: str, *, progress: bool = False) -> dict[str, Path]:
    """Download the files of one data set from their public addresses and verify them.

    This is the only function of the course that uses the network.

    Parameters
    ----------
    name : str
        One of the names in `available()`.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    dict of str to pathlib.Path
        Where each file now lies, by file name.

    Raises
    ------
    ValueError
        There is no data set of that name, or (ChecksumError) a file is not the
        published one.
    ConnectionError
        A file could not be downloaded whole.
    """
    check_choice("name", name, available())
    check_flag("progress", progress)
    return _registry[name].fetch(progress=progress)


def data_folder() -> Path:
    """Folder with one sub-folder a data set: the one XAICOURSE_DATA names, else the
    user's cache.

    Raises
    ------
    ValueError
        XAICOURSE_DATA is set to something that is no folder.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if not named:
        return Path(pooch.os_cache("xaicourse"))
    if not Path(named).is_dir():
        raise ValueError(
            f"the environment variable {ENVIRONMENT_VARIABLE} names no folder: "
            f"{named!r}"
        )
    return Path(named)
