# Never imported: each `ruleid:` line is what a rule must find.
import requests
from django.db import connection, transaction

from core.actor import actor, read_as


def search(request):
    with connection.cursor() as cursor:
        # ruleid: sql-of-request-data
        cursor.execute(f"select * from users_profile where username = '{request.GET['q']}'")
        name = request.POST.get("name")
        # ruleid: sql-of-request-data
        cursor.execute("select * from users_profile where username = '%s'" % name)
        # ok: sql-of-request-data
        cursor.execute("select * from users_profile where username = %s", [name])
    order = request.query_params["order"]
    # ruleid: sql-of-request-data
    return read_as(1, "select * from wallets_wallet order by " + order, [])


def act(cursor, user_id):
    # ruleid: actor-set-for-the-session
    cursor.execute("select set_config('paya.actor', %s, false)", [user_id])
    # ruleid: actor-set-for-the-session
    cursor.execute("set paya.actor = '7'")
    # ok: actor-set-for-the-session
    cursor.execute("select set_config('paya.actor', %s, true)", [user_id])


def pay(user_id):
    with actor(user_id):
        # ruleid: call-out-inside-a-transaction
        requests.post("https://bank.example", timeout=5)
    with transaction.atomic():
        print("begun")
        # ruleid: call-out-inside-a-transaction
        requests.get("https://bank.example", timeout=5)
    # ok: call-out-inside-a-transaction
    requests.post("https://bank.example", timeout=5)
