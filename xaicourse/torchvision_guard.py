"""Lets torchvision import beside a build of torch that its compiled operators do not
match.

torchvision describes its operators ``nms`` and ``qnms`` to torch as it is imported, and
fails where its compiled library, which declares them, could not be loaded (``operator
torchvision::nms does not exist``); this happens with a CPU build of torch.
`transformers` imports torchvision and fails with it. The course uses no such operator:
it is enough that they are declared. Calling one still raises torchvision's own error.
"""

import sys
from importlib.machinery import ModuleSpec

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
declared: list[str] = []
"""The operators that had to be declared; empty where torchvision's own match, or before
it is imported.
"""

_keep_alive: list[object] = []  # a Library's declarations end with it


class _Finder:
    """Watches imports; finds nothing itself.

    torchvision first tries to load its operators, in ``torchvision.extension``; the
    next of its modules to be imported is the moment to see whether that worked, without
    having to know how it is done.
    """

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name.startswith("torchvision.") and hasattr(
            sys.modules.get("torchvision.extension"), "_has_ops"
        ):
            # A new list: the import system is walking the old one.
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]
            _declare_missing()
        return None


def install() -> None:
    """Watch for the first import of torchvision; do nothing where it is already watched
    for or imported.
    """
    if "torchvision" not in sys.modules and not any(
        isinstance(finder, _Finder) for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, _Finder())


def _declare_missing() -> None:
    import torch  # torchvision has imported it

    missing = [name for name in _SCHEMAS if not hasattr(torch.ops.torchvision, name)]
    if missing:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in missing:
            library.define(_SCHEMAS[name])
        _keep_alive.append(library)
        declared.extend(missing)
