"""The row over the canvas: settings of the selected tool, and edits of the whole mask."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QColorDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.core.canvas.toolset import EDGES, SIZES, Toolset
from app.ui.actions.action_set import ActionSet
from app.ui.canvas.tools import TOOLS
from app.ui.look.theme import em
from app.ui.widgets.label import label
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.spin_box import WholeSpinBox, show_number


@dataclass(frozen=True, slots=True)
class ToolOption:
    """A number of the tool; the shown number is `scale` times the stored one."""

    title: str
    low: float
    high: float
    usual: tuple[float, float]
    scale: float
    suffix: str
    tip: str


AMOUNT = "Amount", "How far back in time it goes: at 50 % the last half of the steps makes it anew"
OPACITY = "Opacity", "How much one stroke covers at most"  # of what is painted on the picture itself

OPTIONS = {
    "size": ToolOption("Size", *SIZES, (1, 256), 1, " px", "Diameter of the brush in pixels of the picture"),
    "hardness": ToolOption("Hardness", 0, 100, (0, 100), 100, " %", "How much of the brush paints in full"),
    "flow": ToolOption("Flow", 1, 100, (1, 100), 100, " %", "How much one touch adds"),
    "opacity": ToolOption(AMOUNT[0], 1, 100, (1, 100), 100, " %", ""),
    "tolerance": ToolOption("Tolerance", 0, 255, (0, 128), 1, "", "How far a colour may be from the one clicked"),
}
# text lines of width; tips say the titles too, and the menu Canvas has the edits of the mask
ROOM_FOR_SLIDERS, ROOM_FOR_EDGES, ROOM_FOR_TITLES, ROOM_FOR_MASK = 62, 52, 42, 29


class ToolOptions(QFrame):
    """Shows the settings that the selected tool uses."""

    def __init__(self, tools: Toolset, actions: ActionSet) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # it never holds the window open
        self._tools = tools
        self._kinds = {tool.name: tool for tool in TOOLS}
        self.colour = ColourButton(tools)
        self.numbers: dict[str, NumberField] = {}
        self.everywhere = QCheckBox("Everywhere")
        self.everywhere.setToolTip("All pixels of that colour, not only those that hang together with the one clicked")
        self.everywhere.toggled.connect(lambda on: tools.choose(everywhere=on))
        self.edge = WholeSpinBox()
        self._groups: dict[str, QWidget] = {}
        self._titles: dict[str, QLabel] = {}
        self._lay_out(actions)
        tools.tool_changed.connect(self.refresh)
        tools.choices_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self, actions: ActionSet) -> None:
        row = QHBoxLayout(self)
        side = em(self, 0.6)
        row.setContentsMargins(side, em(self, 0.25), em(self, 0.4), em(self, 0.25))
        row.setSpacing(em(self, 0.9))
        row.addWidget(self.colour)
        for name, option in OPTIONS.items():
            self._groups[name] = self._number(name, option)
            row.addWidget(self._groups[name])
        row.addWidget(self.everywhere)
        row.addStretch(1)
        self._mask = self._mask_group(actions)
        row.addWidget(self._mask)

    def _number(self, name: str, option: ToolOption) -> QWidget:
        number = NumberField(option.title, option.low, option.high, option.usual)
        number.field.setSuffix(option.suffix)
        number.field.setFixedWidth(em(number.field, 4.1))
        number.changed.connect(lambda value: self._tools.choose(**{name: self._kept(name, value)}))
        self.numbers[name] = number
        group = QWidget()
        row = QHBoxLayout(group)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(group, 0.4))
        self._titles[name] = label(option.title, "muted", number)
        row.addWidget(self._titles[name])
        row.addWidget(number)
        group.setToolTip(option.tip)
        group.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        return group

    def _mask_group(self, actions: ActionSet) -> QWidget:
        group = QWidget()
        row = QHBoxLayout(group)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(group, 0.12))
        self._titles["mask"] = label("Mask", "muted")
        row.addWidget(self._titles["mask"])
        row.addSpacing(em(group, 0.3))
        for name in ("box-follow", "mask-shown", "mask-invert", "mask-clear"):
            row.addWidget(actions.button(name, group))
        self._edges = QWidget()
        edges = QHBoxLayout(self._edges)
        edges.setContentsMargins(em(group, 0.5), 0, 0, 0)
        edges.setSpacing(em(group, 0.12))
        self.edge.setRange(*EDGES)
        self.edge.setSuffix(" px")
        self.edge.setButtonSymbols(WholeSpinBox.ButtonSymbols.NoButtons)
        self.edge.setAlignment(self.numbers["size"].field.alignment())
        self.edge.setFixedWidth(em(self.edge, 3.6))
        self.edge.setKeyboardTracking(False)
        self.edge.setAccessibleName("Edge of the mask")
        self.edge.setToolTip("By how much the mask shrinks, grows or is feathered")
        self.edge.valueChanged.connect(self._chose_edge)
        edges.addWidget(self.edge)
        for name in ("mask-shrink", "mask-grow", "mask-feather"):
            edges.addWidget(actions.button(name, group))
        row.addWidget(self._edges)
        return group

    def _chose_edge(self, edge: int) -> None:
        self._tools.edge = edge

    @staticmethod
    def _kept(name: str, value: float) -> float:
        scale = OPTIONS[name].scale
        return int(value) if scale == 1 else value / scale

    def refresh(self) -> None:
        tool, choices = self._kinds[self._tools.tool], self._tools.choices
        self.colour.setVisible("colour" in tool.options)
        self.colour.update()
        for name, number in self.numbers.items():
            self._groups[name].setVisible(name in tool.options)
            number.show_value(round(getattr(choices, name) * OPTIONS[name].scale))
        amount, tip = OPACITY if tool.name == "colour" else AMOUNT
        self._titles["opacity"].setText(amount)
        self._groups["opacity"].setToolTip(tip)
        self.everywhere.setVisible("everywhere" in tool.options)
        self.everywhere.setChecked(choices.everywhere)
        show_number(self.edge, self._tools.edge)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for number in self.numbers.values():
            number.slider.setVisible(self.width() >= em(self, ROOM_FOR_SLIDERS))
        self._mask.setVisible(self.width() >= em(self, ROOM_FOR_MASK))
        self._edges.setVisible(self.width() >= em(self, ROOM_FOR_EDGES))
        for title in self._titles.values():
            title.setVisible(self.width() >= em(self, ROOM_FOR_TITLES))


class ColourButton(QPushButton):
    """Shows the colour of the colour brush; opens the choice of another."""

    def __init__(self, tools: Toolset) -> None:
        super().__init__()
        self._tools = tools
        self.setAccessibleName("Colour")
        self.setToolTip("The colour of the colour brush")
        self.setFixedSize(em(self, 2.2), em(self, 1.5))
        self.clicked.connect(self.choose)

    def choose(self) -> None:
        """Open the colour dialog, which blocks nothing; a colour that is tried there is used at once."""
        dialog = QColorDialog(QColor(*self._tools.colour), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.currentColorChanged.connect(self._take)
        before = QColor(*self._tools.colour)
        dialog.rejected.connect(lambda: self._take(before))
        dialog.show()

    def _take(self, colour: QColor) -> None:
        self._tools.colour = colour.red(), colour.green(), colour.blue()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        inset = em(self, 0.25)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.setBrush(QColor(*self._tools.colour))
        painter.drawRect(self.rect().adjusted(inset, inset, -inset - 1, -inset - 1))
        painter.end()
