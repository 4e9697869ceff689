"""Names that configurations know without importing the networks."""

from __future__ import annotations

from typing import Literal

ResNetName = Literal["resnet50", "resnet101", "resnet-nano"]
