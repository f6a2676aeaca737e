"""Record the article's learning-rate lesson for the Learn page.

    python -m bench lesson [--out FILE.json]

It trains the preset "article" on drawn fruit, once at each of its learning rates; network, seed and batches
are the same. It writes every event of each run, and the page shows these and nothing else.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from fsl.data.query import DataSpec
from fsl.training.engine import train
from fsl.training.events import Pause, to_json
from fsl.training.lesson import RECORDED
from fsl.training.presets import PRESETS
from fsl.training.run_data import load_training_data

HOLD_OUT = 0.4


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the learning-rate lesson.")
    parser.add_argument("--out", type=Path, default=RECORDED)
    arguments = parser.parse_args()
    preset = PRESETS["article"]
    source = DataSpec(data="rendered", hold_out=HOLD_OUT)
    data = load_training_data(source, preset.model, preset.config.seed, report=print)
    runs = []
    for rate in preset.rates:
        config = replace(preset.config, learning_rate=rate, precision="fp32", device="cpu")
        found = train(data.train, config, preset.model, data.validation)
        events = [to_json(event) for event in found if not isinstance(event, Pause)]
        runs.append({"learning_rate": rate, "config": config.to_json(), "events": events})
        print(rate, [e["kind"] for e in events if e["event"] == "verdict"][-1])
    record = {
        "command": "python -m bench lesson",
        "trained_on": f"drawn fruit, {1 - HOLD_OUT:.0%} of the kinds",
        "tested_on": f"the other {HOLD_OUT:.0%}",
        "runs": runs,
    }
    arguments.out.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
