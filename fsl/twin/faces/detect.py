"""Find the faces of a picture: boxes, five landmarks each, and how sure the detector is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torchvision.ops import batched_nms, nms, roi_align

from fsl.base.types import Float64Array
from fsl.twin.faces.cascade import Cascade

WEIGHTS = Path(__file__).with_name("detector.safetensors")
# From the paper's authors: what each network lets pass, and the step between the sizes of the picture.
THRESHOLDS = (0.6, 0.7, 0.7)
PYRAMID_STEP = 0.709
WINDOW = 12
MOST_CANDIDATES = 400
# A first look at a small copy finds every face that fills a good part of the picture. Only where it finds
# none does a second look pay: for faces of about 40 pixels in a photo of 12 megapixels.
FIRST_LOOK_SIDE, FIRST_LOOK_SMALLEST = 640, 24
FIRST_LOOK_SHARE = 0.12
SECOND_LOOK_SIDE, SECOND_LOOK_SMALLEST = 2400, 18
# A picture that is all face, such as a scan cut close, is given a mirrored margin of this share of its sides.
MARGIN = 0.4


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Attributes:
        box: left, top, right and bottom in pixels of the picture; may reach outside it.
        landmarks: float64 ``(5, 2)``, x and y in pixels: the eyes, the nose and the corners of the mouth, the
            left one in the picture first.
        score: how sure the detector is, 0.7 to 1.
    """

    box: tuple[float, float, float, float]
    landmarks: Float64Array
    score: float

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@cache
def detector() -> Cascade:
    """Return the detector that comes with the program, loaded once per process."""
    cascade = Cascade()
    cascade.load_state_dict(load_file(WEIGHTS))
    # Pooling is many times faster on the processor with channels last.
    return cascade.eval().to(memory_format=torch.channels_last)


def find_faces(image: Image.Image, *, thorough: bool = False) -> list[Face]:
    """Return the faces of a picture, the most prominent first.

    Args:
        image: RGB, upright.
        thorough: also look for small faces where large ones are found: for group photos.
    """
    faces = [] if thorough else _first_look(image)
    if not faces:
        faces = _look(image, SECOND_LOOK_SIDE, SECOND_LOOK_SMALLEST) or _look_with_margin(image)
    return sorted(faces, key=lambda face: -_prominence(face, image))


def people_in(image: Image.Image) -> list[Face]:
    """Return the faces of a picture, the most prominent first; search a group photo for small ones."""
    faces = find_faces(image)
    return find_faces(image, thorough=True) if len(faces) > 1 else faces


def main_face(image: Image.Image) -> Face | None:
    """Return the most prominent face of a picture, or None if none is found."""
    return next(iter(find_faces(image)), None)


def _prominence(face: Face, image: Image.Image) -> float:
    """How much a face is what the picture is about: large, and near its middle (square pixels)."""
    x = (face.box[0] + face.box[2] - image.width) / 2
    y = (face.box[1] + face.box[3] - image.height) / 2
    return face.area - 2 * (x * x + y * y)


def _first_look(image: Image.Image) -> list[Face]:
    """Find the faces that fill a good part of the picture."""
    shown = min(1.0, FIRST_LOOK_SIDE / max(image.size)) * min(image.size)
    return _look(image, FIRST_LOOK_SIDE, max(FIRST_LOOK_SMALLEST, FIRST_LOOK_SHARE * shown))


def _look(image: Image.Image, longest_side: int, smallest_face: float) -> list[Face]:
    """Find faces of ``smallest_face`` pixels and more, in a copy with sides of at most ``longest_side``."""
    scale = min(1.0, longest_side / max(image.size))
    if scale < 1:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return [_moved(face, 1 / scale, 0, 0) for face in _run(image, smallest_face)]


def _look_with_margin(image: Image.Image) -> list[Face]:
    """Find a face that fills its picture: the detector needs some of what is around it."""
    across, down = round(image.width * MARGIN), round(image.height * MARGIN)
    if min(image.size) < 2:
        return []
    pixels = np.pad(np.asarray(image), ((down, down), (across, across), (0, 0)), "symmetric")
    wide = Image.fromarray(pixels)
    scale = max(1.0, 300 / min(wide.size))
    if scale > 1:
        wide = wide.resize((round(wide.width * scale), round(wide.height * scale)), Image.Resampling.BICUBIC)
    found = _first_look(wide)
    return [_moved(face, 1 / scale, -across, -down) for face in found]


