from core.errors import Conflict, NotFound, ServiceUnavailable


class WeekNotOver(Conflict):
    code, title = "week_not_over", "This week is not over"


class WeeksInOrder(Conflict):
    """An earlier week has to be closed first."""

    code, title = "weeks_in_order", "An earlier week is not closed yet"


class ListAltered(Conflict):
    """The list of recipients is not the one that was closed: nothing is paid from it."""

    code, title = "list_altered", "The list is not what it was"


class BeingClosed(ServiceUnavailable):
    """Somebody else is closing this week just now."""

    code = "week_being_closed"


class NoSuchWeek(NotFound):
    detail = "This week is not closed yet, or you were not here then."


class AppealedBefore(Conflict):
    code, title = "appealed_before", "You have asked about this week before"
    detail = "You have asked about this week before. The answer will stand here."
