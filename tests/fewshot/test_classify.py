from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torch import Tensor

from fsl.base.errors import CheckpointError, DataError, ImageReadError, SettingsError
from fsl.base.lru import LruCache
from fsl.base.types import PixelArray
from fsl.config import RULES
from fsl.fewshot.classify import classify, leave_one_out
from fsl.fewshot.embed import CACHE, embed
from fsl.fewshot.linear_probe import classify_with_probe
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import from_twin
from fsl.twin.header import Calibration
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import COLOURS, named_image, noisy_png, support_set

QUERIES = [named_image("blue", 91), named_image("red", 92), named_image("green", 93)]


@pytest.mark.parametrize("rule", RULES)
def test_colours_are_found(rule: str) -> None:
    answers = classify(checkpoint(), support_set(), QUERIES, rule)  # type: ignore[arg-type]
    assert [a.label for a in answers] == ["blue", "red", "green"]
    for answer in answers:
        assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-5)
        assert answer.probability == max(answer.scores.values())
        assert len(answer.similarities) == 6
        assert all(0 <= s <= 1 for s in answer.similarities)


def naive_scores(query: NamedImage, rule: str) -> dict[str, float]:
    """Class similarities by loops over pairs, through the network's own forward."""
    twin, members = checkpoint(), support_set()
    e_query = embed(twin, [query])[0]
    out = {}
    for slot, name in enumerate(members.class_names):
        own = [e for e, s in zip(embed(twin, members.images), members.slots, strict=True) if s == slot]
        if rule == "prototype":
            own = [torch.stack(own).mean(0)]
        logits = [twin.twin.head(e_query, e).item() for e in own]
        logit = min(logits) if rule == "max" else sum(logits) / len(logits)
        out[name] = 1 / (1 + torch.tensor(logit).exp().item())
    return out


@pytest.mark.parametrize("rule", RULES)
def test_rules_equal_loops(rule: str) -> None:
    (answer,) = classify(checkpoint(), support_set(), QUERIES[:1], rule)  # type: ignore[arg-type]
    assert answer.class_similarity == pytest.approx(naive_scores(QUERIES[0], rule), abs=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_order_of_classes_does_not_matter(rule: str) -> None:
    one = support_set(("red", "green", "blue"), (2, 2, 2))
    members = dict(zip(one.class_names, [one.images[i : i + 2] for i in (0, 2, 4)], strict=True))
    other = SupportSet.from_classes({name: members[name] for name in ("blue", "red", "green")})
    for a, b in zip(
        classify(checkpoint(), one, QUERIES, rule),  # type: ignore[arg-type]
        classify(checkpoint(), other, QUERIES, rule),  # type: ignore[arg-type]
        strict=True,
    ):
        assert a.label == b.label
        assert a.scores == pytest.approx(b.scores, abs=1e-6)


def test_unknown_below_the_threshold() -> None:
    twin = checkpoint(Calibration("mean", 1.0, 0.5))
    (calibrated,) = classify(twin, support_set(), QUERIES[:1])
    assert calibrated.threshold == 0.5
    (low,) = classify(twin, support_set(), QUERIES[:1], threshold=0.0)
    (high,) = classify(twin, support_set(), QUERIES[:1], threshold=1.0)
    assert not low.unknown
    assert high.unknown
    assert high.label == low.label  # the nearest class is still named


@pytest.mark.parametrize("threshold", [-0.1, 5, float("nan")])
def test_a_threshold_that_is_no_similarity_is_refused(threshold: float) -> None:
    with pytest.raises(SettingsError, match="it must be 0 to 1"):
        classify(checkpoint(), support_set(), QUERIES[:1], threshold=threshold)
    five = support_set(shots=(5, 5, 5))
    with pytest.raises(SettingsError, match="it must be 0 to 1"):
        classify_with_probe(checkpoint(), five, QUERIES[:1], threshold)


def test_temperature_changes_how_sure_not_which() -> None:
    (sharp,) = classify(checkpoint(Calibration("mean", 0.1)), support_set(), QUERIES[:1])
    (soft,) = classify(checkpoint(Calibration("mean", 10.0)), support_set(), QUERIES[:1])
    assert sharp.label == soft.label
    assert sharp.probability > soft.probability


def test_one_class_or_an_empty_one_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="at least 2 classes"):
        SupportSet.from_classes({"red": [named_image("red")]})
    with pytest.raises(DataError, match="'green' has no image"):
        SupportSet.from_classes({"red": [named_image("red")], "green": []})


