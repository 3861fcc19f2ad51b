"""The memory of whole nets on the meta device, decoding in tiles beside decoding whole, and the time of a TAESD.

`python3 run.py test -m bench -s tests/bench/test_memory.py`. The weights are random: memory and time do not depend on
them, and a picture of a random decoder has more contrast from tile to tile than a trained one's.
"""

from __future__ import annotations

import statistics
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from app.core.shown.sharpener import REST_MS
from engine.checkpoints.families import families
from engine.devices import computes_bfloat16
from engine.jobs.decode_step import DecodeStep
from engine.jobs.job import Caller
from engine.models.cache import Models
from engine.models.latent import KLCodec
from engine.models.nets import build_tiny_vae, build_unet, build_vae
from engine.models.tiles import decode_in_tiles
from engine.runs import decode_tiny

pytestmark = pytest.mark.bench


class Alive(TorchDispatchMode):
    """Counts the bytes of all arrays that operations make and that are alive at once, without the weights of a net."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.now, self.peak = 0, 0
        self._seen = {held.untyped_storage()._cdata for held in net.parameters()}

    def __torch_dispatch__(self, f: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = f(*args, **(kwargs or {}))
        for made in out if isinstance(out, tuple | list) else (out,):
            if isinstance(made, Tensor) and (key := made.untyped_storage()._cdata) not in self._seen:
                self._seen.add(key)
                self._add(size := made.untyped_storage().nbytes())
                weakref.finalize(made.untyped_storage(), self._drop, key, size)
        return out

    def _add(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)

    def _drop(self, key: int, size: int) -> None:
        self.now -= size
        self._seen.discard(key)


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl", "sdxl-refiner"])
def test_the_activations_of_a_net(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention is that of a kernel that keeps no matrix of weights, as on the CPU and on current GPUs."""
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda q, k, v, **_: torch.empty_like(q))
    about, rows, side = families()[name], 2, 64
    more: dict[str, Any] = {}
    with torch.device("meta"), torch.no_grad():
        net = build_unet(about.unet).eval()
        if about.numbers:
            times = torch.empty(rows, 6 if about.numbers == "sizes" else 5)
            more["added_cond_kwargs"] = {"text_embeds": torch.empty(rows, 1280), "time_ids": times}
        tokens = torch.empty(rows, 77, int(about.unet["cross_attention_dim"]))
        x, t = torch.empty(rows, 4, side, side), torch.zeros(rows)
        with Alive(net) as alive:
            net(x, t, encoder_hidden_states=tokens, return_dict=False, **more)
    each = alive.peak / rows / (8 * side) ** 2
    print(f"{about.title}: {each:.0f} B alive for each pixel of an image; counted with {about.memory['pixel']}")
    assert 1.2 * each < about.memory["pixel"] < 1.5 * each


def test_a_picture_of_tiles_beside_the_whole_one() -> None:
    """A seam would be a larger step between the pixels at a tile's edge than between those elsewhere."""
    torch.manual_seed(0)
    vae: Any = build_vae(families()["sd1"].vae).eval()
    latent = F.interpolate(torch.randn(1, 4, 12, 12), size=(96, 96), mode="bicubic")  # as smooth as a picture's
    decode: Callable[[Tensor], Tensor] = lambda z: vae.decode(z, return_dict=False)[0]  # noqa: E731
    with torch.no_grad():
        whole, tiled = decode(latent), decode_in_tiles(decode, latent, 8)
    spread = whole.std().item()
    apart = (tiled - whole).abs()
    steps = (tiled - whole).diff(dim=3).abs().mean((0, 1, 2))
    edges = torch.cat([steps[k - 8 : k + 8] for k in (32 * 8, 64 * 8)])  # where tiles begin and end
    shares = [v.item() / spread for v in (apart.mean(), apart.max(), edges.max(), steps.max())]
    print("tiles beside whole at 768², as parts of the picture's deviation: mean {:.4f}, largest {:.3f}; from pixel to "
          "pixel {:.5f} at the tiles' edges, {:.5f} at most anywhere,".format(*shares), end=" ")  # fmt: skip
    print(f"{whole.diff(dim=3).abs().mean().item() / spread:.5f} in the picture itself")
    assert edges.max() < 0.25 * whole.diff(dim=3).abs().mean()


@pytest.mark.parametrize("side", [64, 128])
def test_a_step_is_sharp_soon_after_the_cursor_rests(side: int) -> None:
    """The stages of the job, with what the last step's stages took; the window's timer comes before them."""
    taesd: Any = build_tiny_vae({"in_channels": 3, "out_channels": 3, "latent_channels": 4}).eval()
    if computes_bfloat16(torch.device("cpu")):  # as load_preview_codec() has it
        taesd = taesd.bfloat16()
    taesd.to(memory_format=torch.channels_last)
    codec, models = KLCodec(taesd, 1.0, tiny=True), Models(torch.device("cpu"))
    job, x0 = DecodeStep(path=Path("a.twrun"), k=0, image=0), torch.randn(1, 4, side, side)
    caller, rest = Caller(clock=time.perf_counter), REST_MS / 1e3
    came: list[list[float]] = []
    for _ in range(5):
        began = time.perf_counter()
        came.append([rest + time.perf_counter() - began for _ in decode_tiny(job, x0, codec, models, caller)])
    first = [times[0] for times in came]
    print(f"TAESD, {side}×{side}×4 to {8 * side}², {torch.get_num_threads()} threads: the first sharp picture "
          f"{statistics.median(first):.2f} s after the cursor rests, the least {min(first):.2f}; all stages at "
          + ", ".join(f"{seconds:.2f}" for seconds in came[-1]) + " s")  # fmt: skip
    assert statistics.median(first) <= 0.3
