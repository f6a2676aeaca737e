"""The twin network: backbones, head, pair batches, losses, preprocessing and checkpoint files."""

from PIL import Image

from fsl.data.images.resize import add_fit


def _face(image: Image.Image, size: int) -> Image.Image:
    # The detector needs torch, which whoever only looks at a checkpoint's header should not wait for.
    from fsl.twin.faces.prepare import upright_face

    return upright_face(image, size)


add_fit("face", _face)
