"""The tables of docs/peers.md from what structured_pruning.py printed.

    python3 bench/peers/pruning_tables.py results.json

For each network and tool the share of FLOPs removed and the verdict, then how often each verdict was
reached.
"""

import json
import pathlib
import sys

TOOLS = ("morphnet", "onnxsim", "onnxsim, simplified", "torch-pruning")
KINDS = (
    "pruned, equal", "pruned, equal once renormed", "pruned, not equal", "pruned, not judged",
    "output of another shape", "unchanged", "does not run", "fails", "no end", "crashes",
)


def kind(row):
    """One word for a row of a tool."""
    outcome = row["outcome"]
    if outcome == "unchanged":
        return "unchanged"
    if outcome != "pruned":
        first = outcome.split(":")[0]
        return "output of another shape" if first.startswith("output of") else first
    if row["equal"] is None:
        return "pruned, not judged"
    if row["equal"]:
        return "pruned, equal"
    return "pruned, equal once renormed" if row.get("equal_renormed") else "pruned, not equal"


def summary(rows):
    counts = {}
    for is_real in (True, False):
        for tool in TOOLS:
            part = counts.setdefault("real" if is_real else "micro", {}).setdefault(tool, {})
            for row in rows:
                if row["real"] == is_real:
                    part[kind(row[tool])] = part.get(kind(row[tool]), 0) + 1
    return counts


def cell(row):
    what = kind(row)
    share = row.get("removed")
    text = what.replace("pruned, ", "") if what.startswith("pruned") else what
    if share is not None and what != "unchanged":
        text = f"{100 * share:.{1 if share >= 0.001 else 2}f} %, {text}"
    if what in ("pruned, not equal", "pruned, equal once renormed"):
        text += f" ({row['difference']:.2g})"
    return text


def place(what):
    """In the order of KINDS; "no end in 60 s" is a "no end"."""
    return KINDS.index("no end" if what.startswith("no end") else what)


def print_tables(results):
    for title, is_real in (("Real networks", True), ("Micro-models", False)):
        print(f"## {title}\n\n| network | " + " | ".join(TOOLS) + " |\n|---" + "|---" * len(TOOLS) + "|")
        for row in results["networks"]:
            if row["real"] == is_real:
                print("| " + " | ".join([row["network"], *(cell(row[tool]) for tool in TOOLS)]) + " |")
        counts = results["summary"]["real" if is_real else "micro"]
        print("\n| outcome | " + " | ".join(TOOLS) + " |\n|---" + "|---:" * len(TOOLS) + "|")
        for what in sorted({what for part in counts.values() for what in part}, key=place):
            print(f"| {what} | " + " | ".join(str(counts[tool].get(what, 0)) for tool in TOOLS) + " |")
        print()

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print_tables(json.loads(pathlib.Path(sys.argv[1]).read_text()))
