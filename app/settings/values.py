"""Every setting of the studio, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.core.canvas.toolset import ToolsetState
from app.core.files.export import ExportKind, ExportMethod
from app.settings.declare import setting
from app.settings.drafts import read_drafts, read_folders, read_tools
from engine.spec.draft import Draft
from engine.spec.request import MAX_SIDE

Theme: TypeAlias = Literal["system", "light", "dark"]
Scaling: TypeAlias = Literal["nearest", "smooth"]
Previews: TypeAlias = Literal["taesd", "full", "linear"]

LONGEST_NAME = 300  # characters of a model's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The settings, immutable: `Settings.update` puts others in their place."""

    theme: Theme = setting(
        "system", title="Theme", description="The colours of the window. “system” follows the desktop."
    )
    scaling: Scaling = setting(
        "nearest", title="Enlargement", description="How the canvas enlarges small pictures: as squares, or smoothly."
    )
    preview_decoder: Previews = setting(
        "taesd",
        title="Preview decoder",
        description="How a step of a checkpoint becomes sharp where the cursor rests on it: “taesd” by the TAESD among "
        "your models, where one fits; “full” by the model's own decoder; “linear” not at all. Finished pictures are "
        "always the model's own.",
    )
    seed_locked: bool = setting(
        False, title="Keep the seed", description="A run does not roll another seed for the next one."
    )
    model: str = setting(
        "", high=LONGEST_NAME, shown=False, title="Last model", description="The id of the model that was used last."
    )
    model_path: str = setting(
        "", shown=False, title="File of the last model", description="Its path; “” for a model in the box."
    )
    drafts: dict[str, Draft] = setting(
        factory=dict, read=read_drafts, shown=False, title="Drafts", description="The last draft of each model, by id."
    )
    tools: ToolsetState = setting(
        factory=ToolsetState,
        read=read_tools,
        shown=False,
        title="Tools",
        description="The tool in hand, and how each is set.",
    )
    box_follows_mask: bool = setting(
        True,
        title="The box follows the mask",
        description="The part that the model sees is fitted to what is painted, with a margin.",
    )
    export_factor: int = setting(
        1, low=1, high=MAX_SIDE, title="Export factor", description="How many times larger a picture is exported."
    )
    export_method: ExportMethod = setting(
        "nearest", title="Export method", description="How a picture is enlarged for the export."
    )
    export_kind: ExportKind = setting(
        "png", title="Export format", description="The kind of file that a picture is exported as."
    )
    export_quality: int = setting(
        95, low=1, high=100, title="Export quality", description="The quality of JPEG and WebP files, in per cent."
    )
    folders: dict[str, str] = setting(
        factory=dict,
        read=read_folders,
        shown=False,
        title="Folders",
        description="The folder that was used last, by what it was used for.",
    )
    geometry: str = setting(
        "", shown=False, title="Window", description="Place and size of the window, as Qt saves them, base64."
    )
    window_state: str = setting(
        "", shown=False, title="Panels", description="Places and sizes of the panels, as Qt saves them, base64."
    )
