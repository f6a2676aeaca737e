"""Test-time augmentation of the support pictures of small classes."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.config import FEW_SHOTS, RULES, EpisodeConfig, ModelConfig, Rule
from fsl.fewshot.baselines import plain_cosine
from fsl.fewshot.classify import classify, leave_one_out_answers
from fsl.fewshot.embed import CACHE, embed, embed_support
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import episode_scores
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images
from fsl.twin.preprocess import to_uint8
from fsl.twin.test_time_augmentation import augmented_copies, embed_as_support
from tests.helpers.networks import checkpoint

SIDE = 20


def augmenting(n_copies: int = 3) -> Checkpoint:
    return checkpoint(
        widths=(8, 8, 8, 8), image_size=SIDE, head="cosine", centre_on_support=True, support_views=n_copies
    )


def picture(seed: int) -> NamedImage:
    """Return noise, so that every augmentation changes the picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return NamedImage.from_bytes(buffer.getvalue(), f"{seed}.png")


def support(*shots: int) -> SupportSet:
    return SupportSet.from_classes(
        {f"class {i}": [picture(10 * i + k) for k in range(n)] for i, n in enumerate(shots)}
    )


def by_hand(made: Checkpoint, image: NamedImage) -> torch.Tensor:
    """Average the picture, its mirrored middle 17 x 17 pixels, and its transpose, weighted by similarity."""
    pixels = np.asarray(image.image)
    middle = Image.fromarray(pixels[1:18, 1:18][:, ::-1]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    views = [pixels, np.asarray(middle), pixels.transpose(1, 0, 2)]
    alone, closer, turned = (row / row.norm() for row in embed_images(made.twin, np.stack(views)))
    total = alone + closer + max(0.0, float(alone @ turned)) ** 1.5 * turned
    return total / total.norm()


def test_the_copies_are_the_mirrored_middle_and_the_transpose() -> None:
    config, image = augmenting().info.model, picture(0).image
    middle, turned = (np.asarray(view) for view in augmented_copies(image, config))
    assert middle.shape == (17, 17, 3)
    assert np.array_equal(middle, np.asarray(image)[1:18, 1:18][:, ::-1])
    assert np.array_equal(turned, np.asarray(image).transpose(1, 0, 2))
    assert augmented_copies(image, augmenting(1).info.model) == []


def test_only_classes_with_few_pictures_are_augmented() -> None:
    made, shown = augmenting(), support(1, FEW_SHOTS, FEW_SHOTS + 1)
    CACHE.clear()
    found, alone = embed_support(made, shown), embed(made, shown.images)
    for row, own, image, slot in zip(found, alone, shown.images, shown.slots, strict=True):
        expected = own if slot == 2 else by_hand(made, image)
        assert torch.allclose(row, expected, atol=1e-5)
    plain = augmenting(1)
    assert torch.equal(embed_support(plain, shown), embed(plain, shown.images))


def test_copies_are_embedded_once() -> None:
    CACHE.clear()
    made, done = augmenting(), list[object]()
    embed_support(made, support(1, 1), lambda *progress: done.append(progress))
    assert done == [(2, 2), (2, 2)]
    again: list[object] = []
    embed_support(made, support(1, 1), lambda *progress: again.append(progress))
    assert again == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n_shot", [1, FEW_SHOTS + 1])
def test_episodes_are_scored_as_by_classify(rule: Rule, n_shot: int) -> None:
    made = augmenting()
    pictures = [picture(number) for number in range(16)]
    labels = np.repeat(np.arange(4), 4)
    pixels = to_uint8([one.image for one in pictures], made.info.model)
    embeddings = embed_images(made.twin, pixels)
    as_support = embed_as_support(made.twin, pixels, embeddings)
    episodes = sample_episodes(labels, EpisodeConfig(3, n_shot, 1, 4))
    scores = episode_scores(made.twin, embeddings, episodes, rule, as_support)
    for e in range(4):
        shown = {str(way): [pictures[row] for row in rows] for way, rows in enumerate(episodes.support[e])}
        asked = [pictures[row] for row in episodes.query[e].ravel()]
        answers = classify(made, SupportSet.from_classes(shown), asked, rule)
        for answer, row in zip(answers, scores[e].reshape(3, 3), strict=True):
            found = torch.tensor(list(answer.class_similarity.values()))
            assert torch.allclose(found, torch.sigmoid(row), atol=1e-5)


def test_leave_one_out_does_not_augment_the_picture_it_asks_about() -> None:
    made, shown = augmenting(), support(2, 2)
    alone = [
        classify(made, support_without(shown, i), [image], "max")[0].label
        for i, image in enumerate(shown.images)
    ]
    answers = leave_one_out_answers(made, shown, "max")
    assert [shown.class_names[slot] for slot in answers] == alone


def support_without(whole: SupportSet, hidden: int) -> SupportSet:
    kept = [i for i in range(len(whole.images)) if i != hidden]
    images, slots = (tuple(of[i] for i in kept) for of in (whole.images, whole.slots))
    return SupportSet(whole.class_names, images, slots)


def test_plain_cosine_does_not_augment() -> None:
    assert plain_cosine(augmenting()).info.model.support_views == 1


def test_only_the_cosine_head_can_average_copies() -> None:
    with pytest.raises(SettingsError, match="cosine"):
        ModelConfig(support_views=3)
