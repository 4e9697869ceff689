import json
from pathlib import Path

import numpy as np
import pytest

import interplay
from interplay.cli import main
from interplay.errors import InputError
from interplay.metrics.clips import evaluate_clips
from interplay.video.relations import ClipRelation, read_clip_annotations
from interplay.world.motion import Motion
from interplay.world.sampler import sample_scene
from interplay.world.writer.clips import ClipSettings, synthesize_clips

pytest.importorskip("anny", reason="needs the extra body")


def motion(act: str, frames: int = 41, seed: int = 0) -> Motion:
    scene = sample_scene(3, 0, 64, acts=[act])
    return Motion(scene, np.random.default_rng(seed), frames, 8.0)


def test_what_is_carried_lies_on_the_ground_first_and_is_where_the_scene_has_it_while_it_is_done() -> None:
    moving = motion("drink from a cup")
    human, held = next((r.human, r.object) for r in moving.scene.relations if r.verb == "drink with")
    assert held is not None
    seen = set()
    for frame in range(len(moving)):
        moment = moving[frame]
        doing = any(r.human == human and r.object == held for r in moment.scene.relations)
        low = moment.scene.objects[held].vertices()[:, 2].min()
        state = "doing" if doing else "passing" if human in moment.unlabelled else "before"
        seen.add(state)
        if state == "doing":
            np.testing.assert_allclose(moment.scene.objects[held].pose, moving.scene.objects[held].pose)
            np.testing.assert_allclose(moment.scene.people[human].vertices(), moving.scene.people[human].vertices())
        if state == "before":
            assert low == pytest.approx(0, abs=1e-6)
            assert any(r.human == human and r.verb == "stand" for r in moment.scene.relations)
    assert seen == {"doing", "passing", "before"}


def test_nobody_jumps_between_frames() -> None:
    moving = motion("drink from a cup")
    places = np.array([[p.body.position for p in moving[f].scene.people] for f in range(len(moving))])
    assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() < 0.6  # 8 frames a second


def test_riders_travel_with_what_they_ride() -> None:
    moving = motion("ride a bicycle", frames=9)
    human, ridden = next((r.human, r.object) for r in moving.scene.relations if r.verb == "ride")
    assert ridden is not None
    first, last = moving[0].scene, moving[8].scene
    way = last.people[human].body.root - first.people[human].body.root
    assert np.linalg.norm(way) == pytest.approx(3.0, rel=1e-6)  # 3 m/s for a second
    assert way[2] == pytest.approx(0)
    np.testing.assert_allclose(last.objects[ridden].pose[:3, 3] - first.objects[ridden].pose[:3, 3], way, atol=1e-9)
    assert all(len(moving[f].scene.relations) == len(moving.scene.relations) for f in (0, 8))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips") / "out"
    options = ["--clips", "1", "--frames", "6", "--rate", "2", "--size", "96", "--acts", "drink from a cup"]
    assert main(["synthesize", str(folder), *options]) == 0
    return folder


def test_frames_tracks_and_relations_agree(clips: Path) -> None:
    table = interplay.read(clips / "annotations.jsonl")
    assert [image.time for image in table] == [0, 0.5, 1, 1.5, 2, 2.5]
    assert all((clips / str(image.file)).is_file() for image in table)
    content = json.loads((clips / "annotations/000000.json").read_text())
    assert content["frame_count"] == 6
    for frame, image in zip(content["trajectories"], table, strict=True):
        assert [one["tid"] for one in frame] == image.track.tolist()
        assert [list(one["bbox"].values()) for one in frame] == image.boxes.tolist()
    for one in content["relation_instances"]:
        for frame in range(6):
            image = table[frame]
            does = any(
                (image.track[h], image.vocabulary.verbs[v], image.track[o])
                == (one["subject_tid"], one["predicate"], one["object_tid"])
                for h, v, o in zip(image.human, image.verb, image.object, strict=True)
                if o >= 0
            )
            if one["begin_fid"] <= frame < one["end_fid"]:
                assert does


def test_they_are_scored_like_vidvrd(clips: Path) -> None:
    truth = read_clip_annotations(clips)
    found = {name: [ClipRelation(**vars(r)) for r in relations] for name, relations in truth.items()}
    assert truth["000000"]
    assert evaluate_clips(found, truth).ap == {"000000": pytest.approx(1)}


def test_a_run_goes_on_and_refuses_others(clips: Path) -> None:
    before = (clips / "annotations/000000.json").stat().st_mtime_ns
    synthesize_clips(clips, ClipSettings(1, frames=6, rate=2.0, size=96, acts=("drink from a cup",)))
    assert (clips / "annotations/000000.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="other settings"):
        synthesize_clips(clips, ClipSettings(1, frames=6, rate=3.0, size=96, acts=("drink from a cup",)))
    with pytest.raises(InputError, match="no set of generated clips"):
        synthesize_clips(clips.parent, ClipSettings(1))
    for wrong in ({"frames": 1}, {"rate": 0.0}, {"clips": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            ClipSettings(**{"clips": 1, **wrong})  # type: ignore[arg-type]
