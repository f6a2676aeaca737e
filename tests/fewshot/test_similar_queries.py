"""How similar queries are to one of them."""

import pytest

from fsl.fewshot.classify import classify
from fsl.fewshot.similar_queries import similar_queries
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import named_image, support_set


def test_a_query_is_as_similar_to_an_example_as_its_answer_says() -> None:
    made, support = checkpoint(), support_set()
    queries = [named_image(colour, 90 + seed) for seed, colour in enumerate(("red", "green", "blue", "red"))]
    answers = classify(made, support, queries)
    for place, example in enumerate(support.images):
        found = similar_queries(made, support, queries, example)
        assert found == pytest.approx([answer.similarities[place] for answer in answers], abs=1e-5)
    assert max(similar_queries(made, support, queries, queries[1])) == pytest.approx(
        similar_queries(made, support, queries, queries[1])[1]
    )