def test_unreadable_query_names_the_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "notes.jpg").write_text("not a picture")
    with pytest.raises(ImageReadError, match=r"notes\.jpg"):
        classify(checkpoint(), support_set(), [tmp_path / "notes.jpg"])


def sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16", "F"])
def test_an_image_in_memory_answers_like_its_file(mode: str, tmp_path: Path) -> None:
    """A photo taken sideways is among them: phones write those."""
    pixels = np.random.default_rng(0).integers(0, 256, (48, 60, 4), dtype=np.uint8)
    opaque = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))
    start = Image.fromarray(pixels) if mode.endswith("A") else opaque.convert("L") if mode == "F" else opaque
    wide = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 200)
    image = wide if mode == "I;16" else start.convert(mode)
    path = tmp_path / f"a.{ {'CMYK': 'jpg', 'F': 'tif'}.get(mode, 'png') }"
    image.save(path, exif=sideways())
    with Image.open(path) as opened:
        in_memory = NamedImage.from_image(opened, "a")
        assert opened.mode == mode
    of_file = NamedImage.from_path(path)
    assert mode == "F" or in_memory.image.size == (48, 60)  # Pillow writes no orientation into a TIFF
    assert np.array_equal(np.asarray(in_memory.image), np.asarray(of_file.image))
    first, second = classify(checkpoint(), support_set(), [in_memory, path])
    assert first.similarities == second.similarities


def test_images_in_memory_are_told_apart() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    one, wider = (NamedImage.from_image(Image.fromarray(a), "a") for a in (pixels, pixels.reshape(30, 20, 3)))
    other = NamedImage.from_image(Image.fromarray(pixels + 1), "a")
    assert len({one.digest, wider.digest, other.digest}) == 3
    assert NamedImage.from_image(Image.fromarray(pixels), "b").digest == one.digest


