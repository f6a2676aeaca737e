"""The layout rules, as a table."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsl.base.errors import DataError
from fsl.data.intake import parts
from fsl.data.intake.layout import class_of_paths, layout_of_paths, natural_key

RULES: dict[str, dict[str, str | None]] = {
    "a folder per class": {"apple/1.jpg": "apple", "pear/1.jpg": "pear"},
    "one class alone keeps its name": {"apple/1.jpg": "apple", "apple/2.jpg": "apple"},
    "one folder round the classes": {"fruit/apple/1.jpg": "apple", "fruit/pear/1.jpg": "pear"},
    "one folder round one class": {"fruit/apple/1.jpg": "apple", "fruit/apple/2.jpg": "apple"},
    "only one folder is left out": {"a/b/c/1.jpg": "b/c", "a/b/d/1.jpg": "b/d"},
    "no folders": {"1.jpg": None, "2.jpg": None},
    "an image beside the class folders": {"apple/1.jpg": "apple", "2.jpg": None},
    "an image beside them, one folder round all": {"top/apple/1.jpg": "apple", "top/2.jpg": None},
    "Omniglot": {
        "images_background/Greek/character01/1.png": "Greek/character01",
        "images_background/Latin/character01/1.png": "Latin/character01",
    },
    "Omniglot without its top folder": {
        "Greek/character01/1.png": "Greek/character01",
        "Latin/character02/1.png": "Latin/character02",
    },
    "classes of unequal depth": {"fruit/apple/1.jpg": "fruit/apple", "car/1.jpg": "car"},
    "Fruits-360": {"Training/Kaki/1.jpg": "Kaki", "Test/Kaki/2.jpg": "Kaki", "Test/Lime 2/1.jpg": "Lime 2"},
    "Fruits-360 below one folder": {
        "fruits-360/Training/Kaki/1.jpg": "Kaki",
        "fruits-360/Test/Kaki/1.jpg": "Kaki",
    },
    "Fruits-360, one part only": {"Training/Kaki/1.jpg": "Kaki", "Training/Lime/1.jpg": "Lime"},
    "classes that are named Training and Test": {"Training/1.jpg": "Training", "Test/1.jpg": "Test"},
    "one part alone, below folders": {"a/data/train/x/1": "x", "a/data/train/y/1": "y"},
    "two parts": {"train/x/1": "x", "val/x/2": "x", "train/y/1": "y", "val/y/2": "y"},
    "a class that is in one part only": {"train/x/1": "x", "valid/x/2": "x", "train/y/1": "y"},
    "three parts below several folders": {
        f"root/data/images/{part}/{name}/{part}": name
        for part in ("TRAIN", "Valid", "testing")
        for name in ("x", "y", "train")
    },
    "parts with different classes, as few-shot data sets have them": {
        "train/a/1": "a",
        "train/b/1": "b",
        "val/c/1": "c",
        "test/d/1": "d",
    },
    "parts inside the classes": {"x/train/1": "x", "x/test/2": "x", "y/train/1": "y", "y/test/2": "y"},
    "parts inside the classes, below a folder": {"a/x/Train/1": "x", "a/x/Dev/2": "x", "a/y/Train/1": "y"},
    "parts inside several data sets": {
        "a/train/x/1": "a/x",
        "a/val/x/1": "a/x",
        "b/train/x/1": "b/x",
        "b/val/x/1": "b/x",
    },
    "parts whose name is repeated, and pictures to predict": {
        "seg_train/seg_train/x/1": "x",
        "seg_test/seg_test/x/1": "x",
        "seg_pred/seg_pred/1": None,
    },
    "pictures without classes in one part": {"train/x/1": "x", "train/y/1": "y", "test/1": None},
    "a folder between parts and classes": {
        "train/images/x/1": "x",
        "train/images/y/1": "y",
        "test/images/x/1": "x",
    },
    "a third part of another name": {"train/x/1": "x", "val/x/2": "x", "extra/x/3": "x"},
    "classes of parts that differ in case": {"train/Cat/1": "Cat", "train/y/1": "y", "val/cat/2": "Cat"},
    "classes that are named like parts": {"train/1": "train", "val/1": "val", "test/1": "test"},
    "a class named train among others": {"train/1": "train", "car/1": "car", "bus/1": "bus"},
    "the same below a folder": {"all/train/1": "train", "all/test/1": "test", "all/car/1": "car"},
    "a class named train with kinds of it": {"train/steam/1": "train/steam", "car/red/1": "car/red"},
    "two such classes, whose kinds differ": {
        "train/steam/1": "train/steam",
        "train/electric/1": "train/electric",
        "test/blood/1": "test/blood",
        "test/skin/1": "test/skin",
        "car/red/1": "car/red",
    },
    "folds around the classes": {"fold1/x/1": "X", "fold1/y/1": "y", "fold2/X/1": "X", "fold2/y/1": "y"},
    "folds inside the classes": {"x/cv 1/1": "x", "x/cv 2/1": "x", "y/cv 1/1": "y", "y/cv 2/1": "y"},
    "folds around parts": {f"split_{n}/{part}/x/1": "x" for n in (0, 1) for part in ("train", "test")},
    "folds inside parts": {f"{part}/batch{n}/x/1": "x" for n in (0, 1) for part in ("train", "test")},
    "numbered folders of different things": {"part1/x/1": "part1/x", "part2/y/1": "part2/y"},
    "several parts to learn from": {"train1/x/1": "x", "train2/x/2": "x", "train2/y/1": "y"},
    "words with train in them": {"steam train/a/1": "steam train/a", "test tube/a/1": "test tube/a"},
    "a folder of images in each class, and pictures to predict": {
        "train/n01/images/1": "n01",
        "train/n02/images/1": "n02",
        "val/images/1": None,
    },
    "a folder of images in each class alone": {"x/images/1": "x", "y/Images/1": "y"},
    "only some classes with a folder of images": {"x/images/1": "x/images", "y/1": "y"},
    "folders of the same names": {f"{a}/{b}/1": f"{a}/{b}" for a in ("car", "van") for b in ("red", "old")},
    "nothing": {},
}

SPELLINGS = [
    ("train", "val"), ("Train", "Validation"), ("TRAINING", "TEST"), ("train_set", "test_set"),
    ("trainset", "testset"), ("training-data", "dev-data"), ("train2017", "val2017"), ("trn", "tst"),
    ("imagenet_train", "imagenet_val"), ("train images", "eval images"), ("trainImages", "validImages"),
    ("Training", "PublicTest"), ("01_train", "02_holdout"), ("trainval", "testing"), ("Train_val", "Test"),
    ("images-train", "images-evaluation"), ("Development", "Evaluation"), ("train", "held-out"),
    ("support", "query"), ("base", "novel"), ("treino", "validação"), ("Trainingsdaten", "Testdaten"),
    ("train_aug", "val"), ("bbox_train", "bounding_box_test"), ("Xtrain", "Xtest"), ("train", "Unlabeled"),
    ("训练集", "测试集"), ("訓練", "テストデータ"), ("학습", "검증"),
    ("Обучающая выборка", "Тестовая выборка"), ("trening", "walidacja"), ("Eğitim", "Doğrulama"),
    ("trainA", "testB"), ("labeled", "test"), ("Lerndaten", "Prüfdaten"), ("tr", "te"), ("TrAiN", "tEsT"),
    ("minitrain", "minival"), ("meta-train", "metatest"), ("train", "devtest"), ("train", "ood_test"),
    ("train_seen", "val_unseen"), ("apprentissage", "essai"), ("trénování", "testování"),
    ("treningowe", "testowe"), ("тренировка", "валидация"), ("навчання", "тест"), ("تدريب", "اختبار"),
    ("प्रशिक्षण", "परीक्षण"), ("huấn luyện", "kiểm tra"), ("train - Copy", "test - Copy"),
]  # fmt: skip


@pytest.mark.parametrize("parts", SPELLINGS, ids=" ".join)
@pytest.mark.parametrize("top", ["", "dataset/images/"])
def test_every_usual_spelling_of_parts(parts: tuple[str, str], top: str) -> None:
    paths = [f"{top}{part}/{name}/{n}.jpg" for part in parts for name in ("cat", "dog") for n in range(2)]
    layout = layout_of_paths(paths)
    assert layout.classes == {path: path.split("/")[-2] for path in paths}
    assert set(layout.parts) == set(parts)
    for part in parts:
        assert list(layout_of_paths(paths, part.swapcase()).classes) == [p for p in paths if part in p]


def test_a_few_pictures_beside_the_folder_with_the_parts_do_not_hide_them() -> None:
    paths = [f"data/{part}/{c}/{n}" for part in ("train", "val") for c in ("x", "y") for n in range(6)]
    assert class_of_paths([*paths, "docs/img/plan"]) == {path: path.split("/")[2] for path in paths}
    several = [*paths, *(f"other/z/{n}" for n in range(6))]
    assert class_of_paths(several) == {path: path.rpartition("/")[0] for path in several}


def test_what_no_parts_can_be_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip of 8 MB may have 25,000 folders of 250 letters each, or folders in hundreds of folders."""
    n_taken_apart = 0

    def counted(name: str) -> list[str]:
        nonlocal n_taken_apart
        n_taken_apart += 1
        return words(name)

    words = parts._words
    monkeypatch.setattr(parts, "_words", counted)
    wide = [f"{n:05}/{side}/1" for n in range(3_000) for side in ("train", "test")]
    assert set(class_of_paths(wide).values()) == {f"{n:05}" for n in range(3_000)}
    chain = [f"d{n}" for n in range(200)]
    deep = ["/".join([*chain[:n], f"side{n}", "1"]) for n in range(1, 200)]
    deep += ["/".join([*chain, str(n)]) for n in range(400)]
    assert class_of_paths(deep)[deep[-1]] == "/".join(chain[1:])
    assert n_taken_apart < 2_000


