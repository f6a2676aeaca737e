"""Recognise the folders that split a data set: train, val, test, in any usual spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def _plain(name: str) -> str:
    """Return a name without accents and vowel signs, and with one form of each character."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if unicodedata.category(c)[0] != "M")


_KINDS = {
    "train": "train training trn tr trainval support gallery seen base labeled labelled "
    "unlabeled unlabelled learn learning fit treino treinamento entrenamiento entrainement apprentissage "
    "lern addestramento trainieren trening treningowe treningowy traning træning opleiding latih pelatihan "
    "trenovani trenovaci tanito antrenare koulutus egitim ogrenme huanluyen обучение обучающая тренировка "
    "тренировочная навчання навчальна тренувальна εκπαιδευση אימון تدريب آموزش प्रशिक्षण ฝึก "
    "训练 訓練 学習 学习 학습 훈련",
    "validation": "val valid validation validate validating vld va dev devel development calibration "
    "validacao validacion validazione validierung validatie validasi validering validace walidacja "
    "walidacyjne validare validointi dogrulama валидация валидационная проверочная валідація επικυρωση "
    "אימות تحقق सत्यापन 验证 驗證 検証 검증",
    "test": "test testing tests tst te ts eval evaluation evaluating holdout heldout predict prediction "
    "pred predictions inference query queries unseen novel devtest testdev teste prueba pruebas essai "
    "prova testen testowe testowy pruf uji pengujian testovani testovaci teszt testare testi тест тестовая "
    "тестирование тестова тестування δοκιμη מבחן اختبار آزمون परीक्षण ทดสอบ kiemtra kiemthu "
    "测试 測試 テスト 테스트 시험",
}
# Words that tell the part only if no other does: "val_unseen" is for validation.
_WEAK = {"seen", "unseen", "base", "novel", "support", "query", "gallery"}
_WEAK |= {"labeled", "labelled", "unlabeled", "unlabelled"}
# What people add to these words: "train_set", "test images", "PublicTest", "val2017", "Trainingsdaten".
_ENDINGS = tuple(
    "datasets dataset data sdaten daten sets set images image imgs split folder".split()  # noqa: SIM905
    + [_plain(ending) for ending in ("集", "数据", "数据集", "數據", "데이터", "データ")]
)
_FILLERS = frozenset({*_ENDINGS, "img", "pics", "pictures", "photos", "part", "subset", "splits", "samples"})
_FILLERS |= {"public", "private", "held", "hold", "out", "seg", "the", "my", "fold", "new", "all"}
_FILLERS |= {"bbox", "bounding", "box", "aug", "augmented", "original", "resized", "cropped", "clean", "raw"}
_FILLERS |= {"id", "ood", "iid", "copy", "final", "examples", "classes"}
_FILLERS |= {"meta", "mini", "tiny", "small", "full"}
_BEGINNINGS = ("mini", "meta", "tiny", "small", "sub", "full", "x")
# No data set has more parts, or longer names for them; but a zip may have any number of folders.
_MOST_SIBLINGS, _LONGEST = 500, 100
_FOLDS = frozenset({"fold", "folds", "kfold", "cv", "split", "part", "subset", "batch", "chunk", "shard"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|[0-9]+")
_KIND_OF_WORD = {
    "".join(_WORD.findall(_plain(word))): kind for kind, words in _KINDS.items() for word in words.split()
}


def part_kinds(names: Iterable[str]) -> dict[str, str]:
    """Return the part that each of some sibling folders is named after: "train", "validation" or "test".

    Words that all the names share do not matter: "birds_train" and "birds_test" are parts.

    Args:
        names: names of folders that lie beside one another.

    Returns:
        from name to part; names that say something else are missing.
    """
    names = [name for name in names if len(name) <= _LONGEST]
    found = dict[str, str]()
    if len(names) > _MOST_SIBLINGS:
        return found
    for take_apart in (_words, _words_in_any_case):
        words = {name: take_apart(name) for name in names}
        shared = set.intersection(*map(set, words.values())) if len(words) > 1 else set()
        found |= {name: kind for name in names if (kind := _kind(words[name], shared - set(_KIND_OF_WORD)))}
    return {name: found[name] for name in names if name in found}


def are_folds(names: Iterable[str]) -> bool:
    """Return whether sibling folders are called like the folds of a data set: "fold1", "fold2"."""
    names = list(names)
    if len(names) > _MOST_SIBLINGS:
        return False
    found = {tuple(word for word in _words(name) if not word.isdecimal()) for name in names}
    words = set(next(iter(found), ()))
    return len(found) == 1 and bool(words) and words <= _FOLDS


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case, without accents: "trainImages_2" gives train, images, 2."""
    return [word.casefold() for word in _WORD.findall(_plain(name))]


def _words_in_any_case(name: str) -> list[str]:
    """Return the words of a name of odd case, which capital letters do not separate: "TrAiN_2"."""
    return _WORD.findall(_plain(name).casefold())


def _kind(words: list[str], shared: set[str]) -> str:
    """Return the part that the words name, "" if there is a word of another meaning among them."""
    if [word for word in words if word in ("held", "hold", "out")] in (["held", "out"], ["hold", "out"]):
        words = [*words, "holdout"]
    telling = [_bare(word) for word in words if not _is_filler(word) and word not in shared]
    strong = [word for word in telling if word not in _WEAK] or telling
    kinds = {_KIND_OF_WORD.get(word, "") for word in strong}
    if kinds == {"train", "validation"}:  # "train_val", to learn from
        return "train"
    whole = _KIND_OF_WORD.get("".join(telling), "")  # two words in some languages
    return kinds.pop() or whole if len(kinds) == 1 else whole


def _is_filler(word: str) -> bool:
    return word in _FILLERS or word.isdecimal() or (len(word) == 1 and word.isascii())  # "train_A"


def _bare(word: str) -> str:
    """Return the word for a part in a longer one: "train" for "trainset", "val" for "minival"."""
    if word in _KIND_OF_WORD:
        return word
    shorter = [word.removesuffix(ending) for ending in _ENDINGS]
    shorter += [word.removeprefix(beginning) for beginning in _BEGINNINGS]
    return next((one for one in shorter if one in _KIND_OF_WORD), word)
