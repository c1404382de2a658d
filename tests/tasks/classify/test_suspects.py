"""Confident learning: the joint of equation 1, by hand."""

from __future__ import annotations

import numpy as np

from sightline.tasks.classify.suspects import confident_learning


def test_planted_labels_are_found_the_worst_first() -> None:
    truth = np.repeat(np.arange(3), 20)
    answers = np.full((60, 3), 0.05)
    answers[np.arange(60), truth] = 0.9
    truth[[3, 44]] = 2, 1
    answers[44] = 0.1, 0.2, 0.7
    assert confident_learning(truth, answers) == [(3, 0), (44, 2)]


def test_an_unsure_answer_and_an_unknown_label_prove_little() -> None:
    truth = np.array([0] * 10 + [1] * 10)
    answers = np.where(truth[:, None] == [0, 1], 0.9, 0.1)
    answers[0] = 0.45, 0.55
    assert confident_learning(truth, answers) == []
    truth[5] = -1
    assert confident_learning(truth, answers) == [(5, 0)]
