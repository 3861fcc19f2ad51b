"""Every setting of the studio, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.core.canvas.pressure import CURVES as PEN_CURVES
from app.core.canvas.toolset import ToolsetState
from app.core.files.export import KINDS, METHODS, ExportKind, ExportMethod
from app.settings.declare import setting
from app.settings.drafts import read_drafts, read_folder_list, read_folders, read_tools
from app.settings.keys import read_recent, read_shortcuts
from engine.spec.draft import Draft
from engine.spec.request import MAX_SIDE

Theme: TypeAlias = Literal["system", "light", "dark", "contrast"]
Scaling: TypeAlias = Literal["nearest", "smooth"]
Language: TypeAlias = Literal["system", "en"]
Device: TypeAlias = Literal["auto", "cuda", "xpu", "mps", "cpu"]
Previews: TypeAlias = Literal["taesd", "full", "linear"]

LONGEST_NAME = 300  # characters of a model's id
LONGEST_PATH = 4096  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The settings, immutable: `Settings.update` puts others in their place."""

    theme: Theme = setting(
        "system",
        title="Theme",
        description="The colours of the window. High contrast has text of at least 7 : 1 on its ground.",
        subject="look",
        labels={"system": "As the system", "light": "Light", "dark": "Dark", "contrast": "High contrast"},
    )
    language: Language = setting(
        "system",
        title="Language",
        description="The language of the window. English is the only one so far.",
        subject="look",
        labels={"system": "As the system", "en": "English"},
        restart=True,
    )
    scale: int = setting(
        100,
        low=75,
        high=300,
        step=25,
        unit="%",
        title="Size of text and controls",
        description="The size of everything in the window, on top of the scale of the screen.",
        subject="look",
        restart=True,
    )
    reduced_motion: bool = setting(
        False,
        title="Reduce motion",
        description="Menus open at once, cursors do not blink, and nothing moves by itself.",
        subject="look",
    )
    scaling: Scaling = setting(
        "nearest",
        title="Enlargement",
        description="How the canvas enlarges small pictures.",
        subject="pictures",
        labels={"nearest": "As squares", "smooth": "Smoothly"},
    )
    preview_decoder: Previews = setting(
        "taesd",
        title="Preview decoder",
        description="How a step of a checkpoint becomes sharp where the cursor rests on it. A TAESD is one of your "
        "models, where one fits. Finished pictures are always the model's own.",
        subject="pictures",
        labels={"taesd": "TAESD", "full": "The model's own", "linear": "Not at all"},
    )
    seed_locked: bool = setting(
        False,
        title="Keep the seed",
        description="A run does not roll another seed for the next one.",
        subject="pictures",
    )
    preview_share: float = setting(
        2.5,
        low=0,
        high=50,
        step=0.5,
        unit="%",
        title="Time for previews",
        description="The share of a run's time that live previews may take. At 0 only the first and the last are made.",
        subject="pictures",
    )
    model: str = setting(
        "", high=LONGEST_NAME, title="Last model", description="The id of the model that was used last."
    )
    model_path: str = setting("", title="File of the last model", description="Its path; “” for a model in the box.")
    drafts: dict[str, Draft] = setting(
        factory=dict, read=read_drafts, title="Drafts", description="The last draft of each model, by id."
    )
    tools: ToolsetState = setting(
        factory=ToolsetState, read=read_tools, title="Tools", description="The tool in hand, and how each is set."
    )
    box_follows_mask: bool = setting(
        True,
        title="The box follows the mask",
        description="The part that the model sees is fitted to what is painted, with a margin.",
        subject="pictures",
    )
    export_factor: int = setting(
        1,
        low=1,
        high=MAX_SIDE,
        unit="×",
        title="Export factor",
        description="How many times larger a picture is exported.",
        subject="pictures",
    )
    export_method: ExportMethod = setting(
        "nearest",
        title="Export method",
        description="How a picture is enlarged for the export.",
        subject="pictures",
        labels={name: title for name, (title, _) in METHODS.items()},
    )
    export_kind: ExportKind = setting(
        "png",
        title="Export format",
        description="The kind of file that a picture is exported as.",
        subject="pictures",
        labels={name: title for name, (title, _) in KINDS.items()},
    )
    export_quality: int = setting(
        95,
        low=1,
        high=100,
        unit="%",
        title="Export quality",
        description="The quality of JPEG and WebP files.",
        subject="pictures",
    )
    history_folders: list[str] = setting(
        factory=list,
        read=read_folder_list,
        title="Folders of the history",
        description="The folders that the history looks through, besides the studio's own.",
    )
    folders: dict[str, str] = setting(
        factory=dict,
        read=read_folders,
        title="Folders",
        description="The folder that was used last, by what it was used for.",
    )
    geometry: str = setting("", title="Window", description="Place and size of the window, as Qt saves them, base64.")
    window_state: str = setting(
        "", title="Panels", description="Places and sizes of the panels, as Qt saves them, base64."
    )
    pictures_folder: str = setting(
        "",
        high=LONGEST_PATH,
        title="Folder of finished pictures",
        description="Every finished picture is saved here as a PNG. Pictures made before stay where they are.",
        subject="folders",
        field="folder",
    )
    runs_folder: str = setting(
        "",
        high=LONGEST_PATH,
        title="Folder of runs",
        description="The steps of every run, for the timeline and forks. Runs made before stay where they are.",
        subject="folders",
        field="folder",
        restart=True,
    )
    device: Device = setting(
        "auto",
        title="Device",
        description="What computes. Where it is not there the best one that is takes its place.",
        subject="computing",
        labels={
            "auto": "The best one",
            "cuda": "NVIDIA or AMD GPU",
            "xpu": "Intel GPU",
            "mps": "Apple GPU",
            "cpu": "Processor (CPU)",
        },
        restart=True,
    )
    threads: int = setting(
        0,
        low=0,
        high=256,
        zero="automatic",
        title="Threads",
        description="How many cores of the processor a run uses.",
        subject="computing",
        restart=True,
    )
    headroom: float = setting(
        0.5,
        low=0,
        high=64,
        step=0.5,
        unit="GiB",
        title="Memory to keep free",
        description="A large model is loaded only if this much memory stays free for its runs and for other programs.",
        subject="computing",
        restart=True,
    )
    runs_limit: float = setting(
        0,
        low=0,
        high=10_000,
        step=1,
        unit="GB",
        zero="no limit",
        title="Limit for runs",
        description="Above it the oldest runs are offered for deletion here. Nothing is deleted unasked.",
        subject="storage",
    )
    shortcuts: dict[str, tuple[str, ...]] = setting(
        factory=dict,
        read=read_shortcuts,
        title="Shortcuts",
        description="The keys of commands that differ from the defaults, by id.",
    )
    recent_commands: tuple[str, ...] = setting(
        (),
        read=read_recent,
        title="Recent commands",
        description="What was chosen in the command palette, the newest first.",
    )
    pen_pressure: bool = setting(
        True,
        title="Pressure changes the size",
        description="A pen that is pressed harder draws a wider stroke.",
        subject="pen",
    )
    pen_curve: float = setting(
        1.0,
        low=PEN_CURVES[0],
        high=PEN_CURVES[1],
        step=0.05,
        title="Pressure curve",
        description="Below 1 a light touch already draws wide; above 1 it takes a firm one.",
        subject="pen",
    )
    written_prompt: bool = setting(
        True,
        title="Write the prompt into pictures",
        description="In the text of PNG files, where this studio and others read it.",
        subject="privacy",
    )
    written_settings: bool = setting(
        True,
        title="Write the settings into pictures",
        description="Sampler, steps, guidance, seed and size.",
        subject="privacy",
    )
    written_model: bool = setting(
        True,
        title="Write the model into pictures",
        description="The name and the hash of the model and of LoRAs. A picture is made again from its file only if "
        "prompt, settings and model are all written.",
        subject="privacy",
    )
    bare_exports: bool = setting(
        False,
        title="Export without any text",
        description="Pictures that you export or save under another name hold no prompt and no settings.",
        subject="privacy",
    )
