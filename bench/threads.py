"""Measure speed by threads and precision, and whether the program's own choice is nearly the best.

    python -m bench threads [--quick]

It measures a training step (Conv-4, 64 images of 64 x 64 pixels, all pairs) and the embedding of 64 images,
with one thread up to one per core, in fp32 and bf16, all in turn. The program's own choice is torch's default
number of threads, and bf16 for training if ``fsl.twin.device.bf16_helps`` measures that it helps. Embeddings
are always computed in the weights' precision (``fsl.twin.inference``).
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from bench.overhead import CONFIG, MODEL, engine_loop
from fsl.data.builtin import rendered_set
from fsl.training.cores import usable_cores
from fsl.twin.device import use_bf16
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

N_IMAGES = 64


def with_threads(n: int, work: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        torch.set_num_threads(n)
        work()

    return call


def main() -> None:
    options = options_of(__doc__)
    batches, rounds = (1, 1) if options.quick else (8, 9)
    chosen_threads = torch.get_num_threads()
    chosen_bf16 = use_bf16("auto", torch.device("cpu"))
    say(f"the program's own choice: {chosen_threads} threads, bf16 for training: {chosen_bf16}")
    data = rendered_set(MODEL.image_size, 4 if options.quick else 20)
    twin = TwinNetwork(MODEL).eval()
    images = data.images[:N_IMAGES]
    counts = range(1, max(usable_cores(), chosen_threads) + 1)
    work: dict[tuple[str, int, str], Callable[[], None]] = {}
    for n in counts:
        for precision in ("fp32", "bf16"):
            config = replace(CONFIG, precision=precision)
            work["training", n, precision] = with_threads(n, engine_loop(data, config, batches))
        work["embedding", n, "fp32"] = with_threads(n, lambda: embed_images(twin, images))
    names = {key: " ".join(map(str, key)) for key in work}
    seconds = take_turns({names[key]: call for key, call in work.items()}, rounds)
    torch.set_num_threads(chosen_threads)
    rows: list[dict[str, object]] = [
        {
            "what": what,
            "threads": n,
            "precision": precision,
            "images a second": (batches if what == "training" else 1)
            * N_IMAGES
            / median(seconds[names[what, n, precision]]),
            "chosen": "*" if n == chosen_threads and precision == _precision(what, chosen_bf16) else "",
        }
        for what, n, precision in sorted(work)
    ]
    claims = []
    for what in ("training", "embedding"):
        choice = names[what, chosen_threads, _precision(what, chosen_bf16)]
        best = min((names[key] for key in work if key[0] == what), key=lambda name: median(seconds[name]))
        speed = ratio(seconds[best], seconds[choice])
        n_images = (batches if what == "training" else 1) * N_IMAGES
        claims.append(
            Claim(
                f"Threads and precision chosen by itself for {what}, against the best of all",
                f"{n_images / median(seconds[choice]):,.0f} images/s ({choice.partition(' ')[2]})",
                f"{n_images / median(seconds[best]):,.0f} images/s ({best.partition(' ')[2]})",
                str(speed),
                "at least 0.9",
                speed.median >= 0.9,
            )
        )
    finish("threads", claims, rows, options.quick)


def _precision(what: str, bf16: bool) -> str:
    return "bf16" if bf16 and what == "training" else "fp32"


if __name__ == "__main__":
    main()
