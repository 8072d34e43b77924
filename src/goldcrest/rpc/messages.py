"""The protocol's messages, from field numbers that are written down here.

They are built in a pool of their own. Modules generated from a ``.proto`` file register its names
in one pool for the whole process, so that of two packages that bring such modules of this protocol
the second cannot be imported; ours stays out of their way. On the wire there is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

INFERENCE = "inference"
HEALTH = "grpc.health.v1"

# A field is NAME:KIND; [KIND] is repeated, {KIND} a map from texts. Fields are numbered from 1 in
# their order unless =NUMBER says otherwise.
_INFERENCE: Mapping[str, str] = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live:bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready:bool",
    "ModelReadyRequest": "name:string version:string",
    "ModelReadyResponse": "ready:bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "name:string version:string extensions:[string]",
    "ModelMetadataRequest": "name:string version:string",
    "TensorMetadata": "name:string datatype:string shape:[int64]",
    "ModelMetadataResponse": "name:string versions:[string] platform:string"
    " inputs:[TensorMetadata] outputs:[TensorMetadata]",
    "InferParameter": "bool_param:bool int64_param:int64 string_param:string double_param:double"
    " uint64_param:uint64",
    "InferTensorContents": "bool_contents:[bool] int_contents:[int32] int64_contents:[int64]"
    " uint_contents:[uint32] uint64_contents:[uint64] fp32_contents:[float]"
    " fp64_contents:[double] bytes_contents:[bytes]",
    "InferTensor": "name:string datatype:string shape:[int64] parameters:{InferParameter}"
    " contents:InferTensorContents",
    "InferRequestedOutputTensor": "name:string parameters:{InferParameter}",
    "ModelInferRequest": "model_name:string model_version:string id:string"
    " parameters:{InferParameter} inputs:[InferTensor] outputs:[InferRequestedOutputTensor]"
    " raw_input_contents:[bytes]",
    "ModelInferResponse": "model_name:string model_version:string id:string"
    " parameters:{InferParameter} outputs:[InferTensor] raw_output_contents:[bytes]",
    "ModelStreamInferResponse": "error_message:string infer_response:ModelInferResponse",
    "ModelConfigRequest": "name:string version:string",
    "ModelInput": "name:string data_type:int32 dims:[int64]=4",
    "ModelOutput": "name:string data_type:int32 dims:[int64]",
    "ModelConfig": "name:string platform:string max_batch_size:int32=4 input:[ModelInput]=5"
    " output:[ModelOutput]=6 backend:string=17",
    "ModelConfigResponse": "config:ModelConfig",
    "ModelStatisticsRequest": "name:string version:string",
    "ModelStatisticsResponse": "",
    "ModelRepositoryParameter": "bool_param:bool int64_param:int64 string_param:string"
    " bytes_param:bytes",
    "RepositoryIndexRequest": "repository_name:string ready:bool",
    "ModelIndex": "name:string version:string state:string reason:string",
    "RepositoryIndexResponse": "models:[ModelIndex]",
    "RepositoryModelLoadRequest": "repository_name:string model_name:string"
    " parameters:{ModelRepositoryParameter}",
    "RepositoryModelLoadResponse": "",
    "RepositoryModelUnloadRequest": "repository_name:string model_name:string"
    " parameters:{ModelRepositoryParameter}",
    "RepositoryModelUnloadResponse": "",
}
_HEALTH: Mapping[str, str] = {
    "HealthCheckRequest": "service:string",
    "HealthCheckResponse": "status:int32",
}
_CHOICES = {"InferParameter", "ModelRepositoryParameter"}
"""Messages of which one field is set."""


def _file(package: str, messages: Mapping[str, str]) -> FileDescriptorProto:
    file = FileDescriptorProto(name=f"goldcrest/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        _describe(file.message_type.add(name=name), package, fields)
    return file


def _describe(message: DescriptorProto, package: str, fields: str) -> None:
    for place, spec in enumerate(fields.split(), start=1):
        name, _, rest = spec.partition(":")
        kind, _, number = rest.partition("=")
        field = message.field.add(name=name, number=int(number or place))
        field.label = FieldDescriptorProto.LABEL_REPEATED
        if kind.startswith("{"):
            entry = _add_entry(message, name, package, kind[1:-1])
            _give_type(field, package, f"{message.name}.{entry}")
        elif kind.startswith("["):
            _give_type(field, package, kind[1:-1])
        else:
            field.label = FieldDescriptorProto.LABEL_OPTIONAL
            _give_type(field, package, kind)
    if message.name in _CHOICES:
        message.oneof_decl.add(name="parameter_choice")
        for field in message.field:
            field.oneof_index = 0


def _add_entry(message: DescriptorProto, field: str, package: str, kind: str) -> str:
    """Add the message that a map's entries are, and return its name."""
    entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
    _describe(entry, package, f"key:string value:{kind}")
    entry.options.map_entry = True
    name: str = entry.name
    return name


def _give_type(field: FieldDescriptorProto, package: str, kind: str) -> None:
    scalar = f"TYPE_{kind.upper()}"
    if scalar in FieldDescriptorProto.Type.keys():  # noqa: SIM118  # no mapping
        field.type = FieldDescriptorProto.Type.Value(scalar)
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{package}.{kind}"


def _classes() -> Iterator[tuple[str, Any]]:
    pool = DescriptorPool()
    for package, messages in ((INFERENCE, _INFERENCE), (HEALTH, _HEALTH)):
        pool.Add(_file(package, messages))
        for name in messages:
            yield name, GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))


MESSAGES: Mapping[str, Any] = dict(_classes())
"""The classes by their names."""
