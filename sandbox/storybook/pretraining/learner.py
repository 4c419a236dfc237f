"""The model and how it learns from one batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sandbox.storybook.lessons.lesson import Seen
from sandbox.storybook.model import new_model
from sandbox.storybook.pretraining.attention import NAME
from sandbox.storybook.pretraining.batches import Batch
from sandbox.storybook.pretraining.eye import GRID, VISION, Labels
from sandbox.storybook.pretraining.heads import Heads, reads
from sandbox.storybook.pretraining.masters import Masters
from sandbox.storybook.pretraining.recipe import WEIGHTS, Device, Stage
from sandbox.storybook.tokenizer import FIRST_TEXT, IMAGE

Figures = dict[str, Any]
_GRAY = 127.5
EVEN = 512
"""Rows that scores are worked out for are a multiple of it."""


class Learner:
    """The model, the heads that read labels from its eye, and what steps them."""

    def __init__(self, seed: int, device: Device, rate: float) -> None:
        torch.manual_seed(seed)
        self._device, self._rate = device, rate
        self.model = new_model().to(device)
        if device == "cpu":  # where the fused one takes up to three times as long
            self.model.set_attn_implementation({"vision_config": "eager", "text_config": NAME})
        for weight in self.model.parameters():  # and not what is computed from positions, which needs its precision
            weight.data = weight.data.to(torch.bfloat16)
        config = self.model.config
        self._heads = Heads(config.vision_config.hidden_size, config.text_config.hidden_size).to(device)
        body = self.model.model
        parts = {"eye": body.vision_model, "bridge": body.connector, "text": body.text_model, "heads": self._heads}
        self._masters = Masters(parts, lambda name: ".layers." in name or "modality_projection" in name)

    def learn(self, stage: Stage, batch: Batch, rate: float) -> Figures:
        """Learn from `batch` at a share of the highest rate; return the losses before that."""
        losses = self._losses(stage, batch)
        weights = WEIGHTS if "loss" in losses else {"labels": 1.0}
        torch.stack([weights[name] * loss for name, loss in losses.items()]).sum().backward()
        rate *= self._rate
        norm = self._masters.step({"eye": rate * stage.eye_rate, "bridge": rate, "text": rate, "heads": rate})
        return {**{name: float(loss.detach()) for name, loss in losses.items()}, "norm": norm, "rate": rate}

    def _losses(self, stage: Stage, batch: Batch) -> dict[str, Tensor]:
        with torch.set_grad_enabled(stage.eye_rate > 0):
            patches = self._patches(batch.pixels)
        shown = self.model.model.connector(patches)
        losses = {}
        if batch.labels is not None:  # even where the eye stands still: what brings it to the text shall keep it all
            losses["labels"] = self._heads(patches, shown, self._label_tensors(batch.labels))
        if batch.ids.size:
            hidden, ids = self._hidden(batch, shown), torch.from_numpy(batch.ids).to(self._device)
            said = torch.from_numpy(batch.learned).to(self._device)
            heard = (ids >= FIRST_TEXT) & ~said & _every_second(ids)
            losses["loss"], losses["heard"] = (self._loss(hidden, ids, which) for which in (said, heard))
        return losses

    def _loss(self, hidden: Tensor, ids: Tensor, which: Tensor) -> Tensor:
        scores, meant = self._scores(hidden, ids, which)
        return F.cross_entropy(scores.float(), meant)

    def read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the scores of tokens wherever the model is to say one, shape (said, vocabulary), and those tokens."""
        with torch.no_grad():
            hidden = self._hidden(batch, self._see(batch.pixels)[1])
            ids, said = (torch.from_numpy(part).to(self._device) for part in (batch.ids, batch.learned))
            scores, meant = self._scores(hidden, ids, said)
        return scores.float(), meant

    def reads(self, seen: Sequence[Seen]) -> dict[str, float]:
        """Return which share of each sort of label is read right from the eye."""
        return reads(self._see, self._heads, seen)

    def _see(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """Return pictures as the eye has them, and as the text has them; shapes (pictures, places, width)."""
        patches = self._patches(pixels)
        return patches, self.model.model.connector(patches)

    def _patches(self, pixels: NDArray[np.uint8]) -> Tensor:
        shown = torch.from_numpy(pixels).to(self._device).float().div(_GRAY).sub(1).to(torch.bfloat16)
        if not len(shown):  # which transformers refuses
            return shown.new_zeros(0, GRID**2, VISION["hidden_size"])
        patches: Tensor = self.model.model.vision_model(pixel_values=shown).last_hidden_state
        return patches

    def _hidden(self, batch: Batch, shown: Tensor) -> Tensor:
        """Return the text's last states, shape (sequences, tokens, width).

        Padding is on the right, where nothing that counts can see it.
        """
        ids = torch.from_numpy(batch.ids).to(self._device)
        text = self.model.model.text_model
        words = text.get_input_embeddings()(ids).masked_scatter((ids == IMAGE)[..., None], shown)
        hidden: Tensor = text(inputs_embeds=words, use_cache=False).last_hidden_state
        return hidden

    def _scores(self, hidden: Tensor, ids: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of tokens wherever `which` is true, shape (those, vocabulary), and the tokens there."""
        at = which[:, 1:].flatten().nonzero().squeeze(1)
        count = len(at)
        at = F.pad(at, (0, -count % EVEN))  # a new size of matrix costs a CPU more than a few rows that nobody needs
        states = hidden[:, :-1].flatten(0, 1)[at]
        return self.model.lm_head(states)[:count], ids[:, 1:].flatten()[at[:count]]

    def _label_tensors(self, labels: Labels) -> Labels:
        return Labels(*(torch.from_numpy(part).to(self._device) for part in labels))

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs."""
        return self._masters.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as when `state` was told."""
        self._masters.restore(state)


def _every_second(ids: Tensor) -> Tensor:
    """Return where to learn what is heard: it is most of all words, and half of it teaches a language as well."""
    rows, tokens = (torch.arange(size, device=ids.device) for size in ids.shape)
    return (rows[:, None] + tokens) % 2 == 0
