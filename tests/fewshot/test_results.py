"""Answers as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fsl.base.json_values import in_ascii
from fsl.base.text import safe_cell
from fsl.fewshot.classify import Prediction
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.results import FinalLabel, results_csv, results_json
from fsl.fewshot.support import SupportSet

IMAGE = Image.new("RGB", (4, 4))
SUPPORT = SupportSet.from_classes(
    {"=cmd()": [NamedImage("a.png", IMAGE, "1")], "pear": [NamedImage("b.png", IMAGE, "2")]}
)
PREDICTION = Prediction(
    query="+q.png",
    label="pear",
    probability=0.75,
    unknown=False,
    threshold=0.5,
    scores={"=cmd()": 0.25, "pear": 0.75},
    class_similarity={"=cmd()": 0.2, "pear": 0.8},
    similarities=(0.2, 0.8),
)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1"])
def test_formulas_are_defused(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_csv_has_a_row_per_query() -> None:
    header, row = csv.reader(io.StringIO(results_csv([PREDICTION], SUPPORT)))
    assert header[:4] == ["query", "label", "probability", "unknown"]
    assert header[4:] == ["best_similarity", "threshold", "probability: =cmd()", "probability: pear"]
    assert row == ["'+q.png", "pear", "0.750000", "false", "0.800000", "0.500000", "0.250000", "0.750000"]


def test_no_class_takes_a_column_of_the_program() -> None:
    own = ["query", "label", "probability", "unknown", "best_similarity", "threshold", "probability: pear"]
    support = SupportSet.from_classes({name: [NamedImage(name, IMAGE, name)] for name in own})
    scores = {name: 0.1 * place for place, name in enumerate(own)}
    answer = replace(PREDICTION, scores=scores, class_similarity=scores, similarities=tuple(scores.values()))
    header, row = csv.reader(io.StringIO(results_csv([answer], support)))
    assert len(set(header)) == len(header) == 6 + len(own)
    assert row[:4] == ["'+q.png", "pear", "0.750000", "false"]


def test_the_best_similarity_is_what_unknown_goes_by() -> None:
    """The quick classifier's answer need not be the class that is most similar."""
    quick = replace(PREDICTION, label="=cmd()", scores={"=cmd()": 0.75, "pear": 0.25})
    (row,) = csv.DictReader(io.StringIO(results_csv([quick], SUPPORT)))
    assert (row["label"], row["unknown"]) == ("'=cmd()", "false")
    assert float(row["best_similarity"]) == 0.8
    assert float(row["best_similarity"]) >= float(row["threshold"])


def test_json_has_the_command_lines_keys() -> None:
    (answer,) = json.loads(results_json([PREDICTION], SUPPORT))["predictions"]
    assert set(answer) == {"query", "label", "probability", "unknown", "scores", "similarities"}
    assert answer["similarities"][1] == {"class": "pear", "support": "b.png", "similarity": 0.8}


def test_json_keeps_every_name_and_every_number() -> None:
    names = ['100% "sure" %s\\', "\N{STRAWBERRY}\n", "pear"]
    support = SupportSet.from_classes({name: [NamedImage(f"{name}.png", IMAGE, name)] for name in names})
    values = np.array([0.99999994, 1e-9, 1], np.float32)
    answer = replace(PREDICTION, scores=dict.fromkeys(names, 1 / 3), similarities=tuple(values.tolist()))
    text = results_json([answer], support)
    for document in (text, in_ascii(text)):
        (read,) = json.loads(document)["predictions"]
        assert [pair["class"] for pair in read["similarities"]] == names == list(read["scores"])
        assert [pair["support"] for pair in read["similarities"]] == [f"{name}.png" for name in names]
        found = np.array([pair["similarity"] for pair in read["similarities"]], np.float32)
        assert found.tolist() == values.tolist()
    assert in_ascii(text).isascii()


def test_what_a_person_said_is_written_beside_the_answer() -> None:
    labels = [FinalLabel("=cmd()", is_checked=True), FinalLabel(None)]
    rows = list(csv.DictReader(io.StringIO(results_csv([PREDICTION] * 2, SUPPORT, labels))))
    assert [(row["label"], row["checked"], row["final_label"]) for row in rows] == [
        ("pear", "true", "'=cmd()"),
        ("pear", "false", ""),
    ]
    found = json.loads(results_json([PREDICTION] * 2, SUPPORT, labels))["predictions"]
    assert [(one["checked"], one["final_label"]) for one in found] == [(True, "=cmd()"), (False, None)]
