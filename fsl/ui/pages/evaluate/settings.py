"""Settings of the Evaluate page; address ``?source=digits&network=fruits,photos&way=5&shot=1&seed=0``."""

from __future__ import annotations

from fsl.config import PIXELS
from fsl.data.catalogue import Source
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.page_links import CLASSIFY_ON_MAP
from fsl.ui.shared.resources import Choice
from fsl.ui.shared.settings import Setting, address_of
from fsl.ui.shared.sources import CLASSIFY, UPLOAD, kind_of

SOURCE = Setting("ev_source", "Pictures", "")
NETWORKS: Setting[list[str] | None] = Setting("ev_networks", "Networks", None)
BASELINES = Setting(
    "ev_baselines",
    "Baselines",
    [PIXELS],
    help="Measured on the same tests. Pixels alone: the most similar picture, without any network. "
    "Untrained: the same network with random weights. Cosine: the backbones inside the network “photos”, "
    "which learned from a million everyday photos, compared by angle alone",
)
WAY = Setting(
    "ev_way", "Classes (ways)", 5, "Number of classes to choose from.", (2, 100, 1), parameter="way"
)
SHOT = Setting(
    "ev_shot",
    "Examples (shots)",
    1,
    "Pictures of each class to learn it from.",
    (1, 50, 1),
    parameter="shot",
)
QUERY = Setting("ev_query", "Questions per class", 5, "Pictures of each class to classify.", (1, 50, 1))
EPISODES = Setting(
    "ev_episodes",
    "Tests",
    500,
    "More tests make the figure steadier; only more pictures make its margin of error much smaller.",
    (10, 5000, 1),
)
PER_CLASS = Setting(
    "ev_per_class",
    "Pictures per class",
    10,
    "At most this many pictures of each class are used. The network embeds all of them first, so this "
    "decides how long the first evaluation takes.",
    (2, 200, 1),
)
SEED = Setting("ev_seed", "Seed", 0, "Another seed draws other tests.", (0, 9999, 1), parameter="seed")

_PAGE = "evaluate"
_NUMBERS = (WAY, SHOT, SEED)


def take_address(known: dict[str, Source], installed: list[Choice]) -> None:
    """Adopt what the address asks for; ignore what does not exist or is out of range.

    Args:
        known: sources that exist now, by key.
        installed: networks that exist now.
    """
    asked = read_address(_PAGE)
    source = next((key for key in known if kind_of(key) == asked.get("source")), None)
    if source is not None:
        SOURCE.put(source)
    names = asked.get("network", "").split(",")
    networks = [choice.name for choice in installed if choice.name in names]
    if networks:
        NETWORKS.put(networks)
    for number in _NUMBERS:
        number.take(asked)


def show_address() -> None:
    """Write the settings into the address, except an upload, which no link could bring back."""
    kind = kind_of(SOURCE.value)
    settings = {"source": "" if kind == UPLOAD else kind, "network": ",".join(NETWORKS.value or ())}
    write_address(_PAGE, settings | address_of(*_NUMBERS))


def map_address(source: Source, network: str) -> dict[str, str] | None:
    """Return the address of the same pictures and network on the Embeddings page.

    Returns:
        the parameters; None if that page cannot show these pictures.
    """
    kind = kind_of(source.key)
    if kind == UPLOAD or not source.is_here:
        return None
    return {"source": CLASSIFY_ON_MAP if kind == CLASSIFY else kind, "network": network}
