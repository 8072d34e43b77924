"""Settings as they are shown: without what is nobody's business."""

from __future__ import annotations

import pytest

from goldcrest.config import load
from goldcrest.config.masked import without_secrets
from goldcrest.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("redis://:secret@cache:6379/0", "redis://***@cache:6379/0"),
        ("rediss://me:secret@cache/1", "rediss://***@cache/1"),
        ("unix:///run/redis.sock?db=1&password=secret", "unix:///run/redis.sock?***"),
        ("redis://me:12#secret@cache", "***"),
        ("redis://:se/cret@cache", "***"),
        ("redis://:secret@cache:port", "***"),
        ("secret", "***"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, shown):
    assert shown == without_secrets(url)


def test_the_settings_in_force_show_no_password():
    loaded = load({"cache.redis_url": "redis://:secret@cache:6379"}, environ={})

    assert "redis://:secret@cache:6379" == loaded.config.cache.redis_url
    assert (
        "redis://***@cache:6379"
        == {key: value for key, value, _ in loaded.rows()}["cache.redis_url"]
    )


def test_a_url_of_the_wrong_type_is_refused_without_repeating_it():
    with pytest.raises(ConfigError) as caught:
        load({"cache.redis_url": ["redis://:secret@cache"]}, environ={})

    assert "secret" not in str(caught.value)
