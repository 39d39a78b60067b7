"""Requests that wait together are answered together: each with its own rows' values, its own fault, and no other's."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_stacks.runtime.serving.batching import MOST_ROWS, Batcher, Columns, WrongLengthError
from mlops_stacks.runtime.serving.service import answers_rows_one_by_one


class Model:
    """Answers with ten times the input; refuses a 13; waits until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, columns: Columns) -> Any:
        self.go.wait(10)
        self.calls.append(list(columns["x"]))
        if 13 in columns["x"]:
            raise ValueError("no thirteen")
        return 10 * np.array(columns["x"])


async def asked(model: Any, requests: list[list[int]], *, together: bool = True) -> list[Any]:
    """All requests at once; the first is under way before the others come, and nothing is answered until all wait."""
    batcher = Batcher(model, together=together)
    waiting = []
    for rows in requests:
        waiting.append(asyncio.ensure_future(batcher.predict({"x": rows})))
        await asyncio.sleep(0.05)
    if isinstance(model, Model):
        model.go.set()
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    batcher.close()
    return [answer if isinstance(answer, Exception) else answer.tolist() for answer in answers]


def test_each_gets_the_values_of_its_own_rows_in_two_calls() -> None:
    model = Model()
    requests = [[1], [2, 3], [4], [5, 6, 7]]
    assert asyncio.run(asked(model, requests)) == [[10], [20, 30], [40], [50, 60, 70]]
    assert model.calls == [[1], [2, 3, 4, 5, 6, 7]]


def test_a_request_that_the_model_refuses_spoils_no_other() -> None:
    model = Model()
    first, second, third, fourth = asyncio.run(asked(model, [[1], [2], [13, 3], [4]]))
    assert (first, second, fourth) == ([10], [20], [40])
    assert isinstance(third, ValueError)
    assert model.calls == [[1], [2, 13, 3, 4], [2], [13, 3], [4]]


def test_calls_are_bounded_in_rows() -> None:
    model = Model()
    many = list(range(100, 100 + MOST_ROWS))
    answers = asyncio.run(asked(model, [[1], [2], many, [3]]))
    assert [len(answer) for answer in answers] == [1, 1, MOST_ROWS, 1]
    assert [len(call) for call in model.calls] == [1, 1, MOST_ROWS, 1]


def test_a_model_that_looks_at_other_rows_is_called_for_each_request_alone() -> None:
    model = Model()
    asyncio.run(asked(model, [[1], [2], [3]], together=False))
    assert model.calls == [[1], [2], [3]]


def test_a_model_that_answers_too_few_values_is_at_fault() -> None:
    (answer,) = asyncio.run(asked(lambda columns: np.array([1.0]), [[1, 2]]))
    assert isinstance(answer, WrongLengthError)


def test_whoever_is_gone_does_not_hold_up_the_others() -> None:
    async def scene() -> list[int]:
        model = Model()
        batcher = Batcher(model, together=True)
        waiting = []
        for number in (1, 2, 3):
            waiting.append(asyncio.ensure_future(batcher.predict({"x": [number]})))
            await asyncio.sleep(0.05)
        waiting[0].cancel()
        waiting[1].cancel()
        model.go.set()
        value = await asyncio.wait_for(waiting[2], 10)
        again = await asyncio.wait_for(batcher.predict({"x": [4]}), 10)
        batcher.close()
        return [*value.tolist(), *again.tolist()]

    assert asyncio.run(scene()) == [30, 40]


def test_quick_calls_are_made_without_a_thread_and_slow_or_large_ones_with_one() -> None:
    threads: list[bool] = []
    pause = threading.Event()
    seconds = 0.0

    def predict(columns: Columns) -> Any:
        threads.append(threading.current_thread() is not threading.main_thread())
        pause.wait(seconds)
        return np.array(columns["x"])

    async def scene() -> None:
        nonlocal seconds
        batcher = Batcher(predict, together=True)
        for _ in range(6):
            await batcher.predict({"x": [1]})
        assert threads == [True] * 5 + [False]
        await batcher.predict({"x": list(range(MOST_ROWS + 1))})
        assert threads[-1], "a large request goes to the thread"
        seconds = 0.05
        await batcher.predict({"x": [1]})
        seconds = 0.0
        await batcher.predict({"x": [1]})
        assert threads[-2:] == [False, True], "after a slow call, back to the thread"
        batcher.close()

    asyncio.run(scene())


class Saved:
    """As much of a saved model as the check of its example needs."""

    def __init__(self, predict: Any, example: pd.DataFrame | None) -> None:
        self.predict, self.example_rows = predict, example


EXAMPLE = pd.DataFrame({"x": [3.0, 1.0, 2.0]})


@pytest.mark.parametrize(
    ("predict", "example", "expected"),
    [
        (lambda rows: rows["x"].to_numpy() * 2, EXAMPLE, True),
        (lambda rows: np.array([None if x > 2 else "a" for x in rows["x"]], dtype=object), EXAMPLE, True),
        (lambda rows: rows["x"].rank().to_numpy(), EXAMPLE, False),
        (lambda rows: rows["x"].to_numpy() - rows["x"].mean(), EXAMPLE, False),
        (lambda rows: rows["x"].to_numpy() * 2, EXAMPLE.head(1), False),
        (lambda rows: rows["x"].to_numpy() * 2, None, False),
        (lambda rows: 1 / 0, EXAMPLE, False),
    ],
)
def test_whether_rows_are_answered_one_by_one_is_seen_from_the_example(
    predict: Any, example: pd.DataFrame | None, expected: bool
) -> None:
    model: Any = Saved(predict, example)
    assert answers_rows_one_by_one(model) is expected
