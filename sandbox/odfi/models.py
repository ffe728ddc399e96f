"""What the bank of the files remembers. Money is integer cents; `*_on` are days of the bank's own calendar."""

from django.db import models


class OdfiFile(models.Model):
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    accepted = models.BooleanField()
    on = models.DateField()


class OdfiEntry(models.Model):
    """An entry of an accepted file. `due_on`: the day on which something happens to it next."""

    file = models.ForeignKey(OdfiFile, models.CASCADE)
    sec = models.CharField(max_length=3)
    code = models.CharField(max_length=2)  # of the transaction: 22, 27, 32, 37 and their prenotes
    routing = models.CharField(max_length=9)
    number = models.CharField(max_length=17)
    cents = models.BigIntegerField()
    reference = models.CharField(max_length=15, blank=True)
    name = models.CharField(max_length=22, blank=True)
    trace = models.CharField(max_length=15)
    settles_on = models.DateField()
    due_on = models.DateField(null=True)
    status = models.CharField(max_length=10, default="accepted")  # accepted, settled, returned
    returns_as = models.CharField(max_length=3, blank=True)
    moved = models.BooleanField(default=False)  # whether the receiver's balance has changed

    class Meta:
        indexes = [models.Index(fields=["due_on"], condition=models.Q(due_on__isnull=False), name="odfi_due")]

    @property
    def is_debit(self) -> bool:
        return self.code[1] in "78"


class OdfiPosting(models.Model):
    """A line of the statement of our account; what came in is positive."""

    on = models.DateField(db_index=True)
    type = models.CharField(max_length=3)  # BAI2's type code
    cents = models.BigIntegerField()
    bank_reference = models.CharField(max_length=15)
    reference = models.CharField(max_length=15, blank=True)
    text = models.CharField(max_length=60)


class OdfiRenumbered(models.Model):
    """A number that an account had before a notification of change."""

    routing = models.CharField(max_length=9)
    number = models.CharField(max_length=17)
    account = models.ForeignKey("sandbox.BankAccount", models.CASCADE)
