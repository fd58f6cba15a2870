# SPDX-License-Identifier: Apache-2.0
"""The server's services from Python, made of the .proto files while the program runs.

    client = Client(channel_of(profile), pool_from_protos())
    job = client("JobService", "GetJob", id="j...").job
"""
import pathlib
import subprocess
import tempfile

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[2]


def channel_of(profile, options=()):
    tls = grpc.ssl_channel_credentials(root_certificates=profile["ca_pem"].encode(),
                                       private_key=profile["client_key_pem"].encode(),
                                       certificate_chain=profile["client_cert_pem"].encode())
    token = grpc.access_token_call_credentials(profile["token"])
    return grpc.secure_channel(profile["server"], grpc.composite_channel_credentials(tls, token), options)


def pool_from_protos():
    """Every message and service, read from the .proto files by protoc."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "all.pb"
        files = sorted(str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto/gradus/v1").glob("*.proto"))
        subprocess.run(["protoc", "-I", ROOT / "proto", "--include_imports", f"--descriptor_set_out={out}", *files], check=True)
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.Add(file)
        return pool


class Client:
    """Calls any method of a pool's services with plain dictionaries."""

    def __init__(self, channel, pool):
        self.channel, self.pool, self.factory = channel, pool, message_factory.MessageFactory(pool)

    def __call__(self, service, method, timeout=60, **fields):
        found = self.pool.FindServiceByName(f"gradus.v1.{service}").methods_by_name[method]
        request = json_format.ParseDict(fields, self.factory.GetPrototype(found.input_type)(), descriptor_pool=self.pool)
        response = self.factory.GetPrototype(found.output_type)
        proto = descriptor_pb2.MethodDescriptorProto()
        found.CopyToProto(proto)
        make = self.channel.unary_stream if proto.server_streaming else self.channel.unary_unary
        return make(f"/gradus.v1.{service}/{method}", request_serializer=type(request).SerializeToString,
                    response_deserializer=response.FromString)(request, timeout=timeout)
