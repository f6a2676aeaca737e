"""The reason why a picture is refused, on its way to the message that names the file."""

from __future__ import annotations


class PictureRefused(Exception):  # noqa: N818 - not an error of the program: the reason a file is refused
    """The reason, as a clause, why a check refuses a picture; ``decode_image`` adds the file's name."""
