"""Autoscaling triggers as Kubernetes would read them."""

from __future__ import annotations

import pytest
import yaml

from goldcrest.loadtest.autoscaling import Scaling
from goldcrest.loadtest.triggers import triggers
from goldcrest.metrics.specs import SPECS

SCALING = Scaling(busy=0.5678, waiting_tokens=1234, least=2, most=22, calm_s=240)


def test_hpa_aims_at_what_the_plan_computed():
    hpa = yaml.safe_load(triggers("hpa", SCALING))

    assert ("autoscaling/v2", "HorizontalPodAutoscaler") == (hpa["apiVersion"], hpa["kind"])
    spec = hpa["spec"]
    assert {"apiVersion": "apps/v1", "kind": "Deployment", "name": "goldcrest"} == (
        spec["scaleTargetRef"]
    )
    assert (2, 22) == (spec["minReplicas"], spec["maxReplicas"])
    aims = {m["pods"]["metric"]["name"]: m["pods"]["target"] for m in spec["metrics"]}
    assert {
        "goldcrest_engine_busy": {"type": "AverageValue", "averageValue": "568m"},
        "goldcrest_waiting_tokens": {"type": "AverageValue", "averageValue": "1234"},
    } == aims
    assert {"Pods"} == {metric["type"] for metric in spec["metrics"]}
    assert 240 == spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"]
    assert {"Percent", "Pods"} == {p["type"] for p in spec["behavior"]["scaleUp"]["policies"]}


def test_keda_asks_prometheus_for_the_same():
    scaled = yaml.safe_load(triggers("keda", SCALING, name="sentiment", prometheus="http://p:9090"))

    assert ("keda.sh/v1alpha1", "ScaledObject") == (scaled["apiVersion"], scaled["kind"])
    spec = scaled["spec"]
    assert "sentiment" == spec["scaleTargetRef"]["name"]
    assert (2, 22, 15) == (
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        spec["pollingInterval"],
    )
    assert [
        {
            "type": "prometheus",
            "metricType": "AverageValue",
            "metadata": {"serverAddress": "http://p:9090", "query": query, "threshold": threshold},
        }
        for query, threshold in (
            ("sum(rate(goldcrest_engine_busy_seconds_total[60s]))", "0.568"),
            ("sum(goldcrest_waiting_tokens)", "1234"),
        )
    ] == spec["triggers"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert 0 == behavior["scaleUp"]["stabilizationWindowSeconds"]


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_metrics_that_are_asked_for_exist(kind):
    names = {spec.name for spec in SPECS.values()}

    text = triggers(kind, SCALING)

    for name in ("goldcrest_engine_busy_seconds_total", "goldcrest_waiting_tokens"):
        assert name in names
        assert name in text
