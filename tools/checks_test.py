#!/usr/bin/env python3
"""Tests of the checks beside this file."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import check_house
import check_layers
import run_transcripts


class Layers(unittest.TestCase):
    def check(self, layers: str, sources: dict[str, str]) -> list[str]:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "layers.txt").write_text(layers)
            for path, text in sources.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return [error.replace(folder, "") for error in check_layers.check(root)]

    def test_granted_includes_pass(self):
        sources = {"src/morph/base/a.h": "", "src/morph/nn/b.h": '#include "morph/base/a.h"\n#include <c10/x.h>'}
        self.assertEqual(self.check("base:\nnn*: base\n", sources), [])

    def test_forbidden_includes_fail(self):
        sources = {
            "src/morph/base/a.h": '#include "morph/ir/b.h"\n#include <ATen/core/Tensor.h>',
            "src/morph/ir/b.h": "",
            "tests/ir/b_test.cpp": "#include <torch/torch.h>",
        }
        errors = "\n".join(self.check("base:\nir: base\n", sources))
        self.assertIn("base may not include ir", errors)
        self.assertIn("base may not include LibTorch", errors)
        self.assertIn("not torch/torch.h", errors)

    def test_the_list_itself(self):
        sources = {"src/morph/base/a.h": "", "src/morph/extra/b.h": ""}
        errors = "\n".join(self.check("base: ir\nir: base\n", sources))
        self.assertIn("extra is not listed", errors)
        self.assertIn("ir has no folder", errors)
        self.assertIn("base is granted ir, which is not above it", errors)


class House(unittest.TestCase):
    def test_function_length(self):
        def function(lines: int) -> str:
            return "int f(int a,\n      int b) {\n" + "  ++a;\n" * (lines - 3) + "}\n"

        self.assertEqual(check_house.long_functions(function(60)), [])
        self.assertEqual(check_house.long_functions("int g();\n" + function(61)), [(2, 61)])
        short = "int g() { return 1; }\nclass A {\n public:\n" + "  int x;\n" * 70 + "};\n"
        self.assertEqual(check_house.long_functions(short), [])
        table = "int f() {\n  int t[] = {\n" + "    1,\n" * 70 + "  };\n  return t[0];\n}\n"
        self.assertEqual(check_house.long_functions(table), [])

    def test_a_class_is_defined_once(self):
        one = "namespace morph {\nclass A final : public B {\n};\n}  // namespace morph\n"
        other = "namespace morph {\nnamespace {\nstruct A {\n};\n}  // namespace\n}  // namespace morph\n"
        nested = one.replace("morph {", "morph::zoo {")
        files = {"src/morph/a.h": one, "src/morph/b.cpp": other, "src/morph/c.h": nested}
        self.assertEqual(check_house.class_errors(files), [])
        files["src/morph/d.h"] = "namespace morph {\nclass A;\nstruct A {\n};\n}  // namespace morph\n"
        self.assertEqual(
            check_house.class_errors(files), ["src/morph/d.h:3: morph::A is also defined in src/morph/a.h:2"]
        )

    def test_file_length(self):
        self.assertEqual(check_house.size_errors("a.cpp", "int x;\n" * 600), [])
        self.assertIn("601 lines", check_house.size_errors("a.cpp", "int x;\n" * 601)[0])

    def test_documentation(self):
        header = "#pragma once\n\nnamespace morph {\n\n/// Doc.\nstruct A {\n  int b;\n};\n\nint f();\n\n}\n"
        self.assertEqual(check_house.undocumented(header), [10])
        covered = "/// Docs.\nnamespace all {\n\nint f();\nint g();\n\nint h();\n}\n"
        self.assertEqual(check_house.undocumented(covered), [7])

    def test_lists(self):
        files = {
            "src/morph/ops/CMakeLists.txt": "morph_layer(ops SOURCES add.cpp)",
            "src/morph/ops/add.cpp": "",
            "src/morph/ops/mul.cpp": "",
            "src/morph/ops/ops.def": "MORPH_OP(Mul)\nMORPH_OP(Add)\n",
        }
        errors = check_house.list_errors(files)
        self.assertEqual(len(errors), 2)
        self.assertIn("mul.cpp: not listed", errors[0])
        self.assertIn("must be sorted", errors[1])

    def test_every_layer_has_tests(self):
        files = {"src/morph/ir/graph.cpp": "", "src/morph/ops/add.cpp": "", "tests/ir/graph_test.cpp": ""}
        self.assertEqual(check_house.mirror_errors(files), ["tests/ops: no test there"])

    def test_text(self):
        path = "/" + "home/someone/data"
        self.assertIn("path of one machine", check_house.text_errors("a.md", f"cd {path}")[0])
        self.assertIn("left undone", check_house.text_errors("a.cpp", "// TO" + "DO: more")[0])
        self.assertEqual(check_house.text_errors("a.md", "/usr/share/dataset"), [])


class Transcripts(unittest.TestCase):
    def test_commands_and_output_are_found(self):
        text = "```console\n$ a \\\n  b\nx\ny\n$ c\n```\n```\n$ no\n```\n"
        self.assertEqual(run_transcripts.transcripts(text), [("a   b", "x\ny\n", False), ("c", "", False)])

    def test_ellipses_stand_for_anything(self):
        self.assertTrue(run_transcripts.matches("a … c\n…\nz\n", "a b c\n1\n2\nz\n"))
        self.assertTrue(run_transcripts.matches("", ""))
        self.assertFalse(run_transcripts.matches("a … c\n", "a b d\n"))
        self.assertFalse(run_transcripts.matches("a\n", "a\nb\n"))

    def test_numbers_vary_where_a_block_says_so(self):
        text = "```console numbers-vary\n$ a\nb 1\n```\n"
        self.assertEqual(run_transcripts.transcripts(text), [("a", "b 1\n", True)])
        shown = "loss 0.41   82.0 %  5e-07  3 s\n"
        self.assertTrue(run_transcripts.matches(shown, "loss 1,234 7 % 0  1:02 s\n", True))
        self.assertFalse(run_transcripts.matches(shown, "loss 1,234 7 % 0  1:02 s\n"))
        self.assertFalse(run_transcripts.matches(shown, "loss x 7 % 0  1:02 s\n", True))


if __name__ == "__main__":
    unittest.main()
