"""Numbers from files: finite ones and whole ones pass, everything else is named with its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplay.errors import InputError
from interplay.ops.numbers import finite_number, finite_rows, whole_number, whole_rows

NO_NUMBERS = [float("nan"), float("inf"), -float("inf"), 1e39, 10**400, None, "1", b"1", True, [], [1, 2], {}]


def where(row: int) -> str:
    return f"row {row}"


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_named(value: Any) -> None:
    for read in (finite_number, whole_number):
        with pytest.raises(InputError, match="here: expected a "):
            read(value, "here")
    with pytest.raises(InputError, match="row 1: expected a "):
        finite_rows([1, value], 1, where)
    with pytest.raises(InputError, match="row 1: expected "):
        finite_rows([[1, 2], [3, value]], 2, where)
    with pytest.raises(InputError, match="row 1: expected a "):
        whole_rows([1, value], where)


@pytest.mark.parametrize("value", [5, 5.0, np.int32(5), np.float16(5), np.array(5), np.array([5]), [5.0]])
def test_numbers_of_many_kinds(value: Any) -> None:
    assert finite_number(value, "here") == whole_number(value, "here") == 5
    assert finite_rows([value, 1.5], 1, where).tolist() == [[5], [1.5]]
    assert whole_rows([value, 7], where).tolist() == [5, 7]


@given(st.lists(st.one_of(st.integers(-(2**62), 2**62), st.integers(-99, 99).map(float)), min_size=1))
def test_whole_numbers_stay_exact(values: list[float]) -> None:
    assert whole_rows(values, where).tolist() == values


@given(st.lists(st.lists(st.floats(-1e30, 1e30), min_size=3, max_size=3), min_size=1))
def test_rows_are_the_same_as_one_by_one(rows: list[list[float]]) -> None:
    expected = [[finite_number(value, "here") for value in row] for row in rows]
    np.testing.assert_array_equal(finite_rows(rows, 3, where), np.array(expected, np.float32))


def test_ranges_and_missing_values() -> None:
    for bad in (-1, 3, 2.5):
        with pytest.raises(InputError, match="row 1: expected"):
            whole_rows([0, bad], where, 3)
    with pytest.raises(InputError, match="row 0: expected none"):
        whole_rows([0], where, 0)
    assert np.isnan(finite_rows([[1, np.nan], [None, 2]], 2, where, nan=True)).tolist() == [
        [False, True],
        [True, False],
    ]
    with pytest.raises(InputError, match="row 1"):
        finite_rows([[1, np.nan], [np.inf, 2]], 2, where, nan=True)
    assert finite_rows([], 4, where).shape == (0, 4)
    assert not np.signbit(finite_rows([-0.0], 1, where)).any()
