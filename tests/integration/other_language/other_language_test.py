# SPDX-License-Identifier: Apache-2.0
"""A client in another language, from the .proto files and from reflection alone: submit, watch, fetch.

    other_language_test.py BIN_DIR
"""
import hashlib
import json
import pathlib
import sys
import unittest
import uuid

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402
from rpc import Client, channel_of, pool_from_protos  # noqa: E402

SPEC = {
    "name": "from-python",
    "model": {"input_shape": [28, 28], "layers": [
        {"flatten": {}},
        {"dense": {"units": 16, "activation": {"relu": {}}}},
        {"dense": {"units": 10, "activation": {"softmax": {}}}}]},
    "data": {"train": {"dataset": "fashion-mnist", "split": "train", "take": 2000, "scale": 1 / 255}},
    "loss": {"sparse_categorical_crossentropy": {}},
    "optimizer": {"sgd": {"learning_rate": 0.01}},
    "metrics": [{"accuracy": {}}],
    "fit": {"epochs": 2, "seed": 7},
    "publish": {"model": "from-python"},
}


def reflection_messages():
    """The two messages of grpc.reflection.v1alpha, as far as this test needs them."""
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package="grpc.reflection.v1alpha", syntax="proto3")
    text, raw, message = (descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
                          descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE)

    def add(name, *fields):
        m = file.message_type.add(name=name)
        for field, number, kind, repeated, type_name in fields:
            m.field.add(name=field, number=number, type=kind, label=3 if repeated else 1,
                        type_name=f".grpc.reflection.v1alpha.{type_name}" if type_name else None)

    add("Request", ("file_containing_symbol", 4, text, False, ""), ("list_services", 7, text, False, ""),
        ("file_by_filename", 3, text, False, ""))
    add("Files", ("file_descriptor_proto", 1, raw, True, ""))
    add("Service", ("name", 1, text, False, ""))
    add("Services", ("service", 1, message, True, "Service"))
    add("Response", ("file_descriptor_response", 4, message, False, "Files"), ("list_services_response", 6, message, False, "Services"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.MessageFactory(pool)
    return [made.GetPrototype(pool.FindMessageTypeByName(f"grpc.reflection.v1alpha.{n}")) for n in ("Request", "Response")]


def pool_from_reflection(channel):
    request, response = reflection_messages()
    call = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                 request_serializer=request.SerializeToString, response_deserializer=response.FromString)

    def ask(**what):
        return next(iter(call(iter([request(**what)]))))

    services = [s.name for s in ask(list_services="*").list_services_response.service]
    files = {}

    def take(answer):
        for raw in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            if file.name in files:
                continue
            files[file.name] = file
            for name in file.dependency:
                if name not in files:
                    take(ask(file_by_filename=name))

    for name in services:
        if name.startswith("gradus.v1."):
            take(ask(file_containing_symbol=name))
    pool = descriptor_pool.DescriptorPool()

    def add(name):
        if name in files:
            file = files.pop(name)
            for needed in file.dependency:
                add(needed)
            pool.Add(file)

    for name in list(files):
        add(name)
    return pool


class OtherLanguage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()
        cls.channel = channel_of(json.loads(cls.server.profile.read_text()))

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.__exit__(None)

    def walk(self, pool):
        client = Client(self.channel, pool)
        job = client("JobService", "SubmitJob", spec=SPEC, request_id=uuid.uuid4().hex).job
        seqs, states = [], []
        for answer in client("JobService", "WatchJob", id=job.id):
            for event in answer.events:
                seqs.append(event.seq)
                if event.HasField("state_changed"):
                    states.append(event.state_changed.to)
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        job = client("JobService", "GetJob", id=job.id).job
        self.assertEqual(job.state, states[-1])
        self.assertEqual(job.DESCRIPTOR.enum_types_by_name["State"].values_by_number[job.state].name, "SUCCEEDED", job.reason)
        self.assertTrue(job.published.startswith("from-python@"), job.published)
        parts = list(client("ModelService", "FetchModel", ref=job.published))
        header, data = parts[0].header, b"".join(p.data for p in parts[1:])
        self.assertEqual(len(data), header.size)
        self.assertEqual(hashlib.sha256(data).hexdigest(), header.sha256)
        return job.weights_sha256

    def test_works_from_the_proto_files(self):
        self.walk(pool_from_protos())

    def test_works_from_reflection_alone_and_gives_the_same_weights(self):
        self.assertEqual(self.walk(pool_from_reflection(self.channel)), self.walk(pool_from_protos()))

    def test_errors_name_the_field(self):
        client = Client(self.channel, pool_from_protos())
        bad = json.loads(json.dumps(SPEC))
        bad["model"]["layers"][1]["dense"]["units"] = 0
        with self.assertRaises(grpc.RpcError) as caught:
            client("JobService", "SubmitJob", spec=bad, request_id=uuid.uuid4().hex)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("model.layers[1].dense.units", caught.exception.details())


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main()
