"""Autoscaling triggers as Kubernetes reads them: an HPA and a KEDA ScaledObject."""

from __future__ import annotations

from typing import Literal

from goldcrest.loadtest.autoscaling import Scaling

Kind = Literal["hpa", "keda"]
NAME = "goldcrest"
PROMETHEUS = "http://prometheus-server.monitoring.svc:80"
BUSY = "goldcrest_engine_busy_seconds_total"
WAITING = "goldcrest_waiting_tokens"

_HPA = """\
# Two metrics that the adapter of Prometheus must serve per pod, with rules such as
#   seriesQuery: '{busy}', metricsQuery: 'sum(rate(<<.Series>>{{<<.LabelMatchers>>}}[{window}])) \
by (<<.GroupBy>>)', name: {{as: goldcrest_engine_busy}}
#   seriesQuery: '{waiting}', metricsQuery: 'sum(<<.Series>>{{<<.LabelMatchers>>}}) \
by (<<.GroupBy>>)'
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  minReplicas: {least}
  maxReplicas: {most}
  metrics:
    - type: Pods
      pods:
        metric:
          name: goldcrest_engine_busy
        target:
          type: AverageValue
          averageValue: "{busy_milli}m"
    - type: Pods
      pods:
        metric:
          name: {waiting}
        target:
          type: AverageValue
          averageValue: "{tokens}"
  behavior:
{behavior}"""

_BEHAVIOR = """\
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - type: Percent
      value: 100
      periodSeconds: {every}
    - type: Pods
      value: 4
      periodSeconds: {every}
scaleDown:
  stabilizationWindowSeconds: {calm}
  policies:
    - type: Percent
      value: 100
      periodSeconds: {every}
"""

_KEDA = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {name}
spec:
  scaleTargetRef:
    name: {name}
  pollingInterval: {every}
  minReplicaCount: {least}
  maxReplicaCount: {most}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
{behavior}\
  triggers:
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {prometheus}
        query: sum(rate({busy}[{window}]))
        threshold: "{busy_share:.3f}"
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {prometheus}
        query: sum({waiting})
        threshold: "{tokens}"
"""


def triggers(
    kind: Kind, scaling: Scaling, *, name: str = NAME, prometheus: str = PROMETHEUS
) -> str:
    """Write an autoscaler's aims as YAML.

    Args:
        kind: "hpa" for autoscaling/v2, "keda" for a ScaledObject.
        scaling: the aims, the bounds and the delays.
        name: of the Deployment.
        prometheus: where KEDA asks.
    """
    text, indent = (_HPA, 4) if kind == "hpa" else (_KEDA, 8)
    return text.format(
        name=name,
        prometheus=prometheus,
        busy=BUSY,
        waiting=WAITING,
        least=scaling.least,
        most=scaling.most,
        busy_share=scaling.busy,
        busy_milli=round(scaling.busy * 1000),
        tokens=max(1, round(scaling.waiting_tokens)),
        window=f"{scaling.window_s:.0f}s",
        every=round(scaling.every_s),
        behavior=_indented(_behavior(scaling), indent),
    )


def _behavior(scaling: Scaling) -> str:
    return _BEHAVIOR.format(every=round(scaling.every_s), calm=round(scaling.calm_s))


def _indented(text: str, n: int) -> str:
    return "".join(f"{' ' * n}{line}\n" for line in text.splitlines())
