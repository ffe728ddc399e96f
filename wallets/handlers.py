from core import live, outbox


@outbox.handler("wallet.changed")
def tell_person(rows: list[outbox.Row]) -> None:
    """Wake up the person's own sockets."""
    live.publish([
        {"topic": "me", "user": row.payload["user"], "kind": row.payload["kind"], "ref": row.payload["ref"]} for row in rows
    ])  # fmt: skip
