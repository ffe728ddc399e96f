"""What gunicorn serves: one process with threads, because the delivery thread must exist once.

    gunicorn sandbox.wsgi --config python:sandbox.serving --bind 127.0.0.1:8002
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the settings module must be named first

application = get_wsgi_application()

from sandbox import bank, house, webhooks  # noqa: E402 - models can be imported only now
from sandbox.odfi import settling as odfi_settling  # noqa: E402
from sandbox.stripe import hooks as stripe_hooks  # noqa: E402
from sandbox.stripe import settling as stripe_settling  # noqa: E402

bank.open_for_business()
stripe_hooks.open_for_business()
bank.settles(stripe_settling.settle)
bank.settles(odfi_settling.settle)
bank.settles(house.settle)
webhooks.start_delivering()
