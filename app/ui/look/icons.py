"""The studio's own icons: line drawings on a 24-unit grid, tinted by the palette."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

_SHAPES = {
    "dice": '<rect x="4" y="4" width="16" height="16" rx="3.5"/><g fill="#ink" stroke="none">'
    '<circle cx="8.6" cy="8.6" r="1.4"/>'
    '<circle cx="15.4" cy="8.6" r="1.4"/><circle cx="12" cy="12" r="1.4"/><circle cx="8.6" cy="15.4" r="1.4"/>'
    '<circle cx="15.4" cy="15.4" r="1.4"/></g>',
    "locked": '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
    "unlocked": '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 7.6-1.7"/>',
    "swap": '<path d="M4 9h14M14.5 5.5 18 9l-3.5 3.5M20 16H6M9.5 12.5 6 16l3.5 3.5"/>',
    "play": '<path d="M8 5.5v13l10.5-6.5z" fill="#ink"/>',
    "pause": '<path d="M8.5 5.5v13M15.5 5.5v13" stroke-width="3"/>',
    "first": '<path d="M6 6v12M18.5 6v12L9.5 12z"/>',
    "last": '<path d="M18 6v12M5.5 6v12L14.5 12z"/>',
    "previous": '<path d="M14.5 6 8.5 12l6 6"/>',
    "next": '<path d="M9.5 6l6 6-6 6"/>',
    "follow": '<circle cx="12" cy="12" r="3" fill="#ink"/>'
    '<path d="M6.3 6.3a8 8 0 0 0 0 11.4M17.7 6.3a8 8 0 0 1 0 11.4"/>',
    "zoom-in": '<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5M10.5 8v5M8 10.5h5"/>',
    "zoom-out": '<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5M8 10.5h5"/>',
    "fit": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    "actual": '<path d="M4.5 8.5 7 6.5v11M16.5 8.5 19 6.5v11"/><g fill="#ink" stroke="none">'
    '<circle cx="12" cy="9.5" r="1.2"/><circle cx="12" cy="14.5" r="1.2"/></g>',
    "smooth": '<path d="M3.5 17c5 0 5-10 9-10s3 7 8 7"/>',
    "save": '<path d="M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14"/>',
    "new": '<path d="M6 3.5h8l4.5 4.5v12.5H6z"/><path d="M12 11v6M9 14h6"/>',
    "open": '<rect x="4" y="5" width="16" height="14" rx="2"/><circle cx="9" cy="10" r="1.6"/>'
    '<path d="M5 17.5l5-4.5 3.5 3 3-2.5 3 2.5"/>',
    "key-shown": '<rect x="4" y="6" width="12" height="12" rx="1.5"/><path d="M20 5v6M17 8h6"/>'
    '<path d="M5 16l4-4 2.5 2.5L14 12l2 2"/>',
    "key-file": '<path d="M4 18V6.5h5l1.8 2H16v2"/><path d="M4 18h9M18 12v7M14.5 15.5h7"/>',
    "edit": '<path d="M5 19l1-4L16.5 4.5l3 3L9 18z"/><path d="M14.5 6.5l3 3"/>',
    "model": '<path d="M12 3.5l7.5 4.2v8.6L12 20.5l-7.5-4.2V7.7z"/><path d="M4.8 7.9 12 12l7.2-4.1M12 12v8.3"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5"/>',
    "star": '<path d="M12 3.8l2.5 5.3 5.8.8-4.2 4 1 5.8-5.1-2.8-5.1 2.8 1-5.8-4.2-4 5.8-.8z"/>',
    "star-on": '<path d="M12 3.8l2.5 5.3 5.8.8-4.2 4 1 5.8-5.1-2.8-5.1 2.8 1-5.8-4.2-4 5.8-.8z" fill="#ink"/>',
    "stack": '<rect x="4" y="8" width="12" height="12" rx="1.5"/><path d="M7 5h10.5A1.5 1.5 0 0 1 19 6.5V17"/>',
    "days": '<rect x="4" y="5.5" width="16" height="14.5" rx="2"/><path d="M4 10h16M8.5 3.5v4M15.5 3.5v4"/>',
    "refresh": '<path d="M19 8.5A7.6 7.6 0 1 0 19.6 13M19.4 4v4.6h-4.6"/>',
    "folder": '<path d="M4 18V6.5h5.5l2 2.5H20v9z"/>',
    "close": '<path d="M7 7l10 10M17 7 7 17"/>',
    "right": '<path d="M10 7.5l4.5 4.5-4.5 4.5"/>',
    "down": '<path d="M7.5 10l4.5 4.5 4.5-4.5"/>',
    "generate": '<path d="M12 3.5l1.9 5.6 5.6 1.9-5.6 1.9L12 18.5l-1.9-5.6L4.5 11l5.6-1.9z"/>'
    '<path d="M18.5 16.5v4M16.5 18.5h4"/>',
    "fork": '<path d="M3.5 16.5h17M8 16.5c4 0 4-9 8-9h4.5M17.5 4.5l3 3-3 3"/>',
    "variations": '<path d="M3.5 12h4M7.5 12l6.5-6M7.5 12H15M7.5 12l6.5 6"/><g fill="#ink" stroke="none">'
    '<circle cx="16.5" cy="4.8" r="2"/><circle cx="18" cy="12" r="2"/><circle cx="16.5" cy="19.2" r="2"/></g>',
    "parent": '<path d="M9 5.5 4.5 10 9 14.5M5 10h9a5 5 0 0 1 5 5v3.5"/>',
    "encode": '<path d="M5 20V4M2.2 7 5 4l2.8 3"/><g fill="#ink" stroke="none"><circle cx="12" cy="6" r="1.5"/>'
    '<circle cx="18" cy="8" r="1.5"/><circle cx="14" cy="12" r="1.5"/></g><path d="M11 18.5h9"/>',
    "decode": '<path d="M5 4v16M2.2 17 5 20l2.8-3"/><g fill="#ink" stroke="none"><circle cx="12" cy="6" r="1.5"/>'
    '<circle cx="18" cy="8" r="1.5"/><circle cx="14" cy="12" r="1.5"/></g><path d="M11 18.5h9"/>',
    "stop": '<rect x="7" y="7" width="10" height="10" rx="1.5" fill="#ink"/>',
    "compare": '<rect x="4" y="5" width="16" height="14" rx="2"/><path d="M12 3v18"/>'
    '<path d="M4.5 18.5 11.5 11.5v7z" fill="#ink" stroke="none"/>',
    "rank": '<path d="M5 6.5h14M5 12h9.5M5 17.5h5"/>',
    "apply": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "discard": '<path d="M5 7h14M10 7V4.8h4V7M7 7l.8 12h8.4L17 7M10.3 10.5v5M13.7 10.5v5"/>',
    "alarm": '<path d="M12 4.5 20.5 19h-17z"/><path d="M12 10v4.2M12 16.6v.2"/>',
    "undo": '<path d="M8 5.5 3.8 9.7 8 13.9M4.3 9.7h10.2a5 5 0 0 1 0 10H10"/>',
    "redo": '<path d="M16 5.5l4.2 4.2-4.2 4.2M19.7 9.7H9.5a5 5 0 0 0 0 10H14"/>',
    "tool-brush": '<path d="M20 4.2c-3.6 1.6-7.3 5-9 8.2l1.2 1.2c3.2-1.8 6.4-5.6 7.8-9.4z"/>'
    '<path d="M10.4 13.3c-2.2-.4-3.8.9-4 2.9-.1 1.5-.9 2.4-2.2 2.8 3 1.4 7.7.9 7.9-3 0-.6-.1-1-.4-1.5" fill="#ink"/>',
    "tool-eraser": '<path d="M13.4 4.6 20 11.2 12.4 18.8H8.2L4 14.6z"/><path d="M8.7 9.4l6.5 6.6M12.4 18.8H20"/>',
    "tool-lasso": '<ellipse cx="12" cy="9.2" rx="8.2" ry="5" stroke-dasharray="3.2 2.6"/>'
    '<path d="M6.4 13.2c-1.6.6-2 2.4-.6 3.2 1.5.8 2.8-.6 2-2.2M6.2 16.5c.2 1.6-.4 2.8-1.6 3.8"/>',
    "tool-rectangle": '<rect x="4" y="5.5" width="16" height="13" rx="0.6" stroke-dasharray="3 2.4"/>',
    "tool-ellipse": '<ellipse cx="12" cy="12" rx="8.4" ry="6.8" stroke-dasharray="3 2.4"/>',
    "tool-fill": '<path d="M10.6 4.4l7.2 7.2-6.3 6.3a1.3 1.3 0 0 1-1.9 0l-5.3-5.3a1.3 1.3 0 0 1 0-1.9z"/>'
    '<path d="M4.2 12h13.4"/>'
    '<path d="M20 15.2c1 1.5 1.4 2.2 1.4 3a1.4 1.4 0 0 1-2.8 0c0-.8.4-1.5 1.4-3z" fill="#ink"/>',
    "tool-colour": '<path d="M12 4a8 8 0 1 0 0 16c1.6 0 2-1 1.6-2.1-.5-1.4.3-2.5 1.8-2.5H17.6A2.6 2.6 0 0 0 20 12.6'
    'C20 7.6 16.4 4 12 4z"/><g fill="#ink" stroke="none"><circle cx="8" cy="11.4" r="1.3"/>'
    '<circle cx="11" cy="7.8" r="1.3"/><circle cx="15.4" cy="9" r="1.3"/></g>',
    "tool-picker": '<path d="M11.8 8.2l4 4-7.4 7.4H4.4v-4z"/><path d="M10.4 6.8l6.8 6.8"/>'
    '<path d="M13.6 10l3-3.8a2.1 2.1 0 0 1 3 0l-1.8-1.8a2.1 2.1 0 0 1 0 3l-3.2 3.6" fill="#ink"/>',
    "tool-noise": '<g fill="#ink" stroke="none"><circle cx="12" cy="12" r="1.5"/><circle cx="8" cy="10" r="1.2"/>'
    '<circle cx="15.6" cy="9" r="1.2"/><circle cx="10" cy="15.6" r="1.2"/><circle cx="14.8" cy="15" r="1.2"/>'
    '<circle cx="12" cy="7" r="1"/><circle cx="5.2" cy="13.4" r="1"/><circle cx="18.6" cy="12.6" r="1"/>'
    '<circle cx="7" cy="6" r=".9"/><circle cx="17.4" cy="5.4" r=".9"/><circle cx="6.4" cy="17.6" r=".9"/>'
    '<circle cx="18" cy="18" r=".9"/><circle cx="12.6" cy="19.4" r=".9"/></g>',
    "tool-box": '<path d="M4 8V5.5A1.5 1.5 0 0 1 5.5 4H8M16 4h2.5A1.5 1.5 0 0 1 20 5.5V8M20 16v2.5'
    'a1.5 1.5 0 0 1-1.5 1.5H16M8 20H5.5A1.5 1.5 0 0 1 4 18.5V16"/>'
    '<path d="M12 8v8M8 12h8"/>',
    "box-follow": '<path d="M4 8V5.5A1.5 1.5 0 0 1 5.5 4H8M16 4h2.5A1.5 1.5 0 0 1 20 5.5V8M20 16v2.5'
    'a1.5 1.5 0 0 1-1.5 1.5H16M8 20H5.5A1.5 1.5 0 0 1 4 18.5V16"/>'
    '<path d="M8 13c0-3 2-5 4.5-5S16.5 9.8 16 12s-2.5 4-4.5 4S8 15 8 13z"/>',
    "mask-shown": '<path d="M3 12c2.4-4 5.4-6 9-6s6.6 2 9 6c-2.4 4-5.4 6-9 6s-6.6-2-9-6z"/>'
    '<circle cx="12" cy="12" r="2.6"/>',
    "mask-invert": '<circle cx="12" cy="12" r="8"/><path d="M12 6.6a5.4 5.4 0 0 1 0 10.8z" fill="#ink" stroke="none"/>',
    "mask-clear": '<rect x="4.5" y="4.5" width="15" height="15" rx="1" stroke-dasharray="3 2.3"/>'
    '<path d="M9 9l6 6M15 9l-6 6"/>',
    "mask-grow": '<circle cx="12" cy="12" r="8.4" stroke-dasharray="3 2.28"/><path d="M12 8.2v7.6M8.2 12h7.6"/>',
    "mask-shrink": '<circle cx="12" cy="12" r="8.4" stroke-dasharray="3 2.28"/><path d="M8.2 12h7.6"/>',
    "mask-feather": '<circle cx="12" cy="12" r="3" fill="#ink"/>'
    '<circle cx="12" cy="12" r="5.6" stroke-dasharray="2 2.4"/>'
    '<circle cx="12" cy="12" r="8.6" stroke-dasharray=".6 3"/>',
    "info": '<circle cx="12" cy="12" r="8"/><path d="M12 11v5M12 8v.2"/>',
}


def names() -> list[str]:
    return list(_SHAPES)


def pixmap(name: str, colour: QColor, side: int, ratio: float = 1.0) -> QPixmap:
    """Return the drawing `name` in `colour`, `side` device-independent pixels square.

    Qt's own cache keeps it: a window has hundreds of icons, and draws them again at each change of the theme.
    """
    key = f"icon {name} {colour.rgba()} {side} {ratio}"
    image = QPixmap()
    if QPixmapCache.find(key, image):
        return image
    image = QPixmap(QSize(round(side * ratio), round(side * ratio)))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    paint(painter, name, QRectF(0, 0, image.width(), image.height()), colour)
    painter.end()
    image.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, image)
    return image


def paint(painter: QPainter, name: str, rect: QRectF, colour: QColor) -> None:
    renderer = _renderer(name, colour.name())
    renderer.render(painter, rect)


def icon(name: str, palette: QPalette, name_on: str = "") -> QIcon:
    """The drawing as an icon for buttons and menus: text colour, faint when disabled. `name_on`: while checked."""
    found = QIcon()
    Role, Group = QPalette.ColorRole, QPalette.ColorGroup
    inks = {QIcon.Mode.Normal: palette.color(Role.ButtonText),
            QIcon.Mode.Disabled: palette.color(Group.Disabled, Role.ButtonText),
            QIcon.Mode.Selected: palette.color(Role.HighlightedText)}  # fmt: skip
    shapes = {QIcon.State.Off: name} | ({QIcon.State.On: name_on} if name_on else {})
    for mode, ink in inks.items():
        for state, shape in shapes.items():
            for ratio in (1.0, 2.0):
                found.addPixmap(pixmap(shape, ink, 20, ratio), mode, state)
    return found


def plain(name: str, colour: QColor) -> QIcon:
    """The drawing in one colour whatever its state, for a button with a ground of its own."""
    found = QIcon()
    for ratio in (1.0, 2.0):
        found.addPixmap(pixmap(name, colour, 20, ratio), QIcon.Mode.Normal)
        found.addPixmap(pixmap(name, colour, 20, ratio), QIcon.Mode.Disabled)
    return found


def _renderer(name: str, colour: str) -> QSvgRenderer:
    body = _SHAPES[name].replace("#ink", colour)
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g fill="none" stroke="{colour}" '
           f'stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">{body}</g></svg>')  # fmt: skip
    return QSvgRenderer(QByteArray(svg.encode()))
