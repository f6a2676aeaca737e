"""Addresses of pictures: which stay good, and which do not."""

from __future__ import annotations

import base64

from fsl.ui.components.media import GivenPictures


def uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def test_an_address_stays_good_until_too_much_was_sent_since() -> None:
    pictures = [bytes([number]) * 300 for number in range(4)]  # 400 characters each, and 22 before them
    given = GivenPictures(max_bytes=1300)
    names = [given.give("a", uri(content)) for content in pictures[:3]]
    assert len(set(names)) == 3
    assert [given.find(name) for name in names] == [("image/png", content) for content in pictures[:3]]
    assert given.give("a", uri(pictures[0])) == names[0]  # shown again: the second one is the oldest now
    given.give("a", uri(pictures[3]))
    assert [given.find(name) is not None for name in names] == [True, False, True]


def test_pictures_go_with_the_last_session_that_shows_them() -> None:
    given = GivenPictures()
    shared, own = uri(b"shared"), uri(b"own")
    name = given.give("a", shared)
    assert given.give("b", shared) == name
    other = given.give("b", own)
    given.forget_others({"a"})
    assert given.find(name) == ("image/png", b"shared")
    assert given.find(other) is None
    given.forget_others(set())
    assert given.find(name) is None
    assert given.give("a", shared) == name  # a browser that has it need not load it again
    assert GivenPictures().give("a", shared) != name  # nobody can compute it from the picture
