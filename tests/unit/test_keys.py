"""Keys of callers: made, given in settings, recognised, and never repeated."""

from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldcrest.cli.main import app
from goldcrest.config import KeyConfig, load
from goldcrest.errors import ConfigError, Unauthorized
from goldcrest.serving.keys import Keys, fresh_key

ONE, TWO = (sha256(key.encode()).hexdigest() for key in ("one", "two"))


def _keys(environ=None, *, file=None) -> tuple[KeyConfig, ...]:
    return load({}, environ=environ or {}, file=file, n_processors=1).config.keys


def _file(folder: Path, text: str) -> Path:
    path = folder / "goldcrest.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("presented", "name"), [("one", "a"), ("two", "b"), ("three", None)])
def test_a_key_has_the_name_of_its_digest(presented, name):
    assert name == Keys({"a": ONE, "b": TWO}).name_of(presented)


def test_no_keys_let_everybody_in_without_a_name():
    assert "" == Keys({}).caller("Bearer anything")


@pytest.mark.parametrize(
    ("authorization", "api_key"),
    [("Bearer one", ""), ("bearer one ", ""), ("", "one"), ("Basic dTpw", "one")],
)
def test_a_caller_is_known_by_either_header(authorization, api_key):
    assert "a" == Keys({"a": ONE}).caller(authorization, api_key)


def test_the_header_of_the_standard_goes_first():
    with pytest.raises(Unauthorized, match="not known here"):
        Keys({"a": ONE}).caller("Bearer other", "one")


def test_a_refusal_does_not_repeat_the_key():
    with pytest.raises(Unauthorized) as refused:
        Keys({"a": ONE}).caller("Bearer s3cret")

    assert "s3cret" not in str(refused.value)


def test_fresh_keys_differ_and_fit_their_digests():
    key, digest = fresh_key()

    assert key != fresh_key()[0]
    assert digest == sha256(key.encode()).hexdigest()
    assert len(key) >= 43  # 256 bits in base64


def test_the_file_gives_keys_as_tables(tmp_path: Path):
    file = _file(tmp_path, f'[[keys]]\nname = "a"\nsha256 = "{ONE.upper()}"\n')

    assert (KeyConfig(name="a", sha256=ONE),) == _keys(file=file)


def test_the_environment_gives_keys_as_pairs():
    found = _keys({"GOLDCREST_KEYS": f"a:{ONE}, b:{TWO}"})

    assert (KeyConfig(name="a", sha256=ONE), KeyConfig(name="b", sha256=TWO)) == found


def test_the_keys_of_the_environment_replace_those_of_the_file(tmp_path: Path):
    file = _file(tmp_path, f'[[keys]]\nname = "a"\nsha256 = "{ONE}"\n')

    found = _keys({"GOLDCREST_KEYS": f"b:{TWO}"}, file=file)

    assert ["b"] == [key.name for key in found]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("s3cret", "name of 1 to 63|64 hexadecimal digits"),
        ("a:s3cret", "never the key itself"),
        (f"a b:{ONE}", "letters, digits"),
        (f"a:{ONE},a:{TWO}", "two keys have the name"),
        (f"a:{ONE},b:{ONE}", "two keys have the sha256"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_without_being_repeated(given, sentence):
    with pytest.raises(ConfigError, match=sentence) as refused:
        _keys({"GOLDCREST_KEYS": given})

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ['keys = "a"', 'keys = ["a"]', f'[[keys]]\nname = "a"\nsha256 = "{ONE}"\nkey = "s3cret"'],
)
def test_a_file_must_give_both_and_nothing_else(tmp_path: Path, text: str):
    with pytest.raises(ConfigError):
        _keys(file=_file(tmp_path, text))


def test_the_settings_in_force_show_names_alone():
    loaded = load({}, environ={"GOLDCREST_KEYS": f"a:{ONE}"}, n_processors=1)

    rows = list(loaded.rows())
    assert ("keys.0.name", "a", "environment GOLDCREST_KEYS") in rows
    assert ONE not in str(rows)


def test_the_command_prints_a_key_that_its_own_lines_let_in(tmp_path: Path):
    printed = CliRunner().invoke(app, ["key", "alice"]).output
    words = printed.split()

    lines = printed.partition("settings file:")[2].partition("Or in")[0]
    (entry,) = _keys(file=_file(tmp_path, lines))
    key = next(word for word in words if word.startswith("gc_"))
    assert "alice" == Keys({entry.name: entry.sha256}).caller(f"Bearer {key}")
    assert _keys({"GOLDCREST_KEYS": words[-1].partition("=")[2]}) == (entry,)


def test_the_command_refuses_an_odd_name():
    assert isinstance(CliRunner().invoke(app, ["key", "a b"]).exception, ConfigError)


def test_a_key_has_the_class_that_the_file_gives_it(tmp_path: Path):
    file = _file(tmp_path, f'[[keys]]\nname = "a"\nsha256 = "{ONE}"\npriority = "bulk"\n')

    (entry,) = _keys(file=file)

    assert ("bulk", "bulk") == (entry.priority, Keys.of([entry]).ceiling("a"))


def test_the_environment_gives_the_class_behind_the_digest():
    found = _keys({"GOLDCREST_KEYS": f"a:{ONE}:interactive,b:{TWO}"})

    assert ["interactive", ""] == [key.priority for key in found]


def test_a_class_that_is_none_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match="none of interactive, default, bulk"):
        _keys({"GOLDCREST_KEYS": f"a:{ONE}:urgent"})


def test_a_key_without_a_class_may_ask_for_any():
    assert None is Keys.of([KeyConfig(name="a", sha256=ONE)]).ceiling("a")
