"""The course of a run, as its log tells it."""

from typing import Any

from ststudio.training.course import Course

Log = list[dict[str, Any]]


def log(plans: list[tuple[int, int]], looks: list[int]) -> Log:
    planned: Log = [{"step": step, "steps": steps} for step, steps in plans]
    return planned + [{"step": step, "metric": 0.5} for step in looks]


def test_a_run_as_it_was_asked_for_is_regular() -> None:
    course = Course.of(log([(0, 10)], [0, 4, 8, 10]), None)
    assert course == Course(10, {}, (4, 8, 10), 10)
    assert course.every == 4 and not course.bent


def test_a_plan_that_changed_and_looks_that_varied_are_kept() -> None:
    course = Course.of(log([(0, 200), (3, 40), (5, 44)], [0, 6, 12, 44]), None)
    assert course == Course(200, {3: 40, 5: 44}, (6, 12, 44), 44)
    assert course.bent and course.every is None


def test_a_run_that_ended_before_its_plan_ends_there() -> None:
    course = Course.of(log([(0, 200), (3, 40), (7, 7)], [0, 4, 7]), None)
    assert course == Course(200, {3: 40}, (4, 7), 7)


def test_what_was_looked_at_after_the_weights_that_were_kept_does_not_count() -> None:
    # A GPU that was taken away: what it last kept is from step 8.
    course = Course.of(log([(0, 200), (8, 8)], [0, 4, 8, 12]), None)
    assert course.looks == (4, 8) and course.last == 8


def test_of_a_race_the_winner_counts() -> None:
    entries = [{**e, "racer": 0} for e in log([(0, 9)], [9])]
    entries += [{**e, "racer": 1} for e in log([(0, 5)], [5])]
    rows = [{"won": False}, {"won": True}]
    assert Course.of(entries, {"racers": rows}) == Course(5, {}, (5,), 5)


def test_a_log_from_before_plans_were_logged_is_taken_as_it_stands() -> None:
    entries = [{"step": 1, "loss": 0.5}, {"step": 6, "loss": 0.4}, {"step": 6, "metric": 0.5}]
    assert Course.of(entries, None) == Course(6, {}, (6,), 6)
