"""The yardstick of benchmarks/train_step.py: a network and an optimizer step as the original scripts wrote them.

Full logits, fp32 cross-entropy, norms and rotations by torch's own functions, torch's fused attention, one matrix
product for each projection, Newton-Schulz matrix by matrix, one optimizer call a group, an average parameter by
parameter. No tricks, and no handicaps. Names are ours, so both take the same weights; a test
(tests/test_yardstick.py) shows that both compute the same losses and weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.config.qat import QatConfig
from golf_model.network.bigram import BIGRAM_SCALE_INIT, bigram_hash
from golf_model.network.mlp import LEAK
from golf_model.shapes import is_control, is_late_key, mlp_hidden


class Linear(nn.Linear):
    """No bias; weights in fp32, cast at use, on a grid where fake quantisation says so."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)
        self.levels = 0

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., inputs) -> (..., outputs) in x's dtype."""
        weight: Tensor = self.weight
        if self.levels:
            with torch.no_grad():
                scale = weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / self.levels
                nearest = torch.round(weight / scale).clamp(-self.levels, self.levels) * scale
            weight = weight + (nearest - weight).detach()
        return F.linear(x, weight.to(x.dtype))


def norm(x: Tensor, eps: str) -> Tensor:
    """RMS norm without a weight, with the epsilon of fp32 or of x's precision (`compute`)."""
    return F.rms_norm(x, (x.size(-1),), eps=torch.finfo(x.dtype if eps == "compute" else torch.float32).eps)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (batch, heads, time, head_dim) by tables (time, head_dim / 2)."""
    half = x.size(-1) // 2
    first, second = x[..., :half], x[..., half:]
    return torch.cat((first * cos + second * sin, first * -sin + second * cos), dim=-1)


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self, model: ModelConfig, exclusive: bool) -> None:
        super().__init__()
        self.heads, self.kv_heads = model.num_heads, model.num_kv_heads
        self.head_dim = model.model_dim // model.num_heads
        self.exclusive, self.eps = exclusive, model.norm_eps
        self.c_q = Linear(model.model_dim, model.model_dim)
        self.c_k = Linear(model.model_dim, self.kv_heads * self.head_dim)
        self.c_v = Linear(model.model_dim, self.kv_heads * self.head_dim)
        self.proj = Linear(model.model_dim, model.model_dim)
        self.q_gain = nn.Parameter(torch.ones(self.heads))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x: (batch, time, dim) -> the same shape."""
        batch, time, dim = x.shape
        q = self.c_q(x).view(batch, time, self.heads, self.head_dim).transpose(1, 2)
        k = self.c_k(x).view(batch, time, self.kv_heads, self.head_dim).transpose(1, 2)
        v = self.c_v(x).view(batch, time, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = (rotated(norm(part, self.eps), cos, sin) for part in (q, k))
        q = q * self.q_gain.to(q.dtype)[None, :, None, None]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.kv_heads != self.heads)
        y = y.transpose(1, 2)
        if self.exclusive:
            grouped = y.reshape(batch, time, self.kv_heads, -1, self.head_dim)
            direction = F.normalize(v.transpose(1, 2), dim=-1).unsqueeze(3)
            y = grouped - (grouped * direction).sum(-1, keepdim=True) * direction
        projected: Tensor = self.proj(y.reshape(batch, time, dim))
        return projected


class FeedForward(nn.Module):
    """proj(act(fc(x)))."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.leaky = model.mlp_activation == "leaky_relu2"
        self.fc = Linear(model.model_dim, mlp_hidden(model))
        self.proj = Linear(mlp_hidden(model), model.model_dim)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., dim) -> the same shape."""
        hidden = self.fc(x)
        hidden = F.leaky_relu(hidden, LEAK) if self.leaky else torch.relu(hidden)
        y: Tensor = self.proj(hidden.square())
        return y


