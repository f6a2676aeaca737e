"""The table of all operations, which the routes, the OpenAPI document and the docs page are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fsl.api import handlers
from fsl.api.forms import Field, Form
from fsl.api.service import CLASSIFIES, COMPARES, Service
from fsl.base.progress import Progress
from fsl.config import METHODS

ERRORS = {
    400: "The request is not as documented here.",
    401: "The token is missing or wrong.",
    403: "The request is for another host name, or a page of another address sent it.",
    404: "There is no such thing.",
    413: "There is too much in the request, or its answer would be too long.",
    422: "The request is understood, but its content cannot be used.",
    503: "The server is busy or full; Retry-After says when to try again.",
}
"""The statuses of errors, whose answers are ``{"error": "..."}``."""


@dataclass(frozen=True)
class Operation:
    """What a client may ask for.

    Attributes:
        method: GET, POST or DELETE.
        path: below "/api"; "{id}" stands for a part of it.
        summary: what it does, in a few words.
        about: what else to know.
        answer: name of the answer's schema.
        handle: computes the answer, in a thread if there is a form. Its progress callback ends the work if
            the client is gone.
        fields: of the form; none for an operation without one.
        status: of the answer.
        errors: the statuses of errors that it may answer, apart from 401 and 403.
    """

    method: str
    path: str
    summary: str
    about: str
    answer: str
    handle: Callable[[Service, Form, Progress], object]
    fields: tuple[Field, ...] = ()
    status: HTTPStatus = HTTPStatus.OK
    errors: tuple[int, ...] = ()


CHECKPOINT = Field("checkpoint", "text", "name of an installed network", default=CLASSIFIES)
_FORM_ERRORS = (400, 413, 422, 503)
_ZIP = "a zip with a folder per class"

OPERATIONS = (
    Operation("GET", "/health", "Say that the server runs", "Needs no token.", "Health", handlers.health),
    Operation("GET", "/checkpoints", "List the installed networks", "", "Checkpoints", handlers.checkpoints),
    Operation(
        "POST",
        "/classify",
        "Say which class each picture shows",
        "The answer has the keys of fsl classify --json. Files that could not be used are in left_out.",
        "Predictions",
        handlers.classify,
        (
            Field("query", "file", "a picture to classify, or a zip of pictures", required=True, many=True),
            Field("support", "file", _ZIP),
            Field("support_id", "text", "instead of support: the id of a support set that is kept"),
            CHECKPOINT,
            Field(
                "rule",
                "text",
                "how a class's pictures are combined; quick is a linear probe and needs 5 of each class",
                choices=METHODS,
                default="the network's",
            ),
            Field("threshold", "number", "answer unknown below this similarity", default="the network's"),
        ),
        errors=_FORM_ERRORS,
    ),
    Operation(
        "POST",
        "/support",
        "Make a support set and keep it",
        "Classify with its id as often as you like, without sending the pictures again. It is dropped some "
        "time after its last use (expires_in, in seconds), and when the server restarts.",
        "Support",
        handlers.make_support,
        (
            Field("support", "file", _ZIP),
            Field("folder", "text", "instead of support: a folder of the server, or one below it"),
            CHECKPOINT,
        ),
        HTTPStatus.CREATED,
        _FORM_ERRORS,
    ),
    Operation(
        "GET",
        "/support/{id}",
        "Describe a support set",
        "This counts as a use.",
        "Support",
        handlers.show_support,
        errors=(404,),
    ),
    Operation(
        "DELETE", "/support/{id}", "Drop a support set", "", "Deleted", handlers.delete_support, errors=(404,)
    ),
    Operation(
        "POST",
        "/compare",
        "Say whether pictures show the same person or thing",
        "The answer has the keys of fsl compare --json.",
        "Comparison",
        handlers.compare,
        (
            Field("reference", "file", "a picture of the person or thing", required=True, many=True),
            Field("probe", "file", "a picture to compare with it", required=True, many=True),
            Field("checkpoint", "text", "name of an installed network", default=COMPARES),
            Field("far", "number", "share of different pairs that may be called the same", default=0.01),
            Field("threshold", "number", "call a pair the same from this similarity on; replaces far"),
            Field("align", "text", "no: look for no faces", choices=("yes", "no"), default="yes"),
        ),
        errors=_FORM_ERRORS,
    ),
    Operation(
        "POST",
        "/embed",
        "Turn pictures into embeddings",
        "The answer has the keys of fsl embed --json, and the embeddings.",
        "Embeddings",
        handlers.embed,
        (Field("image", "file", "a picture, or a zip of pictures", required=True, many=True), CHECKPOINT),
        errors=_FORM_ERRORS,
    ),
)
