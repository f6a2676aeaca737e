"""Measure fine-tuning on three photos of each class, against the recipe that trained the last block.

    python -m bench few_photos [--weights DIR] [--halfway DIR] [--quick]
    python -m bench few_photos --earlier    measure the earlier recipe alone, in draws that lack its figures

Twelve kinds of groceries are drawn from the 20 that ``bench finetune`` builds the network without
(``--weights`` and ``--halfway`` as there), and five photos of each: three to learn from and two to test on,
12-way 1-shot. The earlier recipe (``--trainable block``) once took such a case from 0.793 to 0.959. It takes
minutes a draw, so its figures are kept until the checkpoint changes, and ``--earlier`` stores each one at
once and can be interrupted. Both recipes are compared draw by draw.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

import fsl
from bench._measure import Claim, finish, options_of, result_file, say
from bench.finetune import GROCERIES, NETWORK_OPTIONS, before_and_after, network_without, pictures, settings
from fsl.base.types import Float64Array
from fsl.data.imageset import ImageSet
from fsl.twin.network import TwinNetwork

CLASSES, LEARNED, TESTED = 12, 3, 2
DRAWS = 10
GOAL_GAIN = 0.166  # of the one case, by the earlier recipe
OURS, EARLIER = "gain", "gain of the earlier recipe"

Row = dict[str, Any]


def main() -> None:
    earlier = {"action": "store_true", "help": "measure that recipe alone"}
    options = options_of(__doc__, ("--earlier", earlier), *NETWORK_OPTIONS)
    rows = stored_rows(options.quick)
    twin, data = network_without(options), pictures(GROCERIES)
    for seed in range(2 if options.quick else DRAWS):
        row = rows.setdefault(seed, {"draw": seed})
        if not options.earlier:
            row |= figures(twin, data, seed, earlier=False)
        elif EARLIER not in row:
            found = figures(twin, data, seed, earlier=True)
            row |= {EARLIER: found["gain"], "after the earlier recipe": found["after"]}
            store(rows, options.quick)
        say(str(row))
    store(rows, options.quick)


def stored_rows(quick: bool) -> dict[int, Row]:
    """Return what is stored of each draw; nothing if it was measured with another checkpoint."""
    file = result_file("few_photos", quick)
    stored = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if stored.get("checkpoint") != fsl.load("photos").digest:
        return {}
    return {row["draw"]: {k: v for k, v in row.items() if v != ""} for row in stored["rows"]}


def store(rows: dict[int, Row], quick: bool) -> None:
    """Print and store the rows and what they claim."""
    names = dict.fromkeys(name for row in rows.values() for name in row)
    filled = [{name: row.get(name, "") for name in names} for row in rows.values()]
    claimed = claims(list(rows.values()))
    finish("few_photos", claimed, filled, quick, checkpoint=fsl.load("photos").digest)


def figures(twin: TwinNetwork, data: ImageSet, seed: int, earlier: bool) -> Row:
    """Fine-tune on one draw; return the accuracy before and after."""
    learned, others = draw(data, seed)
    config = replace(settings(), seed=seed)
    if earlier:
        config = replace(config, trainable="block", cached_views=0)
    found = before_and_after(twin, config, learned, others)
    before, after = (float(found[f"1-shot {when}"].mean()) for when in ("before", "after"))
    return {"before": round(before, 3), "after": round(after, 3), OURS: round(after - before, 3)}


def draw(data: ImageSet, seed: int) -> tuple[ImageSet, ImageSet]:
    """Return pictures of a few classes to learn from, and further ones of these classes to test on."""
    rng = np.random.default_rng(seed)
    chosen = data.select_classes(sorted(rng.permutation(data.class_names)[:CLASSES]))
    of_class = [rng.permutation(np.flatnonzero(chosen.labels == c)) for c in range(CLASSES)]
    learned, others = (
        np.concatenate([rows[part] for rows in of_class])
        for part in (slice(LEARNED), slice(LEARNED, LEARNED + TESTED))
    )
    return chosen.rows(np.sort(learned)), chosen.rows(np.sort(others))


def claims(rows: list[Row]) -> list[Claim]:
    """Return whether the mean gain reaches that of the one case, and that of its recipe on the same draws."""
    ours = [row for row in rows if OURS in row]
    both = [row for row in ours if EARLIER in row]
    what = f"Fine-tuning `photos` on {LEARNED} photos of each of {CLASSES} groceries"
    found = []
    if ours:
        before, after, gain = (np.array([row[name] for row in ours]) for name in ("before", "after", OURS))
        found.append(
            Claim(
                f"{what}, {len(ours)} draws: 1-shot accuracy on others",
                f"{after.mean():.3f}",
                f"{before.mean():.3f} before",
                with_interval(gain),
                f"at least {GOAL_GAIN:+.3f}",
                bool(gain.mean() >= GOAL_GAIN),
            )
        )
    if len(both) > 1:
        gain, earlier = (np.array([row[name] for row in both]) for name in (OURS, EARLIER))
        found.append(
            Claim(
                f"{what}, {len(both)} draws: gain, against the recipe that trained the last block",
                f"{gain.mean():+.3f}",
                f"{earlier.mean():+.3f} by that recipe",
                f"{with_interval(gain - earlier)} more",
                "at least as much",
                bool(gain.mean() >= earlier.mean()),
            )
        )
    return found


def with_interval(values: Float64Array) -> str:
    """Return the mean with its 95% interval over draws."""
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():+.3f} ({values.mean() - half:+.3f} to {values.mean() + half:+.3f})"


if __name__ == "__main__":
    main()
