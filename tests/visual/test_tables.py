from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from interplay import Interactions, Vocabulary
from interplay.visual import image_table, summary_table

VCOCO = Vocabulary.load("v-coco")
BOXES = [[200, 0, 260, 100], [190, 50, 280, 120], [10, 0, 60, 100]]
SCENE = Interactions(BOXES, [0, 1, 0], [0, 0, 2], [1, 1, -1], [0, 3, 4], VCOCO, score=[0.5, 0.9, 0.7])


def lines(table: Table) -> list[str]:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return [" ".join(line.replace("│", " ").split()) for line in capture.get().splitlines()]


def test_one_image_lists_people_with_what_they_do() -> None:
    shown = lines(image_table(SCENE))
    rows = [line for line in shown if "ing" in line]
    assert rows == [
        "■ 1 walking – 0.70",
        "■ 2 riding a bicycle bicycle 0.90",
        "holding a bicycle bicycle 0.50",
    ]


def test_one_image_is_filtered_and_numbered_like_its_picture() -> None:
    assert [line for line in lines(image_table(SCENE, min_score=0.8)) if "ing" in line] == [
        "■ 1 riding a bicycle bicycle 0.90"
    ]


def test_nothing_found_says_what_was_seen() -> None:
    said = "2 people, 1 object, no interaction above 1; best: riding a bicycle 0.90"
    assert any(said in line for line in lines(image_table(SCENE, min_score=1)))
    noted = SCENE.filter(min_score=1, note_best=True)
    assert any(said in line for line in lines(image_table(noted, min_score=1)))
    assert any("2 people, 1 object, no interaction" in line for line in lines(image_table(replace(SCENE[[]]))))


def test_a_score_is_not_rounded_up_to_what_it_misses() -> None:
    close = replace(SCENE, score=np.array([0.197, 0.1, 0.1], np.float32))
    assert any("above 0.2; best: holding a bicycle 0.19" in line for line in lines(image_table(close, min_score=0.2)))


def test_near_copies_and_guesses_are_not_counted_as_seen() -> None:
    boxes = [[0, 0, 50, 100], [1, 0, 50, 100], [60, 0, 90, 100], [0, 50, 50, 100]]
    seen = Interactions(boxes, [0, 0, 0, 1], [], [], [], VCOCO, box_scores=[0.9, 0.8, 0.05, 0.3])
    assert any("1 person, 1 object, no interaction" in line for line in lines(image_table(seen)))


def test_annotations_have_no_score() -> None:
    annotated = replace(SCENE, scored=False, score=np.ones(3))
    assert not any("score" in line or "1.00" in line for line in lines(image_table(annotated)))
    assert not any("score" in line for line in lines(summary_table([annotated])))


def test_many_images_are_summed_up() -> None:
    shown = lines(summary_table([SCENE, SCENE[[1]], SCENE[[]]]))
    assert shown[0] == "4 interactions of 3 kinds in 3 images"
    rows = [line for line in shown if "ing" in line and "interactions" not in line]
    assert rows == ["riding a bicycle 2 2 0.90", "walking 1 1 0.70", "holding a bicycle 1 1 0.50"]
    assert any("and 2 more kinds" in line for line in lines(summary_table([SCENE], most=1)))
    assert not any("more kind" in line for line in lines(summary_table([SCENE], most=None)))


def test_the_best_come_first_and_those_below_the_smallest_score_are_not_counted() -> None:
    often = Interactions(BOXES, [0, 1, 0], [0, 2], [1, 1], [0, 0], VCOCO, score=[0.3, 0.05])
    shown = lines(summary_table([often, often, SCENE[[1]]], min_score=0.2))
    assert shown[0] == "3 interactions of 2 kinds in 3 images"
    rows = [line for line in shown if "ing" in line and "interactions" not in line]
    assert rows == ["riding a bicycle 1 1 0.90", "holding a bicycle 2 2 0.30"]
