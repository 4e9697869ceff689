"""DAMON: contact of people with named objects in photographs, as vertices of SMPL (Tripathi et al., ICCV 2023)."""

from __future__ import annotations

CATEGORIES: dict[str, tuple[str, ...]] = {
    category: tuple(names.split(", "))
    for category, names in {
        "transport": "motorcycle, bicycle, boat, car, truck, bus, train, airplane",
        "accessory": "backpack, tie, handbag, baseball_glove",
        "furniture": "bench, chair, couch, bed, toilet, dining_table",
        "everyday-objects": (
            "book, umbrella, cell_phone, laptop, kite, suitcase, bottle, remote, toothbrush, teddy_bear, scissors, "
            "keyboard, hair drier, traffic light, fire_hydrant, stop sign, tv, vase, parking meter, clock, "
            "potted plant, mouse"
        ),
        "sports": ("frisbee, sports_ball, tennis_racket, baseball_bat, skateboard, snowboard, skis, surfboard"),
        "food": "banana, cake, apple, carrot, pizza, donut, hot_dog, sandwich, broccoli, orange",
        "kitchen": "knife, spoon, cup, wine_glass, oven, fork, bowl, refrigerator, toaster, sink, microwave",
    }.items()
}
"""Objects by category, as the published evaluation spells them: five names have a blank where DAMON has an underline,
so that the evaluation never finds them. ``supporting``, what people stand or lie on, belongs to none."""
