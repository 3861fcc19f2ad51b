"""The settings that a picture file holds: this studio's own, or another one's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints.adapters.files import AdapterFiles
from engine.pictures.foreign.adopt import FoundLoras, FoundVae, find_loras, find_vae
from engine.pictures.foreign.programs import read_foreign
from engine.pictures.foreign.settings import ForeignSettings
from engine.pictures.image_file import ImageError
from engine.pictures.png import read_parent, read_settings
from engine.settings_folder import settings_folder
from engine.spec.request import Request, RequestError


@dataclass(frozen=True, slots=True)
class SettingsFound:
    """own -- the Request that made the picture; forked -- whether its run went on from another one; foreign -- what
    another studio wrote; loras, vae -- its files here
    """

    own: Request | None = None
    foreign: ForeignSettings | None = None
    loras: FoundLoras | None = None
    vae: FoundVae | None = None
    forked: bool = False


def settings_in(path: Path) -> SettingsFound:
    """Read the settings in a picture file; none where there are none, or damaged ones. Raises nothing.

    May read the files of LoRAs, for their hashes: in a helper thread.
    """
    try:
        if (own := read_settings(path)) is not None:
            return SettingsFound(own, forked=read_parent(path) is not None)
    except RequestError:
        pass  # no PNG, or damaged: the picture is whole all the same
    try:
        foreign = read_foreign(path)
    except (ImageError, OSError):
        return SettingsFound()
    if foreign is None:
        return SettingsFound()
    where = settings_folder()
    loras, vae = find_loras(foreign.loras, AdapterFiles(where)), find_vae(foreign.vae, AdapterFiles(where, "VAE"))
    return SettingsFound(None, foreign, loras, vae)
