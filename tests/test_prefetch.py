import threading
import time

import pytest

from interplay.prefetch import prefetch


def test_results_come_in_order_whatever_takes_longest() -> None:
    def work(n: int) -> int:
        time.sleep(0.002 * (n % 3 == 0))
        return n * n

    assert list(prefetch(work, range(50), workers=4)) == [n * n for n in range(50)]


def test_only_so_many_items_are_taken_ahead() -> None:
    taken = []

    def items():
        for n in range(100):
            taken.append(n)
            yield n

    stream = prefetch(lambda n: n, items(), ahead=5)
    assert next(stream) == 0
    assert len(taken) == 6
    stream.close()
    assert len(taken) == 6


def test_heavy_items_wait_alone() -> None:
    weights = [3, 3, 9, 1, 1, 1, 1, 20, 2]
    held, most = [], 0

    def work(weight: int) -> int:
        held.append(weight)
        return weight

    for weight in prefetch(work, weights, workers=1, ahead=8, weight=lambda weight: weight, most=6):
        held.remove(weight)
        time.sleep(0.005)  # what may begin has begun
        most = max(most, sum(held) if len(held) > 1 else 0)
    assert most <= 6


def test_items_are_taken_in_the_callers_thread_and_work_is_done_in_others() -> None:
    takers, workers = set(), set()

    def items():
        for n in range(5):
            takers.add(threading.get_ident())
            yield n

    list(prefetch(lambda n: workers.add(threading.get_ident()), items()))
    assert takers == {threading.get_ident()}
    assert threading.get_ident() not in workers


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(prefetch(lambda n: 1 // n, [1, 0, 1]))
