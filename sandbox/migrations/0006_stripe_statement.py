from django.db import migrations, models

STATUSES = {"processing": "open", "failed": "void", "canceled": "void"}


def list_what_there_is(apps, schema_editor):
    """A sandbox that was used before: what is in the FinancialAccount and on its way is listed from now on."""
    of = {name: apps.get_model("sandbox", f"Stripe{name}") for name in ("Entry", "Intent", "Outbound", "Transaction", "Vault")}
    of["Entry"].objects.filter(kind="charge").update(kind="payment")
    for debit in of["Intent"].objects.filter(status="processing"):
        fee = min(5_00, (debit.cents * 8 + 500) // 1000)
        about = {"source": debit.charge_uid, "cents": debit.cents, "fee": fee, "created_at": debit.created_at}
        of["Entry"].objects.create(uid=f"txn_{debit.uid[3:]}", kind="payment", pending=True, **about)
    for vault in of["Vault"].objects.all():
        there = 0
        for payment in of["Outbound"].objects.order_by("id"):
            about = {"flow": payment.uid, "flow_type": "outbound_payment", "created_at": payment.created_at}
            uid, status = f"trxn_{payment.uid[4:]}", STATUSES.get(payment.status, "posted")
            of["Transaction"].objects.create(uid=uid, cents=-payment.cents, status=status, **about)
            if payment.status == "returned":
                of["Transaction"].objects.create(uid=f"{uid}Return", cents=payment.cents, status="posted", **about)
            if payment.status in ("processing", "posted"):
                there -= payment.cents
        for payout in of["Entry"].objects.filter(kind="payout"):
            of["Transaction"].objects.create(
                uid=f"trxn_{payout.source[3:]}", flow=f"rc_{payout.source[3:]}", flow_type="received_credit", cents=-payout.cents,
                status="posted", payout=payout.source, network="stripe", created_at=payout.created_at,
            )
            there -= payout.cents
        if vault.cash != there:
            of["Transaction"].objects.create(
                uid=f"trxn_{vault.uid[3:]}", flow=f"rc_{vault.uid[3:]}", flow_type="received_credit", cents=vault.cash - there,
                status="posted", network="ach", description="From outside, before", created_at=vault.created_at,
            )


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0005_house")]
    operations = [
        migrations.AddField("stripeentry", "pending", models.BooleanField(default=False)),
        migrations.CreateModel(
            name="StripeTransaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(max_length=40, unique=True)),
                ("flow", models.CharField(db_index=True, max_length=40)),
                ("flow_type", models.CharField(max_length=30)),
                ("cents", models.BigIntegerField()),
                ("status", models.CharField(max_length=10)),
                ("payout", models.CharField(blank=True, max_length=40)),
                ("network", models.CharField(blank=True, max_length=20)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.RunPython(list_what_there_is, migrations.RunPython.noop),
    ]
