import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsl.training.curves import CSV_COLUMNS, curve_csv, smooth, thinned
from fsl.training.events import Evaluation, Finished, Started, Step, Verdict


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000), st.integers(4, 200))
def test_thinned_curves_keep_ends_and_extremes(values: list[float], most: int) -> None:
    rows = thinned(values, most)
    assert len(rows) <= max(most, 4)
    assert (rows[0], rows[-1]) == (0, len(values) - 1)
    kept = [values[i] for i in rows]
    assert (min(kept), max(kept)) == (min(values), max(values))
    assert (np.diff(rows) > 0).all()


def test_values_that_are_not_numbers_are_left_out() -> None:
    assert thinned([float("nan"), 1.0, float("inf"), 2.0]).tolist() == [1, 3]


def test_smoothing_equals_the_weighted_mean() -> None:
    values = [3.0, 1.0, 2.0, 5.0]
    weights = [0.9**k for k in range(4)]
    for n in range(1, 5):
        expected = np.average(values[:n][::-1], weights=weights[:n])
        assert smooth(values)[n - 1] == pytest.approx(expected)
    assert smooth([2.0, float("nan"), 2.0]).tolist() == pytest.approx([2.0, 2.0, 2.0])


def test_csv_holds_every_number_once() -> None:
    events = [
        Started(0, 40, "CPU", False, 1, 2, 1, "", "bce"),
        Step(1, 0.7, 1e-3, 10.0, 0.1, 0.5, 0.2, 0.3),
        Step(20, math.nan, 1e-3, 10.0, 0.2),
        Evaluation(20, 0.5, 0.02, 5, 1, 100, 0.6),
        Verdict(20, "diverged", "so, it is", "lower"),
        Finished(20, 0.3, stopped=True),
    ]
    rows = list(csv.DictReader(io.StringIO(curve_csv(events))))
    assert [row["step"] for row in rows] == ["1", "20"]
    assert float(rows[0]["loss"]) == 0.7
    assert float(rows[0]["separation"]) == 0.2
    assert rows[0]["accuracy"] == rows[0]["verdict"] == ""
    assert math.isnan(float(rows[1]["loss"]))
    assert float(rows[1]["accuracy"]) == 0.5
    assert float(rows[1]["validation_loss"]) == 0.6
    assert rows[1]["verdict"] == "diverged"
    assert tuple(rows[0]) == CSV_COLUMNS
    assert curve_csv([]).count("\n") == 1
