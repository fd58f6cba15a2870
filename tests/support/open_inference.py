# SPDX-License-Identifier: Apache-2.0
"""A client of the KServe v2 protocol, made from its .proto file and grpcio alone.

    client = OpenInference(server.profile)
    client.infer("net", rows).outputs
"""
import json
import pathlib
import subprocess
import tempfile

import grpc
import numpy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = "inference.GRPCInferenceService"


def read_protocol():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "protocol.pb"
        subprocess.run(["protoc", "-I", ROOT / "proto", f"--descriptor_set_out={out}", "inference/grpc_predict_v2.proto"], check=True)
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.Add(file)
        return pool


POOL = read_protocol()
MAKE = message_factory.MessageFactory(POOL)


def message(name):
    return MAKE.GetPrototype(POOL.FindMessageTypeByName(f"inference.{name}"))


class OpenInference:
    """One connection to the server of a profile."""

    def __init__(self, profile, token=None, options=()):
        profile = json.loads(pathlib.Path(profile).read_text())
        tls = grpc.ssl_channel_credentials(root_certificates=profile["ca_pem"].encode())
        self.channel = grpc.secure_channel(profile["server"], tls, options=list(options))
        self.metadata = [("authorization", f"Bearer {token or profile['token']}")]
        self.calls = {}
        for method in POOL.FindServiceByName(SERVICE).methods:
            request, response = (MAKE.GetPrototype(kind) for kind in (method.input_type, method.output_type))
            call = self.channel.unary_unary(f"/{SERVICE}/{method.name}", request_serializer=request.SerializeToString,
                                            response_deserializer=response.FromString)
            self.calls[method.name] = (request, call)

    def close(self):
        self.channel.close()

    def call(self, method, metadata=None, **fields):
        request, call = self.calls[method]
        return call(request(**fields), metadata=self.metadata if metadata is None else metadata, timeout=60)

    def infer(self, model, rows, version="", name="input", raw=True, **fields):
        """Asks for the outputs of f32 rows."""
        request, call = self.calls["ModelInfer"]
        rows = numpy.ascontiguousarray(rows, numpy.float32)
        asked = request(model_name=model, model_version=version, **fields)
        tensor = asked.inputs.add(name=name, datatype="FP32", shape=rows.shape)
        if raw:
            asked.raw_input_contents.append(rows.tobytes())
        else:
            tensor.contents.fp32_contents.extend(rows.ravel())
        return call(asked, metadata=self.metadata, timeout=60)


def values(response, output=0):
    """An output as an array, however it came."""
    tensor = response.outputs[output]
    if response.raw_output_contents:
        flat = numpy.frombuffer(response.raw_output_contents[output], numpy.float32)
    else:
        flat = numpy.array(tensor.contents.fp32_contents, numpy.float32)
    return flat.reshape(tuple(tensor.shape))
