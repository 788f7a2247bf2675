#!/usr/bin/env python3
"""Says where the learned networks of a sweep lost their channels.

    halves.py RESULTS.json

Of each learned network the mean share of its width that a layer keeps, over the first and over the
second half of the layers; and whether FLOPs prune the early half more and parameters the late one.
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


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print("\n".join(statement(json.load(file)["widths"])))
