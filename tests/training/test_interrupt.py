from __future__ import annotations

import signal
import threading

import pytest

from interplay.training.interrupt import postponed_interrupt


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


def test_the_previous_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with postponed_interrupt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_may_train() -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            with postponed_interrupt() as stop_if_asked:
                stop_if_asked()
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems
