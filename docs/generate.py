"""Writes docs/reference/ and the README's figures; ``python -m docs.generate`` after a change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import getdoc
from pathlib import Path
from typing import Any

import msgspec
import typer

from docs import measured, parity
from goldcrest.cli.main import app as command_line
from goldcrest.config import SETTINGS, CascadeConfig, Config, ModelConfig
from goldcrest.config.described import SECTIONS, words
from goldcrest.errors import GoldcrestError, ServingError
from goldcrest.loadtest import crew  # noqa: F401  # its error is on the page of errors
from goldcrest.metrics import SPECS
from goldcrest.web.app import ENDPOINTS
from goldcrest.web.endpoint import Endpoint
from goldcrest.web.openapi import errors_by_status, merged
from goldcrest.web.response import INTERNAL, status_of

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/generate.py; change the code, then run it. -->"


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / f"{name}.md").write_text(page(), "utf-8")
    measured.README.write_text(measured.current(), "utf-8")


def errors_page() -> str:
    """Return the page about errors."""
    kinds: list[type[ServingError]] = [ServingError, *_below(ServingError)]
    kinds.sort(key=lambda kind: (status_of(kind), kind.code))
    serving = [
        (f"`{kind.code}`", str(status_of(kind)), f"`{kind.__name__}`", _first_line(kind))
        for kind in kinds
    ]
    door = [
        ("`method_not_allowed`", "405", "", "The path has other methods; the header Allow says."),
        (f"`{INTERNAL}`", "500", "", "An error that nobody foresaw; the log says more."),
    ]
    offline = [
        (f"`{kind.code}`", f"`{kind.__name__}`", _first_line(kind))
        for kind in sorted(_below(GoldcrestError), key=lambda kind: str(kind.code))
        if not issubclass(kind, ServingError)
    ]
    return _page(
        "Errors",
        "Every answer that is not a success has the body "
        '`{"error": {"code": "...", "message": "..."}}`. The code is stable; the message is a '
        "sentence for people. 429 and 503 carry `Retry-After`. A failure that nobody foresaw has "
        "the header `x-request-id`, under which the log says more.",
        "## Of a request",
        _table(("code", "status", "class", "meaning"), [*serving, *door]),
        "## At start, and offline",
        "The command line prints them as one sentence and ends with 1, or with 2 for "
        "`config_error`.",
        _table(("code", "class", "meaning"), offline),
    )


def settings_page() -> str:
    """Return the page about settings."""
    sections = [
        part
        for section, kind in SECTIONS.items()
        for part in (f"## {section}", _first_line(kind), _settings_table(section))
    ]
    return _page(
        "Settings",
        "Defaults give way to a TOML file (`--config FILE`, or `GOLDCREST_CONFIG`), that to the "
        "environment, that to flags. A setting `section.key` is `[section] key = ...` in TOML, "
        "`GOLDCREST_SECTION__KEY` in the environment, and `--set section.key=VALUE` or a flag of "
        "its own on the command line. Unknown keys are errors. `goldcrest config show` prints "
        "what is in force and where it came from.",
        *sections,
        "## models",
        "A list, in TOML as `[[models]]`; `GOLDCREST_MODELS` holds sources with commas between "
        "them, or JSON. On the command line they are arguments. Without any, "
        f"`{Config().models[0].source}` is served.",
        _table(
            ("key", "allowed", "default", "meaning"),
            [
                (f"`{field.name}`", words(field.type), _default(field.default), _about(field.type))
                for field in msgspec.structs.fields(ModelConfig)
            ],
        ),
        "## cascades",
        "A list, in TOML as `[[cascades]]`; `GOLDCREST_CASCADES` holds it as JSON. "
        "[Its guide](../guides/cascade.md) says more.",
        _table(
            ("key", "meaning"),
            [
                (f"`{field.name}`", _about(field.type))
                for field in msgspec.structs.fields(CascadeConfig)
            ],
        ),
    )


def metrics_page() -> str:
    """Return the page about metrics."""
    rows = [
        (f"`{spec.name}`", spec.kind, ", ".join(spec.labels), spec.help) for spec in SPECS.values()
    ]
    return _page(
        "Metrics",
        "`GET /metrics` renders them in the Prometheus text format, with the usual `process_*` "
        "ones. How full grids are: `rate(goldcrest_grid_tokens_total[1m]) / "
        "rate(goldcrest_grid_slots_total[1m])`. How busy an engine is: "
        "`rate(goldcrest_engine_busy_seconds_total[1m])`.",
        _table(("name", "kind", "labels", "meaning"), rows),
    )


def http_page() -> str:
    """Return the page about the HTTP routes."""
    schemas = merged({}, ENDPOINTS)["components"]["schemas"]
    return _page(
        "HTTP",
        "`/docs` shows the same with forms to try it; `/openapi.json` has it as data. A header "
        "`x-request-id` comes back as it was sent. Errors are on [their own page](errors.md).",
        *(part for row in ENDPOINTS for part in _route(row, schemas)),
    )


def models_page() -> str:
    """Return the page about families, tasks and precisions."""
    bars = ", ".join(f"{precision} {bar:g}" for precision, bar in parity.BARS.items())
    return _page(
        "Families, tasks and precisions",
        "What `make parity` measured against transformers: the largest difference of any number, "
        "relative to the largest number of the answer: f32 over texts alone and packed with "
        f"neighbours, bf16 and INT8 packed. The check of this table fails above: {bars}. The weights are random, every one, "
        "so that nothing dropped goes unseen; trained weights lose far less to rounding. An empty "
        "cell was not measured: MobileBERT refuses INT8, CamemBERT's graph is XLM-RoBERTa's, and "
        "the tasks that share a readout share what rounding does to it.",
        _table(*parity.table(parity.read())),
    )


def cli_page() -> str:
    """Return the page about the command line."""
    root: Any = typer.main.get_command(command_line)
    return _page(
        "Command line",
        "Errors are one sentence on stderr. The status is 0 for success, 2 for a faulty command "
        "line or setting, 1 for any other error; `serve` ends with 0 after it drained.",
        *_command(root, "goldcrest"),
    )


def _route(row: Endpoint, schemas: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {row.method} {row.path}"
    yield f"{row.summary}. ".replace("?. ", "? ") + (getdoc(row.call) or "")
    asked = row.described if row.request is bytes else row.request
    if asked is not None:
        yield from _kinds("Request", asked, schemas)
    if row.example is not None:
        yield f"Example: `{msgspec.json.encode(row.example).decode()}`"
    if row.is_binary_too:
        yield "Both may also be in the binary form."
    if row.reply is not None:
        yield from _kinds("Reply", row.reply, schemas)
    statuses = [("200", "the reply")]
    statuses += [(str(status), when) for status, when in row.other_statuses.items()]
    statuses += [
        (str(status), ", ".join(f"`{code}`" for code in codes))
        for status, codes in errors_by_status(row.errors, row.problem).items()
    ]
    yield _table(("status", "when"), statuses)


def _kinds(title: str, kind: Any, schemas: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table for a type and for each that it has lists of; a word where it is no struct."""
    name = getattr(kind, "__name__", "")
    if name not in schemas:
        (schema,), _ = msgspec.json.schema_components([kind], ref_template="{name}")
        yield f"{title}: {_kind(schema)}."
        return
    yield f"{title}:"
    yield _fields(schemas[name])
    for inner in _inner(schemas[name]):
        yield f"`{inner}`:"
        yield _fields(schemas[inner])


