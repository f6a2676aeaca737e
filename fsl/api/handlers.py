"""How each operation is answered.

The module ``answers`` imports torch, which takes seconds, so functions import it when they are called.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import fsl
from fsl.api.errors import ApiError
from fsl.api.forms import Form
from fsl.api.memory import Holding
from fsl.api.networks import installed
from fsl.api.service import COMPARES, Service
from fsl.base.errors import FslError
from fsl.base.progress import Progress
from fsl.base.text import listed
from fsl.config import METHODS
from fsl.data.intake.folders import list_folder
from fsl.data.intake.listing import Listing

if TYPE_CHECKING:
    from fsl.api.answers import Classes

_LOG = logging.getLogger(__name__)


def health(service: Service, form: Form, progress: Progress) -> object:
    """Say that the server runs."""
    return {"status": "ok", "version": fsl.__version__}


def checkpoints(service: Service, form: Form, progress: Progress) -> object:
    """List the networks."""
    return {"checkpoints": installed()}


def classify(service: Service, form: Form, progress: Progress) -> object:
    """Classify pictures, with the support set of the form or one that is kept."""
    from fsl.api import answers

    method = next((method for method in METHODS if method == form.texts.get("rule")), None)
    with service.memory.holding() as holding:
        classes = _classes_of(service, form, holding, progress)
        queries = answers.pictures_of(form.files["query"], holding)
        threshold = form.numbers.get("threshold")
        return answers.classify_pictures(classes, queries, service.passes, progress, method, threshold)


def compare(service: Service, form: Form, progress: Progress) -> object:
    """Compare pictures with reference pictures."""
    from fsl.api import answers
    from fsl.fewshot.comparison_report import FALSE_ACCEPT, choose_limit, without_alignment

    checkpoint = service.checkpoint(form, COMPARES)
    if form.texts.get("align") == "no":
        checkpoint = without_alignment(checkpoint)
    limit = choose_limit(checkpoint, form.numbers.get("threshold"), form.numbers.get("far", FALSE_ACCEPT))
    with service.memory.holding() as holding:
        references = answers.pictures_of(form.files["reference"], holding)
        probes = answers.pictures_of(form.files["probe"], holding)
        return answers.compare_pictures(checkpoint, references, probes, limit, service.passes, progress)


def embed(service: Service, form: Form, progress: Progress) -> object:
    """Embed pictures."""
    from fsl.api import answers

    checkpoint = service.checkpoint(form)
    with service.memory.holding() as holding:
        pictures = answers.pictures_of(form.files["image"], holding)
        return answers.embed_pictures(checkpoint, pictures, service.passes, progress)


def make_support(service: Service, form: Form, progress: Progress) -> object:
    """Make a support set and keep it."""
    from fsl.api import answers

    service.sets.refuse_if_full()
    checkpoint = service.checkpoint(form)
    kept = Holding(service.memory)
    try:
        with service.memory.holding() as holding:
            listing = _listing_of(service, form, holding)
            classes = answers.read_classes(checkpoint, listing, kept, service.passes, progress)
        name = service.sets.add(classes, kept)
    except BaseException:
        kept.release()
        raise
    return _described(service, name, classes)


def show_support(service: Service, form: Form, progress: Progress) -> object:
    """Describe a support set that is kept."""
    name = form.texts["id"]
    return _described(service, name, service.sets.get(name))


def delete_support(service: Service, form: Form, progress: Progress) -> object:
    """Drop a support set."""
    service.sets.remove(form.texts["id"])
    return {"deleted": form.texts["id"]}


def _described(service: Service, name: str, classes: Classes) -> dict[str, object]:
    return {
        "support": name,
        "checkpoint": classes.checkpoint.info.name,
        "classes": classes.counts(),
        "images": len(classes.support.images),
        "expires_in": service.sets.kept_seconds,
        **classes.remarks(),
    }


def _classes_of(service: Service, form: Form, holding: Holding, progress: Progress) -> Classes:
    """Return the support set that is uploaded with a request, or named by it."""
    from fsl.api import answers

    name, uploads = form.texts.get("support_id"), form.files.get("support", ())
    if (name is None) == (not uploads):
        raise ApiError(400, "Give either support, a zip with a folder per class, or support_id.")
    if name is None:
        listing = answers.listing_of(uploads[0], holding)
        return answers.read_classes(service.checkpoint(form), listing, holding, service.passes, progress)
    classes = service.sets.get(name, missing=422)
    if "checkpoint" in form.texts and service.checkpoint(form).digest != classes.checkpoint.digest:
        raise ApiError(
            422,
            f"This support set was made for the network {classes.checkpoint.info.name!r}. Leave checkpoint "
            "out, or make a support set for the other network.",
        )
    return classes


def _listing_of(service: Service, form: Form, holding: Holding) -> Listing:
    """List the pictures of an uploaded zip, or of a folder of this server."""
    from fsl.api import answers

    folder, uploads = form.texts.get("folder"), form.files.get("support", ())
    if (folder is None) == (not uploads):
        raise ApiError(400, "Give either support, a zip with a folder per class, or folder.")
    if folder is None:
        return answers.listing_of(uploads[0], holding)
    allowed = service.settings.folders
    name, _, below = folder.partition("/")
    if name in allowed:
        try:
            path = (allowed[name] / below).resolve()
            if path.is_relative_to(allowed[name]) and path.is_dir():
                return list_folder(path)
        except (FslError, OSError, ValueError):
            _LOG.warning("A folder of the API cannot be listed", exc_info=True)
    names = listed(list(allowed), 20) or "none"
    raise ApiError(422, f"There is no folder {folder!r} for clients on this server. Its folders: {names}.")
