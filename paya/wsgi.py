import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paya.settings")
application = get_wsgi_application()

from core.checks import guard_process  # noqa: E402  (settings have to be there)

guard_process()
