"""Keypoint R-CNN's keypoint head on given boxes.

Paper: Mask R-CNN, He et al., ICCV 2017 (section 5). Code and weights: torchvision, BSD-3-Clause; trained on COCO
train2017. The network's own detector is passed over: the keypoint head reads the boxes that are given.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from interplay.detectors.pose.estimator import checked, no_poses
from interplay.detectors.torchvision_weights import load_torchvision_weights
from interplay.ops.boxes import box_area

_NEARBY = 5  # cells of the 56 x 56 that cover a box


class KeypointRCNN:
    """Keypoint R-CNN ResNet-50 FPN.

    A keypoint's score is the probability that the network gives to the keypoint's lying within a twentieth of the
    box's side of its most likely place: the softmax of the heatmap, summed over 5 x 5 of its 56 x 56 cells.
    (torchvision's own score is the largest logit, which has no upper end.)

    Args:
        device: where it runs.
        weights: a ``.pth`` file of torchvision's, or the same tensors as ``.safetensors``. By default torch hub's
            cache, filled over the network at the first use.

    Raises:
        MissingFileError: no weights and no network; says the commands that bring them.
        InputError: the file does not hold this network's weights.
    """

    name = "keypointrcnn-resnet50-fpn"

    def __init__(self, device: str | torch.device = "cpu", weights: str | os.PathLike[str] | None = None) -> None:
        from torchvision.models import detection

        self.device = torch.device(device)
        self.model: Any = detection.keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
        entry = detection.KeypointRCNN_ResNet50_FPN_Weights.DEFAULT
        load_torchvision_weights(self.model, self.name, entry, weights, "load_pose_estimator")
        self.model.eval().to(self.device)

    def estimate(self, image: NDArray[np.uint8], boxes: ArrayLike, file: str | None = None) -> NDArray[np.float32]:
        """The keypoints (N, 17, 3) of each person; see `PoseEstimator`."""
        people = checked(image, boxes)
        keypoints = no_poses(len(people))
        visible = box_area(people) > 0
        if visible.any():
            with torch.inference_mode():
                pixels = torch.from_numpy(image).to(self.device).permute(2, 0, 1) / 255
                found = self._forward(pixels, torch.from_numpy(people[visible]).to(self.device))
            keypoints[visible] = found.cpu().numpy()
        return keypoints

    def _forward(self, image: Tensor, boxes: Tensor) -> Tensor:
        """Keypoints (N, 17, 3) in one image (3, H, W) of 0..1."""
        from torchvision.models.detection.roi_heads import keypointrcnn_inference
        from torchvision.models.detection.transform import resize_keypoints

        heads = self.model.roi_heads
        images, targets = self.model.transform([image], [{"boxes": boxes}])
        resized = [targets[0]["boxes"]]
        features = self.model.backbone(images.tensors)
        crops = heads.keypoint_roi_pool(features, resized, images.image_sizes)
        heatmaps = heads.keypoint_predictor(heads.keypoint_head(crops))  # (N, 17, 56, 56) logits
        places = keypointrcnn_inference(heatmaps, resized)[0][0]  # (N, 17, 3) x, y, 1
        places = resize_keypoints(places, list(images.image_sizes[0]), list(image.shape[-2:]))
        probabilities = heatmaps.flatten(2).softmax(2).view_as(heatmaps)
        nearby = F.avg_pool2d(probabilities, _NEARBY, stride=1, padding=_NEARBY // 2) * _NEARBY**2
        return torch.cat([places[..., :2], nearby.amax((2, 3))[..., None].clamp(max=1)], -1)
