"""InteractVLM's wording against the published one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interplay.models.interactvlm.prompts import answer, conversation, question, segmentation_tokens

QUESTIONS = {
    "hcontact": "hcontact",
    "hcontact-parts": "hcontact_parts",
    "ocontact": "ocontact",
    "oafford": "oafford",
    "oafford-kind": "oafford_afford",
    "oafford-kind-object": "oafford_afford",
}
ANSWERS = {**QUESTIONS, "oafford-kind-object": "oafford_afford_obj"}


@pytest.fixture(scope="module")
def published(goldens: Path) -> dict[str, Any]:
    return json.loads((goldens / "interactvlm" / "templates.json").read_text())


@pytest.mark.parametrize("template", QUESTIONS)
def test_questions_and_answers(published: dict[str, Any], template: str) -> None:
    asked = [question(template, "cup", index) for index in range(5)]
    wanted = published[f"{QUESTIONS[template]}_question_list"]
    assert asked == [text.replace("{class_name}", "cup").removeprefix("<image>\n") for text in wanted]
    answered = [
        answer(template, index, "Gen-Hu-Obj", parts="head, neck", affordance="grasp", object_name="cup")
        for index in range(5)
    ]
    fill = {"{class_name}": "cup", "{affordance}": "grasp", "{body_parts}": "head, neck"}
    fill |= {"[HTOKEN]": "[HSEG]", "[OTOKEN]": "[OSEG]"}
    for got, text in zip(answered, published[f"{ANSWERS[template]}_answer_list"], strict=True):
        for key, value in fill.items():
            text = text.replace(key, value)
        assert got == text


def test_conversation_and_tokens(published: dict[str, Any]) -> None:
    wording, tokens = published["llava_v1"], published["tokens"]
    assert conversation("QUESTION") == wording["inference_prompt_example"]
    training = wording["training_example_before_image_token_wrapping"].replace("<image>", "<im_start><image><im_end>")
    assert conversation("QUESTION", "ANSWER") == training
    assert segmentation_tokens("Gen") == (tokens["seg"],)
    assert segmentation_tokens("Gen-Int") == (tokens["seg"], tokens["joint"])
    assert segmentation_tokens("Gen-Hu-Obj") == (tokens["seg"], tokens["human"], tokens["object"])
    assert question("hcontact-parts", "{object}") == published["demo_prompts"]["hcontact"]
    assert question("hcontact", "{object}") in published["demo_prompts"]["h2dcontact"]
