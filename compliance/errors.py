from core.errors import Conflict


class AskedBefore(Conflict):
    """It was asked before, or there is nothing to ask; `detail` says which."""

    code, title = "asked_before", "There is nothing more to ask"
