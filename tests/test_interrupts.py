from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import pytest

from interplay.interrupts import postponed_interrupt, remembered_interrupt

Handling = Callable[[], AbstractContextManager[Callable[[], None]]]


def test_ctrl_c_waits_for_a_good_moment() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), postponed_interrupt() as stop_if_asked:  # noqa: PT012  # what happens when
        stop_if_asked()
        signal.raise_signal(signal.SIGINT)
        reached = True
        stop_if_asked()
    assert reached


def test_a_second_ctrl_c_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), postponed_interrupt():  # noqa: PT012  # the first must pass
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second interrupt was swallowed")


def test_a_swallowed_ctrl_c_comes_again_at_the_next_check() -> None:
    with pytest.raises(KeyboardInterrupt), remembered_interrupt() as stop_if_asked:  # noqa: PT012  # what happens when
        stop_if_asked()
        with pytest.raises(KeyboardInterrupt):  # at once
            signal.raise_signal(signal.SIGINT)
        stop_if_asked()
        pytest.fail("the interrupt was forgotten")


@pytest.mark.parametrize("error", [None, RuntimeError("what a library made of it")])
def test_a_swallowed_ctrl_c_comes_again_at_the_end(error: Exception | None) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, remembered_interrupt():  # noqa: PT012  # what happens when
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        if error is not None:
            raise error
    assert caught.value.__cause__ is error


def test_errors_without_ctrl_c_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="broken"), remembered_interrupt():
        raise RuntimeError("broken")


@pytest.mark.parametrize("handling", [postponed_interrupt, remembered_interrupt])
def test_the_previous_handler_comes_back(handling: Handling) -> None:
    before = signal.getsignal(signal.SIGINT)
    with handling():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("handling", [postponed_interrupt, remembered_interrupt])
def test_other_threads_may_use_them(handling: Handling) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            with handling() as stop_if_asked:
                stop_if_asked()
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems
