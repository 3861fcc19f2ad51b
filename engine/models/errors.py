"""What can be wrong with a model's files."""

REMEDY = "download the studio again, or restore that file"


class ModelError(ValueError):
    """A model that cannot be loaded; the message says in one sentence what to do."""
