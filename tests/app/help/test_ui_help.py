"""The guide and the About sheet: everything is there without a network."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.core.files.folders import Folders
from app.core.help.details import EMBEDDED, guide_folder, licence_of, packages, studio_version
from app.ui.help.about_sheet import AboutSheet
from app.ui.help.guide_sheet import PAGES, GuideSheet, anchor_of, pages_in
from engine.spec.catalog import resource_root

LINK = re.compile(r"\]\(([\w-]+\.md)(?:#([\w-]+))?\)")


def test_the_guide_has_every_page_and_every_link_leads_somewhere() -> None:
    folder = guide_folder()
    assert folder is not None
    assert {path.stem for path in pages_in(folder)} >= set(PAGES)
    for page in pages_in(folder):
        for name, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            target = folder / name
            assert target.is_file(), (page.name, name)
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert not anchor or anchor in map(anchor_of, headings), (page.name, name, anchor)


def test_the_guide_follows_links_and_finds_words(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("# Guide\n\nSee [lab](lab.md#the-plane), [no](none.md).\n", encoding="utf-8")
    (tmp_path / "lab.md").write_text("# Lab\n\nWords.\n\n## The plane\n\nMore words.\n", encoding="utf-8")
    sheet = GuideSheet(folder=tmp_path)
    qtbot.addWidget(sheet)
    sheet.page.go(QUrl("none.md"))
    assert "See lab" in sheet.page.toPlainText()
    sheet.page.go(QUrl("lab.md#the-plane"))
    assert sheet.page.textCursor().block().text() == "The plane"
    assert sheet.list.currentRow() == 1
    sheet._find("words", anew=True)
    first = sheet.page.textCursor().position()
    sheet._find("words")
    assert sheet.page.textCursor().position() > first
    sheet._find("words")
    assert sheet.page.textCursor().position() == first
    sheet.page.backward()
    assert sheet.list.currentRow() == 0


def test_about_names_versions_folders_and_licences(qtbot: QtBot, tmp_path: Path) -> None:
    opened: list[Path] = []
    about = AboutSheet("a device", Folders.under(tmp_path), opened.append)
    qtbot.addWidget(about)
    about.copy.click()
    details = QGuiApplication.clipboard().text()
    for part in (studio_version(), "torch: ", "Computes on: a device", str(tmp_path / "runs")):
        assert part in details
    about.places.links["log"].click()
    assert opened == [tmp_path / "log"]


def test_licences_are_stated_by_the_packages_and_the_cards() -> None:
    assert licence_of("numpy").startswith("BSD")
    assert all(found.licence for found in packages())
    for part in EMBEDDED:
        text = (resource_root() / part.source).read_text(encoding="utf-8")
        assert "icence" in text
        name = part.licence.split(" (")[0]
        assert name in text or name == "as the pictures they were trained on"
