"""What all requests share."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from fsl.api.errors import ApiError
from fsl.api.forms import Form
from fsl.api.jobs import Jobs
from fsl.api.memory import Memory
from fsl.api.metrics import Metrics
from fsl.api.networks import Networks
from fsl.api.settings import ApiSettings
from fsl.api.support_sets import SupportSets
from fsl.data.images.workers import start_ahead

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.shared_passes import SharedPasses

_LOG = logging.getLogger(__name__)
CLASSIFIES, COMPARES = "photos", "faces"
"""The networks used when a request names none."""


class Service:
    """What all requests share.

    Args:
        settings: of the API.
        passes: returns what makes the forward passes. It is called once, by the first request that needs
            it, as it imports torch.
        elsewhere: returns how many bytes the same server holds for its pages.
    """

    def __init__(
        self,
        settings: ApiSettings,
        passes: Callable[[], SharedPasses],
        elsewhere: Callable[[], int] = lambda: 0,
    ) -> None:
        self.settings = settings
        self.memory = Memory(elsewhere)
        self.jobs = Jobs(settings.n_threads, settings.most_waiting)
        self.sets = SupportSets(settings.most_sets, settings.kept_seconds)
        self.networks = Networks(settings.device)
        self._make_passes = passes
        self._making = threading.Lock()
        self._of_thread = threading.local()
        self._passes: SharedPasses | None = None
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "fsl_api_waiting": ("Requests that wait for a thread.", lambda: self.jobs.waiting),
            "fsl_api_running": ("Requests that are worked on.", lambda: self.jobs.running),
            "fsl_api_support_sets": ("Support sets that are kept.", lambda: len(self.sets)),
            "fsl_api_held_bytes": ("Memory of requests and support sets.", lambda: self.memory.held),
        }
        self.metrics = Metrics(gauges, self._pass_sizes)

    @property
    def passes(self) -> SharedPasses:
        """Return what makes the forward passes."""
        with self._making:
            if self._passes is None:
                self._passes = self._make_passes()
            return self._passes

    def _pass_sizes(self) -> Counter[int]:
        return Counter() if self._passes is None else self._passes.sizes

    def prepare_thread(self) -> None:
        """Let this thread compute on one core only: the passes have a thread that uses all of them.

        With more threads than cores, those that make a pass would sleep between its pieces
        (``fsl.twin.shared_passes``).
        """
        if not hasattr(self._of_thread, "is_prepared"):
            import torch  # takes seconds, so it is not loaded with this module

            torch.get_num_threads()  # or torch would set the number when it is first used
            threadpool_limits(1, user_api="openmp")
            self._of_thread.is_prepared = True

    def warm_up_soon(self) -> None:
        """Import torch and make the usual network ready in the background, before somebody asks."""
        threading.Thread(target=self._warm_up, name="api-warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        try:
            start_ahead()
            self.prepare_thread()
            checkpoint = self.networks.get(CLASSIFIES)
            from fsl.twin.engine.choose import session_of  # imports torch

            session_of(checkpoint.twin)
        except ApiError as error:
            _LOG.warning("%s", error)

    def checkpoint(self, form: Form, usual: str = CLASSIFIES) -> Checkpoint:
        """Return the network that a form names, or the usual one."""
        return self.networks.get(form.texts.get("checkpoint", usual))
