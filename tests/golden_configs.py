"""The configuration that each original script's golden file was made with."""

from __future__ import annotations

from dataclasses import replace

from golf_model.config import (
    AverageConfig,
    BatchConfig,
    BigramConfig,
    EvalConfig,
    ExportConfig,
    GolfConfig,
    LogConfig,
    ModelConfig,
    OptimConfig,
    QatConfig,
    ScheduleConfig,
)

FAITHFUL = ModelConfig(tok_emb_dtype="bfloat16", init_rounding="bfloat16", rope_table="bfloat16")
"""The official baseline with the originals' precision choices under bf16 compute."""

MODEL_102 = replace(FAITHFUL, mlp_mult=3.0, bigram=BigramConfig(4096, 128), smear="module", linear_init="orthogonal")
OPTIM_102 = OptimConfig(
    matrix_lr=0.02,
    scalar_lr=0.02,
    tied_embed_lr=0.03,
    muon_momentum=0.99,
    muon_momentum_warmup_start=0.92,
    muon_momentum_warmup_steps=1500,
    adam_weight_decay=0.01,
    grad_clip_norm=0.3,
)
CONFIG_102 = GolfConfig(
    model=MODEL_102,
    optim=OPTIM_102,
    schedule=ScheduleConfig(warmdown_iters=3000),
    batch=BatchConfig(train_batch_tokens=786432, train_seq_len=2048),
    export=ExportConfig(
        container="torch_pair",
        compressor="zstd",
        embed="float16",
        mlp="int6",
        attn="int6",
        rows="amax_float16",
        late_k_float16=2,
        more_control="smear,bigram",
        small_control="float16",
        large_control="float32",
    ),
    eval=EvalConfig(rule="last_stride"),
    log=LogConfig(train_log_every=100, val_loss_every=500),
)
CONFIG_465 = replace(
    CONFIG_102,
    model=replace(MODEL_102, num_layers=10, bigram=BigramConfig(4096, 128, embed_dtype="bfloat16")),
    optim=replace(OPTIM_102, muon_weight_decay=0.04),
    average=AverageConfig("swa", swa_sum="native"),
    export=replace(CONFIG_102.export, mlp="int5", late_k_float16=1, more_control="smear,bigram.scale"),
    eval=EvalConfig(rule="repeated_tail", sums="float32"),
)
CONFIG_1606 = GolfConfig(
    model=replace(FAITHFUL, num_layers=7, mlp_mult=4.0, mlp_activation="leaky_relu2"),
    optim=OptimConfig(
        matrix_lr=0.08261619767374824,
        scalar_lr=0.014691154447587356,
        tied_embed_lr=0.021552090970329115,
        muon_momentum=0.9382982028913158,
    ),
    schedule=ScheduleConfig(max_wallclock_seconds=14400.0, warmdown_iters=1558),
    average=AverageConfig("ema"),
    qat=QatConfig("training", grid="unit_floor", precision="mixed"),
)

CONFIG_160 = replace(
    CONFIG_102,
    model=replace(FAITHFUL, mlp_mult=3.0, rope_ntk_seq_len=2048, rope_table="bfloat16_frequencies"),
    optim=replace(OPTIM_102, adam_weight_decay=0.0),
    qat=QatConfig("until_export", start_step=10000, grid="unit_floor"),
    export=ExportConfig(container="qgv3", compressor="lzma", mlp="int6", attn="int6"),
    eval=EvalConfig(rule="exact_tail", stride=256, keep_tail=True),
)
CONFIG_372 = replace(
    CONFIG_102,
    model=replace(
        MODEL_102,
        num_layers=11,
        rope_base=500_000.0,
        xsa_last_n=4,
        smear="parameter",
        bigram=BigramConfig(2048, 64, placement="last"),
    ),
    optim=replace(
        OPTIM_102,
        muon_momentum=0.95,
        muon_momentum_warmup_start=0.85,
        muon_momentum_warmup_steps=500,
        muon_weight_decay=0.04,
        muon_decay_order="after",
        adam_weight_decay=0.0,
        grad_clip_norm=0.0,
    ),
    schedule=ScheduleConfig(warmdown_iters=2000, warmdown_lr_floor=0.1),
    batch=BatchConfig(train_seq_len=2048),
    average=AverageConfig("ema"),
    qat=QatConfig("always", mlp_bits=5, grid="amax_floor", min_numel=65536, late_k=1),
    export=ExportConfig(
        compressor="zstd",
        embed="float16",
        mlp="int5",
        attn="int6",
        rows="amax_float32",
        late_k_float16=1,
        more_control="bigram",
    ),
    eval=EvalConfig(rule="last_stride_short"),
)

CONFIGS: dict[str, GolfConfig] = {
    "baseline": GolfConfig(model=FAITHFUL),
    "102": CONFIG_102,
    "160": CONFIG_160,
    "372": CONFIG_372,
    "465": CONFIG_465,
    "1606": CONFIG_1606,
}
