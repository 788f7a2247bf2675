#!/usr/bin/env python3
"""Puts the rows of a figure's sweeps into one list.

    collect.py FOLDER

Reads FOLDER/results/*.json, those that have a list `results`, and writes FOLDER/results.json and
FOLDER/results.csv: of each training its network, method, MFLOPs, parameters, seed, accuracy, epochs
and whether it inherited its weights, and of each file its command, date, device and versions. `epochs`
is what the network itself was trained for, while its structure was learned included if it inherited.
"""

import csv
import json
import sys
from pathlib import Path

COLUMNS = ["network", "method", "mflops", "params", "seed", "top1", "epochs", "inherited"]


def collect(sources: dict[str, dict]) -> dict:
    """Of {name: content}; the newest date and its versions stand for the whole."""
    runs, rows = [], []
    for name, source in sorted(sources.items()):
        about = {key: source.get(key) for key in ("date", "device", "versions", "command")}
        runs.append({"name": name} | about)
        for row in source["results"]:
            rows.append({key: row[key] for key in COLUMNS} | {"device": source["device"], "run": name})
    newest = max(runs, key=lambda run: run["date"])
    devices = sorted({run["device"] for run in runs})
    return {
        "date": newest["date"],
        "device": ", ".join(devices),
        "versions": newest["versions"],
        "results": rows,
        "runs": runs,
    }


def main(folder: Path) -> None:
    sources = {}
    for path in folder.glob("results/*.json"):
        content = json.loads(path.read_text())
        if content.get("results"):
            sources[path.stem] = content
    if not sources:
        return  # No training has ended yet.
    collected = collect(sources)
    (folder / "results.json").write_text(json.dumps(collected, indent=1) + "\n")
    with (folder / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, "device", "run"], lineterminator="\n")
        writer.writeheader()
        for row in collected["results"]:
            writer.writerow(row | {"inherited": json.dumps(row["inherited"])})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
