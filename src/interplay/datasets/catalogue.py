"""What the published data sets consist of: expected counts, and where each part officially comes from.

The counts were taken from the published files themselves where they could be had (HICO-DET's test split, V-COCO's
train and val, the pair lists, PaStaNet-HOI's lists, HAKE's training file), else from the papers and the readers'
own pages (HICO-DET's training split, the query detectors' files).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """What reading a form of a split should give; None where nothing is published.

    Attributes:
        images: number of images.
        interactions: number of triplets.
        labelled_people: people who have labels (V-COCO).
    """

    images: int | None
    interactions: int | None = None
    labelled_people: int | None = None


EXPECTED: dict[tuple[str, str], Expected] = {
    ("hico-mat", "train"): Expected(38118, 117871),
    ("hico-mat", "test"): Expected(9658, 33405),
    ("hico-pairs", "train"): Expected(38118, 117871),
    ("hico-pairs", "test"): Expected(9658, 33405),
    ("hico-hoia", "train"): Expected(37633),
    ("hico-hoia", "test"): Expected(None, 33405),
    ("hake", "train"): Expected(38118, 117654),
    ("vcoco-actions", "train"): Expected(2533, None, 3932),
    ("vcoco-actions", "val"): Expected(2867, None, 4499),
    ("vcoco-actions", "trainval"): Expected(5400, None, 8431),
    ("vcoco-actions", "test"): Expected(4946),
    ("vcoco-hoia", "trainval"): Expected(5400),
    ("vcoco-hoia", "test"): Expected(4946),
    ("vcoco-pairs", "trainval"): Expected(5400, 13817),
    ("vcoco-pairs", "test"): Expected(4946, 12402),
    ("hoi-a", "trainval"): Expected(29842),
    ("hoi-a", "test"): Expected(8787, 21623),
}
"""(form, split) -> counts."""

EXPECTED_OWN: dict[tuple[str, str], Expected] = {
    ("HIFO", "train"): Expected(945, 1685),
    ("HIFO", "test"): Expected(229, 378),
}
"""(how image names start, split) -> counts of published data sets that bring their own vocabulary."""

LIST_LENGTHS = {
    "vcoco_train.ids": 2533,
    "vcoco_val.ids": 2867,
    "vcoco_trainval.ids": 5400,
    "vcoco_test.ids": 4946,
    "split_train.txt": 77609,
    "split_val.txt": 11298,
    "split_test.txt": 11298,
}
"""Published lists of images and how many lines they have."""

LIST_DATASETS = {".ids": "v-coco", ".txt": "pastanet-hoi"}
"""Suffix of a published list of images -> whose it is."""

PASTANET_NOTE = (
    "the benchmark's page says 77,260 / 11,298 / 22,156 images for train / val / test; its files list "
    "77,609 / 11,298 / 11,298. interplay uses the files"
)


@dataclass(frozen=True)
class PublishedFile:
    """One thing that a data set needs.

    Attributes:
        name: what it is.
        splits: the splits that it serves.
        source: where it officially comes from.
    """

    name: str
    splits: tuple[str, ...]
    source: str


_HICO_PAGE = "www-personal.umich.edu/~ywchao/hico (hico_20160224_det.tar.gz, 7.5 GB: images and anno_bbox.mat)"
_VCOCO_PAGE = "github.com/s-gupta/v-coco (data/vcoco and data/splits)"
_COCO_PAGE = "cocodataset.org, 2014 (annotations_trainval2014.zip, train2014.zip, val2014.zip)"
_HOIA_PAGE = "github.com/YueLiao/PPDM (HOI-A: images and the files in the form of the query detectors)"
_VIDHOI_PAGE = "github.com/coldmanck/VidHOI (Download VidHOI Benchmark)"
_VIDOR_PAGE = "xdshang.github.io/docs/vidor.html (clips; frames by extract_vidor_frames.sh of the VidHOI repository)"
_HAKE_PAGE = "github.com/DirtyHarryLYL/HAKE (Annotations, Images); the lists are in the TIN repository, branch TIN-PAMI"

ANNOTATIONS: dict[str, tuple[PublishedFile, ...]] = {
    "hico-det": (
        PublishedFile("training annotations", ("train",), _HICO_PAGE),
        PublishedFile("test annotations", ("test",), _HICO_PAGE),
    ),
    "v-coco": (
        PublishedFile("training annotations", ("trainval", "train"), f"{_VCOCO_PAGE} with {_COCO_PAGE}"),
        PublishedFile("test annotations", ("test",), f"{_VCOCO_PAGE} with {_COCO_PAGE}"),
    ),
    "pastanet-hoi": (PublishedFile("annotations", ("train",), _HAKE_PAGE),),
    "hoi-a": (
        PublishedFile("training annotations", ("trainval", "train"), _HOIA_PAGE),
        PublishedFile("test annotations", ("test",), _HOIA_PAGE),
    ),
    "vidhoi": (
        PublishedFile("training annotations", ("train",), _VIDHOI_PAGE),
        PublishedFile("validation annotations", ("val",), _VIDHOI_PAGE),
    ),
}
"""Annotations that make a data set complete."""

IMAGES: dict[str, str] = {
    "hico-det": _HICO_PAGE,
    "v-coco": _COCO_PAGE,
    "pastanet-hoi": _HAKE_PAGE,
    "hoi-a": _HOIA_PAGE,
    "vidhoi": _VIDOR_PAGE,
}
"""Where the images come from."""

COCO_INSTANCES = f"{_COCO_PAGE}; instances_vcoco_all_2014.json is made of it by V-COCO's script_pick_annotations.py"
"""Where the boxes for V-COCO's own form come from."""
