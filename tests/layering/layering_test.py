# SPDX-License-Identifier: Apache-2.0
"""That layering.py finds what it is for: each test is a small tree with one fault."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import layering  # noqa: E402

RULES = """
engine/base:
engine/kernels: engine/base
engine/graph: engine/kernels
client/lib:
client/cli: client/lib
use dnnl\\.hpp|oneapi/.*: engine/kernels
"""


class Layering(unittest.TestCase):
    def found(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(layering.violations(folder, layering.Rules(RULES)))

    def test_accepts_what_the_table_allows_in_turn(self):
        self.assertEqual([], self.found({
            "engine/base/status.h": "",
            "engine/graph/graph.cc": '#include <vector>\n#include "engine/base/status.h"\n'}))

    def test_finds_an_include_against_the_direction(self):
        found = self.found({"engine/graph/graph.h": "", "engine/base/x.cc": '\n#include "engine/graph/graph.h"\n'})
        self.assertEqual(["engine/base/x.cc:2: engine/base may not include engine/graph (engine/graph/graph.h)"], found)

    def test_subfolders_follow_their_folder(self):
        found = self.found({"engine/graph/graph.h": "", "engine/kernels/vector/x.cc": '#include "engine/graph/graph.h"\n'})
        self.assertEqual(1, len(found))

    def test_finds_a_third_party_away_from_home(self):
        self.assertEqual([], self.found({"engine/kernels/x.cc": "#include <oneapi/dnnl/dnnl.hpp>\n"}))
        self.assertEqual(1, len(self.found({"engine/graph/x.cc": "#include <oneapi/dnnl/dnnl.hpp>\n"})))

    def test_resolves_the_public_headers_of_the_client(self):
        files = {"client/lib/gradus/client.h": "", "client/cli/x.cc": '#include "gradus/client.h"\n'}
        self.assertEqual([], self.found(files))
        self.assertEqual(1, len(self.found({**files, "engine/base/x.cc": '#include "gradus/client.h"\n'})))

    def test_finds_a_folder_that_the_table_does_not_know(self):
        self.assertEqual(1, len(self.found({"engine/utils/x.h": ""})))

    def test_finds_sources_that_include_tests(self):
        found = self.found({"tests/support/fake.h": "", "engine/base/x.cc": '#include "tests/support/fake.h"\n'})
        self.assertEqual(1, len(found))

    def test_refuses_a_circle_in_the_table(self):
        with self.assertRaisesRegex(ValueError, "circle"):
            layering.Rules("a: b\nb: a\n")

    def test_refuses_an_entry_that_names_nothing(self):
        with self.assertRaisesRegex(ValueError, "no entry"):
            layering.Rules("a: b\n")


if __name__ == "__main__":
    unittest.main()
