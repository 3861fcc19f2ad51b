"""Runs of a latent model in closed form: pictures are decoded, kept, judged and edited; sizes and batches are recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import Cancelled
from engine.jobs.decode_step import DecodeStep, StepDecoded
from engine.jobs.encode import Decode, Decoded, Encode, Encoded
from engine.jobs.generate import Fork, Generate, PictureSaved, Resume, RunEnded
from engine.jobs.job import Estimate
from engine.jobs.likelihood import Likelihood
from engine.jobs.morph import MorphFrame, Morphing
from engine.jobs.score import Score, StepScores
from engine.models.cache import Models
from engine.models.errors import ModelError
from engine.plan import to_state
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.edit import Inputs, digest
from engine.spec.guides import Aim, ClipGuide
from engine.spec.morph import Key, Morph
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from tests.engine.fake_clips import FakeLibrary
from tests.latent import CELL, BlockCodec, LatentModel, latent_info, latent_models
