"""What the network returns: maps by name, computed when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interplay.models.ggnet.convs import head_at

if TYPE_CHECKING:
    from interplay.models.ggnet.network import StackHeads


@dataclass(frozen=True)
class ActPoints:
    """One gaze step at every pixel.

    Attributes:
        offset: (B, 2n, h, w) shift of each of n points from the regular grid around the pixel, in output pixels;
            channels 2k, 2k + 1 are dy, dx of point ``k = side * row + column``. Summed over the steps so far.
        weight: (B, n, h, w), 0..1.
        feature: (B, C, h, w) what the points gathered.
    """

    offset: Tensor
    weight: Tensor
    feature: Tensor

    def positions(self) -> Tensor:
        """(B, n, 2, h, w) x, y of every point on the output map."""
        batch, points, height, width = self.weight.shape
        side = round(points**0.5)
        device = self.offset.device
        reach = torch.arange(side, device=device) - side // 2
        grid = torch.stack([reach.repeat(side), reach.repeat_interleave(side)], 1)  # (n, 2) x, y
        shift = self.offset.view(batch, points, 2, height, width).flip(2)
        y = torch.arange(height, device=device).view(1, 1, height, 1).expand(1, 1, height, width)
        x = torch.arange(width, device=device).view(1, 1, 1, width).expand(1, 1, height, width)
        return shift + grid[None, :, :, None, None] + torch.cat([x, y], 1)[:, None]


class StackMaps(Mapping[str, Tensor]):
    """The maps that the heads of one stack predict, by the names of the published code.

    ``hm`` (B, objects, h, w) object centres, ``wh`` (B, 2, h, w) width and height, ``reg`` (B, 2, h, w) x, y from a
    centre's pixel to the centre, ``sub_offset`` and ``obj_offset`` (B, 2 or 2 verbs, h, w) x, y from a human's
    or object's centre to the interaction point, ``hm_rel`` (B, verbs, h, w) interaction points by the glance step,
    ``hm_rel_refine1`` ... by each gaze step but the last, ``hm_rel_refine`` by the last. Heatmaps are logits; sizes and
    offsets are in output pixels.

    A map is computed when it is first asked for, so that a result costs only what it needs; training asks for all.
    """

    def __init__(self, heads: StackHeads, levels: Sequence[Tensor]) -> None:
        self._heads = heads
        self._levels = levels
        self._maps: dict[str, Tensor] = {}
        self._gradients = torch.is_grad_enabled()
        device = levels[-1].device.type
        self._autocast = device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)

    @contextmanager
    def _as_in_forward(self) -> Iterator[None]:
        """Gradients and precision as they were when the network ran, whenever a map is asked for."""
        device, dtype, enabled = self._autocast
        with torch.set_grad_enabled(self._gradients), torch.autocast(device, dtype=dtype, enabled=enabled):
            yield

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._maps:
            if name not in self._heads.names:
                raise KeyError(f"no map {name!r}; this network has {', '.join(self._heads.names)}")
            with self._as_in_forward():
                self._maps[name] = self._heads.predict(name, self)
        return self._maps[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._heads.names)

    def __len__(self) -> int:
        return len(self._heads.names)

    def __contains__(self, name: object) -> bool:
        return name in self._heads.names

    def at(self, name: str, image: int, x: Tensor, y: Tensor) -> Tensor:
        """Values (K, channels) of ``wh``, ``reg`` or an offset map at K pixels of one image.

        Only these pixels are computed, unless the whole map is there already.
        """
        if name in self._maps:
            return self._maps[name][image, :, y, x].T
        with self._as_in_forward():
            return head_at(self._heads.regressor(name), self._heads.regressor_input(name, self)[image], x, y)

    @property
    def features(self) -> Tensor:
        """(B, C, h, w) what the backbone says; the object heads read it."""
        return self._levels[-1]

    @cached_property
    def interaction_features(self) -> Tensor:
        """(B, C', h, w) what the glance step reads: the backbone's map, or PPDM's levels and global reasoning."""
        with self._as_in_forward():
            return self._heads.interaction_input(self._levels)

    @cached_property
    def action_features(self) -> Tensor:
        """(B, C, h, w) F0: action-aware features inside the glance step."""
        with self._as_in_forward():
            return self._heads.glance(self.interaction_features)

    @cached_property
    def gaze(self) -> list[ActPoints]:
        """The gaze steps' points, first step first."""
        with self._as_in_forward():
            return self._heads.look(self.interaction_features, self.action_features)


@dataclass(frozen=True)
class GGNetOutputs:
    """What `GGNet` returns.

    Attributes:
        all_heads: the maps of every stack, first stack first; see `StackMaps` for names and shapes.
    """

    all_heads: Sequence[Mapping[str, Tensor]]

    def at(self, name: str, image: int, x: Tensor, y: Tensor) -> Tensor:
        """Values (K, channels) of ``wh``, ``reg`` or an offset map of the last stack at K pixels of one image."""
        maps = self.heads
        return maps.at(name, image, x, y) if isinstance(maps, StackMaps) else maps[name][image, :, y, x].T

    @property
    def heads(self) -> Mapping[str, Tensor]:
        """The maps of the last stack, from which results are read."""
        return self.all_heads[-1]
