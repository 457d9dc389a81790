"""Tests of the cohort report's figures: unobserved cells are not drawn, and text alternatives state the finding."""

import json

import numpy as np
import pandas as pd
import pytest

from lib.analysis import cohorts
from lib.report import charts
from lib.report.charts.figure import Chart
from tests.analysis.test_cohorts import CELLS, WHOLE

RATES = pd.DataFrame({"churn_days": [30, 90], "observed_buyers": [50, 40], "churn_rate": [0.75, 0.5]})
CLASSES = pd.DataFrame({"from_revenue": [0.0, 20.0], "to_revenue": [20.0, 40.0], "buyers": [3, 1]})
SUMMARY = pd.Series({"median_revenue": 10.0, "mean_revenue": 15.0, "top_tenth_from": 35.0, "top_tenth_share": 0.6})
CURVE = cohorts.second_orders(pd.DataFrame({"days": [1, 3], "returned": [True, False], "buyers": [1, 3]}))
VALUE, MATRIX = cohorts.mean_value(WHOLE), cohorts.value_matrix(WHOLE)


def alt(figure: Chart) -> str:
    return figure.layout.meta["alt"]


def many(number: int) -> pd.DataFrame:
    """Monthly cohorts before 2025 of twenty customers each; half of them order in every later month."""
    months = pd.date_range(end="2024-12-01", periods=number, freq="MS", unit="us")
    rows = [(c, 20, m, j - i, 10, 5.0, 1.0, True) for i, c in enumerate(months) for j, m in enumerate(months) if j >= i]
    return pd.DataFrame(rows, columns=CELLS.columns)


def test_matrix_draws_observed_cells_and_hatches_incomplete_months() -> None:
    figure = charts.retention_matrix(cohorts.retention(WHOLE, "2025-03-15"), "sign-up")
    cells, hatched = figure.data
    assert cells.z[[0, 2]].tolist() == [[1.0, 0.5], [1.0, 0.5]], "the mean, then January's cohort"
    assert np.isnan(cells.z[1]).all(), "a gap below the mean"
    assert np.isnan(cells.z[3][1]), "the incomplete month of February's cohort"
    assert [list(row) for row in cells.text] == [["100", "50"], ["", ""], ["100", "50"], ["100", ""]]
    assert list(zip(hatched.y, [base + 0.47 for base in hatched.base], strict=True)) == [(0, 2), (1, 1)]
    assert list(figure.layout.yaxis.ticktext) == ["all · 3", "Jan 2025 · 2", "Feb 2025 · 1"]
    assert alt(figure) == (
        "Retention of 2 cohorts by months after sign-up: 3 observed cells, from 50% to 100%; all cohorts together, "
        "from 50% to 100%."
    )


def test_on_the_first_of_a_month_nothing_is_hatched() -> None:
    assert len(charts.retention_matrix(cohorts.retention(WHOLE, "2025-03-01"), "sign-up").data) == 1


def test_matrix_has_the_latest_cohorts_and_the_mean_of_all() -> None:
    figure = charts.retention_matrix(cohorts.retention(many(30), "2025-01-15"), "sign-up")
    cells, hatched = figure.data
    assert np.shape(cells.z) == (2 + 18, 18)
    assert figure.layout.yaxis.ticktext[0] == "all · 600"
    assert max(hatched.base) < 18


def test_a_cohort_of_one_customer_does_not_set_the_scale() -> None:
    cells = many(12)
    cells.loc[cells["month_index"] == 11, "customers"] = 20
    assert charts.retention_matrix(cohorts.retention(cells, "2025-01-01"), "sign-up").data[0].zmax == 0.5


def test_curves_leave_out_tiny_cohorts_and_dot_a_mean_over_few() -> None:
    names = [trace.name for trace in charts.retention_curves(cohorts.retention(many(4), "2025-01-01"), "sign-up").data]
    assert names == ["cohorts of 10 and more", "all cohorts", "under 3 cohorts"]
    tiny = charts.retention_curves(cohorts.retention(WHOLE, "2025-03-15"), "sign-up")
    assert [trace.name for trace in tiny.data] == ["all cohorts, under 3 cohorts"]
    assert alt(tiny) == "Retention of all cohorts by month: 100.0% at 0, 50.0% at 1."


