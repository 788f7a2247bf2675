#!/usr/bin/env python3
"""Sets measured times beside the roofline's.

    latency_table.py LATENCY.json [--picture FILE.svg]

reads what bench_latency printed: a table, fastest by the roofline first, and how well the order and
the amounts agree. The picture has measured time over the roofline's, both as shares of the whole
network's.
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


def agreement(rows: list[dict]) -> str:
    model = [row["roofline_ms"] for row in rows]
    measured = [row["measured_ms"] for row in rows]
    return (
        f"correlation of the times {correlation(model, measured):.3f}, "
        f"of their order {correlation(ranks(model), ranks(measured)):.3f}"
    )


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
    lines.append(agreement(rows))
    learned = [row for row in rows if not short_name(row["network"]).startswith("uniform")]
    if 2 < len(learned) < len(rows):
        lines.append(f"without the uniform ones: {agreement(learned)}")
    return lines


COLOURS = {"seed": "#555555", "morphnet": "#1f6fb4", "uniform": "#c23b22"}


def picture(record: dict) -> str:
    """An SVG: on the diagonal time follows the model."""
    rows = record["networks"]
    whole = max(rows, key=lambda row: row["roofline_ms"])
    points = [
        (
            row["roofline_ms"] / whole["roofline_ms"],
            row["measured_ms"] / whole["measured_ms"],
            short_name(row["network"]).split(" ")[0],
        )
        for row in rows
    ]
    top = max(1.1, *(measured + 0.1 for _, measured, _ in points))

    def at(x: float, y: float) -> tuple[float, float]:
        return 60 + 360 * x / 1.1, 340 - 300 * y / top

    def text(x: float, y: float, words: str, more: str = "") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'

    left, bottom = at(0, 0)
    right, _ = at(1.1, 0)
    _, ceiling = at(0, top)
    end = min(1.1, top)
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 400" font-family="sans-serif" '
        'font-size="12" fill="#333">',
        text(60, 20, f"{record['device']}, batch {record['batch']}", 'font-weight="bold"'),
        f'<path d="M{left:.1f} {ceiling:.1f}V{bottom:.1f}H{right:.1f}" fill="none" stroke="#333"/>',
        '<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}" stroke="#999" stroke-dasharray="4 4"/>'.format(
            *at(0, 0), *at(end, end)
        ),
    ]
    for step in (0.25, 0.5, 0.75, 1.0):
        lines.append(text(*at(step, -0.06 * top), f"{step:g}x", 'text-anchor="middle"'))
        lines.append(text(at(0, step)[0] - 8, at(0, step)[1] + 4, f"{step:g}x", 'text-anchor="end"'))
    lines.append(text(*at(0.55, -0.13 * top), "time by the roofline", 'text-anchor="middle"'))
    lines.append(text(left + 8, ceiling + 4, "measured time"))
    for x, y, kind in points:
        cx, cy = at(x, y)
        lines.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" fill="{COLOURS[kind]}"/>')
    for i, (kind, colour) in enumerate(COLOURS.items()):
        lines.append(f'<circle cx="440" cy="{60 + 20 * i}" r="5" fill="{colour}"/>')
        lines.append(text(452, 64 + 20 * i, kind))
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text())
    print("\n".join(table(measured)))
    if sys.argv[2:3] == ["--picture"]:
        Path(sys.argv[3]).write_text(picture(measured))
