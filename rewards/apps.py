from django.apps import AppConfig


class RewardsConfig(AppConfig):
    name = "rewards"

    def ready(self) -> None:
        from ledger.chart import Kind
        from rewards import checks, handlers, queries  # noqa: F401  (handlers register themselves)
        from wallets.consumers import register_words
        from wallets.queries import register_references

        checks.register()
        register_references([Kind.REWARD], queries.references)
        register_words(["reward", "reward_reversed", "appeal_answered"], queries.words_for)
