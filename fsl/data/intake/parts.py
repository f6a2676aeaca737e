"""Recognise the folders that split a data set: train, val, test, in any usual spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def _plain(name: str) -> str:
    """Return a name without accents, and with one form of each character."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


_KINDS = {
    "train": "train training trn trainval xtrain support gallery seen base labeled labelled "
    "unlabeled unlabelled learn learning fit treino treinamento entrenamiento entrainement apprentissage "
    "lern addestramento trainieren trening egitim обучение обучающая тренировочная "
    "训练 訓練 学習 学习 학습 훈련",
    "validation": "val valid validation validate validating vld dev devel development xval calibration "
    "validacao validacion validazione validierung walidacja dogrulama "
    "валидация проверочная 验证 驗證 検証 검증",
    "test": "test testing tests tst eval evaluation evaluating holdout heldout predict prediction pred "
    "predictions inference query queries unseen novel xtest teste prueba prova testen pruf тест тестовая "
    "测试 測試 テスト 테스트 시험",
}
_KIND_OF_WORD = {_plain(word): kind for kind, words in _KINDS.items() for word in words.split()}
# What people add to these words: "train_set", "test images", "PublicTest", "val2017", "Trainingsdaten".
_ENDINGS = tuple(
    "datasets dataset data sdaten daten sets set images image imgs split folder".split()  # noqa: SIM905
    + [_plain(ending) for ending in ("集", "数据", "数据集", "數據", "데이터", "データ")]
)
_FILLERS = frozenset({*_ENDINGS, "img", "pics", "pictures", "photos", "part", "subset", "splits", "samples"})
_FILLERS |= {"public", "private", "held", "hold", "out", "seg", "the", "my", "fold", "new", "all"}
_FILLERS |= {"bbox", "bounding", "box", "aug", "augmented", "original", "resized", "cropped", "clean", "raw"}
_FOLDS = frozenset({"fold", "folds", "kfold", "cv", "split", "part", "subset", "batch", "chunk", "shard"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|[0-9]+")


def part_kinds(names: Iterable[str]) -> dict[str, str]:
    """Return the part that each of some sibling folders is named after: "train", "validation" or "test".

    Words that all the names share do not matter: "birds_train" and "birds_test" are parts.

    Args:
        names: names of folders that lie beside one another.

    Returns:
        from name to part; names that say something else are missing.
    """
    words = {name: _words(name) for name in names}
    shared = set.intersection(*map(set, words.values())) if len(words) > 1 else set()
    found = {name: _kind(of_name, shared - set(_KIND_OF_WORD)) for name, of_name in words.items()}
    return {name: kind for name, kind in found.items() if kind}


def are_folds(names: Iterable[str]) -> bool:
    """Return whether sibling folders are called like the folds of a data set: "fold1", "fold2"."""
    found = {tuple(word for word in _words(name) if not word.isdecimal()) for name in names}
    words = set(next(iter(found), ()))
    return len(found) == 1 and bool(words) and words <= _FOLDS


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case, without accents: "trainImages_2" gives train, images, 2."""
    return [word.casefold() for word in _WORD.findall(_plain(name))]


def _kind(words: list[str], shared: set[str]) -> str:
    """Return the part that the words name, "" if there is a word of another meaning among them."""
    if [word for word in words if word in ("held", "hold", "out")] in (["held", "out"], ["hold", "out"]):
        words = [*words, "holdout"]
    telling = [_without_ending(word) for word in words if not _is_filler(word) and word not in shared]
    kinds = [_KIND_OF_WORD.get(word, "") for word in telling]
    if len(set(kinds)) == 1:
        return kinds[0]
    return "train" if set(kinds) == {"train", "validation"} else ""  # "train_val", to learn from


def _is_filler(word: str) -> bool:
    return word in _FILLERS or word.isdecimal() or (len(word) == 1 and word.isascii())  # "train_A"


def _without_ending(word: str) -> str:
    for ending in _ENDINGS:
        if word.removesuffix(ending) in _KIND_OF_WORD:
            return word.removesuffix(ending)
    return word
