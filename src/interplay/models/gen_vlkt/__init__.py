"""GEN-VLKT: "Simplify Association and Enhance Interaction Understanding for HOI Detection" (CVPR 2022).

Yue Liao, Aixi Zhang, Miao Lu, Yongliang Wang, Xiaobo Li, Si Liu; arXiv:2203.13954.
"""

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.models.gen_vlkt.config import GenVlktConfig
    from interplay.models.gen_vlkt.model import GenVlkt
    from interplay.models.gen_vlkt.outputs import GenVlktOutputs, PairTargets

__all__ = ["GenVlkt", "GenVlktConfig", "GenVlktOutputs", "PairTargets"]

__getattr__ = lazy_names(
    __name__,
    {
        "GenVlkt": "model",
        "GenVlktConfig": "config",
        "GenVlktOutputs": "outputs",
        "PairTargets": "outputs",
    },
)
