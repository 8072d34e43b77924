"""gRPC: wire-identical to what people's clients speak, and drained like HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import socket
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from queue import Queue
from typing import Any

import grpc
import numpy as np
import pytest
from tests.running import Server, serving

from goldcrest.app.rpc import rpc_open
from goldcrest.artifact import Artifact
from goldcrest.config import Config, RpcConfig
from goldcrest.errors import ConfigError, Overloaded, ServingError, UnknownModel, Unloaded
from goldcrest.rpc.codes import CODES, code_of
from goldcrest.rpc.messages import MESSAGES
from goldcrest.rpc.methods import METHODS, Door
from goldcrest.rpc.server import listening
from goldcrest.rpc.visits import Visits
from goldcrest.serving.keys import Keys
from goldcrest.serving.room import Room
from goldcrest.serving.service import Service
from goldcrest.tasks import Reply, Request
from goldcrest.values import ServedModel

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own business
    import tritonclient.grpc.aio
    from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
    from tritonclient.grpc import service_pb2 as theirs
    from tritonclient.utils import InferenceServerException

pytestmark = pytest.mark.integration

_INFER = "/inference.GRPCInferenceService/ModelInfer"
TEXTS = ["the quick brown fox", "a lazy dog"]
MODEL = ServedModel(
    name="m",
    task="classify",
    tasks=("classify",),
    labels=("bad", "good"),
    dimensions=0,
    pooling="",
    precision="f32",
    max_length=64,
    digest="d",
    source="s",
    family="bert",
    is_ready=True,
    defaults=("classify",),
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def texts(name: str, values: list[str]) -> InferInput:
    tensor = InferInput(name, [len(values)], "BYTES")
    return tensor.set_data_from_numpy(np.array(values, np.object_))


# The messages


def _fields(message: Any) -> dict[int, tuple[Any, ...]]:
    return {
        field.number: (
            field.name,
            "int" if field.type == field.TYPE_ENUM else field.type,
            field.is_repeated,
            field.message_type,
        )
        for field in message.fields
    }


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    """Every field of ours that is not theirs, all the way down; an enum is an int32."""
    known = _fields(theirs)
    for number, (name, kind, is_repeated, message) in _fields(ours).items():
        their_name, their_kind, theirs_repeated, their_message = known[number]
        their_kind = 5 if their_kind == "int" else their_kind
        if (name, kind, is_repeated) != (their_name, their_kind, theirs_repeated):
            yield f"{path}.{name}"
        if message is not None:
            yield from _differences(message, their_message, f"{path}.{name}")


@pytest.mark.parametrize("method", [*METHODS, "ModelStreamInfer"])
def test_our_messages_are_those_of_the_client(method):
    known = theirs.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name[method]
    request = "ModelInferRequest" if method == "ModelStreamInfer" else f"{method}Request"

    differing = [
        *_differences(MESSAGES[request].DESCRIPTOR, known.input_type, request),
        *_differences(MESSAGES[f"{method}Response"].DESCRIPTOR, known.output_type, method),
    ]

    assert [] == differing


def test_what_the_client_writes_is_read_and_written_again():
    request = theirs.ModelInferRequest(model_name="m", id="7")
    request.parameters["top_k"].int64_param = 3
    request.inputs.add(name="t", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"x")
    content = request.SerializeToString(deterministic=True)

    ours = MESSAGES["ModelInferRequest"].FromString(content)

    assert content == ours.SerializeToString(deterministic=True)


def test_every_error_has_a_code():
    def walk(kind: type[ServingError]) -> Iterator[type[ServingError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from walk(below)

    assert set(map(code_of, walk(ServingError))) <= set(CODES.values())


# A door in this process, beside the client


@dataclass
class Shop:
    """A catalogue of one model, whose answers wait until they are released."""

    is_ready: bool = True
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Request[Any]] = field(default_factory=list)
    error: Exception | None = None
    expected = ("m", "gone")

    def models(self) -> tuple[ServedModel, ...]:
        return (MODEL,)

    def tokenizer(self, model: str | None) -> Any:
        if model in self.expected:
            raise Unloaded(f"the model {model!r} was taken out of service")
        raise UnknownModel(str(model), self.expected)

    async def load(self, model: str) -> None:
        raise NotImplementedError

    async def unload(self, model: str) -> None:
        raise NotImplementedError

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append(request)
        self.begun.set()
        if self.error:
            raise self.error
        try:
            if request.items[0] == "slow":
                await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        n = len(request.items)
        scores = np.tile(np.array([0.25, 0.75], np.float32), (n, 1))
        return Reply("m", scores, MODEL.labels, (3,) * n, (0,) * n, (1,) * n)


@dataclass
class Opened:
    shop: Shop
    service: Service
    client: Any
    channel: grpc.aio.Channel
    url: str

    def call(self, method: str, request: Any, response: Any, **options: Any) -> Any:
        asked = self.channel.unary_unary(
            method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return asked(request, **options)


@asynccontextmanager
async def opened(keys: Keys | None = None, **settings: Any) -> AsyncIterator[Opened]:
    shop = Shop()
    service = Service(shop.predict, shop)
    door = Door(service=service, keys=keys or Keys({}), version="1", max_items=4, **settings)
    async with listening(RpcConfig(port=0), door) as port:
        url = f"127.0.0.1:{port}"
        async with (
            tritonclient.grpc.aio.InferenceServerClient(url) as client,
            grpc.aio.insecure_channel(url) as channel,
        ):
            yield Opened(shop, service, client, channel, url)


async def test_a_client_in_the_same_process_is_answered():
    async with opened() as door:
        result = await door.client.infer("m", [texts("text", TEXTS)], request_id="42")

    assert [[0.25, 0.75]] * 2 == result.as_numpy("scores").tolist()
    assert [b"good", b"good"] == result.as_numpy("label").tolist()
    assert ("42", "1") == (result.get_response().id, result.get_response().model_version)


async def test_values_are_answered_with_values():
    request = theirs.ModelInferRequest(model_name="m")
    tensor = request.inputs.add(name="text", datatype="BYTES", shape=[2])
    tensor.contents.bytes_contents.extend([b"a", b"b"])

    async with opened() as door:
        reply = await door.call(
            "/inference.GRPCInferenceService/ModelInfer", request, theirs.ModelInferResponse
        )

    scores, label, _ = reply.outputs
    assert [] == list(reply.raw_output_contents)
    assert [0.25, 0.75, 0.25, 0.75] == list(scores.contents.fp32_contents)
    assert [b"good", b"good"] == list(label.contents.bytes_contents)


@pytest.mark.parametrize("raw", [[b"", b""], [b"\x01\x00\x00\x00a"]], ids=["number", "both"])
async def test_raw_and_typed_contents_are_never_mixed(raw):
    request = theirs.ModelInferRequest(model_name="m", raw_input_contents=raw)
    tensor = request.inputs.add(name="text", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(b"a")

    async with opened() as door:
        with pytest.raises(grpc.aio.AioRpcError, match="raw_input_contents") as caught:
            await door.call(
                "/inference.GRPCInferenceService/ModelInfer", request, theirs.ModelInferResponse
            )

    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()


@pytest.mark.parametrize(
    ("model", "text", "code", "sentence"),
    [
        ("nobody", TEXTS, "NOT_FOUND", "no model named 'nobody'"),
        ("gone", TEXTS, "UNAVAILABLE", "taken out of service"),
        ("m", [], "INVALID_ARGUMENT", "no rows"),
        ("m", ["x"] * 5, "INVALID_ARGUMENT", "5 items, more than the limit of 4"),
    ],
)
async def test_errors_are_sentences_with_their_code(model, text, code, sentence):
    async with opened() as door:
        with pytest.raises(InferenceServerException, match=sentence) as caught:
            await door.client.infer(model, [texts("text", text)])

    assert f"StatusCode.{code}" == caught.value.status()


async def test_who_is_refused_is_told_when_to_come_back():
    request = MESSAGES["ModelInferRequest"](model_name="m", raw_input_contents=[b"\0" * 4])
    request.inputs.add(name="text", datatype="BYTES", shape=[1])

    async with opened() as door:
        door.shop.error = Overloaded("too much waits", retry_after_s=2.4)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await door.call(
                "/inference.GRPCInferenceService/ModelInfer", request, theirs.ModelInferResponse
            )

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert "3" == dict(caught.value.trailing_metadata())["retry-after"]


async def test_what_nobody_foresaw_is_logged_and_not_told(caplog):
    async with opened() as door:
        door.shop.error = RuntimeError("secret")
        with pytest.raises(InferenceServerException) as caught:
            await door.client.infer("m", [texts("text", TEXTS)])

    assert "StatusCode.INTERNAL" == caught.value.status()
    assert "secret" not in caught.value.message()
    assert "secret" in caplog.text


async def test_bytes_that_are_no_message_are_refused_and_not_logged(caplog):
    async with opened() as door:
        ask = door.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.aio.AioRpcError, match="no message") as caught:
            await ask(b"\xff\xff\xff")

    assert (grpc.StatusCode.INVALID_ARGUMENT, "") == (caught.value.code(), caplog.text)


async def test_a_sentence_that_repeats_much_still_fits_the_headers():
    async with opened() as door:
        with pytest.raises(InferenceServerException, match="no model named 'xxx") as caught:
            await door.client.infer("x" * 100_000, [texts("text", TEXTS)])

    assert "StatusCode.NOT_FOUND" == caught.value.status()


async def test_statistics_are_unimplemented_with_a_sentence():
    async with opened() as door:
        with pytest.raises(InferenceServerException, match="/metrics") as caught:
            await door.client.get_inference_statistics()

    assert "StatusCode.UNIMPLEMENTED" == caught.value.status()


async def test_metadata_says_how_urgent_a_call_is():
    headers = {
        "x-goldcrest-priority": "bulk",
        "x-goldcrest-timeout-ms": "5000",
        "cache-control": "no-cache",
    }
    async with opened() as door:
        await door.client.infer("m", [texts("text", TEXTS)], headers=headers, client_timeout=30)

    found = door.shop.asked[0].urgency
    assert ("bulk", False) == (found.priority, found.is_kept_fine)
    assert 4 < (found.deadline_s or 0) <= 5


async def test_parameters_say_it_as_triton_has_it():
    async with opened() as door:
        await door.client.infer("m", [texts("text", TEXTS)], priority=1, timeout=2_000_000)

    found = door.shop.asked[0].urgency
    assert "interactive" == found.priority
    assert 1 < (found.deadline_s or 0) <= 2


async def test_wrong_metadata_is_told_with_what_is_allowed():
    headers = {"x-goldcrest-priority": "urgent"}
    async with opened() as door:
        with pytest.raises(InferenceServerException, match="one of interactive") as caught:
            await door.client.infer("m", [texts("text", TEXTS)], headers=headers)

    assert "StatusCode.INVALID_ARGUMENT" == caught.value.status()


async def test_a_class_that_the_key_may_not_ask_for_is_lowered_and_said():
    keys = Keys({"team": sha256(b"key").hexdigest()}, {"team": "default"})
    request = theirs.ModelInferRequest(model_name="m")
    tensor = request.inputs.add(name="text", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(b"a")

    async with opened(keys) as door:
        metadata = (("authorization", "Bearer key"), ("x-goldcrest-priority", "interactive"))
        call = door.call(_INFER, request, theirs.ModelInferResponse, metadata=metadata)
        await call
        told = dict(await call.trailing_metadata())

    assert ("default", "default") == (
        told["x-goldcrest-priority"],
        door.shop.asked[0].urgency.priority,
    )


async def test_past_its_deadline_a_call_is_answered_though_the_engine_hangs():
    async with opened() as door:
        with pytest.raises(InferenceServerException) as caught:
            await door.client.infer("m", [texts("text", ["slow"])], timeout=20_000)

    assert "StatusCode.DEADLINE_EXCEEDED" == caught.value.status()


async def test_one_call_too_many_is_refused_with_when_to_try_again():
    async with opened(room=Room(1, 1_000_000)) as door:
        slow = asyncio.create_task(door.client.infer("m", [texts("text", ["slow"])]))
        await door.shop.begun.wait()
        request = MESSAGES["ModelInferRequest"](model_name="m")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await door.call(_INFER, request, theirs.ModelInferResponse)
        is_live = await door.client.is_server_live()
        door.shop.released.set()
        await slow
        await door.client.infer("m", [texts("text", TEXTS)])

    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, True) == (caught.value.code(), is_live)
    assert "1000" == dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"]


async def test_every_call_is_counted_and_has_its_line_in_the_log(caplog):
    counted: list[tuple[str, str]] = []
    caplog.set_level(logging.INFO, "goldcrest.access")

    async with opened(visits=Visits(lambda *call: counted.append(call), True)) as door:
        await door.client.infer("m", [texts("text", TEXTS)])
        with pytest.raises(InferenceServerException):
            await door.client.infer("nobody", [texts("text", TEXTS)])
        slow = asyncio.create_task(door.client.infer("m", [texts("text", ["slow"])]))
        while len(door.shop.asked) < 2:
            await door.client.is_server_live()
        slow.cancel()
        async with asyncio.timeout(5):
            await door.shop.cancelled.wait()

    asking = [call for call in counted if call[0] == "ModelInfer"]
    assert ["OK", "NOT_FOUND", "CANCELLED"] == [code for _, code in asking]
    assert re.fullmatch(
        r"gRPC ModelInfer OK \d+\.\d ms model=m caller=- items=2 tokens=6", caplog.messages[0]
    )


async def test_a_stream_whose_caller_leaves_is_cancelled():
    async def requests() -> AsyncIterator[dict[str, Any]]:
        yield {"model_name": "m", "inputs": [texts("text", ["slow"])]}

    async with opened() as door:
        stream = door.client.stream_infer(requests())
        reading = asyncio.ensure_future(anext(aiter(stream)))
        await door.shop.begun.wait()

        stream.cancel()

        async with asyncio.timeout(5):
            await door.shop.cancelled.wait()
        await asyncio.wait([reading])


async def test_the_deadline_of_the_call_is_that_of_the_work():
    async with opened() as door:
        await door.client.infer("m", [texts("text", TEXTS)], client_timeout=30)

    (asked,) = door.shop.asked
    assert 25 < (asked.urgency.deadline_s or 0) <= 31


async def test_without_a_deadline_the_work_has_none():
    async with opened() as door:
        await door.client.infer("m", [texts("text", TEXTS)])

    assert None is door.shop.asked[0].urgency.deadline_s


async def test_work_is_cancelled_when_its_caller_leaves():
    async with opened() as door:
        slow = asyncio.create_task(door.client.infer("m", [texts("text", ["slow"])]))
        await door.shop.begun.wait()

        slow.cancel()

        async with asyncio.timeout(5):
            await door.shop.cancelled.wait()


async def test_a_stream_answers_each_request_and_outlives_an_error():
    async def requests() -> AsyncIterator[dict[str, Any]]:
        for model in ("m", "nobody", "m"):
            yield {"model_name": model, "inputs": [texts("text", TEXTS)], "request_id": model}

    async with opened() as door:
        found = [
            error.message() if error else result.as_numpy("scores").shape
            async for result, error in door.client.stream_infer(requests())
        ]

    assert ((2, 2), (2, 2)) == (found[0], found[2])
    assert "no model named 'nobody'" in found[1]


async def test_a_stream_that_says_nothing_does_not_hold_up_the_end():
    shop = Shop()
    door = Door(service=Service(shop.predict, shop), keys=Keys({}), version="1", max_items=4)
    async with asyncio.timeout(10):
        async with listening(RpcConfig(port=0), door) as port:
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
            stream = channel.stream_stream(
                "/inference.GRPCInferenceService/ModelStreamInfer",
                request_serializer=theirs.ModelInferRequest.SerializeToString,
                response_deserializer=theirs.ModelStreamInferResponse.FromString,
            )()
            await stream.write(theirs.ModelInferRequest(model_name="nobody"))
            await stream.read()

        assert grpc.StatusCode.UNAVAILABLE == await stream.code()
        await channel.close()


async def test_a_key_is_asked_for_but_not_for_health():
    keys = Keys({"team": sha256(b"key").hexdigest()})
    async with opened(keys) as door:
        with pytest.raises(InferenceServerException) as caught:
            await door.client.infer("m", [texts("text", TEXTS)])
        headers = {"authorization": "Bearer key"}
        await door.client.infer("m", [texts("text", TEXTS)], headers=headers)
        is_live = await door.client.is_server_live()

    assert "StatusCode.UNAUTHENTICATED" == caught.value.status()
    assert ("team", True) == (door.shop.asked[0].caller, is_live)


@pytest.mark.parametrize(("is_ready", "status"), [(True, 1), (False, 2)])
async def test_health_says_whether_requests_should_come(is_ready, status):
    request, response = MESSAGES["HealthCheckRequest"], MESSAGES["HealthCheckResponse"]

    async with opened() as door:
        door.shop.is_ready = is_ready
        found = await door.call("/grpc.health.v1.Health/Check", request(), response)

    assert status == found.status


async def test_health_of_an_unknown_service_is_not_found():
    request, response = MESSAGES["HealthCheckRequest"], MESSAGES["HealthCheckResponse"]

    async with opened() as door:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await door.call("/grpc.health.v1.Health/Check", request(service="x"), response)

    assert grpc.StatusCode.NOT_FOUND == caught.value.code()


async def test_who_watches_health_is_told_of_the_drain():
    request, response = MESSAGES["HealthCheckRequest"], MESSAGES["HealthCheckResponse"]

    async with opened() as door, asyncio.timeout(5):
        watch = door.channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )(request())
        found = []
        async for state in watch:
            found.append(state.status)
            door.service.drain()

    assert [1, 2] == found


async def test_while_draining_the_old_is_answered_and_the_new_refused():
    async with opened() as door:
        slow = asyncio.create_task(door.client.infer("m", [texts("text", ["slow"])]))
        await door.shop.begun.wait()
        door.service.drain()
        with pytest.raises(InferenceServerException) as caught:
            await door.client.infer("m", [texts("text", TEXTS)])
        is_ready = await door.client.is_server_ready()
        door.shop.released.set()
        result = await slow

    assert ("StatusCode.UNAVAILABLE", False) == (caught.value.status(), is_ready)
    assert (1, 2) == result.as_numpy("scores").shape


async def test_a_port_in_use_is_told_with_its_number():
    async with opened() as door:
        port = int(door.url.rpartition(":")[2])

        with pytest.raises(ConfigError, match=f"port {port} for gRPC"):
            async with rpc_open(RpcConfig(port=port), door.service, Keys({}), version="1"):
                pass


# The server as it is run


@pytest.fixture(scope="module")
def running(every: Mapping[str, Artifact], config: Config) -> Iterator[tuple[Server, str]]:
    folders = [str(every[name].folder) for name in ("classifier", "embedder", "tagger", "reader")]
    port = free_port()
    flags = ["--precision", "f32", "--threads", "1", "--set", f"rpc.port={port}"]
    flags += ["--set", "web.repository_control=true"]
    with serving(*folders, *flags, cache=config.cache.folder) as server:
        yield server.until_ready(), f"127.0.0.1:{port}"


@pytest.fixture
def client(running: tuple[Server, str]) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(running[1]) as client:
        yield client


def test_both_doors_give_the_same_scores(
    running: tuple[Server, str], client: InferenceServerClient
) -> None:
    _, reply = running[0].call("/classify", {"text": TEXTS})

    found = client.infer("classifier", [texts("text", TEXTS)]).as_numpy("scores")

    np.testing.assert_allclose(reply["predictions"], found, atol=1e-6)


def test_the_client_reads_health_metadata_and_configuration(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("classifier", "1")
    assert "goldcrest" == client.get_server_metadata().name
    assert ["scores", "label", "score"] == [
        one.name for one in client.get_model_metadata("classifier").outputs
    ]
    assert [13] == [one.data_type for one in client.get_model_config("classifier").config.input]


def test_parameters_and_outputs_are_passed_on(client):
    wanted = [InferRequestedOutput("embedding")]
    parameters = {"dimensions": 8, "normalize": True}

    found = client.infer(
        "embedder", [texts("text", TEXTS)], outputs=wanted, parameters=parameters
    ).as_numpy("embedding")

    assert (2, 8) == found.shape
    np.testing.assert_allclose([1.0, 1.0], np.linalg.norm(found, axis=1), atol=1e-5)


def test_texts_that_were_cut_are_counted(client):
    found = client.infer("classifier", [texts("text", TEXTS)], parameters={"max_length": 4})

    assert 2 == found.get_response().parameters["n_truncated"].int64_param


def test_token_ids_are_read(client):
    ids = np.array([[2, 7, 3, 0]], np.int32)
    tensor = InferInput("input_ids", [1, 4], "INT32").set_data_from_numpy(ids)

    assert (1, 3) == client.infer("classifier", [tensor]).as_numpy("scores").shape


@pytest.mark.parametrize(
    ("model", "inputs", "output"),
    [
        ("tagger", [texts("text", TEXTS)], "entities"),
        ("reader", [texts("question", ["what"]), texts("context", TEXTS)], "answers"),
    ],
)
def test_structured_answers_are_json_texts(client, model, inputs, output):
    found = client.infer(model, inputs).as_numpy(output)

    assert [list, list] == [type(json.loads(each)) for each in found]


def test_the_threaded_stream_of_the_client_works(client):
    answers: Queue[Any] = Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))

    client.async_stream_infer("classifier", [texts("text", TEXTS)])
    result, error = answers.get(timeout=10)
    client.stop_stream()

    assert None is error
    assert (2, 3) == result.as_numpy("scores").shape


def test_a_model_is_taken_out_and_put_back(client, running):
    client.unload_model("tagger")
    states = {one.name: one.state for one in client.get_model_repository_index().models}
    with pytest.raises(InferenceServerException) as caught:
        client.infer("tagger", [texts("text", TEXTS)])
    client.load_model("tagger")
    running[0].until_ready()

    assert ("UNAVAILABLE", "READY") == (states["tagger"], states["classifier"])
    assert "StatusCode.UNAVAILABLE" == caught.value.status()
    assert (2,) == client.infer("tagger", [texts("text", TEXTS)]).as_numpy("entities").shape


async def test_sigterm_answers_what_is_in_flight_and_exits_with_0(every, config):
    port = free_port()
    flags = ["--threads", "1", "--precision", "f32", "--set", f"rpc.port={port}"]
    folder = str(every["classifier"].folder)
    with serving(folder, *flags, cache=config.cache.folder) as server:
        await asyncio.to_thread(server.until_ready)
        async with tritonclient.grpc.aio.InferenceServerClient(f"127.0.0.1:{port}") as client:
            many = [texts("text", TEXTS * 50)]
            pending = [asyncio.create_task(client.infer("classifier", many)) for _ in range(32)]
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            server.process.send_signal(signal.SIGTERM)
            found = await asyncio.gather(*pending, return_exceptions=True)

        assert 0 == await asyncio.to_thread(server.process.wait, 30), server.log

    assert "Traceback" not in server.log
    # A request is answered, or refused while draining; none is cut.
    statuses = {one.status() if isinstance(one, InferenceServerException) else 200 for one in found}
    assert {200} <= statuses <= {200, "StatusCode.UNAVAILABLE"}
