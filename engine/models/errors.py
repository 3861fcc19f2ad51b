"""What can be wrong with a model's files."""


class ModelError(ValueError):
    """A model that cannot be loaded; the message says in one sentence what to do."""
