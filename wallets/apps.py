from django.apps import AppConfig


class WalletsConfig(AppConfig):
    name = "wallets"

    def ready(self) -> None:
        from users.services import on_signup
        from wallets import handlers  # noqa: F401  (registers itself with the relay)
        from wallets.services import open_wallet

        on_signup(open_wallet)
