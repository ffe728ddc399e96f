"""The compliance report for a range of days: its figures, as CSV, as PDF, and the staff's page of it.

All figures come out of one call of a STABLE function of the database (console/sql/0017_support.sql): they are of one moment and
agree with each other. It holds numbers and the names of kinds, and nothing of a person: so the PDF's built-in Latin fonts do.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core import clock
from core.api import read_day
from core.errors import Forbidden, ValidationError
from core.money import format_usd

LONGEST_DAYS = 3660
WORDS = frozenset({"Decision", "What it was", "Cause", "Of", "Hash", "What is stopped", "Reason", "State"})
Figures = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A table of the report; cells are already words, and a sentence says what it is."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""

    @property
    def is_word(self) -> list[bool]:
        """Of each column, whether it holds words and not figures."""
        return [place == 0 or head in WORDS for place, head in enumerate(self.heads)]

    @property
    def cells(self) -> list[list[tuple[str, bool]]]:
        return [list(zip(row, self.is_word, strict=True)) for row in self.rows]

    @property
    def headed(self) -> list[tuple[str, bool]]:
        return list(zip(self.heads, self.is_word, strict=True))


def days_of(since: str, until: str) -> tuple[date, date]:
    """The range that somebody asks for, both days included, UTC. Raises ValidationError."""
    errors, days = {}, []
    for name, text in (("from", since), ("to", until)):
        try:
            days.append(read_day(text))
        except ValueError:
            errors[name] = "A day is written like 2026-03-01."
    if not errors:
        first, last = days
        if last < first:
            errors["to"] = "The last day is before the first."
        elif last > clock.now().date():
            errors["to"] = "This day has not begun yet."
        elif (last - first).days >= LONGEST_DAYS:
            errors["from"] = "At most ten years."
    if errors:
        raise ValidationError(fields=errors)
    return days[0], days[1]


def figures(since: date, until: date) -> Figures:
    """For the operators' command, as worker or auditor."""
    return _asked("select console_report_of(%s, %s)", [since, until])


def figures_for_staff(since: date, until: date, form: str) -> Figures:
    """For the member of staff who acts, if their role may; the look is kept. Raises Forbidden."""
    try:
        return _asked("select console_report(%s, %s, %s)", [since, until, form])
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) == "PY120":
            raise Forbidden("None of your roles may see this report.") from error
        raise


def _asked(sql: str, params: list[Any]) -> Figures:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()[0]
    result: Figures = json.loads(found) if isinstance(found, str) else found
    return result


# ------------------------------------------------------------------------------------------------ as tables
FREEZES = {
    "staff": "set by staff", "command": "set by command", "return": "a return", "sanctions_hit": "a hit of the sanctions list",
    "closing": "an account that closes",
}  # fmt: skip


def _words(name: str) -> str:
    return name.replace("_", " ")


def _counts(of: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(_words(name), str(count)) for name, count in sorted(of.items())]