def _moved(face: Face, scale: float, x: float, y: float) -> Face:
    left, top, right, bottom = (edge * scale for edge in face.box)
    box = (left + x, top + y, right + x, bottom + y)
    return Face(box, face.landmarks * scale + np.array([x, y]), face.score)


@torch.inference_mode()
def _run(image: Image.Image, smallest_face: float) -> list[Face]:
    """Run the cascade on a picture as it is; faces of fewer pixels across may be missed."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    pixels = ((pixels - 127.5) / 128).contiguous(memory_format=torch.channels_last)
    boxes = _proposals(pixels, smallest_face)
    boxes = _refined(pixels, boxes)
    return _placed(pixels, boxes)


def _proposals(pixels: Tensor, smallest: float) -> Tensor:
    """Candidates ``(N, 4)``, square, from all sizes of the picture."""
    height, width = pixels.shape[2:]
    scale = WINDOW / smallest
    boxes: list[Tensor] = []
    scores: list[Tensor] = []
    levels: list[Tensor] = []
    while min(height, width) * scale >= WINDOW:
        resized = F.interpolate(pixels, (int(height * scale + 1), int(width * scale + 1)), mode="area")
        chance, corrections = detector().propose(resized)
        rows, columns = torch.where(chance[0] >= THRESHOLDS[0])
        corner = torch.stack([columns, rows], 1).float() * 2  # the network halves the picture
        box = torch.cat([corner, corner + WINDOW], 1) / scale
        boxes.append(_corrected(box, corrections[0, :, rows, columns].T))
        scores.append(chance[0, rows, columns])
        levels.append(torch.full((len(rows),), len(levels)))
        scale *= PYRAMID_STEP
    if not boxes:
        return torch.empty(0, 4)
    box, score, level = torch.cat(boxes), torch.cat(scores), torch.cat(levels)
    kept = batched_nms(box, score, level, 0.5)
    kept = kept[nms(box[kept], score[kept], 0.7)][:MOST_CANDIDATES]
    return _square(box[kept])


def _refined(pixels: Tensor, boxes: Tensor) -> Tensor:
    """Those candidates that the second network lets pass, corrected and square."""
    if not len(boxes):
        return boxes
    score, corrections = detector().refine(_crops(pixels, boxes, 24))
    passed = score >= THRESHOLDS[1]
    boxes, score = _corrected(boxes[passed], corrections[passed]), score[passed]
    return _square(boxes[nms(boxes, score, 0.7)])


def _placed(pixels: Tensor, boxes: Tensor) -> list[Face]:
    """The faces that the third network lets pass, the surest first."""
    if not len(boxes):
        return []
    score, corrections, places = detector().place(_crops(pixels, boxes, 48))
    passed = score >= THRESHOLDS[2]
    boxes, score, places = boxes[passed], score[passed], places[passed]
    sides = boxes[:, 2:] - boxes[:, :2]
    points = torch.stack([places[:, :5], places[:, 5:]], 2) * sides[:, None] + boxes[:, None, :2]
    boxes = _corrected(boxes, corrections[passed])
    faces = [
        Face((box[0], box[1], box[2], box[3]), landmarks.double().numpy(), chance)
        for box, landmarks, chance in zip(boxes.tolist(), points, score.tolist(), strict=True)
    ]
    return _distinct(sorted(faces, key=lambda face: -face.score))


def _distinct(faces: list[Face]) -> list[Face]:
    """Drop a face that lies mostly inside one that is surer."""
    kept: list[Face] = []
    for face in faces:
        if all(_overlap(face, other) <= 0.7 * min(face.area, other.area) for other in kept):
            kept.append(face)
    return kept


def _overlap(a: Face, b: Face) -> float:
    """Square pixels that both boxes cover."""
    width = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    height = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    return max(0.0, width) * max(0.0, height)


def _crops(pixels: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Float ``(N, 3, size, size)``: the candidates cut out, black outside the picture."""
    crops: Tensor = roi_align(pixels, [boxes], size, 1.0, 2, aligned=True)
    return crops.contiguous(memory_format=torch.channels_last)


def _corrected(boxes: Tensor, corrections: Tensor) -> Tensor:
    """Boxes moved by corrections, which are shares of their sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return boxes + corrections * torch.cat([sides, sides], 1)


def _square(boxes: Tensor) -> Tensor:
    """The squares around the middles of the boxes that are as large as their longer sides."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([middle - half, middle + half], 1)