def test_lines_of_cohorts_have_gaps_between_them() -> None:
    pale = charts.retention_curves(cohorts.retention(many(3), "2025-01-01"), "sign-up").data[0]
    assert list(pale.x)[3] is None
    assert np.isnan(pale.y[3])
    assert pale.customdata[4] == "Nov 2024"


def test_layers_add_up_to_the_months() -> None:
    figure = charts.cohort_revenue(WHOLE, "USD")
    assert [trace.name for trace in figure.data] == ["first order in Jan 2025", "first order in Feb 2025"]
    assert sum(sum(trace.y) for trace in figure.data) == WHOLE["revenue"].sum()
    assert "$20 in Jan 2025, $50 in Feb 2025" in alt(figure)


def test_many_cohorts_become_layers_of_quarters() -> None:
    figure = charts.cohort_revenue(many(24), "USD")
    assert len(figure.data) == 8
    assert figure.data[0].name == "first order in Q1 2023"
    assert sum(sum(trace.y) for trace in figure.data) == many(24)["revenue"].sum()
    assert [trace.showlegend for trace in figure.data] == [True, *[False] * 6, True]


def test_value_is_compared_with_the_acquisition_cost_if_known() -> None:
    figure = charts.customer_value(MATRIX, VALUE, {"paid CAC": 7.0, "blended CAC": np.nan}, "USD")
    assert [shape.y0 for shape in figure.layout.shapes] == [7.0]
    assert alt(figure).endswith("$20 at 0, $25 at 1. Marked: paid CAC $7.")
    free = charts.customer_value(MATRIX, VALUE.assign(margin=np.nan), {}, "USD")
    assert not free.layout.shapes
    assert not any("margin" in trace.name for trace in free.data)


def test_lifetime_values_mark_median_mean_and_top_tenth() -> None:
    figure = charts.lifetime_values(CLASSES, SUMMARY, "USD")
    labels = ["median $10", "mean $15", "top tenth: 60% of revenue"]
    assert [note.text for note in figure.layout.annotations] == labels
    assert alt(figure).endswith("Marked: median $10, mean $15, top tenth: 60% of revenue.")
    free = charts.lifetime_values(CLASSES, SUMMARY.replace(0.6, np.nan), "USD")
    assert len(free.layout.shapes) == 2, "without revenue there is no share"
    assert list(figure.data[0].customdata) == ["$0 to $20", "$20 and more"]
    beyond = charts.lifetime_values(CLASSES, SUMMARY.replace(15.0, 50.0), "USD")
    assert len(beyond.layout.shapes) == 2, "a mean beyond the last bar is not marked"


def test_second_orders_have_their_interval() -> None:
    figure = charts.second_orders(CURVE)
    assert [trace.name for trace in figure.data] == ["95 % interval", "95 % interval", "second order"]
    assert alt(figure).endswith("by day: 0.0% at 0, 25.0% at 1, 25.0% at 3.")


def test_churn_marks_the_window_of_the_report() -> None:
    figure = charts.churn(RATES, 90)
    assert figure.data[0].marker.size == (7, 13)
    assert alt(figure) == "Churn rate by the window in days: 75.0% at 30, 50.0% at 90."


NONE = cohorts.retention(CELLS.head(0), "2025-03-15")


@pytest.mark.parametrize(
    "figure",
    [
        charts.retention_matrix(NONE, "sign-up"),
        charts.retention_curves(NONE, "sign-up"),
        charts.cohort_revenue(CELLS.head(0), "USD"),
        charts.customer_value(MATRIX.head(0), VALUE.head(0), {}, "USD"),
        charts.lifetime_values(CLASSES.head(0), SUMMARY, "USD"),
        charts.second_orders(CURVE.head(0)),
        charts.churn(RATES.assign(churn_rate=np.nan), 90),
    ],
)
def test_an_empty_figure_says_why(figure: Chart) -> None:
    assert not figure.data
    assert figure.layout.annotations[0].text == alt(figure)
    assert json.dumps(figure._repr_mimebundle_())
