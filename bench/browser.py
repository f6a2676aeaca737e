"""Compare the exported web page with the Python program: answers, probabilities, and seconds a picture.

    python -m bench browser [--checkpoint NAME] [--data DIR|ZIP] [--quick]

Two pictures of each of ten classes are the support set, and three others of each are classified: by the
page in Chromium, offline, with one thread, and by `fsl.classify`. The pictures are JPEGs of 1024 x 768,
the same enlarged to 4000 x 3000, and those of `--data` if it is given.
"""

import shutil
import tempfile
import time
from pathlib import Path

from PIL import Image

import fsl
from bench._browser import chromium, new_page
from bench._measure import Claim, finish, options_of
from bench._photos import write_photos
from bench._web_page import answers_on_page, runtime, served, write_page
from fsl.data.intake.folders import list_images
from fsl.twin.checkpoint import Checkpoint

N_WAY, N_SHOT, N_QUERY = 10, 2, 3
CAMERA = (4000, 3000)


def split(source: Path, folder: Path) -> list[Path]:
    """Copy the first pictures of each class into "classes" and "queries"; return the queries."""
    listing = list_images(source)
    for name in listing.class_names[:N_WAY]:
        entries = [entry for entry in listing.in_classes if entry.class_name == name]
        for i, entry in enumerate(entries[: N_SHOT + N_QUERY]):
            place = folder / (f"classes/{name}" if i < N_SHOT else "queries")
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{name} {i}{Path(entry.name).suffix}").write_bytes(entry.read())
    return sorted((folder / "queries").iterdir())


def enlarge(source: Path, target: Path) -> None:
    for file in source.rglob("*.jpg"):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            image.resize(CAMERA, Image.Resampling.BICUBIC).save(place, quality=92)


def compare(checkpoint: Checkpoint, address: str, name: str, queries: list[Path]) -> dict:
    """Let the page and the program answer the same queries."""
    task = queries[0].parents[1]
    own = fsl.classify(checkpoint, fsl.SupportSet.from_folder(task / "classes"), queries)
    with chromium() as browser:
        page = new_page(browser)
        page.goto(address)
        page.locator("#status.ready").wait_for()
        began = time.perf_counter()
        found = answers_on_page(page, task, len(queries))
        seconds = time.perf_counter() - began
    pairs = list(zip(found, own, strict=True))
    passes = len(queries) + N_WAY * N_SHOT * checkpoint.info.model.support_views
    same = sum((a["label"], a["unknown"]) == (b.label, b.unknown) for a, b in pairs)
    apart = max(abs(a["scores"][c] - p) for a, b in pairs for c, p in b.scores.items())
    return {
        "pictures": name,
        "queries": len(queries),
        "same answer": same,
        "largest difference of a probability": apart,
        "seconds a forward pass": seconds / passes,
    }


def main() -> None:
    options = options_of(__doc__, ("--checkpoint", {"default": "photos"}), ("--data", {"type": Path}))
    checkpoint = fsl.load(options.checkpoint, "cpu")
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        write_page(top / "page", checkpoint)
        shutil.copytree(runtime(), top / "page" / "runtime")
        write_photos(top / "photos", N_WAY, N_SHOT + N_QUERY)
        kinds = {"JPEG, 1024 x 768": top / "photos"}
        if not options.quick:
            enlarge(top / "photos", top / "large")
            kinds["JPEG, 4000 x 3000"] = top / "large"
        if options.data:
            kinds[options.data.stem] = options.data
        with served(top / "page") as address:
            rows = []
            for number, (name, source) in enumerate(kinds.items()):
                queries = split(source, top / f"task {number}")
                rows.append(compare(checkpoint, address, name, queries))
    n_same, n = sum(row["same answer"] for row in rows), sum(row["queries"] for row in rows)
    claim = Claim(
        f"The web page ({checkpoint.info.name}) in Chromium, against `fsl.classify`",
        f"{n_same} of {n} answers the same",
        f"{n}",
        f"{n_same / n:.3g}",
        "all",
        n_same == n,
    )
    finish("browser", [claim], rows, options.quick, checkpoint=checkpoint.info.name)


if __name__ == "__main__":
    main()
