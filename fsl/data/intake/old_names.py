"""Read file names in old character sets; a zip does not say which one it uses.

All names of a zip are in one set. Each set that can read them all is judged by how likely the text is: common
Chinese characters, Korean syllables built of common letters, kana, words in one alphabet, small letters after
capital ones. The names are short, so the user is told which set was taken.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise

CHARACTER_SETS = {
    "gb18030": "Chinese (GBK)",  # and its extension
    "cp932": "Japanese (Shift-JIS)",
    "cp950": "Chinese (Big5)",
    "cp949": "Korean (EUC-KR)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp1252": "Western European (Windows-1252)",
    "cp437": "Western European (DOS, 437)",
    "cp850": "Western European (DOS, 850)",
    "mac_roman": "Western European (Mac)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp866": "Cyrillic (DOS, 866)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1250": "Central European (Windows-1250)",
    "cp852": "Central European (DOS, 852)",
    "cp1253": "Greek (Windows-1253)",
    "cp737": "Greek (DOS, 737)",
    "cp1254": "Turkish (Windows-1254)",
    "cp857": "Turkish (DOS, 857)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp862": "Hebrew (DOS, 862)",
    "cp1256": "Arabic (Windows-1256)",
    "cp874": "Thai (Windows-874)",
}
"""From Python's name of a character set to what people call it; the likelier of two equals comes first."""

_MOST_JUDGED_BYTES = 8_192  # of all names, as each character of each set is looked at

_LESS_USUAL = {"euc_jp": 4.0, "mac_roman": 6.0, "cp874": 8.0, "cp950": 0.5, "cp949": 0.5}
_ODD = math.log(1e-7)

# Shares of the letters of Korean syllables: 19 initials, 21 vowels, and no final or one of 27.
_INITIALS = [12, 1, 7, 8, 1, 6, 5, 6, 1, 9, 1, 17, 8, 0.4, 3, 1.5, 3, 3, 7]
_VOWELS = [20, 5, 1.5, 0.1, 11, 3, 6, 0.7, 11, 3, 0.3, 1.5, 1.5, 8, 1, 0.2, 1.5, 1.5, 7, 1.2, 15]
_FINALS = [55, 5, 0.1, 0.05, 12, 0.05, 0.3, 0.3, 8, 0.2, 0.1, 0.1, 0.02, 0.1, 0.05, 0.1]
_FINALS += [5, 2.5, 0.4, 1.5, 1.5, 7, 0.6, 0.2, 0.05, 0.4, 0.3, 0.3]
_BY_FREQUENCY = {
    "CYRILLIC": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфіїєё",
    "GREEK": "αοιετσνηυρπκμλςωγδάόίέθήφχβύώξζψ",
    "HEBREW": "יוהלאמרשבתנכםדפעחקטןגסצזץךף",
}
_ACCENTED = frozenset("éèêàâäöüßñçóíáãõôåøæëïîûúùłąęśżźćńčšžřěýůőűğışò")
_SELDOM_IN = {"cp1252": frozenset("ŽžŠšƒ")}  # letters of languages that have sets of their own
_PUNCTUATION = frozenset("°’–—«»№“”·")
_LETTERS = {"ARABIC": 36, "THAI": 70}
_RARE_IN_NAMES = frozenset("\\[]{}|^`~@")


def decode_names(names: Sequence[bytes]) -> tuple[list[str], str]:
    """Return names as text, all in the likeliest character set, and that set.

    Args:
        names: as stored; not UTF-8.

    Returns:
        the names, and a key of ``CHARACTER_SETS``.
    """
    whole, sample = b"\n".join(names), b"\n".join(_sample(names))
    scores = {}
    for charset in CHARACTER_SETS:
        try:
            text = sample.decode(charset)
        except UnicodeDecodeError:
            continue
        scores[charset] = _likelihood(text, charset) - _LESS_USUAL.get(charset, 0.0)
    by_score = sorted(scores, key=scores.__getitem__, reverse=True)
    best = next(charset for charset in by_score if _reads(charset, whole))
    texts = [name.decode(best) for name in names]
    if b"/" in whole:
        # Perhaps half a character of a set that was not recognised; the slash is what separates folders here.
        texts = ["".join(_without_half(text)) if "\\" in text else text for text in texts]
    return texts, best


