"""The lengths of live texts, from what a server counted."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from goldcrest.errors import ConfigError, DataProblem, UnknownModel
from goldcrest.lengths.distribution import Distribution, of_buckets
from goldcrest.lengths.prices import Prices
from goldcrest.lengths.result import Subject
from goldcrest.metrics.scraping import Sampled, get, read_metrics
from goldcrest.packing.cost import CostTable

_NAME = "goldcrest_text_tokens"
_USUAL_LIMIT = 512
"""Of a model of which the server tells no more than its texts."""

Get = Callable[[str, str, str], tuple[int, bytes]]
"""Gets a page of a server: its URL, a path, a key."""


def from_server(
    url: str, *, key: str = "", model: str | None = None, fetch: Get = get
) -> list[Subject]:
    """What a server counted of the texts of its models.

    Args:
        url: of the server.
        key: shown where it asks for one.
        model: only the one of that name.
        fetch: gets its pages.

    Raises:
        ConfigError: the server cannot be reached, or does not tell its metrics.
        DataProblem: it has counted no text yet.
        UnknownModel: it has counted none for a model of that name.
    """
    sampled = _metrics(url, key, fetch)
    found = {name: _distribution(sampled, name) for name in sampled.by(f"{_NAME}_count", "model")}
    told = {name: texts for name, texts in found.items() if texts is not None}
    if not told:
        raise DataProblem(f"{url} has counted no text yet", file=url)
    if model is not None and model not in told:
        raise UnknownModel(model, tuple(told))
    limits, prices = _limits(url, key, fetch), _prices(url, key, fetch)
    return [
        Subject(
            name=name,
            setting=_setting(name, limits.get(name)),
            limit=limits[name].max_length if name in limits else _USUAL_LIMIT,
            found=texts,
            prices=_named(prices.get(name), limits.get(name)),
            is_set=True,
        )
        for name, texts in told.items()
        if model in (None, name)
    ]


def _setting(name: str, model: _Model | None) -> str:
    """How the settings know a model; a cascade has no length of its own to be set."""
    has_own = model is None or not model.members
    return f"name = {msgspec.json.encode(name).decode()}" if has_own else ""


def _metrics(url: str, key: str, fetch: Get) -> Sampled:
    try:
        status, content = fetch(url, "/metrics", key)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ConfigError(f"the server {url} cannot be reached: {error}") from error
    if status in (401, 403):
        raise ConfigError(f"{url}/metrics wants a key that it knows; give one with --key-env")
    sampled = read_metrics(content) if status == http.HTTPStatus.OK else None
    if sampled is None or "goldcrest_info" not in sampled:
        raise ConfigError(f"{url}/metrics (status {status}) is not what a Goldcrest server tells")
    return sampled


def _distribution(sampled: Sampled, model: str) -> Distribution | None:
    totals = sorted(
        (float(labels["le"]), int(value))
        for labels, value in sampled.samples.get(f"{_NAME}_bucket", ())
        if labels.get("model") == model
    )
    counts = [after - before for (_, before), (_, after) in _steps(totals)]
    if not sum(counts):
        return None
    bounds = [int(bound) for bound, _ in totals[:-1]]
    return of_buckets(bounds, counts, int(sampled.total(f"{_NAME}_sum", model=model)))


def _steps(
    totals: Sequence[tuple[float, int]],
) -> zip[tuple[tuple[float, int], tuple[float, int]]]:
    return zip([(0.0, 0), *totals], totals, strict=False)


class _Model(msgspec.Struct):
    id: str
    max_length: int
    precision: str = ""
    members: list[str] | None = None


class _Models(msgspec.Struct):
    data: list[_Model] = []


class _Lane(msgspec.Struct):
    model: str
    costs: dict[str, float] = {}


class _Explained(msgspec.Struct):
    lanes: list[_Lane] = []


def _limits(url: str, key: str, fetch: Get) -> Mapping[str, _Model]:
    """The models that the server lists; none where it lists none."""
    try:
        _, content = fetch(url, "/v1/models", key)
        return {model.id: model for model in msgspec.json.decode(content, type=_Models).data}
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return {}


def _prices(url: str, key: str, fetch: Get) -> Mapping[str, Prices]:
    """What the grids of each model cost there; of one with several engines, the best known."""
    try:
        _, content = fetch(url, "/debug/batches", key)
        lanes = msgspec.json.decode(content, type=_Explained).lanes
        tables = sorted((len(lane.costs), lane.model, lane) for lane in lanes)
        return {model: Prices(CostTable.from_json(lane.costs)) for _, model, lane in tables}
    except (OSError, ValueError, http.client.HTTPException, msgspec.MsgspecError):
        return {}


def _named(prices: Prices | None, model: _Model | None) -> Prices | None:
    return replace(prices, precision=model.precision) if prices and model else prices
