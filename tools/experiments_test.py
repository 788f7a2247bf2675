"""Tests of the scripts in experiments/ that compute figures. Run by scripts/test."""

import sys
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "experiments"))

import collect  # noqa: E402
import halves  # noqa: E402
import latency_table  # noqa: E402


def network(budget: str, early: float, late: float) -> dict:
    return {"method": "morphnet", "budget": budget, "kept_early": early, "kept_late": late}


class Halves(unittest.TestCase):
    def test_as_the_article_has_it(self):
        lines = halves.statement([network("flops=0.6x", 0.3, 0.9), network("params=0.6x", 0.8, 0.5)])
        self.assertIn("flops=0.6x: the first half of the layers keeps 30.0 %", lines[0])
        self.assertEqual([line.rsplit(" ", 1)[1] for line in lines[2:]], ["yes", "yes", "yes"])

    def test_the_other_way_round(self):
        lines = halves.statement([network("flops=0.6x", 0.9, 0.3), network("params=0.6x", 0.2, 0.5)])
        self.assertEqual([line.rsplit(" ", 1)[1] for line in lines[2:]], ["no", "no", "no"])

    def test_both_early_but_flops_more(self):
        lines = halves.statement([network("flops=0.6x", 0.2, 0.9), network("params=0.6x", 0.4, 0.5)])
        self.assertEqual([line.rsplit(" ", 1)[1] for line in lines[2:]], ["yes", "no", "yes"])

    def test_stages_are_layers_whose_names_begin_alike(self):
        layers = [{"name": name, "width": 10} for name in ("conv1", "a.0.x", "a.1.x", "b.0", "b.1")]
        learned = {"method": "morphnet", "budget": "flops=0.6x", "widths": [10, 5, 1, 10, 8]}
        self.assertEqual(
            halves.by_stage(layers, learned), ["morphnet, flops=0.6x, by stage: a 30.0 %, b 90.0 %"]
        )
        svg = xml.etree.ElementTree.fromstring(halves.picture(layers, [learned]))
        bars = svg.findall("{http://www.w3.org/2000/svg}rect")[1::2]
        self.assertEqual([float(bar.get("height")) for bar in bars], [100, 50, 10, 100, 80])

    def test_one_alone_is_not_compared(self):
        self.assertEqual(len(halves.statement([network("flops=0.6x", 0.5, 0.5)])), 1)


class Collect(unittest.TestCase):
    def test_rows_know_where_they_come_from(self):
        row = dict.fromkeys(collect.COLUMNS, 1) | {"budget": "flops=1x"}
        sources = {
            "b": {"date": "2026-02", "device": "CPU", "versions": {"morphnet": "2"}, "results": [row, row]},
            "a": {"date": "2026-01", "device": "GPU", "versions": {"morphnet": "1"}, "results": [row]},
        }
        collected = collect.collect(sources)
        self.assertEqual([row["run"] for row in collected["results"]], ["a", "b", "b"])
        self.assertEqual([row["device"] for row in collected["results"]], ["GPU", "CPU", "CPU"])
        self.assertEqual(collected["date"], "2026-02")
        self.assertEqual(collected["versions"], {"morphnet": "2"})
        self.assertEqual(collected["device"], "CPU, GPU")


class LatencyTable(unittest.TestCase):
    def test_correlation(self):
        self.assertAlmostEqual(latency_table.correlation([1, 2, 3], [10, 20, 30]), 1)
        self.assertAlmostEqual(latency_table.correlation([1, 2, 3], [3, 2, 1]), -1)
        self.assertEqual(latency_table.correlation([1, 1], [2, 3]), 0)

    def test_ranks_share_their_places(self):
        self.assertEqual(latency_table.ranks([30, 10, 20]), [3, 1, 2])
        self.assertEqual(latency_table.ranks([5, 5, 1]), [2.5, 2.5, 1])

    def test_names_are_short(self):
        path = "x/points/uniform_latency-a-b.json=0.5x_seed0/uniform_latency-a-b.json=0.5x.morph"
        self.assertEqual(latency_table.short_name(path), "uniform 0.5x")
        self.assertEqual(latency_table.short_name("x/networks/seed.morph"), "seed")

    def test_table(self):
        rows = [
            {"network": "x/networks/seed.morph", "mflops": 80, "roofline_ms": 2, "measured_ms": 8},
            {"network": "x/points/a/learned.morph", "mflops": 40, "roofline_ms": 1, "measured_ms": 6},
        ]
        lines = latency_table.table(
            {
                "device": "CPU",
                "batch": 1,
                "threads": 2,
                "roofline": {"peak_gflops": 100, "bandwidth_gbs": 10},
                "networks": rows,
            }
        )
        self.assertEqual(len(lines), 5)
        self.assertTrue(lines[2].startswith("a "))
        self.assertIn("0.500x", lines[2])
        self.assertIn("0.750x", lines[2])
        self.assertTrue(lines[3].startswith("seed "))
        self.assertEqual(lines[4], "correlation of the times 1.000, of their order 1.000")

    def test_table_tells_how_well_learned_networks_agree_alone(self):
        def row(name, roofline, measured):
            return {"network": name, "mflops": 1, "roofline_ms": roofline, "measured_ms": measured}

        rows = [
            row("x/networks/seed.morph", 4, 8),
            row("x/points/morphnet_f=0.5x_seed0/learned.morph", 2, 4),
            row("x/points/morphnet_f=0.2x_seed0/learned.morph", 1, 2),
            row("x/points/uniform_f=0.5x_seed0/u.morph", 2, 9),
        ]
        record = {"device": "CPU", "batch": 1, "threads": 2, "networks": rows}
        record["roofline"] = {"peak_gflops": 100, "bandwidth_gbs": 10}
        self.assertEqual(
            latency_table.table(record)[-1],
            "without the uniform ones: correlation of the times 1.000, of their order 1.000",
        )

    def test_picture_has_a_point_for_each_network(self):
        record = {
            "device": "CPU",
            "batch": 1,
            "networks": [
                {"network": "x/networks/seed.morph", "roofline_ms": 2, "measured_ms": 8},
                {"network": "x/points/uniform_f=0.5x_seed0/u.morph", "roofline_ms": 1, "measured_ms": 6},
            ],
        }
        svg = xml.etree.ElementTree.fromstring(latency_table.picture(record))
        points = svg.findall("{http://www.w3.org/2000/svg}circle")
        at = [(float(p.get("cx")), float(p.get("cy"))) for p in points if p.get("cx") != "440"]
        self.assertEqual(len(at), 2)
        # The faster one lies to the left and below.
        self.assertLess(at[1][0], at[0][0])
        self.assertGreater(at[1][1], at[0][1])


if __name__ == "__main__":
    unittest.main()
