from .book import Book
from .clash import Clash

__all__ = ["Book", "Clash"]
