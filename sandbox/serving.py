"""How gunicorn serves the sandbox, wherever it runs: `gunicorn sandbox.wsgi --config python:sandbox.serving --bind …`.

One process: its SQLite has one writer, and its threads share what they hold in memory. A kept connection stays open for
longer than any client keeps one, as with the vendors: closed under a request, it would look like an answer that got lost.
"""

workers = 1
worker_class = "gthread"
threads = 8
keepalive = 75
graceful_timeout = 2
loglevel = "warning"
control_socket_disable = True
