"""InteractVLM's modules against outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.parity.interactvlm_reference import arrays, parameters, sam_parameters
from torch import Tensor, nn

from interplay.body.cameras import VIEW_SETS
from interplay.models.interactvlm.modules import (
    AttentionSplitter,
    LlavaSamFusion,
    SamPromptPath,
    StableAttention,
    UncertaintyHead,
    camera_encoder,
    camera_vectors,
    published_sam_config,
    resize_masks,
    text_projection,
)
from interplay.models.interactvlm.tokens import segmentation_positions


@pytest.fixture(scope="module")
def stored(goldens: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays(goldens, "modules").items()}


def filled(module: nn.Module, goldens: Path, prefix: str) -> nn.Module:
    module.load_state_dict(parameters(goldens, prefix))
    return module.eval()


def close(got: Tensor, wanted: Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(got.float(), wanted.float(), rtol=tolerance, atol=tolerance)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["simple", "view_index", "vi_v1"])
def test_camera_encoders(goldens: Path, stored: dict[str, Tensor], kind: str) -> None:
    encoder = filled(camera_encoder(kind), goldens, f"cam_pose_encoder_{kind}.")
    cameras = torch.stack(
        [camera_vectors(list(VIEW_SETS[name].values())) for name in ("human_4MV-Z_Vitru", "object_4MV-Z_HM")]
    )
    close(cameras, stored["cam_params"], 1e-6)
    close(encoder(cameras), stored[f"cam_{kind}"])


@torch.no_grad()
def test_splitter_and_attention(goldens: Path, stored: dict[str, Tensor]) -> None:
    human, thing = filled(AttentionSplitter(), goldens, "attention_splitter.")(stored["splitter_in"])
    close(human, stored["splitter_human"])
    close(thing, stored["splitter_object"])
    out, weights = filled(StableAttention(), goldens, "mha.")(stored["mha_q"], stored["mha_kv"])
    close(out, stored["mha_out"])
    close(weights, stored["mha_attn"])


@torch.no_grad()
def test_fusion_uncertainty_and_text(goldens: Path, stored: dict[str, Tensor]) -> None:
    fusion = filled(LlavaSamFusion(64), goldens, "fusion.")
    close(fusion(stored["fusion_sam"], stored["fusion_llava"]), stored["fusion_out_fp32"])
    uncertainty = filled(UncertaintyHead(), goldens, "uncertainty.")
    close(uncertainty(stored["uncertainty_in"]), stored["uncertainty_out_fp32"])
    half = uncertainty.bfloat16()(stored["uncertainty_in"].bfloat16())
    close(half, stored["uncertainty_out_bf16"], 2e-2)
    half = fusion.bfloat16()(stored["fusion_sam"].bfloat16(), stored["fusion_llava"].bfloat16())
    close(half, stored["fusion_out_bf16"], 5e-2)
    close(filled(text_projection(96), goldens, "text_hidden_fcs.0.")(stored["text_fc_in"]), stored["text_fc_out"])


@torch.no_grad()
def test_prompt_path_feeds_every_view_with_the_tokens_of_all(goldens: Path, stored: dict[str, Tensor]) -> None:
    encoder = filled(camera_encoder("vi_v1"), goldens, "cam_pose_encoder_vi_v1.")
    tokens = encoder.condition(stored["dec_seg_embedding"], stored["cam_params"][0])
    close(tokens, stored["dec_tokens"])
    path = SamPromptPath(published_sam_config(256, hidden_size=64, num_hidden_layers=1, num_attention_heads=1)).eval()
    path.load_state_dict(sam_parameters(goldens))
    masks, iou = path(stored["dec_image_embeddings"], tokens)
    close(masks[0, :, None], stored["dec_low_res_masks"])
    close(iou[0, :, None], stored["dec_iou"])
    close(resize_masks(masks, 256, (256, 256), (256, 256))[0], stored["post_masks_256"], 2e-3)
    smaller = resize_masks(masks, 256, (256, 200), (150, 117))[0]
    close(smaller, stored["post_masks_150x117_from_input_256x200"], 2e-3)
    several, _ = path(stored["dec_image_embeddings"], torch.cat([tokens, tokens.flip(1) * 0.5]))
    close(several[0], masks[0])  # objects of one batch do not see each other
    assert (several[1] - masks[0]).abs().mean() > 0.01


def test_the_hidden_state_before_the_token_is_used(goldens: Path) -> None:
    for case in json.loads((goldens / "interactvlm" / "seg_positions.json").read_text()):
        found = segmentation_positions(
            np.array(case["ids"]), [case["seg_id"]], case["image_token"], case["num_image_tokens"]
        )
        assert found.tolist() == case["hidden_index_training"] == case["hidden_index_generate"]
