import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.twin.heads import CosineHead, DifferenceHead, TwinHead, build_head


def random_head(kind: type[TwinHead] = CosineHead, dim: int = 7) -> TwinHead:
    torch.manual_seed(0)
    head = kind(dim)
    with torch.no_grad():
        head.weight.normal_()
        head.bias.fill_(0.3)
    return head


def test_settings_choose_the_head() -> None:
    assert isinstance(build_head(ModelConfig(), 3), DifferenceHead)
    assert isinstance(build_head(ModelConfig(head="cosine"), 3), CosineHead)
    with pytest.raises(SettingsError, match="absolute, cosine"):
        ModelConfig(head="sine")  # type: ignore[arg-type]


def test_with_equal_weights_the_cosine_head_is_the_cosine() -> None:
    head = CosineHead(5)
    a, b = torch.randn(4, 5), torch.randn(4, 5)
    expected = 2 * 2.0 * (1 - F.cosine_similarity(a, b)) - 2.0
    assert torch.allclose(head(a, b), expected, atol=1e-5)


def test_the_difference_head_is_the_weighted_absolute_difference() -> None:
    head = DifferenceHead(3)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
        head.bias.fill_(0.25)
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 0.0, 3.0])
    assert head(a, b).item() == pytest.approx(1.0 * 1 - 2.0 * 2 + 0.5 * 0 + 0.25)


def test_the_cosine_head_is_symmetric_and_ignores_length() -> None:
    head = random_head()
    a, b = torch.randn(3, 7), torch.randn(3, 7)
    assert torch.equal(head(a, b), head(b, a))
    assert torch.allclose(head(a, b), head(5 * a, b / 3), atol=1e-5)
    assert torch.allclose(head(a, a), torch.full((3,), 0.3))


@pytest.mark.parametrize("kind", [CosineHead, DifferenceHead])
def test_pairwise_equals_a_loop_over_pairs(kind: type[TwinHead]) -> None:
    head = random_head(kind)
    a, b = torch.randn(4, 7), torch.randn(6, 7)
    loop = torch.stack([torch.stack([head(x, y) for y in b]) for x in a])
    assert torch.allclose(head.pairwise(a, b), loop, atol=1e-5)
