"""The routes of pictures and large files, without a browser."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.testclient import TestClient

from fsl.ui.components.download_link import OFFERED, ROOT, OfferedFile
from fsl.ui.components.media import GIVEN
from fsl.ui.server.files import file_routes


def test_pictures_and_files_are_sent_until_their_session_ends() -> None:
    made: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield bytes([number]) * 100_000

    client = TestClient(Starlette(routes=file_routes()))
    name = GIVEN.give("a session", "data:image/png;base64,AAAA")
    token = OFFERED.offer("a session", "zip", OfferedFile('a "ü".zip', "application/zip", parts))
    assert made == []  # nothing is made before it is asked for
    for _ in range(2):
        answer = client.get(f"{ROOT}/{token}")
        assert answer.content == b"".join(bytes([number]) * 100_000 for number in range(3))
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''a%20%22%C3%BC%22.zip"
    picture = client.get(f"/pictures/{name}")
    assert (picture.content, picture.headers["Content-Type"]) == (b"\0\0\0", "image/png")

    other = OFFERED.offer("a session", "zip", OfferedFile("b.zip", "application/zip", lambda: iter([b"b"])))
    assert other == token  # a link that is open keeps working, and gives what is there now
    assert client.get(f"{ROOT}/{token}").content == b"b"
    for memory in (GIVEN, OFFERED):
        memory.forget_others({"another session"})
    assert client.get(f"{ROOT}/{token}").status_code == 404
    assert client.get(f"/pictures/{name}").status_code == 404
