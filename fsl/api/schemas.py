"""JSON schemas of the answers."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
TRUTH: Schema = {"type": "boolean"}
MAYBE_SHARE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def array(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def record(_optional: dict[str, Schema] | None = None, **required: Schema) -> Schema:
    """Return the schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": {**required, **(_optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


REMARKS: dict[str, Schema] = {
    "left_out": {**array(record(file=TEXT, reason=TEXT)), "description": "files that could not be used"},
    "notes": {**array(TEXT), "description": "what else to know about the data"},
}
_SIMILARITY = {
    "type": "object",
    "properties": {"class": TEXT, "support": TEXT, "similarity": SHARE},
    "required": ["class", "support", "similarity"],
    "additionalProperties": False,
}
_PREDICTION = record(
    query=TEXT,
    label=TEXT,
    probability=SHARE,
    unknown=TRUTH,
    scores={"type": "object", "additionalProperties": SHARE, "description": "probability by class"},
    similarities=array(_SIMILARITY),
)
_FACE = record(image=TEXT, box=array(NUMBER), landmarks=array(array(NUMBER)), score=NUMBER)

SCHEMAS: dict[str, Schema] = {
    "Error": record(error=TEXT),
    "Health": record(status={"const": "ok"}, version=TEXT),
    "Checkpoints": record(checkpoints=array(record(name=TEXT, title=TEXT, image_size=COUNT))),
    "Predictions": record(REMARKS, predictions=array(_PREDICTION)),
    "Comparison": record(
        {
            "false_accept": MAYBE_SHARE,
            "false_accept_high": MAYBE_SHARE,
            "false_reject": MAYBE_SHARE,
            "promise": {**TEXT, "description": "the error rates at this limit, in words"},
            **REMARKS,
        },
        pairs=array(record(reference=TEXT, probe=TEXT, similarity=SHARE, same=TRUTH, threshold=SHARE)),
        probes=array(record(probe=TEXT, similarity=SHARE, same=TRUTH, face=COUNT, n_faces=COUNT)),
        checkpoint=TEXT,
        faces=array(_FACE),
    ),
    "Embeddings": record(
        REMARKS,
        images=COUNT,
        dimension=COUNT,
        seconds=NUMBER,
        embeddings=array(record(image=TEXT, embedding=array(NUMBER))),
    ),
    "Support": record(
        REMARKS,
        support=TEXT,
        checkpoint=TEXT,
        classes={"type": "object", "additionalProperties": COUNT, "description": "pictures by class"},
        images=COUNT,
        expires_in={**NUMBER, "description": "seconds after the last use"},
    ),
    "Deleted": record(deleted=TEXT),
}
"""By name."""
