"""Labels of generated scenes, derived again by other means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

pytest.importorskip("embreex")
pytest.importorskip("anny")

from interplay.body.contact import CONTACT
from interplay.body.model import PARTS
from interplay.body.proximity import signed_distance
from interplay.vocabulary import Vocabulary
from interplay.world.labels import MIN_PIXELS, MIN_USED_PIXELS, SceneLabels, label
from interplay.world.rendering.image import Rendering, render
from interplay.world.sampler import sample_scene
from interplay.world.scene import Scene
from interplay.world.vocabulary import build_vocabulary

COUNT, SIZE = 10, 160


@pytest.fixture(scope="module")
def labelled() -> list[tuple[Scene, Rendering, SceneLabels]]:
    made = []
    for i in range(COUNT):
        scene = sample_scene(11, i, SIZE)
        picture = render(scene, np.random.default_rng(0))
        made.append((scene, picture, label(scene, picture, Vocabulary.load("generated"))))
    return made


def test_the_vocabulary_is_what_the_acts_announce() -> None:
    assert Vocabulary.load("generated") == build_vocabulary(), "run: python -m interplay.world.vocabulary"


def test_boxes_are_those_of_the_masks(labelled) -> None:
    for scene, picture, labels in labelled:
        people = len(scene.people)
        for box, instance, name in zip(
            labels.interactions.boxes, labels.instances, labels.interactions.labels, strict=True
        ):
            rows, columns = np.nonzero(picture.mesh == instance)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert (name == 0) == (instance < people)
            used = any(r.object == instance - people for r in scene.relations)
            assert len(rows) >= (MIN_USED_PIXELS if used else MIN_PIXELS) * picture.mesh.size / 256**2


def test_what_cannot_be_seen_is_unknown(labelled) -> None:
    """Every interaction with an object that was drawn of a person with a box is labelled, or the person is marked."""
    hidden = 0
    for scene, _, labels in labelled:
        found, people = labels.interactions, len(scene.people)
        box_of = {int(instance): box for box, instance in enumerate(labels.instances)}
        kept = set(zip(found.human.tolist(), found.verb.tolist(), found.object.tolist(), strict=True))
        marked = set()
        for r in scene.relations:
            if r.human in box_of:
                object = -1 if r.object is None else box_of.get(people + r.object)
                if (box_of[r.human], found.vocabulary.verb_index(r.verb), object) not in kept:
                    marked.add(box_of[r.human])
        assert marked == set(np.flatnonzero(found.unlabelled).tolist())
        hidden += len(marked)
    assert hidden


def test_small_things_that_are_used_have_boxes() -> None:
    for index in range(40):
        scene = sample_scene(12, index, SIZE, acts=["eat a carrot", "talk on a cell phone"])
        picture = render(scene, np.random.default_rng(0))
        for r in scene.relations:
            pixels = 0 if r.object is None else int((picture.mesh == len(scene.people) + r.object).sum())
            if MIN_USED_PIXELS * picture.mesh.size / 256**2 <= pixels < MIN_PIXELS * picture.mesh.size / 256**2:
                labels = label(scene, picture, Vocabulary.load("generated"))
                assert len(scene.people) + (r.object or 0) in labels.instances
                assert not labels.interactions.unlabelled[list(labels.instances).index(r.human)]
                return
    pytest.fail("no scene has such a thing")


def test_masks_and_depth_belong_to_the_picture(labelled) -> None:
    for _, picture, labels in labelled:
        assert labels.mask.shape == labels.depth.shape == picture.image.shape[:2]
        for number, instance in enumerate(labels.instances, 1):
            assert np.array_equal(labels.mask == number, picture.mesh == instance)
        assert np.array_equal(np.isinf(labels.depth), picture.mesh == -1)


def test_visible_boxes_lie_in_the_whole_ones(labelled) -> None:
    for _, _, labels in labelled:
        seen, whole = labels.interactions.boxes, labels.amodal
        assert (seen[:, :2] >= whole[:, :2] - 1.0).all()
        assert (seen[:, 2:] <= whole[:, 2:] + 1.0).all()
        assert ((labels.visible >= 0) & (labels.visible <= 1)).all()


def test_what_fills_its_box_unhidden_is_called_visible(labelled) -> None:
    """A person in full view: the share is near 1; nearly nothing of one with few pixels in a large box."""
    shares = []
    for _, _, labels in labelled:
        box = labels.interactions.boxes
        area = np.maximum((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]), 1)
        whole = labels.amodal
        whole_area = (whole[:, 2] - whole[:, 0]) * (whole[:, 3] - whole[:, 1])
        shares += [(v, a / w) for v, a, w in zip(labels.visible, area, whole_area, strict=True)]
    share, ratio = np.array(shares).T
    assert share[ratio < 0.4].mean() < 0.75
    assert share[ratio > 0.95].mean() > 0.85


def test_keypoints_are_the_projected_skeleton(labelled) -> None:
    seen = 0
    for scene, picture, labels in labelled:
        camera = scene.camera
        for instance, pose in zip(labels.instances, labels.interactions.keypoints, strict=True):
            if instance >= len(scene.people):
                assert np.isnan(pose).all()
                continue
            body = scene.people[instance].body
            joints = body.model.keypoints @ scene.posed[instance]
            local = (joints - camera.position) @ camera.rotation.T
            pixels = (local @ camera.intrinsics.T)[:, :2] / local[:, 2:]
            inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(1) & (local[:, 2] > 0)
            assert np.array_equal(pose[:, 2] > 0, inside)
            np.testing.assert_allclose(pose[inside, :2], pixels[inside], atol=0.01)
            for (x, y), visibility in zip(pose[:, :2], pose[:, 2], strict=True):
                if visibility == 2:  # the pixel shows the person, or lies beside its outline
                    around = picture.mesh[max(int(y) - 2, 0) : int(y) + 3, max(int(x) - 2, 0) : int(x) + 3]
                    seen += 1
                    assert (around == instance).any() or len(np.unique(around)) > 1
    assert seen > 50


def test_a_wall_in_front_hides_all_keypoints(labelled) -> None:
    from interplay.body.materials import Material
    from interplay.body.meshes import box
    from interplay.world.labels import keypoints_in_view

    scene = labelled[0][0]
    wall = box((40, 40, 0.01), Material((0.5, 0.5, 0.5)))
    camera = scene.camera
    pose = np.eye(4)
    pose[:3, :3] = camera.rotation.T
    pose[:3, 3] = camera.position + 0.3 * camera.rotation[2]
    blocked = replace(scene, backdrop=[*scene.backdrop, wall.moved(pose)])
    before, after = keypoints_in_view(scene, 0), keypoints_in_view(blocked, 0)
    assert (before[:, 2] == 2).any()
    assert (after[:, 2] < 2).all()
    assert np.array_equal(after[:, 2] > 0, before[:, 2] > 0)


@pytest.mark.parametrize(
    ("side", "shown", "hidden"),
    [
        ("front", {"nose", "left eye", "right eye", "left hip", "right hip"}, set()),
        ("back", {"left shoulder", "right shoulder"}, {"nose", "left eye", "right eye"}),
        ("left", {"left ear", "left shoulder"}, {"right ear", "right eye", "right shoulder"}),
        ("right", {"right ear", "right shoulder"}, {"left ear", "left eye", "left shoulder"}),
    ],
)
def test_a_head_hides_its_other_side(side: str, shown: set[str], hidden: set[str]) -> None:
    from interplay.body.cameras import Camera
    from interplay.detectors.pose import KEYPOINT_NAMES
    from interplay.world.labels import keypoints_in_view
    from interplay.world.posing.group import Group
    from interplay.world.posing.nearby import idle

    for seed in range(4):
        group = Group(np.random.default_rng(seed), style="casual", library=None)
        idle(group, group.person(), walking=0.0)
        body = group.people[0].body
        body.turn_head()  # straight ahead
        points = body.model.keypoints @ group.people[0].vertices()
        left = points[5] - points[6]  # from the right shoulder to the left one
        left = np.array([left[0], left[1], 0]) / np.hypot(left[0], left[1])
        ahead = np.array([left[1], -left[0], 0])
        away = {"front": ahead, "back": -ahead, "left": left, "right": -left}[side]
        camera = Camera.looking_at(points[:7].mean(0) + 4 * away, points.mean(0), 200, 200, 300)
        scene = replace(
            sample_scene(1, 0, 64), people=group.people, objects=[], relations=[], backdrop=[], camera=camera
        )
        seen = {name for name, v in zip(KEYPOINT_NAMES, keypoints_in_view(scene, 0)[:, 2], strict=True) if v == 2}
        assert shown <= seen, (seed, shown - seen)
        assert not hidden & seen, (seed, hidden & seen)


def test_contact_is_where_surfaces_meet(labelled) -> None:
    """Against the distance to every single triangle."""
    checked = 0
    for scene, _, labels in labelled:
        people = len(scene.people)
        for contact in labels.contacts:
            if contact.object is None:
                height = scene.posed[labels.instances[contact.human]][contact.body_vertices, 2]
                assert (height <= CONTACT).all()
                continue
            object = scene.objects[labels.instances[contact.object] - people]
            vertices, faces = object.vertices(), object.model.mesh.faces
            if len(faces) > 9000:
                continue
            body = scene.posed[labels.instances[contact.human]]
            points = body[contact.body_vertices[:: max(len(contact.body_vertices) // 12, 1)]]
            pairs = np.tile(vertices[faces], (len(points), 1, 1)), np.repeat(points, len(faces), axis=0)
            apart = np.linalg.norm(trimesh.triangles.closest_point(*pairs) - pairs[1], axis=1)
            exact = apart.reshape(len(points), -1).min(1)
            found = signed_distance(points, vertices, faces, 0.04)
            assert (np.abs(found) > exact - 1e-6).all()
            np.testing.assert_allclose(np.abs(found), exact, atol=2e-3)
            assert (found <= CONTACT).all()
            checked += 1
    assert checked >= 3


def test_parts_in_contact_make_sense(labelled) -> None:
    """Who stands does so on the feet; who holds or sits touches with hands or hips."""
    for _, _, labels in labelled:
        for contact in labels.contacts:
            assert set(contact.parts) <= set(PARTS)
            assert len(contact.parts) == len(set(contact.parts)) > 0
        touching = {(c.human, c.object): set(c.parts) for c in labels.contacts}
        found = labels.interactions
        for human, verb, object, affordance in zip(
            found.human, found.verb, found.object, labels.affordances, strict=True
        ):
            if found.vocabulary.verbs[verb] == "sit on":
                assert touching[(human, object)] & {"hips", "left thigh", "right thigh"}
            if found.vocabulary.verbs[verb] == "hold" and affordance not in ("lead", "line"):
                assert touching[(human, object)] & {"left hand", "right hand"}


def test_interactions_are_those_of_the_scene_that_can_be_seen(labelled) -> None:
    for scene, _, labels in labelled:
        people = len(scene.people)
        boxed = set(labels.instances.tolist())
        expected = sorted(
            (r.human, r.verb, -1 if r.object is None else people + r.object)
            for r in scene.relations
            if r.human in boxed and (r.object is None or people + r.object in boxed)
        )
        found = labels.interactions
        instance = np.append(labels.instances, -1)
        actual = sorted(
            (int(labels.instances[h]), found.vocabulary.verbs[v], int(instance[o]))
            for h, v, o in zip(found.human, found.verb, found.object, strict=True)
        )
        assert actual == expected
        assert len(labels.sentences) == len(found)
