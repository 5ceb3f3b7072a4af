class Clash(ValueError):
    """A booking that another one, or the opening hours, stand in the way of."""
