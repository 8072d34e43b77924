"""Settings: who wins, what is refused and in which words."""

from pathlib import Path

import pytest

from goldcrest.config import SETTINGS, Loaded, load, usable_processors
from goldcrest.errors import ConfigError


def _load(flags=None, *, environ=None, file=None) -> Loaded:
    return load(flags or {}, environ=environ or {}, file=file, n_processors=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "goldcrest.toml"
    path.write_text('models = ["org/one"]\n[web]\nport = 1\n[engine]\nthreads = 3\n')
    return path


def test_defaults_hold_where_nobody_gives_a_value():
    loaded = _load()

    assert (8000, "default") == (loaded.config.web.port, loaded.origin["web.port"])


def test_the_file_wins_over_the_defaults(file: Path):
    loaded = _load(file=file)

    assert (1, f"file {file}") == (loaded.config.web.port, loaded.origin["web.port"])


def test_the_environment_names_the_file(file: Path):
    assert 3 == _load(environ={"GOLDCREST_CONFIG": str(file)}).config.engine.threads


def test_the_environment_wins_over_the_file(file: Path):
    loaded = _load(file=file, environ={"GOLDCREST_WEB__PORT": "2"})

    assert (2, "environment GOLDCREST_WEB__PORT") == (
        loaded.config.web.port,
        loaded.origin["web.port"],
    )


def test_flags_win_over_the_environment():
    loaded = _load({"web.port": 4}, environ={"GOLDCREST_WEB__PORT": "2"})

    assert (4, "flag --port") == (loaded.config.web.port, loaded.origin["web.port"])


def test_a_flag_that_was_not_given_changes_nothing():
    assert 8000 == _load({"web.port": None}).config.web.port


def test_text_is_read_as_the_type_of_its_setting():
    config = _load(
        environ={"GOLDCREST_WEB__ACCESS_LOG": "true", "GOLDCREST_BATCH__OBJECTIVE_MS": "20"}
    ).config

    assert (True, 20.0) == (config.web.access_log, config.batch.objective_ms)


@pytest.mark.parametrize(
    ("flags", "environ", "nearest"),
    [
        ({"web.prt": 1}, {}, "web.port"),
        ({}, {"GOLDCREST_WEB_PORT": "1"}, "GOLDCREST_WEB__PORT"),
        ({"models": [{"source": "a", "max_lenght": 1}]}, {}, "models.0.max_length"),
    ],
    ids=["flag", "environment", "model"],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(flags, environ, nearest):
    with pytest.raises(ConfigError, match=f"nearest is '{nearest}'"):
        _load(flags, environ=environ)


@pytest.mark.parametrize("text", ["[wbe]\nport = 1", "[web]\nprt = 1"], ids=["section", "key"])
def test_an_unknown_key_of_the_file_names_the_file(tmp_path: Path, text: str):
    path = tmp_path / "x.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=str(path)):
        _load(file=path)


def test_a_value_out_of_range_is_refused_with_its_bounds_and_origin():
    with pytest.raises(ConfigError) as caught:
        _load(environ={"GOLDCREST_WEB__PORT": "70000"})

    assert (
        "web.port = '70000' (environment GOLDCREST_WEB__PORT) is not valid; "
        "it must be a whole number from 0 to 65,535"
    ) == str(caught.value)


def test_a_value_outside_a_choice_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match='one of "auto", "f32", "bf16", "int8"'):
        _load({"engine.precision": "fp32"})


def test_a_number_written_as_text_in_the_file_is_refused(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text('[web]\nport = "8000"')

    with pytest.raises(ConfigError, match=r"web\.port = '8000'"):
        _load(file=path)


@pytest.mark.parametrize("text", ["a =", "\xff"], ids=["syntax", "encoding"])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, text: str):
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match=f"{path} is not valid TOML"):
        _load(file=path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nope\.toml cannot be read"):
        _load(file=tmp_path / "nope.toml")


@pytest.mark.parametrize(
    "text",
    ["org/one, two", '["org/one", {"source": "x", "name": "two"}]'],
    ids=["commas", "json"],
)
def test_models_come_from_the_environment_as_commas_or_json(text: str):
    models = _load(environ={"GOLDCREST_MODELS": text}).config.models

    assert ["one", "two"] == [model.name for model in models]


def test_the_built_in_model_is_served_when_none_is_named():
    assert ["sentiment"] == [model.source for model in _load().config.models]


@pytest.mark.parametrize(
    ("source", "name"),
    [("org/model", "model"), ("./some/folder/", "folder"), ("sentiment", "sentiment")],
)
def test_a_model_is_named_after_the_last_part_of_its_source(source: str, name: str):
    assert name == _load({"models": [source]}).config.models[0].name


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two models are named 'm'"):
        _load({"models": ["a/m", "b/m"]})


@pytest.mark.parametrize("models", [[], "m", [{"name": "m"}], [3]], ids=str)
def test_models_without_a_source_are_refused(models: object):
    with pytest.raises(ConfigError, match="models"):
        _load({"models": models})


def test_no_threads_means_what_the_machine_leaves_to_us():
    assert 2 == _load().config.engine.threads


def test_a_model_takes_the_precision_of_the_engine():
    assert "int8" == _load({"engine.precision": "int8"}).config.models[0].precision


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/h"}, "/h/.cache/goldcrest"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/goldcrest"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x", "GOLDCREST_CACHE__FOLDER": "/mine"}, "/mine"),
    ],
    ids=["home", "xdg", "given"],
)
def test_the_cache_lies_where_the_environment_says(environ: dict[str, str], folder: str):
    assert folder == _load(environ=environ).config.cache.folder


def test_the_variables_a_cluster_makes_for_a_service_of_our_name_are_passed_over():
    links = {
        "GOLDCREST_SERVICE_HOST": "10.0.0.1",
        "GOLDCREST_SERVICE_PORT_HTTP": "80",
        "GOLDCREST_PORT": "tcp://10.0.0.1:80",
        "GOLDCREST_CANARY_PORT_80_TCP_ADDR": "10.0.0.1",
    }

    assert _load() == _load(environ=links)


def test_every_setting_has_a_row_with_its_origin():
    keys = [key for key, _, _ in _load().rows()]

    assert list(SETTINGS) == [key for key in keys if not key.startswith("models.")]


@pytest.mark.parametrize(("quota", "processors"), [("max 100000", None), ("50000 100000", 1)])
def test_the_quota_of_the_control_group_bounds_the_processors(
    tmp_path: Path, quota: str, processors: int | None
):
    (tmp_path / "own").write_text("0::/slice/unit\n")
    (tmp_path / "slice/unit").mkdir(parents=True)
    (tmp_path / "slice/cpu.max").write_text(quota)
    unbounded = usable_processors(groups=tmp_path / "none", own=tmp_path / "none")

    assert (processors or unbounded) == usable_processors(groups=tmp_path, own=tmp_path / "own")


@pytest.mark.parametrize(("quota", "processors"), [("-1", None), ("100000", 1)])
def test_the_older_form_of_the_quota_counts_too(tmp_path: Path, quota: str, processors: int | None):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")
    unbounded = usable_processors(groups=tmp_path / "none", own=tmp_path / "none")

    assert (processors or unbounded) == usable_processors(groups=tmp_path, own=tmp_path / "none")
