"""Learn what poses people take, from the generated world, for fitting bodies to photographs.

    python experiments/pose_prior.py --scenes 600 -o src/interplay/body/pose_prior.npz

Draws scenes of the seed that the training part of generated-v2 has (2201), takes each person's pose as a vector
(`interplay.body.joints`), adds its mirror image, and fits a mixture of Gaussians by expectation and maximisation. The
resting pose of fingers and toes is their mean. `--poses` keeps the poses, so that the mixture can be fitted again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.progress import track

from interplay.body.geometry import Array
from interplay.body.joints import JOINTS, SIZE, mirrored, pose_vector, rotation_vector
from interplay.body.model import load_body_model
from interplay.body.pose import Body
from interplay.cli import run_script
from interplay.containers.arrays import read_npz
from interplay.files import atomic_path
from interplay.world.sampler import sample_scene

SEED = 2201
NOISE = 0.08
"""Radians that are added to the spread in every direction: the world's poses are too regular."""


def collect(count: int) -> tuple[Array, Array]:
    """Poses (N, 51) of the people in some scenes, and rotation vectors (N, B, 3) of all bones."""
    poses, bones = [], []
    for index in track(range(count), "scenes"):
        for person in sample_scene(SEED, index, 64).people:
            poses.append(pose_vector(person.body))
            bones.append([rotation_vector(each) for each in person.body.local])
    return np.array(poses), np.array(bones)


def mixture(points: Array, count: int, rounds: int = 60) -> tuple[Array, Array, Array]:
    """Weights (K,), means (K, D) and covariances (K, D, D) of Gaussians that points (N, D) may come from."""
    rng = np.random.default_rng(0)
    size = points.shape[1]
    means = points[[int(rng.integers(len(points)))]]
    while len(means) < count:  # spread out, as k-means++ does
        near = ((points[:, None] - means) ** 2).sum(2).min(1)
        means = np.concatenate([means, points[[int(rng.choice(len(points), p=near / near.sum()))]]])
    whole = np.cov(points.T)
    covariances = np.tile(whole / count, (count, 1, 1)) + NOISE**2 * np.eye(size)
    weights = np.full(count, 1 / count)
    for _ in range(rounds):
        logs = np.stack([log_density(points, *each) for each in zip(weights, means, covariances, strict=True)], 1)
        share = np.exp(logs - np.logaddexp.reduce(logs, 1)[:, None])
        total = share.sum(0)
        weights = total / len(points)
        means = share.T @ points / total[:, None]
        for k in range(count):
            apart = points - means[k]
            own = (share[:, k, None] * apart).T @ apart / total[k]
            trust = total[k] / (total[k] + size)  # few poses say little of 51 x 51 numbers
            covariances[k] = trust * own + (1 - trust) * np.diag(np.diag(whole)) / 4 + NOISE**2 * np.eye(size)
    return weights, means, covariances


def log_density(points: Array, weight: float, mean: Array, covariance: Array) -> Array:
    """(N,) of a weighted Gaussian, but for a constant."""
    lower = np.linalg.cholesky(covariance)
    apart = np.linalg.solve(lower, (points - mean).T)
    return np.log(weight) - np.log(np.diag(lower)).sum() - 0.5 * (apart**2).sum(0)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=600)
    parser.add_argument(
        "--poses", type=Path, metavar="NPZ", help="where the poses are kept, and read if they are there"
    )
    parser.add_argument("--components", type=int, default=8)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.poses is not None and arguments.poses.is_file():
        stored = read_npz(arguments.poses)
        poses, bones = stored["poses"], stored["bones"]
    else:
        poses, bones = collect(arguments.scenes)
        if arguments.poses is not None:
            with atomic_path(arguments.poses) as target, target.open("wb") as stream:
                np.savez_compressed(stream, poses=poses, bones=bones)
    both = np.concatenate([poses, mirrored(poses)])
    weights, means, covariances = mixture(both, arguments.components)
    low, high = np.quantile(both, (0.001, 0.999), axis=0)
    # mirrored, so that both hands rest alike
    rest = Body(model := load_body_model(), model.template)
    mean = bones.mean(0)
    for k, name in enumerate(model.bones):
        if name.endswith(".L"):
            other = rest.bone(f"{name[:-2]}.R")
            mean[k] = (mean[k] + mean[other] * [1, -1, -1]) / 2
            mean[other] = mean[k] * [1, -1, -1]
    factors = np.linalg.cholesky(np.linalg.inv(covariances))
    with atomic_path(arguments.output) as target, target.open("wb") as stream:
        np.savez_compressed(
            stream,
            weights=weights.astype(np.float32),
            means=means.astype(np.float32),
            factors=factors.astype(np.float32),
            low=low.astype(np.float32),
            high=high.astype(np.float32),
            resting=mean.astype(np.float32),
        )
    print(f"{len(poses)} poses of {len(JOINTS)} joints ({SIZE} numbers); weights {np.round(weights, 3)}")
    print(f"wrote {arguments.output} ({arguments.output.stat().st_size:,} bytes)")


if __name__ == "__main__":
    run_script(main)
