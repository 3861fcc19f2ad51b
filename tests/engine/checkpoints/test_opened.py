"""A checkpoint that the window chooses: made known to the session, loaded by its first run, refused by estimate."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.checkpoints.hashes import Hashes
from engine.checkpoints.settings import ModelSettings, save
from engine.errors import Cancelled
from engine.jobs.generate import Generate
from engine.jobs.job import Event
from engine.jobs.load import CheckpointOpened, Loading, OpenCheckpoint
from engine.session import Session
from engine.settings_folder import settings_folder
from engine.spec.catalog import CatalogError, ModelInfo, checkpoint, with_hash
from engine.spec.draft import Draft, resolve
from tests.fakes.tiny_sd import nets, write_folder


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInfo:
    """A tiny model whose hash the studio knows."""
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))
    path = write_folder(tmp_path / "tiny", nets(small=True))
    return with_hash(checkpoint(path), Hashes(settings_folder()))


def run(info: ModelInfo, tmp_path: Path) -> Generate:
    request = resolve(Draft.for_model(info, prompt="a", steps=2, seed=1), info)
    return Generate(request=request, run_path=tmp_path / "a.twrun", pictures=tmp_path)


def test_a_run_loads_the_opened_checkpoint_and_says_how_far_it_is(tiny: ModelInfo, tmp_path: Path) -> None:
    session, early = Session("cpu", []), list[Event]()
    with pytest.raises(CatalogError):
        list(session.perform(run(tiny, tmp_path)))
    (opened,) = session.perform(OpenCheckpoint("tiny", tiny.folder))
    assert isinstance(opened, CheckpointOpened)
    assert (opened.needs, opened.held) == (tiny.bytes, False)
    assert opened.half < opened.needs
    list(session.perform(run(tiny, tmp_path), early=early.append))
    shares = [event.share for event in early if isinstance(event, Loading)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.01)
    (again,) = session.perform(OpenCheckpoint("tiny", tiny.folder))
    assert isinstance(again, CheckpointOpened)
    assert again.held


def test_a_run_is_cancelled_while_its_model_loads(tiny: ModelInfo, tmp_path: Path) -> None:
    session = Session("cpu", [])
    list(session.perform(OpenCheckpoint("tiny", tiny.folder)))
    with pytest.raises(Cancelled):
        list(session.perform(run(tiny, tmp_path), lambda: True))
    (opened,) = session.perform(OpenCheckpoint("tiny", tiny.folder))
    assert isinstance(opened, CheckpointOpened)
    assert not opened.held
    assert not (tmp_path / "a.twrun").exists()


def test_a_checkpoint_is_opened_in_half_precision_under_any_id(tiny: ModelInfo) -> None:
    session = Session("cpu", [])
    (opened,) = session.perform(OpenCheckpoint("shelf/tiny", tiny.folder, "bfloat16"))
    assert isinstance(opened, CheckpointOpened)
    assert opened.needs == opened.half
    assert session.info("shelf/tiny").compute_dtype == "bfloat16"
    assert session.info("shelf/tiny").sha256 == tiny.sha256


def test_a_session_finds_a_checkpoint_of_the_users_folders_by_its_name(tiny: ModelInfo, tmp_path: Path) -> None:
    """So a run of the last session can be finished, and its steps decoded."""
    save(ModelSettings(folders=(tmp_path,)), settings_folder())
    session = Session("cpu")
    assert session.info("tiny").folder == tiny.folder
    assert session.info(f"{tmp_path.name}/tiny").sha256 == tiny.sha256
    with pytest.raises(CatalogError, match="is not here"):
        session.info("tin")


def test_a_model_in_the_hubs_cache_has_the_models_name(tiny: ModelInfo, tmp_path: Path) -> None:
    cached = tmp_path / "models--runner--sketches" / "snapshots" / "0123abcd"
    cached.parent.mkdir(parents=True)
    tiny.folder.rename(cached)
    assert checkpoint(cached).title == "sketches"


def test_hashes_of_two_parts_of_the_studio_are_all_remembered(tmp_path: Path) -> None:
    one, two = (tmp_path / name for name in ("one", "two"))
    window, engine = Hashes(tmp_path), Hashes(tmp_path)
    for hashes, path in ((window, one), (engine, two)):
        path.write_bytes(path.name.encode())
        hashes.of(path)
    assert all(Hashes(tmp_path).known(path) for path in (one, two))
