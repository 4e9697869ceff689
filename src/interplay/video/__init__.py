"""Clips: reading frames, what people do over time, writing drawn clips."""

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.video.reader import Frame, VideoInfo, frames_of_images, is_video, read_frames, video_info
    from interplay.video.segments import Segment, SegmentOptions, find_segments, read_segments, write_segments
    from interplay.video.writer import write_clip

_HOMES = {
    "reader": ("Frame", "VideoInfo", "frames_of_images", "is_video", "read_frames", "video_info"),
    "segments": ("Segment", "SegmentOptions", "find_segments", "read_segments", "write_segments"),
    "writer": ("write_clip",),
}

__all__ = [
    "Frame",
    "Segment",
    "SegmentOptions",
    "VideoInfo",
    "find_segments",
    "frames_of_images",
    "is_video",
    "read_frames",
    "read_segments",
    "video_info",
    "write_clip",
    "write_segments",
]

__getattr__ = lazy_names(__name__, {name: home for home, names in _HOMES.items() for name in names})
