"""A machine-learning backend for Label Studio: it proposes classes from the few labelled pictures.

    LABEL_STUDIO_URL=http://127.0.0.1:8080 LABEL_STUDIO_API_KEY=... \\
        python examples/label_studio/backend.py --state labels.json [--checkpoint photos] [--port 9090]

In Label Studio, add http://127.0.0.1:9090 under Settings, Model, of a project with one <Image> and one
<Choices>. As soon as two classes have a label, it proposes classes. Every new label counts at once, because
nothing is trained. A picture similar to no class gets no proposal. "Start training" reads all labels anew.

Labels are kept in the file of --state. Pictures are read from LABEL_STUDIO_URL, or from the folder that
LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT names, and from nowhere else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from xml.etree import ElementTree

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import fsl
from fsl.base.errors import DataError, FslError
from fsl.base.files import write_atomically
from fsl.base.lru import LruCache
from fsl.fewshot.classify import Prediction
from fsl.fewshot.pictures import NamedImage
from fsl.twin.checkpoint import Checkpoint

LOCAL_FILES = "/data/local-files/"
MOST_BYTES = 64 * 2**20
MOST_CACHED = 512 * 2**20
SECONDS = 30


@dataclass(frozen=True)
class Place:
    """Where pictures are: Label Studio's address and key, and its folder of local files."""

    url: str = ""
    key: str = ""
    folder: Path | None = None

    def read(self, address: str) -> bytes:
        """Return a picture that a task names.

        Raises:
            DataError: it lies elsewhere, or cannot be read.
        """
        if address.startswith(LOCAL_FILES):
            return self._local(parse_qs(urlsplit(address).query).get("d", [""])[0])
        return self.fetch(address)

    def fetch(self, address: str) -> bytes:
        """Return what Label Studio answers at an address of its own.

        Raises:
            DataError: the address is not Label Studio's, or it does not answer.
        """
        full = urljoin(f"{self.url}/", address)
        if not self.url or urlsplit(full)[:2] != urlsplit(self.url)[:2]:
            raise DataError(f"{address} is not on Label Studio's server, {self.url or 'LABEL_STUDIO_URL'}.")
        request = urllib.request.Request(full, headers={"Authorization": f"Token {self.key}"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.read(MOST_BYTES + 1)
        except (urllib.error.URLError, OSError) as error:
            raise DataError(f"{address} cannot be fetched: {error}") from error

    def _local(self, name: str) -> bytes:
        root = self.folder.resolve() if self.folder else None
        path = (root / name).resolve() if root else None
        if root is None or path is None or not path.is_relative_to(root):
            raise DataError(f"{name} is not in LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT.")
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{name} cannot be read: {error.strerror}.") from error


@dataclass
class Project:
    """A project: its tags, and what people labelled.

    Attributes:
        image, choices: the names of the tags <Image> and <Choices>.
        key: the key of a task's data that names the picture.
        labels: for each task: the address of its picture, its class, and the annotation it comes from. A
            change makes a new dictionary, since another request may be reading this one.
    """

    image: str = "image"
    choices: str = "choice"
    key: str = "image"
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read_config(self, config: str) -> None:
        """Take the names of the tags from the labelling interface.

        Raises:
            DataError: it has no <Image> with <Choices>.
        """
        try:
            tags = list(ElementTree.fromstring(config).iter())
        except ElementTree.ParseError as error:
            raise DataError(f"The labelling interface is no XML: {error}.") from error
        for choices in (tag for tag in tags if tag.tag == "Choices"):
            for image in (tag for tag in tags if tag.tag == "Image"):
                if choices.get("toName") == image.get("name"):
                    self.image, self.choices = image.get("name", ""), choices.get("name", "")
                    self.key = image.get("value", "").removeprefix("$")
                    return
        raise DataError("The labelling interface needs an <Image> and <Choices> for it.")

    def learn(self, task: dict[str, Any], annotation: dict[str, Any]) -> None:
        """Take what an annotation says about its task; one without a choice takes the label away."""
        chosen = [
            choice
            for result in annotation.get("result", [])
            if result.get("from_name") == self.choices
            for choice in result.get("value", {}).get("choices", [])
        ]
        labels = {name: label for name, label in self.labels.items() if name != str(task["id"])}
        if len(chosen) == 1 and self.key in task.get("data", {}):
            labels[str(task["id"])] = {
                "picture": task["data"][self.key],
                "class": chosen[0],
                "annotation": annotation.get("id"),
            }
        self.labels = labels

    def forget(self, annotations: set[Any]) -> None:
        """Forget what deleted annotations said."""
        self.labels = {k: v for k, v in self.labels.items() if v["annotation"] not in annotations}

    def version(self, checkpoint: Checkpoint) -> str:
        """Return a name for what is known now; Label Studio asks again when it has changed."""
        digest = hashlib.sha256(json.dumps(self.labels, sort_keys=True).encode()).hexdigest()[:8]
        return f"{checkpoint.info.name}, {len(self.labels)} labels ({digest})"


class Backend:
    """Answers Label Studio's requests; several may come at once."""

    def __init__(self, checkpoint: Checkpoint, place: Place, state: Path) -> None:
        self.checkpoint, self._place, self._state = checkpoint, place, state
        self._lock = threading.Lock()
        self._pictures = LruCache[str, NamedImage](
            most_bytes=MOST_CACHED, size=lambda one: 3 * math.prod(one.image.size)
        )
        known = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        self._projects = {name: Project(**values) for name, values in known.items()}

    def setup(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take the labelling interface of a project."""
        project = self._project(body["project"])
        if body.get("schema"):
            project.read_config(body["schema"])
        self._save()
        return {"model_version": project.version(self.checkpoint)}

    def predict(self, body: dict[str, Any]) -> dict[str, Any]:
        """Propose a class for each task."""
        project = self._project(body.get("project") or "")
        if body.get("label_config"):
            project.read_config(body["label_config"])
        version = project.version(self.checkpoint)
        classes: dict[str, list[NamedImage]] = {}
        for label in project.labels.values():
            if (picture := self._picture(label["picture"])) is not None:
                classes.setdefault(label["class"], []).append(picture)
        support = fsl.SupportSet.from_classes(classes) if len(classes) > 1 else None
        pictures = [self._picture(task.get("data", {}).get(project.key, "")) for task in body["tasks"]]
        readable = [picture for picture in pictures if picture is not None]
        answers = iter(fsl.classify(self.checkpoint, support, readable) if support and readable else [])
        found = [next(answers, None) if picture is not None else None for picture in pictures]
        return {"results": [_proposal(project, answer, version) for answer in found]}

    def webhook(self, body: dict[str, Any]) -> dict[str, Any]:
        """Learn from an annotation that was made, changed or deleted."""
        action, project = body.get("action"), self._project(body.get("project", {}).get("id", ""))
        if action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
            with self._lock:
                project.learn(body["task"], body["annotation"])
        elif action == "ANNOTATIONS_DELETED":
            deleted = {annotation["id"] for annotation in body.get("annotations", [])}
            with self._lock:
                project.forget(deleted)
        elif action == "START_TRAINING":
            exported = self._place.fetch(f"/api/projects/{int(body['project']['id'])}/export?exportType=JSON")
            self._learn_all(project, json.loads(exported))
        self._save()
        return {"status": "ok", "model_version": project.version(self.checkpoint)}

    def train(self, body: dict[str, Any]) -> dict[str, Any]:
        """Learn from all tasks with annotations at once; older versions of Label Studio send them."""
        project = self._project(body.get("project") or "")
        if body.get("label_config"):
            project.read_config(body["label_config"])
        self._learn_all(project, body.get("annotations", []))
        self._save()
        return {"status": "ok", "model_version": project.version(self.checkpoint)}

    def _learn_all(self, project: Project, tasks: list[dict[str, Any]]) -> None:
        learned = replace(project, labels={})
        for task in tasks:
            for annotation in task.get("annotations", []):
                if not annotation.get("was_cancelled"):
                    learned.learn(task, annotation)
        with self._lock:
            project.labels = learned.labels

    def _picture(self, address: str) -> NamedImage | None:
        """Return a picture, read once; None if it cannot be read, which the log says."""
        try:
            found = self._pictures.get(address)
            if found is None:
                found = NamedImage.from_bytes(self._place.read(address), address)
                self._pictures.put(address, found)
            return found
        except FslError as error:
            print(f"backend: {error}", flush=True)
            return None

    def _project(self, name: object) -> Project:
        """Return a project by its number; Label Studio may add the time it was made ("3.1700000000")."""
        with self._lock:
            return self._projects.setdefault(str(name).partition(".")[0], Project())

    def _save(self) -> None:
        with self._lock:
            projects = {name: vars(project) for name, project in self._projects.items()}
            write_atomically(self._state, json.dumps(projects, indent=1).encode())


def _proposal(project: Project, answer: Prediction | None, version: str) -> dict[str, Any]:
    if answer is None or answer.unknown:
        return {"result": [], "score": 0.0, "model_version": version}
    choice = {
        "from_name": project.choices,
        "to_name": project.image,
        "type": "choices",
        "value": {"choices": [answer.label]},
        "score": answer.probability,
    }
    return {"result": [choice], "score": answer.probability, "model_version": version}


def application(backend: Backend) -> Starlette:
    """Return the web application, with the routes of Label Studio's protocol."""

    def answering(method: Any, status: int = 200) -> Any:
        async def endpoint(request: Request) -> JSONResponse:
            try:
                body = await request.json()
                return JSONResponse(await run_in_threadpool(method, body), status_code=status)
            except FslError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return JSONResponse(
                    {"error": f"This is no request of Label Studio: {error!r}"}, status_code=400
                )

        return endpoint

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "UP", "model_class": "FewShotLab"})

    return Starlette(
        routes=[
            Route("/", health),
            Route("/health", health),
            Route("/setup", answering(backend.setup), methods=["POST"]),
            Route("/predict", answering(backend.predict), methods=["POST"]),
            Route("/webhook", answering(backend.webhook, 201), methods=["POST"]),
            Route("/train", answering(backend.train, 201), methods=["POST"]),
        ]
    )


def main() -> None:
    """Serve until Ctrl-C, to this machine alone unless --host says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--state", type=Path, required=True, metavar="FILE", help="where labels are kept")
    parser.add_argument("--checkpoint", default="photos")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090)
    options = parser.parse_args()
    folder = os.environ.get("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT")
    url, key = os.environ.get("LABEL_STUDIO_URL", ""), os.environ.get("LABEL_STUDIO_API_KEY", "")
    place = Place(url.rstrip("/"), key, Path(folder) if folder else None)
    backend = Backend(fsl.load(options.checkpoint), place, options.state)
    uvicorn.run(application(backend), host=options.host, port=options.port)


if __name__ == "__main__":
    main()
