"""The panel's settings of guidance by CLIP and by a classifier, and the draft's guides made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.guidance.aim_pictures import AimPictures
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.shown.render import finished_pixels
from app.core.shown.viewer import Viewer
from engine.spec import guide_models
from engine.spec.edit import Pixels
from engine.spec.guide_models import GuideInfo
from engine.spec.guides import MAX_AIM_TEXT, MAX_AIMS, Aim, ClassGuide, ClipGuide, Guide, Law
from engine.spec.request import RequestError

SEEN = ("cutouts", "cut_size", "smooth", "keep_range")  # settings that a CLIP on x_t has no use for


@dataclass(frozen=True, slots=True)
class SteeringRow:
    """One row of the panel: a text or the digest of a picture, and a signed weight. A blank row makes no guide."""

    text: str = ""
    image: str = ""
    weight: float = 1.0

    @property
    def blank(self) -> bool:
        return not (self.text.strip() or self.image) or self.weight == 0


@dataclass(frozen=True, slots=True)
class ClassWish:
    """The classifier that steers; "" for none. `label` is one of its own, "" before one was chosen."""

    classifier: str = ""
    label: str = ""
    scale: float = 1.0
    noisy: bool = True


class Steering(QObject):
    """The guides of the current draft: each wish goes into the draft, and the draft's own guides are shown.

    A blank row makes no guide, so a blank panel changes no run. Settings are kept while there is no guide.
    Setters emit only on change.
    """

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(self, draft: DraftModel, shown: Viewer, pictures: AimPictures, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._shown, self.pictures = draft, shown, pictures
        self._clips: list[GuideInfo] = []
        self._classifiers: list[GuideInfo] = []
        self._clip = ""
        self._wishes: tuple[SteeringRow, ...] = (SteeringRow(),)
        self._settings: dict[str, Any] = {}  # fields of a ClipGuide that are not at their defaults
        self._class = ClassWish()
        self._others: tuple[Guide, ...] = ()  # which the panel has no fields for: a second CLIP, a second classifier
        self._written: tuple[Guide, ...] = ()
        self._scored = self._picked = False
        draft.model_changed.connect(self.changed)
        draft.settings_changed.connect(self._read_draft)
        self.offer(guide_models.clips(), guide_models.classifiers())

    def offer(self, clips: Sequence[GuideInfo], classifiers: Sequence[GuideInfo] = ()) -> None:
        """What can be chosen; the first CLIP is the one to begin with."""
        self._clips, self._classifiers = list(clips), list(classifiers)
        if all(info.id != self._clip for info in clips):
            self._clip = clips[0].id if clips else ""
        self._written = ()
        self._read_draft(afresh=True)

    # CLIP

    @property
    def clips(self) -> list[GuideInfo]:
        """Those that can be chosen, a file that was opened among them."""
        return list(self._clips)

    @property
    def clip(self) -> str:
        """The chosen one's id, "" where there is none at all."""
        return self._clip

    @clip.setter
    def clip(self, id: str) -> None:
        if id != self._clip:
            self._add_clip(id)
            self._clip, self._picked = id, True
            if not self.sees_noise:
                self._settings.pop("on", None)
            self._write_draft()

    @property
    def clip_chosen(self) -> bool:
        """Whether a person chose it: then it is loaded at once, before its first use."""
        return self._picked

    def title_of(self, clip: str) -> str:
        return next((info.title for info in self._clips if info.id == clip), Path(clip).name)

    @property
    def sees_noise(self) -> bool:
        """Whether the chosen CLIP can be shown x_t."""
        return any(info.noisy for info in self._clips if info.id == self._clip)

    @property
    def wishes(self) -> tuple[SteeringRow, ...]:
        """The rows, at least one."""
        return self._wishes

    @property
    def can_add(self) -> bool:
        return len(self._wishes) < MAX_AIMS

    def set_wish(self, n: int, **changes: Any) -> None:
        """Change text or weight of row `n`."""
        if "text" in changes:
            changes["text"] = changes["text"][:MAX_AIM_TEXT]
        rows = list(self._wishes)
        rows[n] = replace(rows[n], **changes)
        self._set_wishes(tuple(rows))

    def add_wish(self, wish: SteeringRow | None = None) -> None:
        """One more row; a picture takes the place of a row that is still blank and alone."""
        wish = wish or SteeringRow()
        if self._wishes == (SteeringRow(),) and wish.image:
            self._set_wishes((wish,))
        elif self.can_add:
            self._set_wishes((*self._wishes, wish))

    def remove_wish(self, n: int) -> None:
        """Remove row `n`; the last one becomes blank."""
        self._set_wishes(self._wishes[:n] + self._wishes[n + 1 :] or (SteeringRow(),))

    def aim_at(self, rgb: Pixels) -> None:
        """One more row, with a picture (H, W, 3)."""
        try:
            self.add_wish(SteeringRow(image=self.pictures.add(rgb)))
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))

    def aim_at_shown(self) -> None:
        """One more row, with x̂₀ under the timeline's cursor."""
        shown = self._shown
        if shown.run is None or not 0 <= shown.cursor < shown.step_count:
            self.notice_raised.emit(Notice("info", "No picture is shown yet: generate or open one."))
            return
        try:
            self.aim_at(finished_pixels(shown.run, shown.cursor, shown.image_index))
        except (ValueError, OSError) as error:
            self.notice_raised.emit(Notice("error", f"This step cannot be read: {error}"))

    def _set_wishes(self, wishes: tuple[SteeringRow, ...]) -> None:
        if wishes != self._wishes:
            self._wishes = wishes
            self._write_draft()

    @property
    def clip_settings(self) -> ClipGuide:
        """Every setting of the guide, at its default where it was not changed; its aims are of no account."""
        return ClipGuide(clip=self._clip or "none", aims=(Aim("nothing"),), **_allowed_settings(self._settings))

    def set_clip_settings(self, **changes: Any) -> None:
        """Change settings of the CLIP guide, e.g. scale=20.0. Raises RequestError where a value is not allowed."""
        settings = self._settings | changes
        ClipGuide(clip="any", aims=(Aim("nothing"),), **_allowed_settings(settings))
        if settings != self._settings:
            self._settings = settings
            self._write_draft()

    def setting(self, name: str) -> Any:
        """One of the settings as it was left, also while a CLIP on x_t has no use for it."""
        return self._settings.get(name, getattr(_DEFAULT, name))

    @property
    def law(self) -> Law:
        law: Law = self.setting("law")
        return law

    @property
    def clip_guide(self) -> ClipGuide | None:
        """The guide that the rows describe; None where all are blank."""
        aims = tuple(Aim(w.text.strip(), w.image, w.weight) for w in self._wishes if not w.blank)
        return replace(self.clip_settings, aims=aims) if aims and self._clip else None

    # a classifier

    @property
    def classifiers(self) -> list[GuideInfo]:
        """The classifiers of the chosen model's pictures, and the chosen one, whatever pictures it knows."""
        own = ("", self._draft.model.id)
        return [info for info in self._classifiers if info.model in own or info.id == self._class.classifier]

    @property
    def class_wish(self) -> ClassWish:
        return self._class

    def set_class(self, **changes: Any) -> None:
        """Another classifier begins with its first label that it shares with the model's, or its first."""
        wish = replace(self._class, **changes)
        labels = self.labels_of(wish.classifier)
        if labels and wish.label not in labels:
            own = self._draft.current.label
            wish = replace(wish, label=own if own in labels else labels[0])
        if wish != self._class:
            self._class = wish
            self._write_draft()

    def labels_of(self, classifier: str) -> tuple[str, ...]:
        return next((info.labels for info in self._classifiers if info.id == classifier), ())

    @property
    def class_guide(self) -> ClassGuide | None:
        wish = self._class
        if not (wish.classifier and wish.label):
            return None
        return ClassGuide(classifier=wish.classifier, label=wish.label, scale=wish.scale, noisy=wish.noisy)

    # both

    @property
    def guides(self) -> tuple[Guide, ...]:
        asked = (self.clip_guide, self.class_guide)
        return (*(guide for guide in asked if guide is not None), *self._others)

    @property
    def in_words(self) -> str:
        """What steers, for a heading; "" where nothing does."""
        said = []
        if (guide := self.clip_guide) is not None:
            first = guide.aims[0].text or "a picture"
            said.append(f"CLIP: {first}{' …' if len(guide.aims) > 1 else ''}")
        if (of_class := self.class_guide) is not None:
            said.append(of_class.label)
        if self._others:
            said.append(f"{len(self._others)} more of the settings")
        return ", ".join(said)

    @property
    def scored(self) -> bool:
        """Whether runs that no CLIP steers are scored too, by the panel's CLIP and their own prompts."""
        return self._scored

    @scored.setter
    def scored(self, scored: bool) -> None:
        if scored != self._scored:
            self._scored = scored
            self.changed.emit()

    def _write_draft(self) -> None:
        self._written = self.guides
        self._draft.update(guides=self._written)
        self.changed.emit()

    def _add_clip(self, clip: str) -> None:
        """Settings or a person name a CLIP that was not offered: a file."""
        if all(info.id != clip for info in self._clips):
            self._clips.append(GuideInfo(clip, Path(clip).name, str(Path(clip).parent)))

    def _read_draft(self, afresh: bool = False) -> None:
        """Show the guides of the draft, where something else wrote them."""
        guides = self._draft.current.guides
        if guides == self._written and not afresh:
            return
        self._written = guides
        clip = next((guide for guide in guides if isinstance(guide, ClipGuide)), None)
        of_class = next((guide for guide in guides if isinstance(guide, ClassGuide)), None)
        self._others = tuple(guide for guide in guides if guide is not clip and guide is not of_class)
        self._wishes = (SteeringRow(),)
        if clip is not None:
            self._wishes = tuple(SteeringRow(aim.text, aim.image, aim.weight) for aim in clip.aims)
            self._settings = {
                name: getattr(clip, name) for name in _SETTINGS if getattr(clip, name) != getattr(_DEFAULT, name)
            }
            self._add_clip(clip.clip)
            self._clip = clip.clip
        if of_class is None:
            self._class = replace(self._class, classifier="", label="")
        else:
            self._class = ClassWish(of_class.classifier, of_class.label, of_class.scale, of_class.noisy)
        self.changed.emit()


_DEFAULT = ClipGuide(clip="any", aims=(Aim("nothing"),))
_SETTINGS = ("scale", "law", "on", "cutouts", "cut_size", "clip_gradient", "smooth", "keep_range")


def _allowed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """What of the settings a guide can have: on x_t, CLIP sees the whole picture and nothing else."""
    if settings.get("on") != "xt":
        return settings
    return {name: value for name, value in settings.items() if name not in SEEN} | {"cutouts": 1}
