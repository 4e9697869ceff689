"""The same results in less time: layers of Turbo learning's network laid out for inference on a processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.resnet import fold_frozen_batch_norm

from .network import HoiModule, KeypointBlock, TurboNetwork


class Doubling(nn.Module):
    """A deconvolution of 4 x 4 with stride 2 as four convolutions of 2 x 2, one for each place in a cell of the input.

    It is the same sum: every cell of the result sees 2 x 2 cells. Processors have faster convolutions than
    deconvolutions.

    Args:
        deconvolution: whose results it gives, with padding 1.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, deconvolution: nn.ConvTranspose2d) -> None:
        super().__init__()
        assert deconvolution.kernel_size == (4, 4)
        assert deconvolution.stride == (2, 2)
        assert deconvolution.padding == (1, 1)
        seen = ([3, 1], [2, 0])  # which rows of the kernel the first and the second row of a cell see, from above
        weight = deconvolution.weight.detach()
        parts = [weight[:, :, up][:, :, :, left].transpose(0, 1) for up in seen for left in seen]
        self.register_buffer("weight", torch.stack([part.contiguous() for part in parts]))
        self.register_buffer("bias", None if deconvolution.bias is None else deconvolution.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """(P, C, H, W) -> (P, C', 2 H, 2 W)."""
        height, width = x.shape[2:]
        padded = F.pad(x, (1, 1, 1, 1))
        parts = [
            F.conv2d(padded[..., up : up + height + 1, left : left + width + 1], weight, self.bias)
            for weight, (up, left) in zip(self.weight, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True)
        ]
        return F.pixel_shuffle(torch.stack(parts, 2).flatten(1, 2), 2)


def lay_out(network: TurboNetwork) -> None:
    """Fold batch normalisation, and lay weights out as the processor reads them fastest, in place.

    The fully connected layers read tens of thousands of numbers of a few people: their time is that of reading the
    weights, which goes faster by columns.
    """
    fold_frozen_batch_norm(network.stem)
    network.stem.to(memory_format=torch.channels_last)
    if network.detection is not None:
        fold_frozen_batch_norm(network.detection)
    for module in network.modules():
        if isinstance(module, HoiModule):
            for layer in module.first.values():
                assert isinstance(layer, nn.Linear)
                layer.weight.data = layer.weight.data.t().contiguous().t()
        elif isinstance(module, KeypointBlock) and isinstance(module.enlarge, nn.ConvTranspose2d):
            module.enlarge = Doubling(module.enlarge)
