"""Numbers in sentences."""

import pytest

from fsl.base.text import percent


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (0.999, "over 99%"), (1.0, "over 99%")],
)
def test_percent_is_never_quite_sure(value: float, text: str) -> None:
    assert percent(value) == text
