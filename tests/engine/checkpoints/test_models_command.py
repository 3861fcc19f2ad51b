"""`models` lists what is here and explains a file from its header alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.__main__ import main
from engine.checkpoints import settings
from engine.checkpoints.hashes import Hashes, sha256
from engine.checkpoints.recognise import recognise
from engine.errors import Cancelled
from tests.fakes.checkpoints import layouts, single_file, write_hollow


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "config"


def printed(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = main(["models", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_file_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_hollow(tmp_path / "dream.safetensors", single_file("unet-xl-sd"))
    code, out, _ = printed(capsys, path)
    assert code == 0
    assert "Stable Diffusion XL" in out
    assert "1680 tensors" in out
    code, out, _ = printed(capsys, path, "--json")
    facts = json.loads(out)
    assert (code, facts["family"], facts["predicts"], facts["loadable"]) == (0, "sdxl", "eps", True)
    assert [part["role"] for part in facts["parts"]] == ["unet", "vae", "text", "text_2"]


def test_what_fits_nothing_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_hollow(tmp_path / "odd.safetensors", {"conv_in.weight": (320, 4, 3, 3)})
    code, _, err = printed(capsys, path)
    assert code == 2
    assert "near:" in err
    code, out, _ = printed(capsys, path, "--json")
    assert code == 2
    assert json.loads(out)["nearest"]


def test_folders_are_listed_where_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine"
    write_hollow(mine / "deep" / "a.safetensors", layouts()["vae-v1-sd"])
    (mine / "old.ckpt").write_bytes(b"PK\x03\x04" + bytes(100))
    before = sorted(path.name for path in mine.rglob("*"))
    printed(capsys, "--add", mine)
    _, out, _ = printed(capsys, "--json")
    listed = {Path(one["path"]).name: one for one in json.loads(out)}
    assert listed["a.safetensors"]["role"] == "vae"
    assert "is a pickle" in listed["old.ckpt"]["problem"]
    assert listed["emoji"]["role"] == "model"
    assert sorted(path.name for path in mine.rglob("*")) == before
    printed(capsys, "--remove", mine)
    _, out, _ = printed(capsys, "--json")
    assert not any(one["path"].startswith(str(mine)) for one in json.loads(out))


def test_the_prediction_is_set_by_hand_and_kept(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_hollow(tmp_path / "two.safetensors", single_file("unet-v2-sd"))
    assert "set it with --set" in printed(capsys, path)[1]
    assert printed(capsys, path, "--set", "predicts=v")[0] == 0
    assert "predicts v (said by the user)" in printed(capsys, path)[1]
    assert sorted(tmp_path.iterdir()) == sorted([path, tmp_path / "home"])  # nothing beside the file
    assert (home / settings.FILE).is_file()
    printed(capsys, path, "--unset")
    assert "set it with --set" in printed(capsys, path)[1]


@pytest.mark.parametrize("choice", ["predicts=x", "family=sd9", "colour=red", "zero_snr=1", "net.width=3", "word"])
def test_impossible_choices_are_refused(choice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_hollow(tmp_path / "two.safetensors", single_file("unet-v2-sd"))
    code, _, err = printed(capsys, path, "--set", choice)
    assert code == 2
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("held", ["[]", "{", '{"by_hand": {"/a": 3}}', '{"by_hand": {"/a": {"family": []}}}'])
def test_damaged_settings_are_named(held: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir(parents=True)
    (home / settings.FILE).write_text(held, encoding="utf-8")
    code, _, err = printed(capsys)
    assert code == 2
    assert settings.FILE in err


def test_a_pickle_is_converted_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, new = tmp_path / "old.pt", tmp_path / "new.safetensors"
    ids, vectors = {"*": 265}, {"*": torch.ones(2, 768)}  # as A1111's studio saves an embedding
    torch.save({"string_to_token": ids, "string_to_param": vectors, "name": "old", "step": 3}, path)
    assert printed(capsys, path)[0] == 2
    assert printed(capsys, path, "--convert", new)[0] == 0
    assert recognise(new).role == "embedding"
    assert printed(capsys, path, "--convert", new)[0] == 2  # it is never overwritten


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code ran",)


def test_a_pickle_with_code_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"a": _Runs()}, path)
    code, out, err = printed(capsys, path, "--convert", tmp_path / "new.safetensors")
    assert code == 2
    assert "could run code" in err
    assert "code ran" not in out


def test_hashes_are_remembered_until_a_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    shares: list[float] = []
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert Hashes(tmp_path).of(path, shares.append) == known
    assert shares == [1.0]
    assert Hashes(tmp_path).known(path) == known
    path.write_bytes(b"abcd")
    assert Hashes(tmp_path).known(path) is None
    with pytest.raises(Cancelled):
        sha256(path, cancelled=lambda: True)
    (tmp_path / "hashes.json").write_text('{"a": 3}', encoding="utf-8")
    assert Hashes(tmp_path).known(path) is None
