from bisect import insort

from .clash import Clash


class Book:
    """The bookings of a room on one day, in minutes since midnight."""

    def __init__(self, opens, closes):
        if not 0 <= opens < closes <= 24 * 60:
            raise ValueError("a room opens before it closes, within one day")
        self.opens = opens
        self.closes = closes
        self._slots = []

    def add(self, name, start, end):
        """Books the room. Raises Clash when it is taken or closed."""
        if start >= end:
            raise ValueError("a booking ends after it starts")
        if start < self.opens or end > self.closes:
            raise Clash("the room is closed then")
        for taken_start, taken_end, taken_by in self._slots:
            if start <= taken_end and taken_start <= end:
                raise Clash(f"{taken_by} has the room then")
        insort(self._slots, (start, end, name))

    def cancel(self, name):
        """Frees the slots of a name. Raises KeyError when it has none."""
        kept = [slot for slot in self._slots if slot[2] != name]
        if len(kept) == len(self._slots):
            raise KeyError(name)
        self._slots = kept

    def names(self):
        return [name for _, _, name in self._slots]

    def free(self, at_least=1):
        """The gaps of at least so many minutes, as (start, end), in order."""
        gaps = []
        at = self.opens
        for start, end, _ in self._slots:
            if start - at >= at_least:
                gaps.append((at, start))
            at = end
        if at < self.closes:
            gaps.append((at, self.closes))
        return gaps
