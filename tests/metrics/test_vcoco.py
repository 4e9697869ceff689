"""V-COCO's evaluation against a plain implementation with loops; triplets, columns, annotations without objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from interplay import Interactions, InteractionTable, Vocabulary, load_annotations
from interplay.errors import InputError
from interplay.metrics import VcocoDetections, evaluate_tables, evaluate_vcoco
from interplay.ops.boxes import box_iou

NAMES = Vocabulary.load("v-coco")
HIT, HIT_WITH, WALK, HOLD = (NAMES.verb_index(v) for v in ("hit_obj", "hit_instr", "walk", "hold_obj"))
VERBS = (HIT, HIT_WITH, WALK, HOLD)
PERSON, RACKET = 0, NAMES.object_index("tennis racket")


def random_image(
    random: np.random.Generator, scored: bool, source: Interactions | None = None, file: str = ""
) -> Interactions:
    people, objects = int(random.integers(1, 4)), int(random.integers(1, 4))
    corner = random.integers(0, 4, (people + objects, 2)) * 20.0
    boxes = np.concatenate([corner, corner + random.integers(1, 4, corner.shape) * 20], axis=1)
    if source is not None:
        people = int((source.labels == PERSON).sum())
        objects = len(source.boxes) - people
        boxes = source.boxes + random.integers(-1, 2, source.boxes.shape) * 4.0
    count = int(random.integers(0, 12))
    verb = random.choice(VERBS, count)
    target = np.where(random.random(count) < 0.3, -1, people + random.integers(0, objects, count))
    human = random.integers(0, people, count)
    target[verb == WALK] = -1
    image = Interactions(
        boxes=boxes, labels=[PERSON] * people + [RACKET] * objects, human=human, object=target, verb=verb,
        score=random.permutation(count) / 16 + 0.1 if scored else None, vocabulary=NAMES, file=file, width=200,
        height=200, scored=scored,
    )  # fmt: skip
    if scored:
        return image
    # as official annotations: one object per role, both roles of an action, some people without labels
    unlabelled = np.zeros(len(boxes), bool)
    unlabelled[:people] = random.random(people) < 0.3
    rows: dict[tuple[int, int], int] = {}
    for h, v, o in zip(human.tolist(), verb.tolist(), target.tolist(), strict=True):
        if not unlabelled[h]:
            rows.setdefault((h, v), o)
            if v in (HIT, HIT_WITH):
                rows.setdefault((h, HIT + HIT_WITH - v), -1)
    triples = np.array([(h, v, o) for (h, v), o in rows.items()], np.int64).reshape(-1, 3)
    return replace(
        image, human=triples[:, 0], verb=triples[:, 1], object=triples[:, 2], unlabelled=unlabelled, score=None
    )


def plain_role_ap(found: list[Interactions], truth: list[Interactions], verb: int, scenario: int) -> float:
    positives, flags = 0, []
    action = NAMES.verb_actions[verb]
    for predicted, annotated in zip(found, truth, strict=True):
        people = np.flatnonzero(annotated.labels == PERSON)
        doing = {
            int(h) for h, v in zip(annotated.human, annotated.verb, strict=True) if NAMES.verb_actions[v] == action
        }
        role = {
            int(h): int(o)
            for h, v, o in zip(annotated.human, annotated.verb, annotated.object, strict=True)
            if v == verb
        }
        positives += len(doing)
        rows = np.flatnonzero(predicted.verb == verb)
        with_object = set(predicted.human[rows[predicted.object[rows] >= 0]].tolist())
        rows = [t for t in rows if predicted.object[t] >= 0 or int(predicted.human[t]) not in with_object]
        covered: set[int] = set()
        for t in sorted(rows, key=lambda t: -predicted.score[t]):
            overlaps = box_iou(annotated.boxes[people], predicted.human_boxes[[t]], inclusive=True)[:, 0]
            owner = int(people[overlaps.argmax()])
            assert annotated.unlabelled is not None
            if annotated.unlabelled[owner]:
                continue
            if role.get(owner, -1) < 0:
                good = scenario == 2 or predicted.object[t] < 0
            elif predicted.object[t] < 0:
                good = False
            else:
                pair = annotated.boxes[[role[owner]]], predicted.object_boxes[[t]]
                good = bool(box_iou(*pair, inclusive=True)[0, 0] >= 0.5)
            good = good and owner in doing and overlaps.max() >= 0.5
            flags.append((predicted.score[t], good and owner not in covered))
            if good:
                covered.add(owner)
    return plain_envelope(flags, positives)


def plain_agent_ap(found: list[Interactions], truth: list[Interactions], action: int) -> float:
    positives, flags = 0, []
    for predicted, annotated in zip(found, truth, strict=True):
        people = np.flatnonzero(annotated.labels == PERSON)
        doing = {
            int(h) for h, v in zip(annotated.human, annotated.verb, strict=True) if NAMES.verb_actions[v] == action
        }
        positives += len(doing)
        scores: dict[int, float] = {}
        for h in np.unique(predicted.human):
            rows = np.flatnonzero((predicted.human == h) & (NAMES.verb_actions[predicted.verb] == action))
            bare = rows[predicted.object[rows] < 0]
            if len(rows):
                scores[int(h)] = float(predicted.score[bare if len(bare) else rows].max())
        covered: set[int] = set()
        for h, score in sorted(scores.items(), key=lambda item: -item[1]):
            overlaps = box_iou(annotated.boxes[people], predicted.boxes[[h]], inclusive=True)[:, 0]
            owner = int(people[overlaps.argmax()])
            assert annotated.unlabelled is not None
            if annotated.unlabelled[owner]:
                continue
            good = owner in doing and overlaps.max() >= 0.5
            flags.append((score, good and owner not in covered))
            if good:
                covered.add(owner)
    return plain_envelope(flags, positives)


def plain_envelope(flags: list[tuple[float, bool]], positives: int) -> float:
    if positives == 0:
        return np.nan
    hits = [flag for _, flag in sorted(flags, key=lambda item: -item[0])]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return sum(float(precision[i:].max()) for i in range(len(hits)) if hits[i]) / positives


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_plain_loops(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = [random_image(random, False, file=f"{i}.jpg") for i in range(4)]
    found = [random_image(random, True, t, t.file or "") for t in truth]
    # distinct scores over all images
    found = [replace(f, score=f.score + 0.001 * i) for i, f in enumerate(found)]
    scores = evaluate_vcoco(InteractionTable.from_list(found), InteractionTable.from_list(truth))
    for verb in (HIT, HIT_WITH, HOLD):
        name = NAMES.official_verbs[verb]
        assert_allclose(scores.ap_role_s1[name], plain_role_ap(found, truth, verb, 1), err_msg=name)
        assert_allclose(scores.ap_role_s2[name], plain_role_ap(found, truth, verb, 2), err_msg=name)
    for action in {NAMES.verb_actions[v] for v in VERBS}:
        name = NAMES.actions[action].replace(" ", "_")
        assert_allclose(scores.ap_agent[name], plain_agent_ap(found, truth, action), err_msg=name)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_scenario_two_is_never_stricter(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = [random_image(random, False, file=f"{i}.jpg") for i in range(3)]
    found = [random_image(random, True, t, t.file or "") for t in truth]
    scores = evaluate_vcoco(InteractionTable.from_list(found), InteractionTable.from_list(truth))
    for name, value in scores.ap_role_s2.items():
        assert np.isnan(value) or value >= scores.ap_role_s1[name] - 1e-9
    values = [v for v in (*scores.ap_agent.values(), *scores.ap_role_s1.values()) if not np.isnan(v)]
    assert all(0 <= v <= 1 + 1e-9 for v in values)


def example(score: list[float] | None = None, **changes: object) -> Interactions:
    """A person who hits something (unknown) with a racket and walks, and one without labels."""
    fields = {
        "boxes": [[10, 10, 60, 120], [100, 10, 150, 120], [55, 40, 90, 70]],
        "labels": [PERSON, PERSON, RACKET],
        "human": [0, 0, 0],
        "object": [2, -1, -1],
        "verb": [HIT_WITH, HIT, WALK],
        "vocabulary": NAMES,
        "score": score,
        "file": "COCO_val2014_000000000042.jpg",
        "scored": score is not None,
    }
    if score is None:
        fields["unlabelled"] = [False, True, False]
    return Interactions(**{**fields, **changes})  # type: ignore[arg-type]


def test_triplets_become_agents_and_roles() -> None:
    table = InteractionTable.from_list([example([0.9, 0.5, 0.7])])
    columns = VcocoDetections.from_table(table)
    actions = [NAMES.actions[a] for a in columns.agent_action]
    # an agent's score is that of the triplet without object, where there is one
    assert dict(zip(actions, columns.agent_score.tolist(), strict=True)) == pytest.approx({"hit": 0.5, "walk": 0.7})
    assert columns.role_verb.tolist() == [HIT_WITH, HIT]
    assert np.isnan(columns.role_box[1]).all()


def test_a_role_without_object_gives_way_to_one_with() -> None:
    image = example([0.9, 0.95, 0.7], object=[2, -1, 2], verb=[HIT, HIT, HOLD])
    columns = VcocoDetections.from_table(InteractionTable.from_list([image]))
    assert columns.role_verb.tolist() == [HIT, HOLD]
    assert not np.isnan(columns.role_box).any()


def test_a_role_with_score_0_stays_empty_and_its_action_keeps_its_score() -> None:
    image = example([0.9, 0.0, 0.7], object=[-1, -1, 2], verb=[HIT_WITH, HIT_WITH, HOLD])
    columns = VcocoDetections.from_table(InteractionTable.from_list([image]))
    actions = [NAMES.actions[a] for a in columns.agent_action]
    assert dict(zip(actions, columns.agent_score.tolist(), strict=True)) == pytest.approx({"hit": 0.9, "hold": 0.7})
    assert columns.role_verb.tolist() == [HIT_WITH, HOLD]
    assert columns.role_score.tolist() == pytest.approx([0.0, 0.7])
    assert np.isnan(columns.role_box[0]).all()


def test_perfect_predictions_score_one() -> None:
    truth, found = InteractionTable.from_list([example()]), InteractionTable.from_list([example([0.9, 0.8, 0.7])])
    scores = evaluate_vcoco(found, truth)
    assert scores.mean == {"agent": 1, "role_s1": 1, "role_s2": 1, "role_s1_24": 1, "role_s2_24": 1}
    assert scores.notes == []
    assert scores.to_dict()["ap_agent"]["smile"] is None


def test_predictions_on_people_without_labels_do_not_count() -> None:
    found = example([0.9, 0.8, 0.7, 0.99], human=[0, 0, 0, 1], object=[2, -1, -1, -1], verb=[HIT_WITH, HIT, WALK, WALK])
    truth = InteractionTable.from_list([example()])
    assert evaluate_vcoco(InteractionTable.from_list([found]), truth).ap_agent["walk"] == 1
    truth.unlabelled = None
    scores = evaluate_vcoco(InteractionTable.from_list([found]), truth)
    assert scores.ap_agent["walk"] == 0.5
    assert any("people without labels" in note for note in scores.notes)


def test_images_are_found_by_coco_id() -> None:
    truth = InteractionTable.from_list([example()])
    found = VcocoDetections.from_table(InteractionTable.from_list([example([0.9, 0.8, 0.7], file="x.jpg")]))
    assert evaluate_vcoco(replace(found, images=["42"]), truth).mean["agent"] == 1
    with pytest.raises(InputError, match="none of the 1 predicted images is annotated"):
        evaluate_vcoco(replace(found, images=["43"]), truth)


def test_empty_inputs() -> None:
    truth = InteractionTable.from_list([example()])
    nothing = InteractionTable.from_list([], NAMES)
    scores = evaluate_vcoco(nothing, truth)
    assert scores.mean["role_s1"] == 0
    assert "there are no predictions at all" in scores.notes
    assert np.isnan(evaluate_vcoco(InteractionTable.from_list([example([0.9, 0.8, 0.7])]), nothing).mean["agent"])
    nobody = InteractionTable.from_list([Interactions.empty(NAMES, example().file)])
    assert np.isnan(evaluate_vcoco(InteractionTable.from_list([example([0.9, 0.8, 0.7])]), nobody).mean["agent"])


def test_bad_requests(hico: Vocabulary) -> None:
    truth, found = InteractionTable.from_list([example()]), InteractionTable.from_list([example([0.9, 0.8, 0.7])])
    with pytest.raises(InputError, match="official"):
        evaluate_vcoco(found, truth, "offical")
    with pytest.raises(InputError, match="known-object"):
        evaluate_tables(found, truth, setting="known-object")
    other = InteractionTable.from_list([], hico)
    with pytest.raises(InputError, match="vocabulary"):
        evaluate_vcoco(other, truth)
    with pytest.raises(InputError, match="no roles"):
        evaluate_vcoco(other, other)
    columns = VcocoDetections.from_table(found)
    with pytest.raises(InputError, match="object categories"):
        evaluate_vcoco(replace(columns, role_object=None), truth, "gen-vlkt")
    with pytest.raises(InputError, match="triplets"):
        evaluate_tables(columns, truth, top_k=5)


def test_annotations_without_body_motions_say_so(data: Path) -> None:
    truth = load_annotations("v-coco", data / "vcoco" / "instances_vcoco_test.json")
    found = replace(truth, score=np.linspace(1, 0.5, len(truth.verb), dtype=np.float32), scored=True)
    scores = evaluate_tables(found, truth)
    out = scores.to_dict()
    assert [name for name, value in out["ap_agent"].items() if value is None] == [
        "stand",
        "walk",
        "run",
        "smile",
        "point",
    ]
    assert out["mean"]["agent"] > 0.95
    assert any("body motions" in note for note in scores.notes)


@pytest.mark.parametrize("protocol", ["official", "gen-vlkt"])
def test_detections_as_triplets_have_the_same_scores(protocol: str) -> None:
    """A result file keeps its scores when it is written in the library's own form."""
    vcoco = Vocabulary.load("v-coco")
    rng = np.random.default_rng(4)
    people, roles = 12, np.flatnonzero([record.role is not None for record in vcoco.verb_records])
    corner = rng.uniform(0, 50, (people, 2))
    role_corner = rng.uniform(0, 50, (people * len(roles), 2))
    found = VcocoDetections(
        vocabulary=vcoco,
        images=["1", "2", "3"],
        person_image=np.sort(rng.integers(0, 3, people)),
        person_box=np.hstack([corner, corner + 40]).astype(np.float32),
        agent_person=np.repeat(np.arange(people), len(vcoco.actions)),
        agent_action=np.tile(np.arange(len(vcoco.actions)), people),
        agent_score=rng.random(people * len(vcoco.actions)).astype(np.float32),
        role_person=np.repeat(np.arange(people), len(roles)),
        role_verb=np.tile(roles, people),
        role_box=np.hstack([role_corner, role_corner + 30]).astype(np.float32),
        role_object=rng.integers(0, 80, people * len(roles)),
        role_score=rng.random(people * len(roles)).astype(np.float32),
    )
    table = found.to_table()
    truth = replace(table, score=np.ones_like(table.score), scored=False)
    jitter = replace(found, person_box=found.person_box + rng.normal(0, 6, (people, 4)).astype(np.float32))
    first = evaluate_vcoco(jitter, truth, protocol)
    second = evaluate_vcoco(jitter.to_table(), truth, protocol)
    assert first.to_dict() == second.to_dict()
    assert 0 < first.mean["agent"] < 1


