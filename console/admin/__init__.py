"""The pages of the staff's site. Everything of money is read-only: a mistake is put right by a posting, not by a form."""

from console.admin import money, people, rails, records  # noqa: F401  (they register their pages)
