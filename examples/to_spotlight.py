"""Put embeddings, a map and answers into one Parquet table, for Renumics Spotlight or any data-frame tool.

fsl embed --data my_classes/ --out embeddings.npz
fsl classify --support few_examples/ --query my_classes/ --json > answers.json
python examples/to_spotlight.py embeddings.npz --pictures my_classes/ --answers answers.json --out t.parquet
spotlight t.parquet --dtype image=Image --dtype embedding=Embedding --dtype map=Embedding

Spotlight needs pandas 2, so install it in an environment of its own: pip install renumics-spotlight.
The program itself needs numpy and pyarrow alone.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def answers_by_name(file, names):
    """Return the answer to each picture by its name, which begins in the embedded folder."""
    known, found = set(names), {}
    for answer in json.loads(Path(file).read_text(encoding="utf-8"))["predictions"]:
        parts = Path(answer["query"]).as_posix().split("/")
        ends = ("/".join(parts[first:]) for first in range(len(parts)))
        name = next((end for end in ends if end in known), None)
        if name is not None:
            found[name] = answer
    return found


def lists(values):
    """Return an array (n, d) as a column of lists."""
    flat = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1], flat)


def table_of(embeddings, pictures, answers=None):
    """Return the table: image (a path), label, embedding, map, and what the network answered."""
    with np.load(embeddings) as held:
        names = held["names"].tolist()
        class_names, labels = held["class_names"], held["labels"]
        columns = {
            "image": [str((Path(pictures) / name).resolve()) for name in names],
            "label": [str(class_names[label]) if label >= 0 else None for label in labels],
            "embedding": lists(held["embeddings"]),
        }
        if held["coordinates"].shape[1]:
            columns["map"] = lists(held["coordinates"])
    if answers is not None:
        known = answers_by_name(answers, names)
        found = [known.get(name) for name in names]
        columns["answer"] = [one and one["label"] for one in found]
        columns["probability"] = [one and one["probability"] for one in found]
        columns["unknown"] = [one and one["unknown"] for one in found]
        pairs = zip(columns["answer"], columns["label"], strict=True)
        columns["wrong"] = [None if answer is None else answer != label for answer, label in pairs]
    return pa.table(columns)


def main():
    """Read the files that `fsl` wrote, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("embeddings", metavar="FILE.npz")
    parser.add_argument("--pictures", required=True, metavar="DIR", help="the folder that was embedded")
    parser.add_argument("--answers", metavar="FILE.json")
    parser.add_argument("--out", required=True, metavar="FILE.parquet")
    options = parser.parse_args()
    pq.write_table(table_of(options.embeddings, options.pictures, options.answers), options.out)


if __name__ == "__main__":
    main()