def test_examples_and_queries_may_be_paths_and_are_read_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand decoded photos do not fit in memory."""
    for i in range(150):
        (tmp_path / f"{i:03}.png").write_bytes(noisy_png(COLOURS["blue" if i % 2 else "red"], i))
    files = sorted(tmp_path.iterdir())
    classes = {"red": [str(files[0])], "blue": [files[1]], "green": [named_image("green")]}
    support, alive, most = SupportSet.from_classes(classes), WeakSet[NamedImage](), 0
    read = NamedImage.from_path

    def counted(path: Path) -> NamedImage:
        nonlocal most
        alive.add(found := read(path))
        most = max(most, len(alive))
        return found

    monkeypatch.setattr(NamedImage, "from_path", counted)
    answers = classify(checkpoint(), support, iter(files))
    assert [a.label for a in answers] == ["red", "blue"] * 75
    assert [a.query for a in answers] == [str(file) for file in files]
    assert most < 150


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ("photo.jpg", "as a list"),
        (Path("photo.jpg"), "as a list"),
        (QUERIES[0], "as a list"),
        ([Image.new("RGB", (9, 9))], "not Image.*from_image"),
        (np.zeros((2, 9, 9, 3), np.uint8), "not ndarray.*from_image"),
    ],
)
def test_what_is_no_list_of_pictures_is_refused_in_words(queries: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        classify(checkpoint(), support_set(), queries)
    with pytest.raises(SettingsError, match=message):
        SupportSet.from_classes({"red": queries, "blue": QUERIES})
    with pytest.raises(SettingsError, match=message):
        classify_with_probe(checkpoint(), support_set(shots=(5, 5, 5)), queries)


@pytest.mark.parametrize("slot", [-1, 2])
def test_labels_without_a_class_are_refused(slot: int) -> None:
    with pytest.raises(DataError, match="from 0 to 1"):
        SupportSet(("red", "blue"), tuple(QUERIES), (0, 1, slot))


def test_each_content_is_embedded_once() -> None:
    counted: list[int] = []

    def forward(network: TwinNetwork, pixels: PixelArray) -> Tensor:
        counted.append(len(pixels))
        return embed_images(network, pixels)

    CACHE.clear()
    twin = checkpoint()
    first = embed(twin, [named_image("red", n) for n in (1, 2, 1)], forward=forward)
    again = embed(twin, [named_image("red", 2), named_image("blue", 3)], forward=forward)
    assert counted == [2, 1]
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[1], again[0])


def test_a_support_set_larger_than_the_cache_is_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, support = checkpoint(), support_set()
    expected = classify(made, support_set(), QUERIES[:1])
    monkeypatch.setattr(CACHE, "_most_bytes", 1)
    CACHE.clear()
    assert classify(made, support, QUERIES[:1]) == expected
    monkeypatch.setattr("fsl.fewshot.prepared.embed_support", None)
    assert classify(made, support, QUERIES[:1]) == expected


def test_cache_is_bounded() -> None:
    cache: LruCache[tuple[str, str], Tensor] = LruCache(most_bytes=12, size=lambda row: row.nbytes)
    for name in "aabc":
        cache.put(("twin", name), torch.zeros(1))
    assert len(cache) == 3
    cache.put(("twin", "b"), torch.zeros(2))  # replaces the other one
    assert [name for name in "abc" if cache.get(("twin", name)) is None] == ["a"]
    cache.clear()
    cache.put(("twin", "d"), torch.zeros(3))
    assert len(cache) == 1


@pytest.mark.parametrize("rule", RULES)
def test_leave_one_out_equals_classifying_without(rule: str) -> None:
    members = support_set(("red", "green", "grey"), (3, 2, 2))
    right = 0
    for i, image in enumerate(members.images):
        rest = [k for k in range(len(members.images)) if k != i]
        without = SupportSet(
            members.class_names, tuple(members.images[k] for k in rest), tuple(members.slots[k] for k in rest)
        )
        (answer,) = classify(checkpoint(), without, [image], rule)  # type: ignore[arg-type]
        right += answer.label == members.class_names[members.slots[i]]
    outcome = leave_one_out(checkpoint(), members, rule)  # type: ignore[arg-type]
    assert outcome is not None
    assert (outcome.n_right, outcome.n_images) == (right, 7)


def test_leave_one_out_needs_two_images_of_a_class() -> None:
    assert leave_one_out(checkpoint(), support_set(shots=(1, 1, 1))) is None


def test_confused_classes_are_named() -> None:
    mixed = SupportSet.from_classes(
        {
            "one": [named_image("red", 1), named_image("blue", 2)],
            "two": [named_image("red", 3), named_image("blue", 4)],
        }
    )
    outcome = leave_one_out(checkpoint(), mixed, "max")
    assert outcome is not None
    assert outcome.confused is not None
    assert set(outcome.confused[:2]) == {"one", "two"}
    assert outcome.confused[2] == outcome.n_images - outcome.n_right


@pytest.mark.parametrize("part", ["backbone", "head"])
@pytest.mark.parametrize("factor", [1e30, float("nan")])
def test_a_network_whose_numbers_are_not_finite_gives_no_answer(part: str, factor: float) -> None:
    """Its weights may be finite: what it makes of a picture need not be."""
    twin = checkpoint().twin.copy()
    with torch.no_grad():
        for weights in getattr(twin, part).parameters():
            weights.mul_(factor)
    broken = from_twin(twin, checkpoint().info)
    with pytest.raises(CheckpointError, match="infinite or far too large"):
        classify(broken, support_set(), QUERIES)
