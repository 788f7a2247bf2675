#!/usr/bin/env python3
"""Sets measured times beside the roofline's.

    latency_table.py LATENCY.json

reads what bench_latency printed: a table, fastest by the roofline first, and how well the order and
the amounts agree.
"""

import json
import re
import sys
from pathlib import Path


def correlation(a: list[float], b: list[float]) -> float:
    """Pearson's r; 0 where one of them does not vary."""
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    alone = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return both / alone**0.5 if alone > 0 else 0.0


def ranks(values: list[float]) -> list[float]:
    """From 1; what is equal shares the mean of its places."""
    ordered = sorted(values)
    return [ordered.index(v) + (ordered.count(v) + 1) / 2 for v in values]


def short_name(network: str) -> str:
    """ "uniform 0.5x" for ".../points/uniform_latency-x.json=0.5x_seed0/uniform_... .morph"."""
    path = Path(network)
    if path.parent.name == "networks":
        return path.stem
    return re.sub(r"_(.*=)?", " ", path.parent.name.removesuffix("_seed0"))


def table(record: dict) -> list[str]:
    rows = sorted(record["networks"], key=lambda row: row["roofline_ms"])
    whole = max(rows, key=lambda row: row["roofline_ms"])
    roofline = record["roofline"]
    lines = [
        f"{record['device']}, batch {record['batch']}, {record['threads']} threads; measured roofline "
        f"{roofline['peak_gflops']:.4g} GFLOP/s, {roofline['bandwidth_gbs']:.4g} GB/s",
        f"{'network':<20} {'MFLOPs':>8} {'roofline ms':>12} {'':>7} {'measured ms':>12} {'':>7}",
    ]
    for row in rows:
        lines.append(
            f"{short_name(row['network']):<20} {row['mflops']:8.2f} "
            f"{row['roofline_ms']:12.4f} {row['roofline_ms'] / whole['roofline_ms']:6.3f}x "
            f"{row['measured_ms']:12.4f} {row['measured_ms'] / whole['measured_ms']:6.3f}x"
        )
    model = [row["roofline_ms"] for row in rows]
    measured = [row["measured_ms"] for row in rows]
    lines.append(
        f"correlation of the times {correlation(model, measured):.3f}, "
        f"of their order {correlation(ranks(model), ranks(measured)):.3f}"
    )
    return lines


if __name__ == "__main__":
    print("\n".join(table(json.loads(Path(sys.argv[1]).read_text()))))
