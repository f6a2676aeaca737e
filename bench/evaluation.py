"""How fast is an N-way K-shot evaluation, against easyfsl's on the same embeddings?

    pip install -r requirements-bench.txt
    python -m bench evaluation [--quick]

1,000 episodes, 20-way 5-shot, one query a class. Both get the same cached embeddings: easyfsl as its
FeaturesDataset, read by a DataLoader with its TaskSampler (in this process, and with as many workers as there
are cores: the faster one counts). Equal accuracy is checked twice: the prototype rule of this project on
easyfsl's own scores (negative Euclidean distance) must answer every query of the same episodes as easyfsl
does, and each one's accuracy on its own 1,000 episodes must agree within the intervals. What is timed is
everything that ``fsl.evaluate`` does, with each of its rules; the checkpoint's own counts.
"""

import os
import random

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

import fsl
from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from fsl.config import RULES, EpisodeConfig
from fsl.data.builtin import rendered_set
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import evaluate
from fsl.twin.inference import embed_images

CHECKPOINT = "fruits"
CLASSES, IMAGES = 35, 60


def main() -> None:
    options = options_of(__doc__)
    from easyfsl.datasets import FeaturesDataset
    from easyfsl.methods import PrototypicalNetworks
    from easyfsl.samplers import TaskSampler
    from easyfsl.utils import evaluate as easyfsl_evaluate

    n_episodes, rounds = (50, 2) if options.quick else (1000, 7)
    checkpoint = fsl.load(CHECKPOINT, "cpu")
    embeddings, labels = _embeddings(checkpoint.twin, checkpoint.info.model.image_size, options.quick)
    config = EpisodeConfig(n_way=20, n_shot=5, n_query=1, n_episodes=n_episodes)
    dataset = FeaturesDataset(labels.tolist(), embeddings, [str(i) for i in range(labels.max() + 1)])
    peer = PrototypicalNetworks()

    def easyfsl_with(workers: int) -> float:
        random.seed(0)
        sampler = TaskSampler(dataset, config.n_way, config.n_shot, config.n_query, n_episodes)
        loader = DataLoader(
            dataset, batch_sampler=sampler, num_workers=workers, collate_fn=sampler.episodic_collate_fn
        )
        return float(easyfsl_evaluate(peer, loader, device="cpu", use_tqdm=False))

    contestants = {
        f"fsl, {rule}": lambda r=rule: evaluate(checkpoint.twin, embeddings, labels, config, r)
        for rule in RULES
    }
    cores = os.cpu_count() or 1
    contestants |= {f"easyfsl, {n} workers": lambda n=n: easyfsl_with(n) for n in (0, cores)}
    seconds = take_turns(contestants, rounds)
    different = _different_answers(peer, embeddings, labels, config)
    accuracies = {rule: evaluate(checkpoint.twin, embeddings, labels, config, rule) for rule in RULES}
    theirs = easyfsl_with(0)
    say(f"easyfsl's accuracy on its own episodes: {theirs:.4f}")
    say(f"answers that differ from easyfsl's on the same episodes and scores: {different}")
    rows = [{"evaluation": name, "seconds": median(values)} for name, values in seconds.items()]
    best = min(
        (name for name in seconds if name.startswith("easyfsl")), key=lambda name: median(seconds[name])
    )
    rule = checkpoint.info.rule
    speed = ratio(seconds[best], seconds[f"fsl, {rule}"])
    claim = Claim(
        "1,000 episodes, 20-way 5-shot, on the same embeddings, against easyfsl 1.5",
        f"{1000 / n_episodes * median(seconds[f'fsl, {rule}']):.2f} s",
        f"{1000 / n_episodes * median(seconds[best]):.1f} s",
        str(speed),
        "at least 10, same answers",
        speed.median >= 10 and different == 0,
    )
    finish(
        "evaluation",
        [claim],
        rows,
        options.quick,
        rule=rule,
        different_answers=different,
        accuracy={"easyfsl": theirs, **{name: result.accuracy for name, result in accuracies.items()}},
        images=len(labels),
    )


def _embeddings(twin: torch.nn.Module, size: int, quick: bool) -> tuple[Tensor, np.ndarray]:
    """Real ones, of rendered pictures, of as many classes as the "novel" list has."""
    pictures = rendered_set(size, 10 if quick else IMAGES)
    rows = pictures.labels < CLASSES
    return embed_images(twin, pictures.images[rows]), pictures.labels[rows]


def _different_answers(
    peer: torch.nn.Module, embeddings: Tensor, labels: np.ndarray, config: EpisodeConfig
) -> int:
    """Queries of the same episodes that prototypes answer differently here and there."""
    different = 0
    for support, query in zip(*_rows_of(labels, config), strict=True):
        n_way, n_shot = support.shape
        prototypes = embeddings[support.reshape(-1)].view(n_way, n_shot, -1).mean(1)
        ours = torch.cdist(embeddings[query.reshape(-1)], prototypes).argmin(1)
        slots = torch.arange(n_way).repeat_interleave(n_shot)
        peer.process_support_set(embeddings[support.reshape(-1)], slots)
        different += int((peer(embeddings[query.reshape(-1)]).argmax(1) != ours).sum())
    return different


def _rows_of(labels: np.ndarray, config: EpisodeConfig) -> tuple[Tensor, Tensor]:
    episodes = sample_episodes(labels, config)
    return torch.from_numpy(episodes.support), torch.from_numpy(episodes.query)


if __name__ == "__main__":
    main()
