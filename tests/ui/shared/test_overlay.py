"""A map of contributions laid over a picture."""

import base64
import io

import numpy as np
from PIL import Image

from fsl.ui.shared.overlay import overlay_uri


def test_a_map_colours_what_counts_and_leaves_the_rest_grey() -> None:
    pixels = np.full((8, 8, 3), 120, np.uint8)
    contributions = np.zeros((8, 8), np.float32)
    contributions[:4], contributions[4:, 4:] = 1.0, -1.0
    uri = overlay_uri(pixels, contributions, 1.0)
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"), int)
    top, plain, against = image[20, 160], image[300, 20], image[300, 300]
    assert top[1] > top[0]  # green: more alike
    assert against[0] > against[1] > against[2]  # orange: set apart
    assert np.ptp(plain) == 0
