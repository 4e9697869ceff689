"""Text as vectors: encoders behind one interface, and a cache of what they computed."""

from interplay.text.cache import cached_embeddings
from interplay.text.encoders import ImageEncoder, TextEncoder, load_image_encoder, load_text_encoder

__all__ = ["ImageEncoder", "TextEncoder", "cached_embeddings", "load_image_encoder", "load_text_encoder"]
