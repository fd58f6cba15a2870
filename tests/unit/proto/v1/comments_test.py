# SPDX-License-Identifier: Apache-2.0
"""Every message, field, value and method has a comment of its own; what people write in files says its default.

    comments_test.py PROTOC PROTO_ROOT
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2

FILE = descriptor_pb2.FileDescriptorProto
MESSAGE = descriptor_pb2.DescriptorProto
ENUM = descriptor_pb2.EnumDescriptorProto
# What people write by hand, so that each field must say what it is when it is left out.
WRITTEN_BY_PEOPLE = ("JobSpec", "ServerConfig")
SAYS_DEFAULT = re.compile(r"\b(Default: |Required\b)")


def read_files():
    with tempfile.TemporaryDirectory() as place:
        out = pathlib.Path(place) / "all.desc"
        files = sorted(str(p.relative_to(PROTO_ROOT)) for folder in ("gradus/v1", "inference")
                       for p in PROTO_ROOT.glob(f"{folder}/*.proto"))
        subprocess.run([PROTOC, "-I", PROTO_ROOT, "--include_source_info", f"--descriptor_set_out={out}", *files], check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file


class Walk:
    """Everything that may bear a comment: full name -> (comment, field or None)."""

    def __init__(self, files):
        self.entries, self.messages = {}, {}
        for file in files:
            comments = {tuple(l.path): l.leading_comments.strip() for l in file.source_code_info.location}
            for i, message in enumerate(file.message_type):
                self.message(message, f"{file.package}.{message.name}", (FILE.MESSAGE_TYPE_FIELD_NUMBER, i), comments)
            for i, service in enumerate(file.service):
                for m, method in enumerate(service.method):
                    path = (FILE.SERVICE_FIELD_NUMBER, i, descriptor_pb2.ServiceDescriptorProto.METHOD_FIELD_NUMBER, m)
                    self.entries[f"{file.package}.{service.name}.{method.name}"] = (comments.get(path, ""), None)

    def message(self, message, name, path, comments):
        self.messages["." + name] = message
        # A request and its response are explained by their method, and by their fields.
        if not re.search("(Request|Response)$", name):
            self.entries[name] = (comments.get(path, ""), None)
        for i, field in enumerate(message.field):
            self.entries[f"{name}.{field.name}"] = (comments.get((*path, MESSAGE.FIELD_FIELD_NUMBER, i), ""), field)
        for i, inner in enumerate(message.nested_type):
            if not inner.options.map_entry:
                self.message(inner, f"{name}.{inner.name}", (*path, MESSAGE.NESTED_TYPE_FIELD_NUMBER, i), comments)
        for i, enum in enumerate(message.enum_type):
            for v, value in enumerate(enum.value):
                if value.number != 0:
                    at = (*path, MESSAGE.ENUM_TYPE_FIELD_NUMBER, i, ENUM.VALUE_FIELD_NUMBER, v)
                    self.entries[f"{name}.{enum.name}.{value.name}"] = (comments.get(at, ""), None)

    def is_its_message(self, name, field):
        """A member of a choice, or the answer of a method: its message's comment says all there is."""
        if field is None or field.type != field.TYPE_MESSAGE:
            return False
        chosen = field.HasField("oneof_index") and not field.proto3_optional
        return chosen or re.search(r"Response\.\w+$", name) and field.label != field.LABEL_REPEATED

    def below(self, root):
        """Names of the fields of `root` and of all messages in it."""
        seen, todo = set(), [root]
        while todo:
            name = todo.pop()
            if name in seen or name not in self.messages:
                continue
            seen.add(name)
            for field in self.messages[name].field:
                yield f"{name[1:]}.{field.name}"
                todo.append(field.type_name)


class Comments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.walk = Walk(read_files())

    def test_everything_is_explained(self):
        bare = [name for name, (comment, field) in self.walk.entries.items()
                if not comment and not self.walk.is_its_message(name, field)]
        self.assertFalse(bare, "no comment on:\n" + "\n".join(bare))

    def test_what_people_write_says_its_default(self):
        silent = []
        for root in WRITTEN_BY_PEOPLE:
            for name in self.walk.below(f".gradus.v1.{root}"):
                comment, field = self.walk.entries[name]
                if not self.walk.is_its_message(name, field) and not SAYS_DEFAULT.search(comment):
                    silent.append(name)
        self.assertFalse(silent, "neither a default nor Required:\n" + "\n".join(silent))


if __name__ == "__main__":
    PROTOC, PROTO_ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
