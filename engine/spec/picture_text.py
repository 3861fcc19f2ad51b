"""What a saved picture says about how it was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureText:
    """The parts of the text in a PNG file.

    prompt   -- the prompt, the negative prompt and the label; also the words in the file's name
    settings -- sampler, steps, guidance, seed, size
    model    -- the names and hashes of the model and of its LoRAs
    """

    prompt: bool = True
    settings: bool = True
    model: bool = True

    @property
    def complete(self) -> bool:
        """Whether the picture can be made again from its file: only then the Request is written."""
        return self.prompt and self.settings and self.model

    @property
    def empty(self) -> bool:
        return not (self.prompt or self.settings or self.model)


COMPLETE = PictureText()
NO_TEXT = PictureText(prompt=False, settings=False, model=False)
