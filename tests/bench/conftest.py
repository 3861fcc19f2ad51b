"""The studio around an engine, for measuring: pytest -m bench -s tests/bench."""

from tests.app.conftest import Parts, by_hand, fake, make_parts, model, pytest_itemcollected, request_of

__all__ = ["Parts", "by_hand", "fake", "make_parts", "model", "pytest_itemcollected", "request_of"]
