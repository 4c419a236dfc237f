"""What the tests of the storybook model share: a tokenizer of few lessons, and a small scale."""

from itertools import islice

import pytest
from tokenizers import Tokenizer

from sandbox.storybook.lessons.lesson import lessons
from sandbox.storybook.pretraining.recipe import Scale
from sandbox.storybook.tokenizer import trained


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return trained(islice(lessons(0), 60))


@pytest.fixture
def small() -> Scale:
    return Scale(budget=600, pictures=4, pool=12, measured=4, workers=1, rate=2e-3)
