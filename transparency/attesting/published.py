"""The verifier as everybody gets it: one file with our first key in it, known by its hash. We check with it ourselves."""

import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

from django.conf import settings

FILE = settings.BASE_DIR / "bin" / "paya-verify"
_EMPTY = "KEYS: tuple[str, ...] = ()"


def verifier_file(keys: Sequence[str]) -> bytes:
    """The file with the first key pinned; later ones are believed because the one before them has signed them."""
    text = FILE.read_text(encoding="utf-8")
    if _EMPTY not in text:
        raise RuntimeError("bin/paya-verify has no place for the key")
    pinned = "".join(f'"{key}",' for key in keys[:1])
    return text.replace(_EMPTY, f"KEYS: tuple[str, ...] = ({pinned})", 1).encode()


@cache
def verifier() -> ModuleType:
    """The file as a module."""
    loader = SourceFileLoader("paya_verify_published", str(FILE))
    spec = spec_from_loader("paya_verify_published", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["paya_verify_published"] = module  # dataclasses look themselves up there
    loader.exec_module(module)
    return module
