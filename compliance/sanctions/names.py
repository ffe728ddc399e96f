"""How much two names are alike, from 0 to 100, and which names of a list are like one.

A name is its words: without accents, case, punctuation, titles, order, and digits that stand for letters. Each word of a person's
name is paired with the word of the listed name that is most like it: in its letters (Levenshtein), or in its sound (Metaphone),
because one Arabic or Russian name is written in many ways; an initial with a word that begins with it. The score is how well the
person's words are found, weighed by their length, and lessened by up to a quarter for what the listed name has besides: a person
may leave out a middle name, and "Maria" alone is nobody. Two words must be found, or one and an initial. Where two whole words of
the listed name are, it counts as much the other way round: a word more in one's own name hides nobody.
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
from jellyfish import metaphone
from rapidfuzz import fuzz, process

WORD_ALIKE = 78.0  # below this two words are two words
SOUND_ALIKE = 61.0  # and from here on the same one where they sound the same, "Mohamed" and "Muhammad" (66.7)
SOUNDS = 0.88  # how well one that only sounds the same is found: with all the rest the same, a hit and no strong one
SHORTEST_SOUND = 3  # consonants; "Jane" and "John" have two
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
_DIGITS = str.maketrans("0134578", "oieastb")
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
    # Compatibility first: only then a capital in mathematical bold has a small letter.
    small = unicodedata.normalize("NFKC", name).casefold()
    plain = unicodedata.normalize("NFKD", small.translate(_OTHER_LETTERS))
    whole = unicodedata.normalize("NFC", "".join(one for one in plain if not unicodedata.combining(one)))
    letters = "".join(map(_latin, whole))
    whole_words = [_spelled(word) for word in letters.split()]
    return tuple(word for word in whole_words if word not in _TITLES) or tuple(whole_words)


def _spelled(word: str) -> str:
    """Digits among letters are letters: "v1ktor"."""
    return word if word.isalpha() or word.isdigit() else word.translate(_DIGITS)


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
    mine: dict[int, tuple[float, float]] = {}  # by word: how much it is like the other, and how much of a word that is
    theirs: dict[int, tuple[float, float]] = {}
    whole = 0.0
    for alike, i, j in pairs:
        if alike and i not in mine and j not in theirs:
            part = 0.5 if min(len(person[i]), len(listed[j])) == 1 else 1.0
            mine[i] = theirs[j] = alike, part
            # "al" found in another's "al" is no name found.
            whole += 0.0 if person[i] in _SMALL else part
    if whole < min(1.5, len(listed)):
        return 0
    person_found, person_covered = _shares(person, mine)
    listed_found, listed_covered = _shares(listed, theirs)
    found = person_found * (0.75 + 0.25 * listed_covered)
    if whole >= 2:
        found = max(found, listed_found * (0.75 + 0.25 * person_covered))
    return round(100 * found)


def _shares(name: Sequence[str], found: dict[int, tuple[float, float]]) -> tuple[float, float]:
    """How well the words of a name were found, and how much of it was, each from 0 to 1 by the words' weight."""
    total = sum(map(_weight, name))
    alike = sum(_weight(name[n]) * one for n, (one, _) in found.items())
    covered = sum(_weight(name[n]) * part for n, (_, part) in found.items())
    return alike / total, covered / total


def _weight(word: str) -> int:
    return 1 if word in _SMALL else 3 if len(word) == 1 else min(len(word), 8)


@lru_cache(maxsize=200_000)
def _alike(a: str, b: str) -> float:
    if a == b:
        return 1.0
    if len(a) == 1 or len(b) == 1:
        return INITIAL if a[0] == b[0] else 0.0
    ratio = fuzz.ratio(a, b, score_cutoff=SOUND_ALIKE)
    sounds = SOUNDS if ratio and len(_sound(a)) >= SHORTEST_SOUND and _sound(a) == _sound(b) else 0.0
    # Of a short word a letter is much: "Jon" may be "John", but "Ana" is not "Ann".
    spelled = ratio / 100 if ratio >= WORD_ALIKE and (min(len(a), len(b)) > 3 or ratio > 85) else 0.0
    return max(spelled, sounds)


@lru_cache(maxsize=200_000)
def _sound(word: str) -> str:
    """How a word sounds to an English ear, which hears no difference between gh and g, dh and d, kh and k."""
    return metaphone(word.replace("gh", "g").replace("dh", "d").replace("kh", "k"))


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
        self._sounding: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            self._sounding[_sound(word)].append(word)
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
        sounding = [one for one in self._sounding.get(_sound(word), []) if _alike(word, one)]
        return frozenset().union(*(self._having[found] for found in [*(one for one, _, _ in like), *sounding]))
