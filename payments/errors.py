from core.errors import Conflict, NotFound, ValidationError


class UnknownPayee(NotFound):
    code, title = "unknown_payee", "Nobody has that @username"

    def __init__(self, username: str) -> None:
        message = f"Nobody here is called @{username}. Check the spelling."
        super().__init__(message, fields={"to": message})


class PayingOneself(ValidationError):
    code = "paying_oneself"
    detail = "You cannot pay yourself."

    def __init__(self) -> None:
        super().__init__(self.detail, fields={"to": self.detail})


class NoUsernameYet(Conflict):
    code, title = "no_username", "Choose your @username first"
    detail = "Choose your @username before you pay somebody."
