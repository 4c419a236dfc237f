"""The parts of the training that we have made faster are those of torch."""

import torch
import torch.nn.functional as F

from sandbox.storybook.pretraining.attention import attended
from sandbox.storybook.pretraining.muon import Muon, orthogonal


def test_muon_steps_all_matrices_as_that_of_torch_steps_each() -> None:
    torch.manual_seed(0)
    sizes = [(6, 4), (6, 4), (4, 6), (5, 5)]
    mine = [torch.randn(size, requires_grad=True) for size in sizes]
    theirs = [matrix.detach().clone().requires_grad_() for matrix in mine]
    step = Muon([{"params": mine}], decay=0.01)
    step.param_groups[0]["lr"] = 0.01
    other = torch.optim.Muon(theirs, lr=0.01, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        for one, its in zip(mine, theirs, strict=True):
            one.grad = torch.randn_like(one)
            its.grad = one.grad.clone()
        step.step()
        other.step()
    for one, its in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, its, atol=1e-3, rtol=1e-2)  # both work in bfloat16


def test_muon_leaves_a_matrix_without_a_gradient_as_it_is() -> None:
    matrix = torch.ones(3, 3, requires_grad=True)
    Muon([{"params": [matrix]}], decay=0.5).step()
    assert torch.equal(matrix, torch.ones(3, 3))


def test_what_muon_steps_by_is_nearly_orthogonal() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(3, 20, 30)).float())
    assert values.shape == (3, 20)
    assert 0.6 < float(values.min()) < float(values.max()) < 1.25


def test_attention_and_its_gradients_are_those_of_torch() -> None:
    torch.manual_seed(0)
    parts = [torch.randn(2, 3, 7, 8, requires_grad=True) for _ in range(3)]
    back = torch.randn(2, 7, 3, 8)
    ours = attended(*parts, 8**-0.5)
    theirs = F.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(seen, parts, back) for seen in (ours, theirs)]
    for one, its in zip(*gradients, strict=True):
        torch.testing.assert_close(one, its)
