"""``goldcrest loadtest`` before anything is sent."""

from __future__ import annotations

import sys

import pytest

from goldcrest.cli.loadtest import without_secrets
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
        (("http://127.0.0.1:99999", "--rate", "5"), "99999"),
        (("http://127.0.0.1:1", "--rate", "5", "--steps", "1,2"), "--steps"),
        (("http://127.0.0.1:1", "--rate", "0"), "above 0"),
        (("http://127.0.0.1:1", "--clients", "2.5"), "whole"),
        (("--serve", "sentiment 'x", "--rate", "5"), "quotation"),
        (("--serve", "sentiment", "--rate", "5", "--limit-cpus", "5000"), "5000"),
        (("http://127.0.0.1:1", "--rate", "5", "--out", "report.json"), "report.json"),
        (("http://127.0.0.1:1", "--rate", "5", "--out", "/nowhere/report.html"), "/nowhere"),
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


def test_a_password_given_to_the_server_does_not_reach_the_report() -> None:
    given = "sentiment --set cache.redis_url=redis://:hunter2@redis:6379/0 --threads 1"

    assert (
        "sentiment --set cache.redis_url=redis://***@redis:6379/0 --threads 1"
        == without_secrets(given)
    )