def as_pairs(image: Interactions) -> Interactions:
    """The same interactions, each with boxes of its own, as files of pairs have them."""
    people, things = image.boxes[image.human], image.boxes[np.maximum(image.object, 0)]
    count = len(image)
    return Interactions(
        boxes=np.stack([people, things], axis=1).reshape(-1, 4),
        labels=np.stack([np.zeros(count, int), image.labels[np.maximum(image.object, 0)]], axis=1).reshape(-1),
        human=2 * np.arange(count), object=np.where(image.object < 0, -1, 2 * np.arange(count) + 1), verb=image.verb,
        vocabulary=NAMES, file=image.file, width=image.width, height=image.height, scored=False,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_annotations_as_a_table_of_pairs_have_the_same_scores(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = [random_image(random, False, file=f"{i}.jpg") for i in range(6)]
    found = [random_image(random, True, image, f"{i}.jpg") for i, image in enumerate(truth)]
    joined = InteractionTable.from_list([replace(image, unlabelled=None) for image in truth])
    pairs = InteractionTable.from_list([as_pairs(image) for image in truth])
    ours, expected = (evaluate_vcoco(InteractionTable.from_list(found), t, "gen-vlkt") for t in (pairs, joined))
    assert_allclose(list(ours.ap.values()), list(expected.ap.values()))
    assert_allclose(list(ours.mean.values()), list(expected.mean.values()))


def test_a_table_of_pairs_is_official_too() -> None:
    found = InteractionTable.from_list([example([0.9, 0.8, 0.7])])
    scores = evaluate_vcoco(found, InteractionTable.from_list([as_pairs(replace(example(), unlabelled=None))]))
    assert (scores.mean["agent"], scores.mean["role_s1"]) == (1, 1)