def sections(of: Figures) -> list[Section]:
    start, end = of["at_start"], of["at_end"]
    sanctions, disputes, heads, freezes = of["sanctions"], of["disputes"], of["heads"], of["freezes"]
    corrections = (
        "adjustment_credit",
        "adjustment_debit",
        "adjustments_funded",
        "write_off",
        "reversal",
        "suspended",
        "suspense_found",
    )
    moved = [row for row in of["movements"] if row["kind"] in corrections]
    people = of["people"]
    return [
        Section(
            "The books", ("Account", "At the start", "At the end"),
            [(_words(name), format_usd(start[name]), format_usd(end[name])) for name in (
                "reserve", "required", "circulation", "owed_by_people", "loss_reserve", "adjustments", "sum_of_all")],
            "Summed up from the journal. The reserve has to cover what is required; the sum of all accounts is always zero.",
        ),
        Section(
            "Movements", ("Kind", "Count", "Sum"),
            [(_words(row["kind"]), str(row["count"]), format_usd(row["cents"])) for row in of["movements"]],
            "Every row of the journal in the range, by kind.",
        ),
        Section("Adjustments and write-offs", ("Kind", "Count", "Sum"),
                [(_words(row["kind"]), str(row["count"]), format_usd(row["cents"])) for row in moved]),
        Section(
            "People", ("", "Number"),
            [("new", str(people["new"])), ("at the end", str(people["at_end"])), ("frozen now", str(people["frozen_now"])),
             *[(f"tier {tier} now", str(count)) for tier, count in sorted(people["tiers_now"].items())]],
        ),
        Section(
            "Freezes", ("Reason", "What is stopped", "Set", "Ended", "In force at the end", "Hours, median", "Hours, longest"),
            [(FREEZES[row["kind"]], _words(row["stopped"]), *(str("-" if row[name] is None else row[name]) for name in (
                "set", "ended", "in_force_at_end", "hours_of_ended_median", "hours_longest")))
             for row in freezes["by_kind"]],
            "Each reason that kept somebody from sending, or receiving too, in the range. The median is of those that ended.",
        ),
        Section(
            "Freezes one by one", ("Since", "Reason", "What is stopped", "State", "Hours"),
            [(row["since"], FREEZES[row["kind"]], _words(row["stopped"]), _words(row["state"]), str(row["hours"]))
             for row in freezes["newest"]],
            "The newest hundred, as they stood at the end of the range.",
        ),
        Section("Screening", ("Movement", "Decision", "Count", "Sum"),
                [(_words(row["kind"]), row["decision"], str(row["count"]), format_usd(row["cents"])) for row in of["screening"]]),
        Section("Flags raised", ("Rule", "Count"), _counts(of["flags"])),
        Section(
            "Cases", ("Kind", "Opened", "Closed", "Open at the end", "Hours to close, median"),
            [(_words(row["kind"]), str(row["opened"]), str(row["closed"]), str(row["open_at_end"]),
              "-" if row["hours"] is None else str(row["hours"])) for row in of["cases"]],
        ),
        Section("Outcomes of cases", ("What was done", "What it was", "Count"),
                [(_words(row["outcome"]), _words(row["label"]), str(row["count"])) for row in of["outcomes"]]),
        Section("Sanctions lists", ("Taken in", "Cause", "Entries", "Added", "Changed", "Removed", "People", "Hits"),
                [(row["at"], row["cause"], *(str(row[name]) for name in (
                    "entries", "added", "changed", "removed", "people", "hits")))
                 for row in sanctions["lists"]]),
        Section("Sanctions hits found", ("State now", "Count"), _counts(sanctions["hits"])),
        Section(
            "Disputes (Reg E)", ("", "Number"),
            [(_words(name), format_usd(disputes[name]) if name.endswith("cents") else str(disputes[name])) for name in (
                "reported", "reported_cents", "closed", "errors", "open_at_end", "credited_or_decided_late", "finished_late",
                "result_late", "corrected_late", "due_now")],
            "Late: whose legal day fell into the range and passed without it.",
        ),
        Section("Appeals and tickets", ("", "Number"),
                [*[(f"appeals {_words(name)}", str(count)) for name, count in sorted(of["appeals"].items())],
                 *[(f"tickets {_words(name)}", str(count)) for name, count in sorted(of["tickets"].items())]]),
        Section(
            "Returns", ("Code", "Of", "Count", "Share of those asked for", "Sum", "Owed after it"),
            [(row["code"], row["kind"], str(row["count"]), _share(row["count"], of["transfers"].get(row["kind"], 0)),
              format_usd(row["cents"]), format_usd(row["owed"])) for row in of["returns"]],
            "; ".join(f"{_words(kind)}s asked for in the range: {count}" for kind, count in sorted(of["transfers"].items())),
        ),
        Section("What staff did", ("Action", "Count"),
                [*_counts(of["staff_actions"]), ("looks at personal data", str(of["views"]))]),
        Section(
            "Heads of the chains", ("Chain", "Height", "Hash"),
            [("ledger", str(heads["ledger_height"] or "-"), heads["ledger_hash"] or "-"),
             ("trail of staff", str(heads["trail_entry"] or "-"), heads["trail_hash"] or "-")],
            "As of the moment of this report: whoever keeps it can show later that nothing before was changed.",
        ),
    ]  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def title_of(of: Figures) -> str:
    return f"PaYa compliance report, {of['from']} to {of['to']} (UTC)"


