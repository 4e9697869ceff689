from interplay import Interactions, Vocabulary
from interplay.visual.scene import group_pairs, join_phrases, number_people, object_noun

VCOCO = Vocabulary.load("v-coco")


def scene(**changes: object) -> Interactions:
    verbs = [VCOCO.verb_index(v) for v in ("hold", "ride", "walk", "look", "hold")]
    values: dict = {
        "boxes": [[200, 0, 260, 100], [190, 50, 280, 120], [10, 0, 60, 100]],
        "labels": [0, VCOCO.object_index("bicycle"), 0],
        "human": [0, 0, 2, 2, 0],
        "object": [1, 1, -1, 0, 1],
        "verb": verbs,
        "score": [0.5, 0.9, 0.7, 0.6, 0.4],
        "vocabulary": VCOCO,
    }
    return Interactions(**{**values, **changes})


def test_people_are_numbered_from_left_to_right() -> None:
    assert number_people(scene()) == {2: 1, 0: 2}


def test_only_people_who_act_are_numbered() -> None:
    assert number_people(scene()[[0]]) == {0: 1}


def test_pairs_join_verbs_best_first_and_count_a_repeated_verb_once() -> None:
    pairs = [(p.human, p.object, [VCOCO.verbs[v] for v in p.verbs]) for p in group_pairs(scene())]
    assert pairs == [(0, 1, ["ride", "hold"]), (2, -1, ["walk"]), (2, 0, ["look"])]


def words(verbs: list[str], noun: str | None, scores: list[float] | None = None) -> str:
    return join_phrases(VCOCO, [VCOCO.verb_index(v) for v in verbs], noun, scores)


def test_verbs_share_their_object() -> None:
    assert words(["ride"], "a bicycle") == "riding a bicycle"
    assert words(["ride", "hold"], "a bicycle") == "riding and holding a bicycle"
    assert words(["ride", "sit", "hold"], "a bicycle") == "riding, sitting on and holding a bicycle"


def test_verbs_without_object() -> None:
    assert words(["walk", "smile"], None) == "walking and smiling"
    assert words(["eat"], None) == "eating something"


def test_scores_follow_their_verbs() -> None:
    assert words(["ride", "hold"], "a bicycle", [0.917, 0.5]) == "riding 0.92 and holding 0.50 a bicycle"


def test_own_verbs_without_a_phrase_and_with_the_object_inside() -> None:
    own = Vocabulary.from_dict(
        {"objects": ["person", "horse"], "verbs": ["feed", {"name": "lead", "phrase": "leading {object} by the rein"}]}
    )
    assert join_phrases(own, [0, 1], "a horse") == "feeding a horse and leading a horse by the rein"


def test_a_verb_that_also_goes_without_object_keeps_its_word_before_one() -> None:
    generated = Vocabulary.load("generated")
    walk, hold, jump = (generated.verb_index(verb) for verb in ("walk", "hold", "jump"))
    assert join_phrases(generated, [walk, hold], "a dog") == "walking and holding a dog"
    assert join_phrases(generated, [walk], "a dog") == "walking a dog"
    assert join_phrases(generated, [jump], "skis") == "jumping skis"
    assert join_phrases(generated, [walk]) == "walking"


def test_a_person_as_object_goes_by_number_where_numbers_are_shown() -> None:
    image = scene()
    numbers = number_people(image)
    assert object_noun(image, 0, numbers) == "person 2"
    assert object_noun(image, 0, {0: 1}) == "a person"
    assert object_noun(image, 1, numbers) == "a bicycle"
    assert object_noun(image, -1, numbers) is None