def _sample(names: Sequence[bytes]) -> Sequence[bytes]:
    """Return all names, or a sample of their folder and file names if there are very many."""
    if sum(map(len, names)) <= _MOST_JUDGED_BYTES:
        return names
    pieces = [one for one in dict.fromkeys(b"/".join(names).split(b"/")) if not one.isascii()]
    step = -(-sum(map(len, pieces)) // _MOST_JUDGED_BYTES)
    return pieces[::step]


def _reads(charset: str, raw: bytes) -> bool:
    try:
        raw.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _without_half(text: str) -> list[str]:
    before = " " + text
    return [
        "\uff3c" if character == "\\" and not previous.isascii() else character
        for previous, character in zip(before, text, strict=False)
    ]


def _likelihood(text: str, charset: str) -> float:
    """Return the logarithm of how likely the text is in names."""
    plain = sum(_of_ascii(character) for character in text if character.isascii())
    if charset in _OF_TWO_BYTES:
        of_one = _OF_TWO_BYTES[charset]
        mixed = sum(a.isascii() != b.isascii() and (a + b).isalpha() for a, b in pairwise(text))
        of_others = sum(of_one(c, c.encode(charset)) for c in text if not c.isascii())
        return plain + of_others + mixed * math.log(1e-2)  # words seldom mix with Latin letters
    seldom = sum(text.count(character) for character in _SELDOM_IN.get(charset, ())) * math.log(1e-1)
    return plain + seldom + sum(_of_letter(text, place) for place, c in enumerate(text) if not c.isascii())


def _of_ascii(character: str) -> float:
    """Return the likelihood of a character that may also be the second half of another."""
    return math.log(1e-4 if character in _RARE_IN_NAMES else 0.03)


def _of_gbk(_: str, raw: bytes) -> float:
    if len(raw) < 2 or raw[1] < 0xA1:
        return _ODD
    if 0xB0 <= raw[0] <= 0xD7:  # the 3,755 common ones
        return math.log(0.95 / 3755)
    if 0xD8 <= raw[0] <= 0xF7:
        return math.log(0.04 / 3008)
    return math.log(0.01 / 150) if raw[0] in (0xA1, 0xA3) else _ODD


def _of_big5(_: str, raw: bytes) -> float:
    if len(raw) < 2:
        return _ODD
    if 0xA4 <= raw[0] <= 0xC6:  # the 5,401 common ones
        return math.log(0.95 / 5401)
    if 0xC9 <= raw[0] <= 0xF9:
        return math.log(0.04 / 7652)
    return math.log(0.01 / 150) if 0xA1 <= raw[0] <= 0xA3 else _ODD


def _of_shift_jis(_: str, raw: bytes) -> float:
    if len(raw) < 2:  # katakana of half width
        return math.log(1e-5)
    if (raw[0] == 0x82 and raw[1] >= 0x9F) or (raw[0] == 0x83 and raw[1] <= 0x96):
        return math.log(0.5 / 170)
    if raw[0] == 0x81:
        return math.log(0.05 / 100)
    if 0x88 <= raw[0] <= 0x97:
        return math.log(0.44 / 2965)
    return math.log(0.01 / 3390) if 0x98 <= raw[0] <= 0xEA else _ODD


def _of_euc_jp(_: str, raw: bytes) -> float:
    if len(raw) != 2:
        return _ODD
    if raw[0] in (0xA4, 0xA5):
        return math.log(0.5 / 170)
    if 0xB0 <= raw[0] <= 0xCF:
        return math.log(0.44 / 2965)
    return math.log(0.01 / 3390) if 0xD0 <= raw[0] <= 0xF4 else math.log(1e-5) if raw[0] == 0xA1 else _ODD


def _of_korean(character: str, raw: bytes) -> float:
    number = ord(character) - 0xAC00
    if not 0 <= number < 11172:
        return math.log(0.01 / 4888) if len(raw) == 2 and raw[0] >= 0xCA else _ODD
    initial, vowel, final = number // 588, number % 588 // 28, number % 28
    shares = (_INITIALS[initial], _VOWELS[vowel], _FINALS[final])
    totals = (sum(_INITIALS), sum(_VOWELS), sum(_FINALS))
    likelihood = sum(math.log(share / total) for share, total in zip(shares, totals, strict=True))
    return likelihood if raw[0] >= 0xB0 and raw[1] >= 0xA1 else likelihood + math.log(1e-3)


_OF_TWO_BYTES: dict[str, Callable[[str, bytes], float]] = {
    "gb18030": _of_gbk,
    "cp950": _of_big5,
    "cp932": _of_shift_jis,
    "euc_jp": _of_euc_jp,
    "cp949": _of_korean,
}


def _of_letter(text: str, place: int) -> float:
    """Return the likelihood of one character of an alphabet, given those beside it."""
    character, before = text[place], text[place - 1] if place else " "
    after = text[place + 1] if place + 1 < len(text) else " "
    if not unicodedata.category(character).startswith(("L", "M")):
        return math.log(1e-5) if character in _PUNCTUATION else _ODD
    script = _script(character)
    likelihood = math.log(_share(character, script))
    for other in (before, after):
        if other.isalpha() and _script(other) != script:
            likelihood += math.log(1e-3)
    if character.isupper() and (before.islower() or (after.islower() and before.isalpha())):
        likelihood += math.log(1e-2)
    if character.islower() and before.isupper() and place > 1 and text[place - 2].isalpha():
        likelihood += math.log(1e-1)
    if script == "LATIN" and before.isalpha() and not before.isascii():
        likelihood += math.log(1e-2)
    return likelihood


def _share(character: str, script: str) -> float:
    if script in _BY_FREQUENCY:
        rank = _BY_FREQUENCY[script].find(character.lower())
        share = 0.11 / (1 + 0.25 * rank) if rank >= 0 else 1e-4
    elif script == "LATIN":
        share = 0.02 if character.lower() in _ACCENTED else 1e-3
    else:
        share = 0.9 / _LETTERS[script] if script in _LETTERS else 1e-5
    return share * (0.2 if character.isupper() else 1.0)


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
