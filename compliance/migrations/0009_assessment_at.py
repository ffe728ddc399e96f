"""Its own migration, and none in one transaction: the index is built while people pay.

Movements are assessed in the order of time and never changed, so a summary of each range of pages is enough: kilobytes, and hardly
anything to write with each payment.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("compliance", "0008_erased_words")]

    operations = [
        AddIndexConcurrently("assessment", BrinIndex(fields=["at"], name="compliance_assessment_at", autosummarize=True)),
    ]
