"""The files themselves: those that come in taken apart, those that go out put together. Positions from 1 (RAILS, 5)."""

from dataclasses import dataclass, field
from datetime import date

WIDTH = 94


class Refused(ValueError):
    """Why the bank does not take a file."""


@dataclass
class Sent:
    """What a file says, as far as the bank needs it."""

    batches: dict[int, date] = field(default_factory=dict)  # effective date by number
    entries: list[dict] = field(default_factory=list)
    debits: int = 0
    credits: int = 0


def take_apart(data: bytes) -> Sent:
    """Raises Refused."""
    lines = [line for line in data.decode("ascii", errors="replace").split("\n") if line.strip("9")]
    if not lines or not lines[0].startswith("101") or any(len(line) != WIDTH for line in lines):
        raise Refused("no file header, or lines of another length")
    sent, sec, number, hashed = Sent(), "", 0, 0
    controls = [line for line in data.decode("ascii", errors="replace").split("\n") if line.startswith("9") and line.strip("9")]
    for line in lines:
        if line[0] == "5":
            sec, number = line[50:53], int(line[87:94])
            sent.batches[number] = date(2000 + int(line[69:71]), int(line[71:73]), int(line[73:75]))
        elif line[0] == "6":
            hashed += int(line[3:11])
            sent.entries.append(_entry(line, sec, number))
    for entry in sent.entries:
        if entry["code"][1] in "78":
            sent.debits += entry["cents"]
        else:
            sent.credits += entry["cents"]
    if len(controls) != 1 or [int(controls[0][a:b]) for a, b in ((21, 31), (31, 43), (43, 55))] != [
        hashed % 10**10, sent.debits, sent.credits,
    ]:  # fmt: skip
        raise Refused("the file control does not add up")
    return sent


def _entry(line: str, sec: str, batch: int) -> dict:
    return {
        "sec": sec, "batch": batch, "code": line[1:3], "routing": line[3:12], "number": line[12:29].strip(),
        "cents": int(line[29:39]), "reference": line[39:54].strip(), "name": line[54:76].strip(), "trace": line[79:94],
    }  # fmt: skip


def acknowledgement(name: str, sent: Sent | None, settles: dict[int, date], reason: str = "") -> str:
    lines = ["ACH FILE ACKNOWLEDGEMENT", f"FILE      {name}", f"STATUS    {'REJECTED' if reason else 'ACCEPTED'}"]
    if reason:
        lines.append(f"REASON    {reason}")
    if sent is not None:
        lines += [f"ENTRIES   {len(sent.entries)}", f"DEBITS    {sent.debits}", f"CREDITS   {sent.credits}"]
    lines += [f"BATCH     {number:07d} SETTLES {day.isoformat()}" for number, day in settles.items()]
    return "\r\n".join(lines) + "\r\n"


# ------------------------------------------------------------------------------------------------ what comes back
@dataclass
class Back:
    """An entry that comes back (`code` R..), or about which something is to be changed (C..)."""

    code: str
    sec: str
    transaction: str  # code of the original
    routing: str
    number: str
    cents: int
    reference: str
    name: str
    trace: str
    data: str = ""


def returns(backs: list[Back], *, odfi: str, day: date, first: int) -> str:
    """One file: a batch of returns per class, and one of changes. Written as banks do, CRLF and all."""
    lines = [
        _put((1, "101"), (5, odfi), (14, f" {backs[0].routing}"), (24, f"{day:%y%m%d}0800A094101"), (41, "PAYA"), (64, "SANDBOX"))
    ]
    groups: dict[str, list[Back]] = {}
    for back in backs:
        groups.setdefault("COR" if back.code[0] == "C" else back.sec, []).append(back)
    totals, sequence = [0, 0, 0, 0], first
    for number, (sec, group) in enumerate(groups.items(), start=1):
        part = [0, 0, 0, 0]  # lines, hash, debits, credits
        lines.append(_put((1, "5200PAYA"), (41, "1123456789"), (51, sec), (54, "RETURN"), (70, f"{day:%y%m%d}"),
                          (76, f"{day:%j}"), (79, f"1{odfi[:8]}"), (88, f"{number:07d}")))  # fmt: skip
        for back in group:
            lines += _back(back, odfi, sequence)
            sequence += 1
            part[0] += 2
            part[1] += int(odfi[:8])
            if back.code[0] == "R":
                part[2 if back.transaction[1] in "78" else 3] += back.cents
        lines.append(_put((1, f"8200{part[0]:06d}{part[1] % 10**10:010d}{part[2]:012d}{part[3]:012d}1123456789"),
                          (80, odfi[:8]), (88, f"{number:07d}")))  # fmt: skip
        totals = [a + b for a, b in zip(totals, part, strict=True)]
    count = len(lines) + 1
    sums = f"{totals[0]:08d}{totals[1] % 10**10:010d}{totals[2]:012d}{totals[3]:012d}"
    lines.append(_put((1, f"9{len(groups):06d}{-(-count // 10):06d}{sums}")))
    lines += ["9" * WIDTH] * (-len(lines) % 10)
    return "\r\n".join(lines) + "\r\n"


def _back(back: Back, odfi: str, sequence: int) -> list[str]:
    """The entry turned round, to us as the one that receives it, and the addenda that says why."""
    own = f"{back.routing[:8]}{sequence:07d}"
    cents = back.cents if back.code[0] == "R" else 0
    code = back.transaction[0] + ("6" if back.transaction[1] in "78" else "1")
    entry = _put((1, f"6{code}{odfi}{back.number}"), (30, f"{cents:010d}{back.reference}"), (55, back.name), (79, "1"), (80, own))
    kind = "99" if back.code[0] == "R" else "98"
    return [entry, _put((1, f"7{kind}{back.code}{back.trace}"), (28, back.routing[:8]), (36, back.data), (80, own))]


def _put(*parts: tuple[int, str]) -> str:
    line = [" "] * WIDTH
    for start, value in parts:
        line[start - 1 : start - 1 + len(value)] = value
    return "".join(line)[:WIDTH]


# ------------------------------------------------------------------------------------------------ the statement
@dataclass
class Posted:
    type: str
    cents: int
    bank_reference: str
    reference: str
    text: str


def statement(day: date, *, odfi: str, account: str, opening: int, lines: list[Posted]) -> str:
    """A prior-day BAI2 file with one account."""
    closing = opening + sum(line.cents for line in lines)
    records = [
        f"01,{odfi},PAYA,{day:%y%m%d},2359,{day:%j},,,2/", f"02,PAYA,{odfi},1,{day:%y%m%d},,USD,2/",
        f"03,{account},USD,010,{opening},,,015,{closing},,/",
    ]  # fmt: skip
    records += [f"16,{each.type},{abs(each.cents)},Z,{each.bank_reference},{each.reference},{each.text}" for each in lines]
    total = abs(opening) + abs(closing) + sum(abs(each.cents) for each in lines)
    records += [f"49,{total},{len(records)}/", f"98,{total},1,{len(records) + 1}/", f"99,{total},1,{len(records) + 3}/"]
    return "\n".join(records) + "\n"
