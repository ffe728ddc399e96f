"""The encrypted column of this room, as it is bound: for sealing, for opening, and for key rotation."""

from core import keyring

SECRET = "console_authenticator.secret"

keyring.register(
    keyring.Column(
        "console_authenticator", "secret", SECRET,
        public_id="(select u.public_id from users_user u where u.id = console_authenticator.user_id)",
    )
)  # fmt: skip
