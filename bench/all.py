"""Run all measurements and write the README's table of them.

    python -m bench all [--quick]       run all, then write the table
    python -m bench all --table         write the table from the stored results

The table is between two markers in README.md. Figures of quick trials are marked, and are used only if there
is no full run.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench._measure import options_of, result_file, say

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- bench: written by `python -m bench all` -->", "<!-- /bench -->"
NAMES = (
    "time_to_accuracy",
    "overhead",
    "inference",
    "photos_speed",
    "evaluation",
    "threads",
    "app",
    "first_point",
    "lesson",
    "finetune",
    "few_photos",
    "stop",
    "growth",
    "embed_map",
    "map_frames",
    "tsne",
    "api",
    "label_next",
)

PARTS = {"app": ("start", "pages", "answers", "sort_300", "sort_3000", "zip")}
"""The parts of the measurements that write a result for each."""


def main() -> None:
    options = options_of(
        __doc__, ("--table", {"action": "store_true", "help": "only write the table from the results"})
    )
    failed = []
    for name in () if options.table else NAMES:
        say(f"--- {name}")
        quick = ["--quick"] if options.quick else []
        if subprocess.run([sys.executable, "-m", "bench", name, *quick]).returncode:
            failed.append(name)
    results = [result for name in result_names() if (result := latest(name))]
    text = README.read_text(encoding="utf-8")
    README.write_text(with_table(text, table_of(results)), encoding="utf-8")
    say(f"{len(results)} of {len(result_names())} results in the table of {README.name}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def result_names() -> list[str]:
    """Return the names of the result files, in the order of the table."""
    return [f"{name}_{part}" if part else name for name in NAMES for part in PARTS.get(name, ("",))]


def latest(name: str) -> dict | None:
    """Return the result of the full run, else that of the quick trial, else None."""
    files = (result_file(name, quick) for quick in (False, True))
    file = next((file for file in files if file.exists()), None)
    return json.loads(file.read_text(encoding="utf-8")) if file else None


def table_of(results: list[dict]) -> str:
    """Return the README's table, with a row per claim."""
    lines = [
        "| what | here | compared with | ratio (middle half) | goal | command |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        for claim in result["claims"]:
            mark = " (quick trial)" if result["quick"] else ("" if claim["met"] else " **missed**")
            cells = [claim["what"], claim["ours"], claim["peer"], claim["ratio"], claim["goal"] + mark]
            lines.append("| " + " | ".join([*cells, f"`{result['command']}`"]) + " |")
    return "\n".join([*lines, "", *measured_on(results)])


def measured_on(results: list[dict]) -> list[str]:
    """Return a sentence for each machine that the results come from."""
    machines = {
        f"{m['processor']}, {m['usable']} of {m['cores']} cores, torch {m['torch']}"
        for m in (result["machine"] for result in results)
    }
    return [f"Measured on: {machine}." for machine in sorted(machines)]


def with_table(readme: str, table: str, begin_mark: str = BEGIN, end_mark: str = END) -> str:
    """Return the README with ``table`` between its markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = readme.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise ValueError(f"README.md lacks the markers {begin_mark} and {end_mark}.")
    return f"{before}{begin}\n{table}\n{end}{after}"


if __name__ == "__main__":
    main()
