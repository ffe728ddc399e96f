import json
from typing import Any

from django.core.management.base import BaseCommand

from core.actor import SYSTEM, actor
from core.keyring import decrypt_for
from home.demo.story import PEOPLE
from users.models import User


class Command(BaseCommand):
    help = "The demo people as JSON, oldest account first."

    def handle(self, *args: Any, **options: Any) -> None:
        names = [person.username for person in PEOPLE]
        with actor(SYSTEM):
            users = User.objects.filter(profile__username__in=names).select_related("profile").order_by("created_at", "id")
            people = [
                {
                    "phone": decrypt_for(user.id, "users_user.phone", user.public_id, user.phone_cipher or b""),
                    "username": user.profile.username,
                }
                for user in users
            ]
        self.stdout.write(json.dumps(people))