def test_folders_that_look_like_parts_of_unknown_names_are_told() -> None:
    alike = [f"top/{a}/{b}/{n}" for a in ("vaildation", "z") for b in ("cat", "dog") for n in (1, 2)]
    assert layout_of_paths(alike).same_inside == ("vaildation", "z")
    assert layout_of_paths([*alike, "top/z/owl/1"]).same_inside == ()
    assert layout_of_paths([*alike, "top/1"]).same_inside == ()
    assert layout_of_paths(RULES["two parts"]).same_inside == ()


@pytest.mark.parametrize(
    ("asked", "found"), [("val", "Validation"), ("TRAIN", "training_set"), ("dev", "Validation"), ("x", "x")]
)
def test_a_part_by_another_word_for_it(asked: str, found: str) -> None:
    paths = ["training_set/cat/1", "Validation/cat/2", "Test/cat/3", "x/cat/4", "notes/plan.png"]
    assert list(layout_of_paths(paths, asked).classes.items()) == [
        (path, "cat") for path in paths if path.startswith(found)
    ]
    assert "notes/plan.png" not in layout_of_paths(paths).classes


@pytest.mark.parametrize("rule", RULES)
def test_rules(rule: str) -> None:
    assert class_of_paths(RULES[rule]) == RULES[rule]


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_paths_does_not_matter(rule: str) -> None:
    paths = list(RULES[rule])
    random.Random(0).shuffle(paths)
    assert class_of_paths(paths) == RULES[rule]


