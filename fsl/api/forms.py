"""Read the form of a request: files and values, counted while they arrive and checked against the table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Message

from fsl.api.errors import ApiError
from fsl.api.memory import Holding, Memory
from fsl.base.text import count, listed
from fsl.data.intake.paths import display_path
from fsl.data.intake.server_limits import MAX_BYTES, MAX_PICTURES
from fsl.data.intake.zip_gate import ZIP_MARK

Kind = Literal["file", "text", "number"]
_SILENT_SECONDS = 30.0
_MOST_VALUES = 100
_LONGEST_VALUE = 4096


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Attributes:
        name: of the field.
        kind: a file, a text or a number.
        about: what it means, for the documentation.
        required: whether a request must have it.
        many: whether it may occur several times.
        choices: the texts allowed; none for any.
        low, high: the smallest and the largest number allowed.
        default: what is taken without it, for the documentation.
    """

    name: str
    kind: Kind
    about: str
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    default: str | float | None = None


@dataclass(frozen=True)
class Upload:
    """One uploaded file.

    Attributes:
        name: as shown to people, with nothing invisible in it.
        file: its content.
    """

    name: str
    file: UploadFile

    def read(self) -> bytes:
        """Return the whole content; not in the event loop."""
        self.file.file.seek(0)
        return self.file.file.read()

    def is_zip(self) -> bool:
        """Return whether its name ends or its content begins like that of a zip."""
        self.file.file.seek(0)
        return self.name.lower().endswith(".zip") or self.file.file.read(len(ZIP_MARK)) == ZIP_MARK


@dataclass(frozen=True)
class Form:
    """The fields of a request.

    Attributes:
        files: the uploads of each field.
        texts: values by field, those of the path included.
        numbers: numbers by field.
    """

    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


@asynccontextmanager
async def read_form(request: Request, fields: Sequence[Field], memory: Memory) -> AsyncIterator[Form]:
    """Read and check a form; its files are removed at the end.

    Args:
        request: its body has not been read.
        fields: the fields that the form may have.
        memory: counts the body while it arrives.

    Raises:
        ApiError: 400 if it is no such form, 413 if it is too large, 503 if the server has no room for it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ApiError(400, "Send a form with files: Content-Type multipart/form-data.")
    with memory.holding() as holding:
        body = _Body(request, holding)
        data = await _parsed(Request(request.scope, body.receive), MAX_PICTURES + len(fields))
        try:
            yield checked(data, fields, request)
        finally:
            await data.close()


async def _parsed(request: Request, most_files: int) -> FormData:
    async with aclosing(request.stream()) as stream:
        parser = _WholeForm(
            request.headers,
            stream,
            max_files=most_files,
            max_fields=_MOST_VALUES,
            max_part_size=_LONGEST_VALUE,
        )
        try:
            data = await parser.parse()
        except MultiPartException as error:
            if "Too many files" in error.message:
                raise _too_many_files() from error
            if "maximum size" in error.message:
                longest = f"{_LONGEST_VALUE:,} bytes"
                raise ApiError(
                    400,
                    f"A value is longer than {longest}. Send pictures and zips as files, with a file name.",
                ) from error
            raise ApiError(
                400, f"The form cannot be read: {error.message.rstrip('.')}. Send one as curl -F does."
            ) from error
        except UnicodeError as error:
            raise ApiError(400, "The names in the form are not in its charset. Use UTF-8.") from error
    if not parser.has_ended:
        await data.close()
        raise ApiError(400, "The form is cut off: its last boundary is missing. Send it again.")
    return data


class _WholeForm(MultiPartParser):
    """Parser of a form that notices whether its last boundary came; what lies after that does not count."""

    has_ended = False

    def on_end(self) -> None:
        """Note the last boundary."""
        self.has_ended = True


class _Body:
    """The body of a request, counted while it arrives."""

    def __init__(self, request: Request, holding: Holding) -> None:
        self._receive = request.receive
        self._holding = holding
        declared = request.headers.get("content-length", "")
        self._refuse_more(int(declared) if declared.isdecimal() else 0)

    async def receive(self) -> Message:
        """Return the next part.

        Raises:
            ApiError: the body is too large, or stopped arriving.
        """
        try:
            async with asyncio.timeout(_SILENT_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise ApiError(
                400, f"The upload stopped for {_SILENT_SECONDS:.0f} seconds. Send it again."
            ) from None
        size = len(message.get("body", b""))
        self._refuse_more(size)
        self._holding.take(size)
        return message

    def _refuse_more(self, size: int) -> None:
        if self._holding.n_bytes + size > MAX_BYTES:
            raise ApiError(
                413, f"A request may have at most {MAX_BYTES / 2**20:,.0f} MB. Send its files in several."
            )


def checked(data: FormData, fields: Sequence[Field], request: Request) -> Form:
    """Return a form whose fields are those of the table.

    Raises:
        ApiError: 400, a field is unknown, missing, twice, or of another kind.
    """
    known = {one.name: one for one in fields}
    given: dict[str, list[str | UploadFile]] = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile) and not value.filename and not value.size:
            continue  # a browser's form in which no file was chosen
        given.setdefault(name, []).append(value)
    unknown = [repr(name) for name in given if name not in known]
    if unknown:
        raise ApiError(400, f"There is no field {listed(unknown)} here. The fields are {', '.join(known)}.")
    missing = [one.name for one in fields if one.required and one.name not in given]
    if missing:
        raise ApiError(400, f"The form lacks {' and '.join(missing)}.")
    texts: dict[str, str] = dict(request.path_params)
    texts |= {
        name: _text(known[name], values) for name, values in given.items() if known[name].kind != "file"
    }
    return Form(
        {name: _uploads(known[name], values) for name, values in given.items() if known[name].kind == "file"},
        texts,
        {name: _number(known[name], text) for name, text in texts.items() if known[name].kind == "number"},
    )


def _too_many_files() -> ApiError:
    most = count(MAX_PICTURES, "file")
    return ApiError(413, f"A request may have at most {most}. Send several requests, or a zip.")


def _uploads(about: Field, values: Sequence[str | UploadFile]) -> tuple[Upload, ...]:
    if len(values) > 1 and not about.many:
        raise ApiError(400, f"{about.name} is there {len(values)} times; give it once.")
    files = [value for value in values if isinstance(value, UploadFile)]
    if len(files) < len(values):
        raise ApiError(400, f"{about.name} must be a file, with a file name.")
    return tuple(Upload(display_path(file.filename or ""), file) for file in files)


def _text(about: Field, values: Sequence[str | UploadFile]) -> str:
    (value, *more) = values
    if more:
        raise ApiError(400, f"{about.name} is there {len(values)} times; give it once.")
    if not isinstance(value, str):
        raise ApiError(400, f"{about.name} must be a value, not a file.")
    if about.choices and value not in about.choices:
        raise ApiError(400, f"{about.name} is {value!r}; choose one of {', '.join(about.choices)}.")
    return value


def _number(about: Field, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or not about.low <= number <= about.high:
        raise ApiError(
            400, f"{about.name} is {text!r}; it must be a number from {about.low:g} to {about.high:g}."
        )
    return number
