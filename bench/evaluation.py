"""Measure the speed of an N-way K-shot evaluation against easyfsl's on the same embeddings.

    pip install -e .[bench]
    python -m bench evaluation [--quick]

It runs 1,000 episodes, 20-way 5-shot, one query per class. Both get the same cached embeddings; easyfsl gets
them as its FeaturesDataset, read by a DataLoader with its TaskSampler, in this process and with one worker
per core (the faster one counts). Everything from embeddings to the accuracy is timed. The claim is about the
prototype rule, because easyfsl uses it too; the other rules are listed as well.

To show that both compute the same, easyfsl's Euclidean score replaces the twin's head: every episode must
then have the same accuracy in both.
"""

import random
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

import fsl
from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from fsl.config import RULES, EpisodeConfig
from fsl.data.builtin import rendered_set
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import evaluate
from fsl.training.cores import usable_cores
from fsl.twin.inference import embed_images

CHECKPOINT = "fruits"
IMAGES = 20


def main() -> None:
    options = options_of(__doc__)
    from easyfsl.datasets import FeaturesDataset
    from easyfsl.methods import PrototypicalNetworks
    from easyfsl.samplers import TaskSampler
    from easyfsl.utils import evaluate as easyfsl_evaluate

    n_episodes, rounds = (50, 2) if options.quick else (1000, 7)
    checkpoint = fsl.load(CHECKPOINT, "cpu")
    pictures = rendered_set(checkpoint.info.model.image_size, 10 if options.quick else IMAGES)
    embeddings, labels = embed_images(checkpoint.twin, pictures.images), pictures.labels
    config = EpisodeConfig(n_way=20, n_shot=5, n_query=1, n_episodes=n_episodes)
    dataset = FeaturesDataset(labels.tolist(), embeddings, [str(i) for i in range(labels.max() + 1)])
    peer = PrototypicalNetworks()

    def easyfsl_with(workers: int) -> float:
        random.seed(0)
        # easyfsl 1.5 passes an argument that torch 2.14 no longer accepts.
        with patch.object(Sampler, "__init__", lambda *_, **__: None):
            sampler = TaskSampler(dataset, config.n_way, config.n_shot, config.n_query, n_episodes)
        loader = DataLoader(
            dataset, batch_sampler=sampler, num_workers=workers, collate_fn=sampler.episodic_collate_fn
        )
        return float(easyfsl_evaluate(peer, loader, device="cpu", use_tqdm=False))

    contestants = {
        f"fsl, {rule}": lambda r=rule: evaluate(checkpoint.twin, embeddings, labels, config, r)
        for rule in RULES
    }
    cores = usable_cores()
    contestants |= {f"easyfsl, {n} workers": lambda n=n: easyfsl_with(n) for n in (0, cores)}
    seconds = take_turns(contestants, rounds)
    different = _different_episodes(peer, checkpoint.twin, embeddings, labels, config)
    accuracies = {rule: evaluate(checkpoint.twin, embeddings, labels, config, rule) for rule in RULES}
    theirs = easyfsl_with(0)
    say(f"easyfsl's accuracy on its own episodes: {theirs:.4f}")
    say(f"episodes with another accuracy although the scores are the same: {different}")
    rows = [{"evaluation": name, "seconds": median(values)} for name, values in seconds.items()]
    best = min(
        (name for name in seconds if name.startswith("easyfsl")), key=lambda name: median(seconds[name])
    )
    rule = "prototype"
    speed = ratio(seconds[best], seconds[f"fsl, {rule}"])
    claim = Claim(
        "1,000 episodes, 20-way 5-shot, on the same embeddings, against easyfsl 1.5",
        f"{1000 / n_episodes * median(seconds[f'fsl, {rule}']):.2f} s",
        f"{1000 / n_episodes * median(seconds[best]):.1f} s",
        str(speed),
        "at least 10, equal accuracy",
        speed.median >= 10 and different == 0,
    )
    finish(
        "evaluation",
        [claim],
        rows,
        options.quick,
        different_episodes=different,
        accuracy={"easyfsl": theirs, **{name: result.accuracy for name, result in accuracies.items()}},
        images=len(labels),
    )


class EuclideanHead(nn.Module):
    """easyfsl's score as a head of the twin network."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))  # the twin's device is looked up here

    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        return torch.cdist(e1, e2)


@torch.inference_mode()
def _different_episodes(
    peer: nn.Module, twin: nn.Module, embeddings: Tensor, labels: np.ndarray, config: EpisodeConfig
) -> int:
    """Count the episodes whose accuracy differs from easyfsl's."""
    euclidean = twin.copy()
    euclidean.head = EuclideanHead()
    ours = evaluate(euclidean, embeddings, labels, config, "prototype").episode_accuracy
    episodes = sample_episodes(labels, config)
    theirs = []
    for support, query in zip(episodes.support, episodes.query, strict=True):
        slots = torch.arange(len(support)).repeat_interleave(support.shape[1])
        peer.process_support_set(embeddings[support.reshape(-1)], slots)
        answers = peer(embeddings[query.reshape(-1)]).argmax(1).numpy()
        theirs.append((answers == np.repeat(np.arange(len(query)), query.shape[1])).mean())
    return int((np.abs(ours - theirs) > 1e-9).sum())


if __name__ == "__main__":
    main()
