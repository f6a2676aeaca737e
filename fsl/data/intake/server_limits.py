"""Limits on what a server holds for its visitors, on the pages and over HTTP."""

from __future__ import annotations

from fsl.base.environment import whole_number
from fsl.base.memory import usable_memory
from fsl.data.intake.zip_gate import ImportLimits

MAX_PICTURES = whole_number("FSL_SESSION_PICTURES", 5_000, least=1)
"""Pictures of one browser session, or of one request to the API."""
MAX_BYTES = whole_number("FSL_SESSION_MB", 1_024, least=1) * 2**20
"""What one browser session may hold, or one request to the API may bring."""
SERVER_BYTES = whole_number("FSL_SERVER_MB", usable_memory() // 2**21, least=1) * 2**20
"""What all sessions and requests may hold together; by default half of the memory there is."""
SERVER_IS_FULL = "This server has no memory left for more pictures. Try again when others have left."
PAGE_LIMITS = ImportLimits(max_entries=5 * MAX_PICTURES, max_unpacked_bytes=MAX_BYTES)
"""Limits for a zip that a page or the API unpacks."""