class PlainBlock(nn.Module):
    """Mix, attention, MLP."""

    def __init__(self, model: ModelConfig, layer: int) -> None:
        super().__init__()
        self.attn = Attention(model, layer >= model.num_layers - model.xsa_last_n)
        self.mlp = FeedForward(model)
        self.eps = model.norm_eps
        self.attn_scale = nn.Parameter(torch.ones(model.model_dim))
        self.mlp_scale = nn.Parameter(torch.ones(model.model_dim))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(model.model_dim), torch.zeros(model.model_dim))))

    def forward(self, x: Tensor, x0: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x, x0: (batch, time, dim) -> the same shape."""
        mix = self.resid_mix.to(x.dtype)
        x = mix[0] * x + mix[1] * x0
        x = x + self.attn_scale.to(x.dtype) * self.attn(norm(x, self.eps), cos, sin)
        y: Tensor = x + self.mlp_scale.to(x.dtype) * self.mlp(norm(x, self.eps))
        return y


class PlainBigram(nn.Module):
    """BigramHash."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.buckets = model.bigram.buckets
        self.scale = nn.Parameter(torch.full((), BIGRAM_SCALE_INIT))
        self.embed = nn.Embedding(self.buckets, model.bigram.dim)
        self.proj = Linear(model.bigram.dim, model.model_dim)


class PlainSmear(nn.Module):
    """SmearGate as a module."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(dim))


class PlainGPT(nn.Module):
    """The network; tied embeddings only. Weights come from `load_state_dict` of ours."""

    def __init__(self, model: ModelConfig, dtype: torch.dtype) -> None:
        super().__init__()
        if not model.tie_embeddings or model.rope_ntk_seq_len:
            raise ValueError("the plain reference has tied embeddings and no NTK scaling")
        self.dtype, self.softcap, self.eps = dtype, model.logit_softcap, model.norm_eps
        self.rope = (model.model_dim // model.num_heads, model.rope_base, model.rope_table)
        self.tok_emb = nn.Embedding(model.vocab_size, model.model_dim)
        self.bigram = PlainBigram(model) if model.bigram.buckets else None
        self.smear = PlainSmear(model.model_dim) if model.smear == "module" else None
        self.smear_gate = nn.Parameter(torch.zeros(model.model_dim)) if model.smear == "parameter" else None
        self.encoder = model.num_layers // 2
        skips = min(self.encoder, model.num_layers - self.encoder)
        self.skip_weights = nn.Parameter(torch.ones(skips, model.model_dim))
        self.blocks = nn.ModuleList(PlainBlock(model, layer) for layer in range(model.num_layers))
        self._tables: tuple[Tensor, Tensor] | None = None

    def arm(self, qat: QatConfig) -> None:
        """Fake quantisation as PR #372 has it; other grids are not the reference's."""
        if qat.active == "off":
            return
        if qat.grid != "amax_floor" or qat.precision != "float32" or qat.start_step:
            raise ValueError("the plain reference has PR #372's fake quantisation only")
        for name, module in self.named_modules():
            late = is_late_key(f"{name}.weight", len(self.blocks), qat.late_k)
            if isinstance(module, Linear) and module.weight.numel() > qat.min_numel and not late:
                module.levels = 2 ** ((qat.mlp_bits if ".mlp." in name else qat.attn_bits) - 1) - 1

    def tables(self, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """(length, head_dim / 2) twice, kept for the next call."""
        if self._tables is None or self._tables[0].size(0) != length or self._tables[0].device != device:
            head_dim, base, precision = self.rope
            exponents = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
            frequencies = 1.0 / base**exponents
            if self.dtype == torch.bfloat16 and precision != "float32":
                frequencies = frequencies.to(torch.bfloat16)
                frequencies = frequencies.float() if precision == "bfloat16_frequencies" else frequencies
            angles = torch.outer(torch.arange(length, device=device, dtype=frequencies.dtype), frequencies)
            self._tables = (angles.cos().to(self.dtype), angles.sin().to(self.dtype))
        return self._tables

    def features(self, ids: Tensor) -> Tensor:
        """ids: (batch, time) -> (batch, time, dim)."""
        x = self.tok_emb(ids).to(self.dtype)
        if self.bigram is not None:
            rows = self.bigram.embed(bigram_hash(ids, self.bigram.buckets)).to(self.dtype)
            x = x + self.bigram.proj(rows) * self.bigram.scale.to(self.dtype)
        x = norm(x, self.eps)
        gate = self.smear.gate if self.smear is not None else self.smear_gate
        if gate is not None:
            share = torch.sigmoid(gate.to(x.dtype))
            before = torch.cat((torch.zeros_like(x[:, :1]), x[:, :-1]), dim=1)
            x = (1 - share) * x + share * before
        x0 = x
        skips: list[Tensor] = []
        cos, sin = self.tables(ids.size(1), ids.device)
        for index, block in enumerate(self.blocks):
            if index >= self.encoder and skips:
                x = x + self.skip_weights[index - self.encoder].to(x.dtype) * skips.pop()
            x = block(x, x0, cos, sin)
            if index < self.encoder:
                skips.append(x)
        return norm(x, self.eps)

    def forward(self, ids: Tensor, targets: Tensor, *, mean: bool = True) -> Tensor:
        """Cross-entropy of (batch, time) targets from full logits: () where `mean`, else (batch, time)."""
        x = self.features(ids).flatten(0, 1)
        logits = self.softcap * torch.tanh(F.linear(x, self.tok_emb.weight.to(x.dtype)) / self.softcap)
        losses = F.cross_entropy(logits.float(), targets.flatten(), reduction="mean" if mean else "none")
        shaped: Tensor = losses if mean else losses.view_as(targets)
        return shaped


def plain_orthogonalise(matrix: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    """Newton-Schulz of one matrix."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.to(dtype)
    x = x / (x.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    update: Tensor = x.T if tall else x
    return update


class PlainMuon:
    """One matrix after the other."""

    def __init__(self, matrices: list[Tensor], config: GolfConfig, compiled: bool = False) -> None:
        self.matrices, self.optim = matrices, config.optim
        self.orthogonalise = torch.compile(plain_orthogonalise, dynamic=False) if compiled else plain_orthogonalise
        self.dtype = torch.bfloat16 if config.optim.muon_dtype == "bfloat16" else torch.float32
        self.buffers = [torch.zeros_like(matrix) for matrix in matrices]
        self.lr, self.momentum = config.optim.matrix_lr, config.optim.muon_momentum

    @torch.no_grad()
    def step(self) -> None:
        """Update every matrix from its gradient."""
        decay = 1.0 - self.lr * self.optim.muon_weight_decay
        for matrix, buffer in zip(self.matrices, self.buffers, strict=True):
            gradient = matrix.grad
            if gradient is None:
                continue
            buffer.mul_(self.momentum).add_(gradient)
            update = self.orthogonalise(
                gradient.add(buffer, alpha=self.momentum), self.optim.muon_backend_steps, self.dtype
            )
            update = update * max(1, matrix.size(0) / matrix.size(1)) ** 0.5
            if self.optim.muon_decay_order == "before":
                matrix.mul_(decay)
            matrix.add_(update, alpha=-self.lr)
            if self.optim.muon_decay_order == "after":
                matrix.mul_(decay)


class PlainTrainer:
    """One optimizer step as the originals make it, on one process."""

    def __init__(self, config: GolfConfig, network: PlainGPT, compiled: bool = False) -> None:
        self.config, self.network = config, network
        self.model = torch.compile(network, dynamic=False, fullgraph=True) if compiled else network
        blocks = list(network.blocks.named_parameters())
        matrices: list[Tensor] = [p for name, p in blocks if p.ndim == 2 and not is_control(name)]
        gains: list[Tensor] = [*(p for name, p in blocks if p.ndim < 2 or is_control(name)), network.skip_weights]
        tables: list[list[Tensor]] = [[network.tok_emb.weight]]
        if network.smear is not None:
            gains.append(network.smear.gate)
        if network.bigram is not None:
            tables.append([network.bigram.embed.weight])
            matrices.append(network.bigram.proj.weight)
            gains.append(network.bigram.scale)
        if network.smear_gate is not None:
            gains.append(network.smear_gate)
        optim = config.optim
        kind = torch.optim.AdamW if optim.adam_weight_decay else torch.optim.Adam
        settings = {"betas": (optim.beta1, optim.beta2), "eps": optim.adam_eps, "fused": True}
        if optim.adam_weight_decay:
            settings["weight_decay"] = optim.adam_weight_decay
        self.adams = [kind([{"params": table} for table in tables], lr=optim.tied_embed_lr, **settings)]  # type: ignore[arg-type]
        self.adams.append(kind(gains, lr=optim.scalar_lr, **settings))  # type: ignore[arg-type]
        self.muon = PlainMuon(matrices, config, compiled)
        self.average: dict[str, Tensor] = {}
        if config.average.kind == "ema":
            self.average = {name: p.detach().float().clone() for name, p in network.named_parameters()}

    def gradients(self, micro_batches: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Backward through every micro-batch; the mean loss, not read back."""
        self.network.zero_grad(set_to_none=True)
        total = torch.zeros((), device=micro_batches[0][0].device)
        for ids, targets in micro_batches:
            loss = self.model(ids, targets, mean=True)
            total += loss.detach()
            (loss / len(micro_batches)).backward()
        return total / len(micro_batches)

    def update(self) -> None:
        """Clip and step every optimizer."""
        if self.config.optim.grad_clip_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optim.grad_clip_norm)
        for adam in self.adams:
            adam.step()
        self.muon.step()

    @torch.no_grad()
    def take_average(self) -> None:
        """One more step of the average, where there is one."""
        decay = self.config.average.ema_decay
        for name, parameter in self.network.named_parameters() if self.average else ():
            self.average[name].mul_(decay).add_(parameter.float(), alpha=1.0 - decay)

    def step(self, micro_batches: list[tuple[Tensor, Tensor]]) -> Tensor:
        """A whole step; returns its loss, which the originals read when they log it."""
        loss = self.gradients(micro_batches)
        self.update()
        self.take_average()
        return loss
