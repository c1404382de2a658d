"""The filter that falls apart into pairs, against the one of textbooks with its matrices."""

from __future__ import annotations

import numpy as np

from sightline.core.geometry import Floats
from sightline.track.kalman import Motion, begun, measured


class Textbook:
    """One box: x = F x, P = F P F' + Q; K = P H' (H P H' + R)^-1, x += K (z - H x), P = (I - K H) P."""

    F = np.eye(8) + np.eye(8, k=4)
    H = np.eye(4, 8)

    def __init__(self, corners: Floats) -> None:
        value = measured(corners[None])[0]
        height = value[3]
        self.x = np.concatenate([value, np.zeros(4)])
        deviation = [height / 10, height / 10, 1e-2, height / 10, height / 16, height / 16, 1e-5, height / 16]
        self.p = np.diag(np.square(deviation))

    def predict(self) -> None:
        height = self.x[3]
        of_place, of_speed = height / 20, height / 160
        noise = np.diag(np.square([of_place, of_place, 1e-2, of_place, of_speed, of_speed, 1e-5, of_speed]))
        self.x, self.p = self.F @ self.x, self.F @ self.p @ self.F.T + noise

    def correct(self, corners: Floats) -> None:
        height = self.x[3]
        noise = np.diag(np.square([height / 20, height / 20, 1e-1, height / 20]))
        gain = self.p @ self.H.T @ np.linalg.inv(self.H @ self.p @ self.H.T + noise)
        self.x = self.x + gain @ (measured(corners[None])[0] - self.H @ self.x)
        self.p = (np.eye(8) - gain @ self.H) @ self.p


def test_every_box_moves_as_in_the_textbook() -> None:
    random = np.random.default_rng(0)
    low = random.uniform(0, 300, (5, 2))
    corners = np.concatenate([low, low + random.uniform(20, 90, (5, 2))], axis=1)
    ours, theirs = begun(corners), [Textbook(one) for one in corners]
    for frame in range(30):
        ours.predict(np.zeros(5, np.bool_))
        corners = corners + random.normal([3, -1, 3, -1], 1.5, (5, 4))
        seen = np.flatnonzero(random.uniform(size=5) > 0.2)
        ours.correct(seen, corners[seen])
        for place, one in enumerate(theirs):
            one.predict()
            if place in seen:
                one.correct(corners[place])
            found = np.concatenate([ours.value[place], ours.speed[place]])
            np.testing.assert_allclose(found, one.x, rtol=1e-9, atol=1e-9, err_msg=f"frame {frame}")
            pairs = [one.p[np.arange(4), np.arange(4) + shift] for shift in (0, 4)]
            of_speed = one.p[np.arange(4, 8), np.arange(4, 8)]
            np.testing.assert_allclose(ours.cov[place], [*pairs, of_speed], rtol=1e-9, atol=1e-12)


def test_a_steady_way_is_learned_and_gone_on_with_out_of_sight() -> None:
    way = [np.array([[10.0 + 5 * frame, 20, 50 + 5 * frame, 100]]) for frame in range(60)]
    motion = begun(way[0])
    for corners in way[1:40]:
        motion.predict(np.zeros(1, np.bool_))
        motion.correct(np.array([0]), corners)
    for _ in range(40, 60):
        motion.predict(np.ones(1, np.bool_))
    np.testing.assert_allclose(motion.corners(), way[-1], atol=3)


def test_what_is_hidden_no_longer_grows() -> None:
    motion = begun(np.array([[0.0, 0, 40, 80]]))
    motion.speed[0, 3] = 4
    motion.predict(np.ones(1, np.bool_))
    assert motion.value[0, 3] == 80


def test_parts_come_together_in_order() -> None:
    first, second = begun(np.array([[0.0, 0, 4, 8], [1, 1, 5, 9]])), begun(np.array([[2.0, 2, 6, 10]]))
    whole = first.joined(second)
    assert isinstance(whole, Motion)
    np.testing.assert_allclose(whole.corners()[:, 0], [0, 1, 2])
    np.testing.assert_allclose(whole.kept(np.array([2, 0])).corners()[:, 0], [2, 0])
