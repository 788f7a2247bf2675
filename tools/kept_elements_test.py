#!/usr/bin/env python3
"""Tests of bench/peers/kept_elements.py; skipped without numpy."""

import sys
import unittest
from pathlib import Path

try:
    import numpy
except ImportError:
    numpy = None
else:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench" / "peers"))
    import kept_elements


@unittest.skipIf(numpy is None, "numpy is not installed")
class KeptElements(unittest.TestCase):
    def setUp(self):
        values = numpy.random.default_rng(0).permutation(1000).astype(numpy.float32) + 1
        self.weight = values[:24].reshape(4, 6)
        self.bias = values[24:28]

    def kept(self, small, transposed=None):
        return kept_elements.what_was_kept(
            {"a.weight": self.weight, "a.bias": self.bias}, small, {}, transposed or {}
        )

    def test_rows_and_columns(self):
        rows, columns = [0, 3], [1, 2, 5]
        small = {"a.weight": self.weight[numpy.ix_(rows, columns)], "a.bias": self.bias[rows]}
        masks, unknown, pure = self.kept(small)
        expected = numpy.zeros((4, 6), bool)
        expected[numpy.ix_(rows, columns)] = True
        numpy.testing.assert_array_equal(masks["a.weight"], expected)
        numpy.testing.assert_array_equal(masks["a.bias"], [True, False, False, True])
        self.assertEqual(unknown, [])
        self.assertTrue(pure)

    def test_other_name_and_transposed(self):
        masks, unknown, pure = self.kept({"product": self.weight[1:3].T, "a.bias": self.bias[1:3]})
        numpy.testing.assert_array_equal(masks["a.weight"].any(1), [False, True, True, False])
        self.assertEqual(unknown, [])
        self.assertTrue(pure)

    def test_changed_bias_is_kept_where_its_weight_is(self):
        small = {"a.weight": self.weight[2:], "a.bias": self.bias[2:] + 0.5}
        masks, unknown, pure = self.kept(small)
        numpy.testing.assert_array_equal(masks["a.bias"], [False, False, True, True])
        self.assertEqual(unknown, [])
        self.assertFalse(pure)

    def test_changed_bias_of_a_transposed_convolution(self):
        # Two groups, each of 2 inputs and 3 outputs, of which it keeps the last two.
        self.bias = self.weight.reshape(-1)[:6] + 2000
        self.weight = self.weight.reshape(4, 3, 2)
        small = {"a.weight": self.weight[:, 1:], "a.bias": self.bias[[1, 2, 4, 5]] + 0.5}
        masks, _, _ = self.kept(small, {"a.weight": 2})
        numpy.testing.assert_array_equal(masks["a.bias"], [False, True, True] * 2)

    def test_bias_of_a_weight_by_another_name(self):
        whole = {"product": self.weight, "a.bias": self.bias}
        small = {"product": self.weight[2:], "a.bias": self.bias[2:] + 0.5}
        masks, unknown, _ = kept_elements.what_was_kept(whole, small, {"a.bias": "product"}, {})
        numpy.testing.assert_array_equal(masks["a.bias"], [False, False, True, True])
        self.assertEqual(unknown, [])

    def test_bias_that_changed_in_part(self):
        small = {"a.weight": self.weight[2:], "a.bias": self.bias[2:] + [0, 0.5]}
        masks, _, pure = self.kept(small)
        numpy.testing.assert_array_equal(masks["a.bias"], [False, False, True, True])
        self.assertFalse(pure)

    def test_joined(self):
        joined = numpy.concatenate([self.weight[0], self.bias[[0]]])
        masks, unknown, pure = self.kept({"both": joined})
        numpy.testing.assert_array_equal(masks["a.weight"].any(1), [True, False, False, False])
        numpy.testing.assert_array_equal(masks["a.bias"], [True, False, False, False])
        self.assertEqual(unknown, [])
        self.assertTrue(pure)

    def test_changed_weight_is_unknown(self):
        masks, unknown, pure = self.kept({"a.weight": self.weight[:2] * 1.01, "a.bias": self.bias[:2]})
        self.assertEqual(unknown, ["a.weight"])
        self.assertFalse(pure)


if __name__ == "__main__":
    unittest.main()
