"""How much two names are alike, from 0 to 100, and which names of a list are like one.

A name is its words: without accents, case, punctuation, titles and order. Each word of a person's name is paired with the word of
the listed name that is most like it (Levenshtein), an initial with a word that begins with it. The score is how well the person's
words are found, weighed by their length, and lessened by up to a quarter for what the listed name has besides: a person may leave
out a middle name, and "Maria" alone is nobody. Two words must be found, or one and an initial.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from anyascii import anyascii
from rapidfuzz import fuzz, process

WORD_ALIKE = 78.0  # below this two words are two words
INITIAL = 0.65  # how well an initial says which word it stands for
# Letters that no decomposition makes Latin ones. Cyrillic and Greek as they are mostly written in Latin letters, which also
# undoes letters that only look like Latin ones.
_OTHER_LETTERS: dict[int, Any] = {
    **str.maketrans("абвгґдеёєзиіїйклмнопрстуўфыэ", "abvggdeeeziiiyklmnoprstuufye"),
    **str.maketrans("αάβγδεέζηήιίκλμνξοόπρσςτυύφωώ", "aavgdeeziiiiklmnxooprsstyyfoo"),
    **str.maketrans({
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h",
        "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu", "я": "ya",
        "θ": "th", "χ": "ch", "ψ": "ps", "ʼ": "", "’": "", "'": "", "`": "",
    }),
}  # fmt: skip
_TITLES = frozenset((
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "general", "gen",
    "colonel", "col", "major", "maj", "captain", "capt", "haji", "hajj", "hajji", "sheikh", "shaykh", "mullah", "mawlawi",
    "maulavi", "ayatollah",
))  # fmt: skip
_SMALL = frozenset((
    "al", "el", "bin", "ibn", "bint", "abu", "abd", "de", "da", "do", "dos", "das", "del", "della", "di", "la", "le", "les",
    "du", "van", "von", "der", "den", "ter", "and", "of", "the",
))  # fmt: skip


def words(name: str) -> tuple[str, ...]:
    """What is compared of a name."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_OTHER_LETTERS))
    whole = unicodedata.normalize("NFC", "".join(one for one in plain if not unicodedata.combining(one)))
    letters = "".join(map(_latin, whole))
    return tuple(word for word in letters.split() if word not in _TITLES) or tuple(letters.split())


@lru_cache(maxsize=20_000)
def _latin(one: str) -> str:
    """A letter of whatever script as it is written in Latin ones. A Chinese character is a word, what is no letter a space."""
    if one.isascii():
        return one if one.isalnum() else " "
    return re.sub(r"([A-Z])", r" \1", anyascii(one)).lower() if unicodedata.category(one)[0] in "LMN" else " "


def key(name: str) -> str:
    """The same for two ways of writing one name, and another for another name; nothing can be read from it."""
    return hashlib.sha256(" ".join(sorted(words(name))).encode()).hexdigest()[:32]


def score(person: Sequence[str], listed: Sequence[str]) -> int:
    """How much a person's name is like a listed one; both as `words` gives them."""
    if not person or not listed:
        return 0
    if "".join(person) == "".join(listed):
        return 100
    pairs = sorted(((_alike(p, w), i, j) for i, p in enumerate(person) for j, w in enumerate(listed)), reverse=True)
    mine: dict[int, float] = {}
    theirs: dict[int, float] = {}
    whole = 0.0
    for alike, i, j in pairs:
        if alike and i not in mine and j not in theirs:
            initial = min(len(person[i]), len(listed[j])) == 1
            mine[i], theirs[j] = alike, (0.5 if initial else 1.0)
            # "al" found in another's "al" is no name found.
            whole += 0.0 if person[i] in _SMALL else theirs[j]
    if whole < min(1.5, len(listed)):
        return 0
    found = sum(_weight(person[i]) * alike for i, alike in mine.items()) / sum(map(_weight, person))
    covered = sum(_weight(listed[j]) * part for j, part in theirs.items()) / sum(map(_weight, listed))
    return round(100 * found * (0.75 + 0.25 * covered))


def _weight(word: str) -> int:
    return 1 if word in _SMALL else 3 if len(word) == 1 else min(len(word), 8)


@lru_cache(maxsize=200_000)
def _alike(a: str, b: str) -> float:
    if a == b:
        return 1.0
    if len(a) == 1 or len(b) == 1:
        return INITIAL if a[0] == b[0] else 0.0
    ratio = fuzz.ratio(a, b, score_cutoff=WORD_ALIKE)
    # Of a short word a letter is much: "Jon" may be "John", but "Ana" is not "Ann".
    return ratio / 100 if min(len(a), len(b)) > 3 or ratio > 85 else 0.0


@dataclass(frozen=True)
class Match:
    """The name of an entry that is most like a person's."""

    entry: int
    listed: str
    score: int


class Index:
    """Names of a list, found by their words. Made once for many look-ups; about 60 MB for the whole list."""

    def __init__(self, names: Iterable[tuple[int, str]]) -> None:
        self._names: list[tuple[int, str, tuple[str, ...]]] = []
        having: dict[str, set[int]] = defaultdict(set)
        for entry, listed in names:
            split = words(listed)
            for word in split:
                having[word].add(len(self._names))
            self._names.append((entry, listed, split))
        self._having = dict(having)
        self._words = [word for word in having if len(word) > 1]
        # Of these one word is enough: there are no two, or the other is an initial.
        self._brief = {n for n, (_, _, split) in enumerate(self._names) if len(split) == 1 or any(len(w) == 1 for w in split)}
        self._joined: dict[str, set[int]] = defaultdict(set)
        for number, (_, _, split) in enumerate(self._names):
            self._joined["".join(split)].add(number)
        self._like = lru_cache(maxsize=20_000)(self._look_for)

    def __len__(self) -> int:
        return len(self._names)

    def matches(self, name: str, threshold: int) -> list[Match]:
        """One for each entry that reaches the threshold, the most alike first."""
        mine = words(name)
        best: dict[int, Match] = {}
        for number in self._candidates(mine):
            entry, listed, split = self._names[number]
            alike = score(mine, split)
            if alike >= threshold and alike > (best[entry].score if entry in best else 0):
                best[entry] = Match(entry, listed, alike)
        return sorted(best.values(), key=lambda match: (-match.score, match.entry))

    def _candidates(self, mine: tuple[str, ...]) -> set[int]:
        """Names that can have a score: those that have two of the words, or one where an initial may be the other."""
        found: dict[int, int] = defaultdict(int)
        initials = any(len(word) == 1 for word in mine)
        for word in {word for word in mine if len(word) > 1}:
            for number in self._like(word):
                found[number] += 1
        return self._joined.get("".join(mine), set()) | {
            number for number, count in found.items() if count > 1 or initials or number in self._brief
        }

    def _look_for(self, word: str) -> frozenset[int]:
        like = process.extract(word, self._words, scorer=fuzz.ratio, score_cutoff=WORD_ALIKE, limit=None)
        return frozenset().union(*(self._having[found] for found, _, _ in like))
