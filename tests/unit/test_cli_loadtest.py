"""``goldcrest loadtest`` before anything is sent."""

from __future__ import annotations

import sys

import pytest

from goldcrest.cli.main import main
from goldcrest.loadtest.profiles import builtin
from goldcrest.loadtest.protocols import PROTOCOLS


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *given: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["goldcrest", "loadtest", *given])
    with pytest.raises(SystemExit) as ended:
        main()
    assert 2 == ended.value.code
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--rate", "5"), "--serve"),
        (("http://127.0.0.1:1", "--serve", "sentiment"), "not both"),
        (("http://127.0.0.1:1", "--rate", "5", "--limit-cpus", "1"), "--serve"),
        (("example.com:80", "--rate", "5"), "--yes"),
        (("http://127.0.0.1:1", "--steps", "5,x"), "--steps"),
        (("http://127.0.0.1:1", "--find-max"), "--slo"),
        (("http://127.0.0.1:1", "--rate", "5", "--profile", "nowhere"), "nowhere"),
        (("http://127.0.0.1:1", "--rate", "5", "--api", "soap"), "soap"),
        (("http://127.0.0.1:1", "--rate", "5", "--mix", "urgent=1"), "urgent"),
    ],
)
def test_what_does_not_go_together_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    said: str,
) -> None:
    message = refused(monkeypatch, capsys, *given)

    assert said in message
    assert "Traceback" not in message


def test_help_names_every_profile_and_every_protocol(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["goldcrest", "loadtest", "--help"])
    with pytest.raises(SystemExit):
        main()

    told = " ".join(capsys.readouterr().out.split())
    assert [] == [name for name in (*builtin(), *PROTOCOLS) if name not in told]
