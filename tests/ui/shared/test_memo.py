"""What a session remembers is bounded, by number and by size."""

from __future__ import annotations

from fsl.ui.shared.memo import Memo


def filled(memo: Memo, *texts: str) -> list[str]:
    """Remember texts under themselves; which of them are there in the end."""
    for text in texts:
        memo.remember(text, lambda text=text: text)  # type: ignore[misc]
    return [text for text in texts if text in memo]


def test_nothing_is_computed_twice() -> None:
    memo = Memo(2)
    assert [memo.remember("a", lambda: 1), memo.remember("a", lambda: 2)] == [1, 1]


def test_the_one_used_longest_ago_goes_first() -> None:
    memo = Memo(2)
    filled(memo, "a", "b")
    memo.remember("a", str)
    assert filled(memo, "c") == ["c"]
    assert "a" in memo
    assert "b" not in memo


def test_large_results_leave_room_for_few_and_the_latest_is_kept_whatever_its_size() -> None:
    memo = Memo(10, most_bytes=6, size=len)
    assert filled(memo, "aa", "bb", "cc", "dd") == ["bb", "cc", "dd"]
    assert filled(memo, "eeeeeeee") == ["eeeeeeee"]
    assert "dd" not in memo
