"""`choose_device`: where models and detectors run."""

from __future__ import annotations

import re

from interplay.errors import InputError, near_matches

DEVICES = ("cpu", "cuda", "mps", "xpu")
"""Kinds of devices that models run on."""


def check_device_name(device: str | None) -> None:
    """Whether a device has a name that can be used, without asking torch whether it is there.

    Raises:
        InputError: not one of `DEVICES`, with or without a number.
    """
    if device is None or re.fullmatch(rf"({'|'.join(DEVICES)})(:\d{{1,3}})?", device):
        return
    raise InputError(
        f"device {device!r} cannot be used: expected {', '.join(DEVICES)}, or one with a number, such as cuda:1."
        f"{near_matches(device, DEVICES)}"
    )


def choose_device(device: str | None) -> str:
    """The given device, or CUDA where there is one, else the CPU.

    Raises:
        InputError: the device cannot be used: it has another name than `DEVICES`, or this machine has none.
    """
    check_device_name(device)

    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except Exception as error:  # torch raises a dozen kinds, some of which ask for packages
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"device {device!r} cannot be used: {reason}") from None
    return device
