"""Settings that refuse impossible values."""

from math import inf, nan

import numpy as np
import pytest

from fsl.base.errors import SettingsError
from fsl.base.settings import check_range


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float64(0.5), np.int64(1), True])
def test_numbers_within_the_limits_pass(value: float) -> None:
    check_range("share", value, 0, 1)


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (1.5, (0, 1), "share is 1.5; it must be 0 to 1."),
        (nan, (0, 1), "share is nan; it must be 0 to 1."),
        ("a", (0, 1), "share is 'a'; it must be 0 to 1."),
        (None, (-inf, inf), "share is None; it must be a number."),
        (inf, (1, inf), "share is inf; it must be 1 or more."),
        (0, (1e-8, 100), "share is 0; it must be 1e-8 to 100."),
    ],
)
def test_anything_else_is_named_with_the_limits(
    value: object, limits: tuple[float, float], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        check_range("share", value, *limits)
    assert str(caught.value) == message
