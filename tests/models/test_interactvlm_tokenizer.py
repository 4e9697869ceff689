"""Text becomes the tokens that published networks were trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interplay.errors import InputError
from interplay.models.interactvlm.prompts import IMAGE, answer, conversation, question
from interplay.models.interactvlm.tokenizer import load_tokenizer, with_tokens

pytest.importorskip("transformers")
sentencepiece = pytest.importorskip("sentencepiece")

ADDED = ["[SEG]", "<im_start>", "<im_end>"]
WORDS = 320


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the published code stores: a vocabulary of sentencepiece, and added tokens in files of their own."""
    target = tmp_path_factory.mktemp("llama")
    text = [conversation(question("hcontact-parts", "bicycle", n), answer("hcontact-parts", n)) for n in range(5)]
    (target / "text.txt").write_text("\n".join(text * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(target / "text.txt"), model_prefix=str(target / "tokenizer"), vocab_size=WORDS, model_type="bpe",
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, pad_id=-1,
        minloglevel=2,
    )  # fmt: skip
    (target / "added_tokens.json").write_text(json.dumps({name: WORDS + n for n, name in enumerate(ADDED)}))
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>"}
    (target / "special_tokens_map.json").write_text(json.dumps(special))
    settings = {"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_bos_token": True, "add_eos_token": False}
    (target / "tokenizer_config.json").write_text(json.dumps({**special, **settings, "model_max_length": 512}))
    return target


def expected(text: str, folder: Path, added: list[str]) -> list[str]:
    """Between added tokens, and without blanks around these, text is cut by sentencepiece alone."""
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    found: list[str] = ["<s>"]
    while text:
        places = [(place, name) for name in [*added, "</s>"] if (place := text.find(name)) >= 0]
        place, name = min(places, default=(len(text), ""))
        before, text = text[:place], text[place + len(name) :]
        before = before.rstrip() if name in added else before
        found += pieces.encode(before, out_type=str) if before else []
        found += [name] if name else []
        text = text.lstrip() if name in added else text
    return found


@pytest.mark.parametrize(
    "text",
    [
        "the hands touch it, [SEG] .</s>",
        "hands [SEG], and [SEG][SEG] feet",
        "a photograph: <im_start>",
        "<im_end>\nWhich body parts are in contact with the bicycle?",
        "no mask  at all",
    ],
)
def test_blanks_around_added_tokens_are_no_tokens(folder: Path, text: str) -> None:
    tokenizer = load_tokenizer(folder)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids) == expected(text, folder, ADDED)


def test_the_token_before_a_mask_is_a_word_of_the_answer(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    whole = conversation(question("hcontact-parts", "bicycle"), answer("hcontact-parts", parts="right hand"))
    names = tokenizer.convert_ids_to_tokens(tokenizer(whole.split(IMAGE)[1]).input_ids)
    assert names.count("[SEG]") == 1
    assert names[names.index("[SEG]") - 1] != "\u2581"


def test_tokens_of_ones_own(folder: Path, tmp_path: Path) -> None:
    tokenizer = with_tokens(load_tokenizer(folder), ["[SEG]", "[HSEG]", "[OSEG]"])
    assert tokenizer.convert_tokens_to_ids(["[SEG]", "[HSEG]", "[OSEG]"]) == [WORDS, WORDS + 3, WORDS + 4]
    tokenizer.save_pretrained(tmp_path)
    text = "the hands, [HSEG] . the seat, [OSEG] ."
    again = load_tokenizer(tmp_path)
    names = again.convert_ids_to_tokens(again(text).input_ids)
    assert names == expected(text, folder, [*ADDED, "[HSEG]", "[OSEG]"])


def test_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a tokenizer"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(b"no model")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    with pytest.raises(InputError, match="not a tokenizer"):
        load_tokenizer(tmp_path)
