# SPDX-License-Identifier: Apache-2.0
"""The comparison of descriptors notices every change that would break a client, and only those."""
import unittest

from google.protobuf import descriptor_pb2, text_format

import compatibility

BEFORE = """
file {
  name: "a.proto" package: "p"
  message_type {
    name: "M"
    field { name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 json_name: "a" }
    field { name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 json_name: "b" }
    oneof_decl { name: "kind" }
    enum_type { name: "E" value { name: "ZERO" number: 0 } value { name: "ONE" number: 1 } }
    reserved_range { start: 7 end: 9 }
    reserved_name: "old"
  }
  service { name: "S" method { name: "Get" input_type: ".p.M" output_type: ".p.M" } }
}
"""


def parse(text):
    return text_format.Parse(text, descriptor_pb2.FileDescriptorSet())


class Compatibility(unittest.TestCase):
    def faults(self, *edits):
        text = BEFORE
        for old, new in edits:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return list(compatibility.faults(parse(BEFORE), parse(text)))

    def test_the_same_is_fine(self):
        self.assertEqual(self.faults(), [])

    def test_additions_are_fine(self):
        self.assertEqual(self.faults(
            ('oneof_decl', 'field { name: "c" number: 3 label: LABEL_REPEATED type: TYPE_BYTES } oneof_decl'),
            ('enum_type {', 'nested_type { name: "New" } enum_type {'),
            ('value { name: "ONE"', 'value { name: "TWO" number: 2 } value { name: "ONE"'),
            ('method {', 'method { name: "Put" input_type: ".p.M" output_type: ".p.M" } method {')), [])

    def test_another_file_of_the_package_is_fine(self):
        self.assertEqual(self.faults(('a.proto', 'b.proto')), [])

    def test_a_renumbered_field(self):
        self.assertEqual(self.faults(('number: 1 label', 'number: 4 label')), ["p.M.a = 1: renumbered to 4"])

    def test_two_fields_that_changed_places(self):
        self.assertIn("p.M.a = 1: name was 'a' and is 'b'",
                      self.faults(('"a" number: 1 ', '"a" number: 9 '), ('"b" number: 2', '"b" number: 1'),
                                  ('"a" number: 9', '"a" number: 2')))

    def test_a_retyped_field(self):
        self.assertEqual(self.faults(('TYPE_INT64', 'TYPE_INT32')), ["p.M.a = 1: type was 3 and is 5"])

    def test_a_field_that_became_a_list(self):
        self.assertEqual(self.faults(('LABEL_OPTIONAL type: TYPE_INT64', 'LABEL_REPEATED type: TYPE_INT64')),
                         ["p.M.a = 1: label was 1 and is 3"])

    def test_a_renamed_field(self):
        self.assertEqual(self.faults(('name: "a" number', 'name: "z" number')), ["p.M.a = 1: name was 'a' and is 'z'"])

    def test_a_field_that_left_its_oneof(self):
        self.assertEqual(self.faults(('oneof_index: 0 ', '')), ["p.M.b = 2: moved from oneof 'kind' to ''"])

    def test_a_dropped_field_needs_number_and_name_reserved(self):
        gone = ('field { name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 json_name: "a" }', '')
        number = ('reserved_range', 'reserved_range { start: 1 end: 2 } reserved_range')
        name = ('reserved_name', 'reserved_name: "a" reserved_name')
        fault = ["p.M.a = 1: dropped without reserving both its number and its name"]
        self.assertEqual(self.faults(gone), fault)
        self.assertEqual(self.faults(gone, number), fault)
        self.assertEqual(self.faults(gone, name), fault)
        self.assertEqual(self.faults(gone, number, name), [])

    def test_what_is_reserved_stays_so(self):
        self.assertEqual(self.faults(('start: 7', 'start: 8')), ["p.M: 7 to 8 is no longer reserved"])
        self.assertEqual(self.faults(('reserved_name: "old"', '')), ["p.M: the name 'old' is no longer reserved"])

    def test_enum_values(self):
        fault = "p.M.E.ONE = 1: dropped without reserving both its number and its name"
        self.assertEqual(self.faults(('"ONE" number: 1', '"ONE" number: 2')), [fault])
        self.assertEqual(self.faults(('"ONE"', '"UNO"')), ["p.M.E.ONE = 1: name was 'ONE' and is 'UNO'"])
        self.assertEqual(self.faults(('value { name: "ONE" number: 1 }',
                                      'reserved_range { start: 1 end: 1 } reserved_name: "ONE"')), [])

    def test_messages_enums_services_and_methods_that_went(self):
        self.assertEqual(self.faults(('name: "M"', 'name: "N"')), ["p.M: dropped"])
        self.assertEqual(self.faults(('name: "E"', 'name: "F"')), ["p.M.E: dropped"])
        self.assertEqual(self.faults(('name: "S"', 'name: "T"')), ["p.S: dropped"])
        self.assertEqual(self.faults(('name: "Get"', 'name: "Take"')), ["p.S.Get: dropped"])

    def test_a_method_that_became_a_stream(self):
        self.assertEqual(self.faults(('output_type: ".p.M"', 'output_type: ".p.M" server_streaming: true')),
                         ["p.S.Get: server_streaming was False and is True"])


if __name__ == "__main__":
    unittest.main()
