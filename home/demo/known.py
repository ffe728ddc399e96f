"""Some of the demo network's people are known better than by their phone, and one waits for staff to look at a document."""

import io
from collections.abc import Mapping
from datetime import datetime, timedelta

from compliance.models import Document
from compliance.services import documents, tiers
from core.actor import SYSTEM, actor
from core.clock import at_time

# Whose bank confirmed them, and how many days ago.
CONFIRMED = {"theo": 30.4, "lena": 21.2, "kenji": 16.8, "mei": 9.5}
WAITING = "ada"


def tell(people: Mapping[str, int], end: datetime) -> None:
    for who, days in CONFIRMED.items():
        moment = end - timedelta(days=days)
        with at_time(moment), actor(SYSTEM):
            evidence = {"by": "demo", "at": moment.isoformat(), "name_score": 100, "phone_score": 100}
            tiers.prove_identity(user_id=people[who], evidence=evidence)
    with at_time(end - timedelta(hours=5)):
        documents.upload(user_id=people[WAITING], kind=Document.Kind.PASSPORT, data=_picture())


def _picture() -> bytes:
    """A card with nobody's name on it."""
    from PIL import Image, ImageDraw

    card = Image.new("RGB", (1000, 640), "#e7ddc9")
    draw = ImageDraw.Draw(card)
    draw.rectangle((60, 140, 340, 520), fill="#b9ab90")
    draw.text((60, 50), "SPECIMEN PASSPORT, PAYA PRACTICE NETWORK", fill="#1c1a16", font_size=34)
    for line in range(6):
        draw.rectangle((400, 160 + 60 * line, 900 - 40 * (line % 3), 180 + 60 * line), fill="#8f8574")
    out = io.BytesIO()
    card.save(out, "JPEG")
    return out.getvalue()
