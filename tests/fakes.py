"""Stand-ins for a training script and its data: real processes and files, no torch, done in a second.

A fake script follows the whole contract (environment, events, log lines, phases, artifact), so that everything
around it is the real thing. Behaviour is chosen by a word written into the script.
"""

from __future__ import annotations

from pathlib import Path

from runner.data.dataset import DataSet
from runner.results import DataFacts

PLAIN: tuple[str, ...] = ()
"""A launcher that puts nothing between the interpreter and the script."""

SCRIPT = """
import os, sys, time
BEHAVIOUR = "{behaviour}"
phase, seed = os.environ["GOLF_PHASE"], int(os.environ["SEED"])

def event(name):
    with open(os.environ["GOLF_EVENTS"], "w") as pipe:
        pipe.write('{{"event": "%s"}}\\n' % name)
    print("event:" + name, flush=True)

def score(word):
    value = 2.5 + seed / 1e6 + (1e-3 if BEHAVIOUR == "disagree" and phase == "eval" else 0)
    bpb = value / 0.6931471805599453 * 100 / 240
    print(f"{{word}} rule:plain tokens:100 bytes:240 val_loss:{{value!r}} val_bpb:{{bpb!r}}", flush=True)

print("script_sha256:0 code_bytes:0")
print(f"device:cpu name:a test's CPU precision:float32 compile:off threads:1")
print("model_params:1000")
print(f"seed:{{seed}}", flush=True)
if BEHAVIOUR == "crash":
    print("about to crash", flush=True)
    sys.exit(7)
if BEHAVIOUR == "hang":
    time.sleep(600)
if phase == "train":
    assert os.path.exists(os.path.join(os.environ["DATA_PATH"], "fineweb_train_000000.bin"))
    event("train_start")
    for step in range(1, 6):
        loss = "nan" if BEHAVIOUR == "nan" and step == 3 else f"{{3 - step / 10:.4f}}"
        print(f"step:{{step}}/5 train_loss:{{loss}} train_time:{{step * 20}}ms step_avg:20.00ms", flush=True)
        time.sleep({step_seconds})
        if loss == "nan":
            print(f"nan_loss step:{{step}}", flush=True)
            sys.exit(3)
    event("train_end")
    if BEHAVIOUR == "slow_export":
        time.sleep(600)
    if BEHAVIOUR != "no_artifact":
        with open("final_model.ptz", "wb") as file:
            file.write(b"weights of seed %d" % seed * {artifact_repeats})
        print("Serialized model int8+zlib: 17 bytes (payload:1 raw_torch:1 payload_ratio:1.00x)")
    event("artifact_frozen")
    score("score")
else:
    assert sorted(os.listdir(".")) == ["final_model.ptz", "train_gpt.py"], os.listdir(".")
    assert not any("train" in name for name in os.listdir(os.environ["DATA_PATH"]))
    event("eval_start")
    if BEHAVIOUR == "tamper":
        open("final_model.ptz", "ab").write(b"!")
    score("score")
    score("final_score")
    event("eval_end")
"""


def fake_script(behaviour: str = "good", step_seconds: float = 0.01, artifact_repeats: int = 1) -> bytes:
    """A script that behaves as named: good, crash, hang, nan, no_artifact, disagree, tamper, slow_export."""
    return SCRIPT.format(behaviour=behaviour, step_seconds=step_seconds, artifact_repeats=artifact_repeats).encode()


def fake_data(folder: Path) -> DataSet:
    """A data set whose files exist; fake scripts do not read what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    train, val, tokenizer = (
        folder / name for name in ("fineweb_train_000000.bin", "fineweb_val_000000.bin", "tokenizer.model")
    )
    for path in (train, val, tokenizer):
        path.write_bytes(path.name.encode())
    facts = DataFacts(name="fake", train_tokens=1000, val_tokens=101, val_bytes=240, vocab_size=64, files={})
    return DataSet("fake", folder, tokenizer, 64, (train,), (val,), facts)
