"""The contacts of a scene: of bodies with objects and with the ground.

Distances are measured between the surfaces as they are rendered: bodies with their clothes on.
"""

from __future__ import annotations

import numpy as np

from interplay.body.contact import CONTACT, DEPTH, Contact, part_names, touching
from interplay.body.proximity import signed_distance
from interplay.world.scene import Scene


def find_contacts(scene: Scene) -> list[Contact]:
    """All contacts of a scene: person by person, objects in their order, then the ground (the plane z = 0)."""
    found = []
    count = len(scene.people)
    for i, person in enumerate(scene.people):
        body, faces = scene.posed[i], person.body.model.faces
        for k, object in enumerate(scene.objects):
            shape = scene.posed[count + k]
            distance = signed_distance(body, shape, object.model.mesh.faces, DEPTH)
            mine = touching(distance)
            if not len(mine):
                continue
            theirs = touching(signed_distance(shape, body, faces, DEPTH))
            parts = part_names(person.body.model.part[mine])
            found.append(Contact(i, k, mine, theirs, parts, float(distance.min())))
        height = body[:, 2]
        ground = np.nonzero((height <= CONTACT) & (height >= -DEPTH))[0]
        if len(ground):
            parts = part_names(person.body.model.part[ground])
            found.append(Contact(i, None, ground, np.zeros(0, np.int64), parts, float(height.min())))
    return found
