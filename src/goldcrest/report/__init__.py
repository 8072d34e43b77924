"""Self-contained HTML reports; shared by the tools that measure."""

from goldcrest.report.chart import Bars, Chart, Line, Series, bars, chart
from goldcrest.report.page import Figure, Page, Section, Table, render

__all__ = [
    "Bars",
    "Chart",
    "Figure",
    "Line",
    "Page",
    "Section",
    "Series",
    "Table",
    "bars",
    "chart",
    "render",
]