# ------------------------------------------------------------------------------------------------ CSV
def as_csv(of: Figures) -> str:
    """A line per figure: section, name and value. Money is whole cents."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["section", "name", "value"])
    for section, name, value in _lines(of):
        writer.writerow([section, name, "" if value is None else value])
    return text.getvalue()


# The database gives names in no order that a reader knows. These come as on the report's page, and the others by name.
_SECTIONS = (
    "from", "to", "at_start", "at_end", "movements", "people", "screening", "flags", "cases", "outcomes", "sanctions", "disputes",
    "appeals", "tickets", "returns", "transfers", "staff_actions", "views", "heads",
)  # fmt: skip
_FIGURES = ("new", "reported", "opened", "count", "cents", "reserve", "required", "circulation", "closed", "open_at_end")


def _ordered(of: dict[str, Any], first: tuple[str, ...]) -> list[tuple[str, Any]]:
    return sorted(of.items(), key=lambda item: (first.index(item[0]) if item[0] in first else len(first), item[0]))


def _lines(of: Figures) -> Iterator[tuple[str, str, Any]]:
    for section, value in _ordered(of, _SECTIONS):
        if isinstance(value, list):
            yield from ((section, name, found) for name, found in _flat(value))
        elif isinstance(value, dict):
            yield from (
                (section, f"{name} {inner}" if inner else name, found)
                for name, given in _ordered(value, _FIGURES)
                for inner, found in _flat(given)
            )
        else:
            yield section, "", value


def _flat(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from _ordered(value, _FIGURES)
    elif isinstance(value, list):
        for row in value:
            of = " ".join(str(row[name]) for name in row if isinstance(row[name], str))
            # Without a case that was closed there is no median of hours.
            counted = [one for one in _ordered(row, _FIGURES) if one[1] is not None and not isinstance(one[1], str)]
            yield from ((f"{of} {name.replace('hours', 'median_hours')}", found) for name, found in counted)
    else:
        yield "", value


# ------------------------------------------------------------------------------------------------ PDF
INK, SOFT, LINE, PAPAYA = (28, 26, 22), (102, 95, 82), (227, 218, 201), (184, 65, 15)


def as_pdf(of: Figures, made_at: datetime) -> bytes:
    """On A4, a table per section, with page numbers."""
    from fpdf import FPDF  # here, because no other process needs it

    class Page(FPDF):
        def header(self) -> None:
            self.set_font("helvetica", "B", 10)
            self.set_text_color(*PAPAYA)
            self.cell(0, 6, "PaYa", new_x="LMARGIN", new_y="NEXT")
            self.ln(2)

        def footer(self) -> None:
            self.set_y(-14)
            self.set_font("helvetica", "", 8)
            self.set_text_color(*SOFT)
            self.cell(0, 6, f"{_latin(title_of(of))} · page {self.page_no()} of {{nb}}", align="C")

    pdf = Page(format="A4")
    pdf.set_title(title_of(of))
    pdf.set_lang("en-US")
    pdf.set_creation_date(made_at)
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_page()
    pdf.set_text_color(*INK)
    pdf.set_font("helvetica", "B", 18)
    pdf.multi_cell(0, 9, f"Compliance report\n{of['from']} to {of['to']}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", "", 9)
    pdf.set_text_color(*SOFT)
    pdf.multi_cell(
        0, 5, f"Days in UTC, both included. Made {made_at:%Y-%m-%d %H:%M} UTC from one moment of the database. "
        "It holds no personal data.", new_x="LMARGIN", new_y="NEXT",
    )  # fmt: skip
    for section in sections(of):
        _section(pdf, section)
    return bytes(pdf.output())


def _latin(text: str) -> str:
    """In the letters that the PDF's own fonts have; a true minus sign is none of them."""
    return text.replace("\u2212", "-").encode("latin-1", "replace").decode("latin-1")


def _section(pdf: Any, section: Section) -> None:
    from fpdf.fonts import FontFace

    pdf.ln(5)
    if pdf.will_page_break(24):  # no title alone at the foot of a page
        pdf.add_page()
    pdf.set_font("helvetica", "B", 12)
    pdf.set_text_color(*INK)
    pdf.cell(0, 7, _latin(section.title), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", "", 9)
    if section.note:
        pdf.set_text_color(*SOFT)
        pdf.multi_cell(0, 5, _latin(section.note), new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(*INK)
    if not section.rows:
        pdf.cell(0, 6, "None.", new_x="LMARGIN", new_y="NEXT")
        return
    pdf.set_draw_color(*LINE)
    is_hash = section.heads[-1] == "Hash"
    widths = (
        (2, 1, 7) if is_hash else tuple([2.4] + [1.0] * (len(section.heads) - 1)) if len(section.heads) < 8 else (2,) + (1.1,) * 7
    )
    if is_hash:
        pdf.set_font("helvetica", "", 7.5)
    align = tuple("LEFT" if word else "RIGHT" for word in section.is_word)
    with pdf.table(
        borders_layout="HORIZONTAL_LINES", col_widths=widths, text_align=align, line_height=5.5, padding=(0.6, 1),
        headings_style=FontFace(emphasis="", color=SOFT),
    ) as table:  # fmt: skip
        table.row([_latin(head) for head in section.heads])
        for row in section.rows:
            table.row([_latin(cell) for cell in row])


# ------------------------------------------------------------------------------------------------ the page
TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


def rendered(of: Figures, form: str) -> bytes:
    return as_pdf(of, clock.now()) if form == "pdf" else as_csv(of).encode()


def page(request: HttpRequest, site_context: dict[str, Any]) -> HttpResponse:
    """A form for two days; with them the report on the page, or as a file."""
    today = clock.now().date()
    since, until = request.GET.get("from", ""), request.GET.get("to", "")
    form = request.GET.get("format", "page")
    context: dict[str, Any] = {
        "title": "Compliance report",
        "from": since or today.replace(day=1).isoformat(),
        "to": until or today.isoformat(),
    }
    status = 200
    if since or until:
        try:
            if form not in ("page", *TYPES):
                raise ValidationError(fields={"format": "PDF, CSV, or on the page."})
            of = figures_for_staff(*days_of(since, until), form)
        except ValidationError as error:
            context["errors"], status = error.fields, 400
        except Forbidden as error:
            context["errors"], status = {"role": error.detail}, 403
        else:
            if form in TYPES:
                answer = HttpResponse(rendered(of, form), content_type=TYPES[form])
                answer["Content-Disposition"] = f'attachment; filename="paya-compliance-{of["from"]}-{of["to"]}.{form}"'
                return answer
            context["sections"] = sections(of)
    return TemplateResponse(request, "console/report.html", site_context | context, status=status)
