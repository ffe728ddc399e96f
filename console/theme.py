"""How the staff's site looks: PaYa's paper, ink and papaya (static/css/paya.css) for unfold's theme."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


def _asset(path: str) -> Any:
    return lambda request: static(path)


def _allowed(acts: str) -> Any:
    """Whether an entry is for the roles of whoever asks; nobody is led to a refusal."""

    def permission(request: HttpRequest) -> bool:
        from console.admin.actions import may  # the apps are there by now

        return may(request, acts)

    return permission


def _looks(request: HttpRequest) -> str:
    """Views of all personal data for whoever may see them; for the others those of private payments."""
    of = "personview" if request.user.is_authenticated and _allowed("trail.view")(request) else "stafflook"
    return reverse(f"admin:console_{of}_changelist")


def _page(title: str, icon: str, model: str, *, acts: str = "") -> dict[str, Any]:
    entry = {"title": title, "icon": icon, "link": reverse_lazy(f"admin:console_{model}_changelist")}
    return {**entry, "permission": _allowed(acts)} if acts else entry


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "PaYa staff",
    "SITE_HEADER": "PaYa",
    "SITE_SUBHEADER": "Staff",
    "SITE_URL": None,
    "SITE_ICON": _asset("favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _asset("favicon.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "10px",
    "STYLES": [_asset("console/console.css")],
    "SCRIPTS": [_asset("console/queue.js")],
    # In place of unfold's link to a form for passwords, which there is not (console/site.py).
    "ACCOUNT": {"navigation": [
        {"title": "Security keys", "link": reverse_lazy("admin:keys")},
        {"title": "Who looked at what", "link": _looks},
    ]},
    "LOGIN": {"form": "console.auth.LogInForm"},
    "COLORS": {
        "base": {
            "50": "#faf6ef", "100": "#f1ebe0", "200": "#e3dac9", "300": "#cdc2ae", "400": "#a89d8b", "500": "#776f60",
            "600": "#665f52", "700": "#453f36", "800": "#312c25", "900": "#1f1c18", "950": "#151310",
        },
        "primary": {
            "50": "#fff4ee", "100": "#ffe9df", "200": "#ffd0bb", "300": "#ffb08c", "400": "#ff9a70", "500": "#ff8552",
            "600": "#b8410f", "700": "#9c360b", "800": "#7d2c0c", "900": "#5a2410", "950": "#3a2218",
        },
        "font": {
            "subtle-light": "#665f52", "subtle-dark": "#a89d8b", "default-light": "#453f36", "default-dark": "#d9cfc0",
            "important-light": "#1c1a16", "important-dark": "#f6f0e6",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "command_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {"title": "Overview", "icon": "home", "link": reverse_lazy("admin:index")},
                    {"title": "Metrics", "icon": "monitoring", "link": reverse_lazy("admin:metrics")},
                ]
            },
            {
                "title": "People and money",
                "separator": True,
                "items": [
                    _page("People", "group", "person"),
                    _page("Wallets", "account_balance_wallet", "wallet"),
                    _page("Payments", "send_money", "payment"),
                    _page("Bank transfers", "account_balance", "banktransfer"),
                    _page("Returns", "undo", "return"),
                    _page("Corrections", "balance", "correction"),
                    _page("Daily ceilings", "vertical_align_top", "ceiling"),
                    _page("Journal", "menu_book", "transfer"),
                ],
            },
            {
                "title": "Compliance",
                "separator": True,
                "items": [
                    {"title": "Queues", "icon": "checklist", "link": reverse_lazy("admin:queues")},
                    _page("Cases", "inbox", "case"),
                    _page("Disputes", "gavel", "dispute"),
                    _page("Appeals against decisions", "contact_support", "personappeal"),
                    _page("Tickets", "support_agent", "ticket"),
                    _page("Identity documents", "badge", "document"),
                    _page("Freezes", "ac_unit", "freeze"),
                    _page("Withdrawals", "output", "withdrawal"),
                    _page("Sanctions hits", "person_search", "hit"),
                    _page("Flags", "flag", "flag"),
                    _page("Rules of flags", "rule", "flagrule"),
                    _page("Limits", "speed", "limitshown"),
                    _page("Tiers", "stairs", "tiermove"),
                    _page("Versions of the score", "tune", "scoring"),
                    _page("Sanctions list", "format_list_bulleted", "listrun"),
                    {
                        "title": "Report", "icon": "summarize", "link": reverse_lazy("admin:report"),
                        "permission": _allowed("report.view"),
                    },
                ],
            },
            {
                "title": "Privacy",
                "separator": True,
                "items": [
                    _page("Closed accounts", "person_cancel", "closing"),
                    _page("Legal holds", "lock_clock", "legalhold"),
                    _page("Periods of retention", "auto_delete", "retention"),
                ],
            },
            {
                "title": "Weekly rewards",
                "separator": True,
                "items": [
                    _page("Weeks", "redeem", "rewardrun"),
                    _page("Rewards", "payments", "reward"),
                    _page("Appeals about rewards", "contact_support", "appeal"),
                    _page("Left out", "person_off", "ineligible"),
                    _page("Rules of rewards", "gavel", "rewardsetting"),
                ],
            },
            {
                "title": "Files to and from our bank",
                "separator": True,
                "items": [
                    _page("Files sent", "upload_file", "nachafile"),
                    _page("Batches", "stacks", "nachabatch"),
                    _page("Entries", "receipt_long", "nachaentry"),
                    _page("Accounts in our files", "contact_page", "nachareceiver"),
                    _page("Files from the bank", "download", "nachaincoming"),
                    _page("Quarantine", "report", "nachaline"),
                    _page("Notifications of change", "edit_note", "nachachange"),
                ],
            },
            {
                "title": "Reconciliation",
                "separator": True,
                "items": [
                    _page("Results", "balance", "reconciliation"),
                    _page("Breaks", "rule", "break"),
                    _page("Statements", "receipt_long", "statement"),
                    _page("Lines", "list", "statementline"),
                ],
            },
            {
                "title": "Proof of reserves",
                "separator": True,
                "items": [
                    _page("Attestations", "verified", "attestation"),
                    _page("Reports about proofs", "flag", "proofcomplaint"),
                ],
            },
            {
                "title": "Behind it",
                "separator": True,
                "items": [
                    _page("Rails", "alt_route", "railchoice"),
                    _page("Vendors", "electrical_services", "vendor"),
                    _page("Inbox", "inbox", "inboxevent"),
                    _page("Outbox", "outbox", "outboxrow"),
                    _page("What staff did", "history", "staffaction"),
                    _page("Trail", "link", "trailentry", acts="trail.view"),
                    _page("Views of personal data", "visibility", "personview", acts="trail.view"),
                    _page("Staff", "badge", "member"),
                    {"title": "Who may do what", "icon": "key", "link": reverse_lazy("admin:roles")},
                    _page("Looks at private payments", "visibility", "stafflook"),
                ],
            },
        ],
    },
}  # fmt: skip
