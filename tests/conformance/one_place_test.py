# SPDX-License-Identifier: Apache-2.0
"""That one_place.py finds what it is for: each test is a small tree with one fault."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import one_place  # noqa: E402

LIST = "# two words\ngradus_family(layers LayerKind\n  dense\n  max_pool\n  SOURCES kind.cc)\n"


class OnePlace(unittest.TestCase):
    def found(self, files, table=""):
        files = {"engine/layers/CMakeLists.txt": LIST, **files}
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(one_place.violations(folder, table))

    def test_a_kind_may_speak_of_itself(self):
        self.assertEqual([], self.found({"engine/layers/dense.cc": "v1::Dense& x = *spec.mutable_dense();"}))

    def test_finds_each_way_to_take_a_kind_for_what_it_is(self):
        for code in ("case v1::Layer::kMaxPool:", "const v1::MaxPool& x", "spec.max_pool()", "spec->max_pool()",
                     "spec.has_max_pool()", "*spec.mutable_max_pool()", "&max_pool_kind", 'word == "max_pool"'):
            self.assertEqual(1, len(self.found({"engine/plan/x.cc": code})), code)

    def test_names_file_and_line(self):
        found = self.found({"server/x.h": "// dense\n\nspec.dense()"})
        self.assertEqual(["server/x.h:3: .dense( belongs to engine/layers/dense.cc alone"], found)

    def test_other_words_and_comments_do_not_count(self):
        code = '// "dense", kDense\n/* v1::Dense */ int dense = kDensest; std::dense(1); Log("dense net // dense");'
        self.assertEqual([], self.found({"client/x.cc": code}))

    def test_one_kind_may_not_name_another(self):
        self.assertEqual(1, len(self.found({"engine/layers/dense.cc": "spec.max_pool()"})))

    def test_two_families_may_share_a_word(self):
        files = {"engine/losses/CMakeLists.txt": "gradus_family(losses LossKind\n  dense\n  SOURCES kind.cc)\n",
                 "engine/losses/dense.cc": "spec.dense()", "engine/layers/dense.cc": "spec.dense()"}
        self.assertEqual([], self.found(files))
        self.assertEqual(1, len(self.found({**files, "engine/plan/x.cc": "spec.dense()"})))

    def test_the_table_allows_files_and_folders(self):
        files = {"engine/kernels/a/x.cc": "kDense", "engine/layers/max_pool.cc": "kDense"}
        self.assertEqual(2, len(self.found(files)))
        self.assertEqual([], self.found(files, "engine/kernels: dense  # why\nengine/layers/max_pool.cc: dense"))

    def test_an_allowance_that_nobody_uses_is_a_fault(self):
        self.assertEqual(["the table allows dense in engine/plan, which does not name it"],
                         self.found({}, "engine/plan: dense"))

    def test_a_tree_without_families_is_a_fault(self):
        self.assertEqual(1, len(self.found({"engine/layers/CMakeLists.txt": ""})))


if __name__ == "__main__":
    unittest.main()