def _inner(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the types that a type holds, or has lists of."""
    found = re.findall(r'"\$ref": ?"[^"]*/(\w+)"', json.dumps(schema.get("properties", {})))
    yield from dict.fromkeys(found)


def _fields(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", [])
    return _table(
        ("field", "type", "default", "meaning"),
        [
            (
                f"`{name}`",
                _kind(field),
                "required" if name in required else _default(field.get("default")),
                field.get("description", ""),
            )
            for name, field in schema.get("properties", {}).items()
        ],
    )


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "allOf" in schema:
        return _kind(schema["allOf"][0])
    if "enum" in schema:
        return ", ".join(f'`"{value}"`' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _command(command: Any, path: str) -> Iterator[str]:
    yield f"## {path}"
    yield command.help or ""
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield _table(("argument or option", "meaning"), rows)
    for name, child in getattr(command, "commands", {}).items():
        yield from _command(child, f"{path} {name}")


def _parameter(parameter: Any) -> tuple[str, str]:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`", parameter.help or ""
    value = "" if parameter.is_flag else " " + (parameter.metavar or "NAME")
    return ", ".join(f"`{option}{value}`" for option in parameter.opts), parameter.help or ""


def _settings_table(section: str) -> str:
    return _table(
        ("key", "allowed", "default", "flag", "meaning"),
        [
            (
                f"`{setting.key}`",
                setting.allowed,
                _default(setting.default),
                "" if setting.flag == "--set" else f"`{setting.flag}`",
                setting.description,
            )
            for setting in SETTINGS.values()
            if setting.key.startswith(f"{section}.")
        ],
    )


def _default(value: Any) -> str:
    if value is msgspec.NODEFAULT:
        return "required"
    return f"`{msgspec.json.encode(value).decode()}`"


def _about(kind: Any) -> str:
    return next((part.description for part in kind.__metadata__ if part.description), "")


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("goldcrest."):
            yield child
            yield from _below(child)


def _first_line(kind: type[Any]) -> str:
    return (getdoc(kind) or "").partition("\n")[0]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((_NOTE, f"# {title}", *parts)) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "errors": errors_page,
    "settings": settings_page,
    "metrics": metrics_page,
    "http": http_page,
    "cli": cli_page,
    "models": models_page,
}

if __name__ == "__main__":
    main()