@pytest.mark.parametrize("top", ["", "fruits-360/"])
@pytest.mark.parametrize("part", ["Training", "Test", "test"])
def test_one_part(top: str, part: str) -> None:
    paths = [f"{top}Training/Kaki/1.jpg", f"{top}Test/Kaki/1.jpg", f"{top}Test/Lime/1.jpg"]
    expected = {p: p.split("/")[-2] for p in paths if f"{part.title()}/" in p}
    assert layout_of_paths(paths, part).classes == expected


def test_what_lies_outside_the_two_parts_is_left_out() -> None:
    paths = ["Training/Kaki/1.jpg", "Test/Kaki/1.jpg", "test-multiple_fruits/a.jpg", "b.jpg"]
    assert set(class_of_paths(paths)) == set(paths[:2])


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["Training/Kaki/1.jpg"], "there is Training"),
        (["s1/1.jpg", "s10/1.jpg", "s2/1.jpg"], "the folders are s1, s2, s10"),
        ([f"s{i}/1.jpg" for i in range(1, 31)], "s1, s2, s3, s4, s5 and 25 more"),
        (["1.jpg"], "there are no folders"),
        ([], "there are no folders"),
    ],
)
def test_an_unknown_part(paths: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        layout_of_paths(paths, "Test")


def test_natural_order() -> None:
    expected = [
        "",
        "2",
        "02x",
        "10",
        "apple",
        "apple 1",
        "apple 2x",
        "apple 10",
        "S1",
        "s1",
        "s2",
        "s10",
        "Zebra",
    ]
    assert sorted(expected, key=natural_key) == expected


def test_numbers_of_any_length_are_ordered() -> None:
    assert natural_key("9" * 5000) < natural_key("1" + "0" * 5000)


def test_a_name_of_hundreds_of_numbers_is_not_taken_apart() -> None:
    pieces, _ = natural_key("1a" * 500)
    assert len(pieces) < 50
    names = [f"{'1a' * 19}{number}{'1a' * 500}" for number in (10, 2)]
    assert sorted(names, key=natural_key) == names[::-1]


@given(st.lists(st.text(max_size=8)))
def test_natural_order_is_a_total_order(names: list[str]) -> None:
    once = sorted(names, key=natural_key)
    assert once == sorted(names, key=natural_key)


@given(st.sets(st.from_regex(r"([a-c]|Training|Test)(/[a-c]){0,3}", fullmatch=True), max_size=12))
def test_a_class_is_always_part_of_the_path(paths: set[str]) -> None:
    for path, name in class_of_paths(paths).items():
        assert name is None or f"/{name}/" in f"/{path}"
        assert name is not None or path.count("/") <= 1
