"""What a process says to the workers that decode pictures for it, and they to it.

Numbers are in the machine's own order. A request is :data:`REQUEST` and then the file. Answers begin with
one byte: :data:`ASKS_TURN` waits for one byte in return; :data:`PICTURE` is followed by :data:`SIZE` and the
RGB pixels; :data:`REFUSED` by :data:`LENGTH` and the reason in UTF-8. Nothing is unpickled, so a worker that
a picture took over has no power over the process that asks.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct("=QQQQ")
"""Bytes of the file; then ``DecodeLimits``: most bytes, most pixels, most pixels a side."""
SIZE = struct.Struct("=II")
"""Width and height."""
LENGTH = struct.Struct("=I")
"""Bytes of the reason."""
ASKS_TURN, PICTURE, REFUSED = b"T", b"P", b"R"
GO_AHEAD = b"G"
