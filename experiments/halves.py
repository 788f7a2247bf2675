#!/usr/bin/env python3
"""Says where the learned networks of a sweep lost their channels.

    halves.py RESULTS.json [--picture FILE.svg]

Of each learned network the mean share of its width that a layer keeps, over the first and over the
second half of the layers, and over each stage (layers whose names begin alike); and whether FLOPs
prune the early half more and parameters the late one. The picture has the share of every layer, a
row for each network.
"""

import json
import sys


def statement(widths: list[dict]) -> list[str]:
    lines, leans = [], {}
    for network in widths:
        early, late = network["kept_early"], network["kept_late"]
        lines.append(
            f"{network['method']}, {network['budget']}: the first half of the layers keeps "
            f"{100 * early:.1f} % of its widths, the second {100 * late:.1f} %"
        )
        leans[network["budget"].rsplit("=", 1)[0]] = early - late
    if {"flops", "params"} <= leans.keys():
        lines.append(f"FLOPs prune the early half more: {'yes' if leans['flops'] < 0 else 'no'}")
        lines.append(f"Parameters prune the late half more: {'yes' if leans['params'] > 0 else 'no'}")
        more = leans["flops"] < leans["params"]
        lines.append(f"FLOPs lean more to the early half than parameters do: {'yes' if more else 'no'}")
    return lines


def by_stage(layers: list[dict], network: dict) -> list[str]:
    kept: dict[str, list[float]] = {}
    for layer, width in zip(layers, network["widths"]):
        kept.setdefault(layer["name"].split(".")[0], []).append(width / layer["width"])
    shares = ", ".join(
        f"{stage} {100 * sum(of) / len(of):.1f} %" for stage, of in kept.items() if len(of) > 1
    )
    return [f"{network['method']}, {network['budget']}, by stage: {shares}"]


def picture(layers: list[dict], networks: list[dict]) -> str:
    """An SVG: bars of the share of its width that each layer keeps, from the input to the output."""
    left, step, high = 10, 8, 100
    width = 2 * left + step * len(layers)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {150 * len(networks)}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
    ]
    for row, network in enumerate(networks):
        top = 150 * row + 25
        lines.append(f'<text x="{left}" y="{top - 8}">{network["method"]}, {network["budget"]}</text>')
        for i, (layer, kept) in enumerate(zip(layers, network["widths"])):
            x, share = left + step * i, kept / layer["width"]
            lines.append(
                f'<rect x="{x}" y="{top}" width="{step - 2}" height="{high}" fill="#e8e8e8"/>'
                f'<rect x="{x}" y="{top + high * (1 - share):.1f}" width="{step - 2}" '
                f'height="{high * share:.1f}" fill="#1f6fb4">'
                f'<title>{layer["name"]}: {kept} of {layer["width"]}</title></rect>'
            )
        lines.append(
            f'<text x="{left}" y="{top + high + 15}" font-size="10">'
            f'{layers[0]["name"]} … {layers[-1]["name"]}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    print("\n".join(statement(results["widths"])))
    for learned in results["widths"]:
        print("\n".join(by_stage(results["layers"], learned)))
    if sys.argv[2:3] == ["--picture"]:
        with open(sys.argv[3], "w", encoding="utf-8") as file:
            file.write(picture(results["layers"], results["widths"]))
