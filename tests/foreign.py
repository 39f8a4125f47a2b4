"""A training script as somebody else would bring it: official lines, no events, no torch, done in seconds.

It follows the official script's order: warm-up lines, a validation at step 0, steps, a last validation, the stop
line, the artifact, and scores. What it claims of its time, and what else it does, is chosen by a word in its
environment.
"""

from __future__ import annotations

from pathlib import Path

SCRIPT = """
import glob, os, socket, sys, time
how, seed = os.environ.get("HOW", ""), int(os.environ["SEED"])
pace = float(os.environ.get("PACE", "0.05"))
steps = int(os.environ.get("STEPS", "20"))
only_score = os.environ.get("EVAL_ONLY") == "1"
claim = 0.8 if how == "shrinks" else 1.0

def say(line):
    print(line, flush=True)

def score():
    loss = 2.5 + seed / 1e6
    say(f"final_int8_zlib_roundtrip val_loss:{loss:.4f} val_bpb:{loss / 2:.4f} eval_time:10ms")
    say(f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{loss / 2:.8f}")

def read_training_data():
    for path in glob.glob(os.path.join(os.environ["DATA_PATH"], "fineweb_train_*.bin")):
        with open(path, "rb") as file:
            file.read(64)

stashes = [os.path.join(folder, "stash-of-%s" % os.environ["WORD"]) for folder in
           (os.environ["TMPDIR"], "/tmp", "/var/tmp", "/dev/shm", "..")] if how == "stashes" else []

if only_score:
    say("found %d of %d; secrets: %s" % (sum(map(os.path.exists, stashes)), len(stashes),
        sorted({"HF_TOKEN", "RAY_AUTH_TOKEN", "GOLF_EVENTS"} & set(os.environ))))
    if stashes:
        say("beside: %s, lock of %d bytes" % (" ".join(sorted(os.listdir(".."))), os.path.getsize("../lock")))
    if how == "eval_reads":
        open(os.path.join(os.environ["TRAIN_DATA"], "fineweb_train_000000.bin"), "rb").read(64)
    if how == "eval_calls":
        socket.create_connection((os.environ["CALL"].split(":")[0], int(os.environ["CALL"].split(":")[1])), 2)
    open("final_model.int8.ptz", "rb").read()
    score()
    sys.exit()
if os.path.exists("side.py"):
    import side
    say(side.WORD)
for path in stashes:
    open(path, "w").write("more weights")
if stashes:
    os.makedirs("../others/deep")
    os.symlink("/usr", "../link")
    for name in ("lock", "eval.log"):
        open(f"../{name}", "a").write("final_int8_zlib_roundtrip val_loss:1.0 val_bpb:0.5\\n")
say("model_params:1000")
say("world_size:1 grad_accum_steps:8")
say(f"seed:{seed}")
for number in (1, 2):
    time.sleep(pace)
    say(f"warmup_step:{number}/2")
read_training_data()
say("step:0/20 val_loss:6.9000 val_bpb:4.1000 train_time:0ms step_avg:0.01ms")
if how == "announces":
    say(f"pipe: {os.environ.get('GOLF_EVENTS')}")
begun = time.perf_counter()
for step in range(1, steps + 1):
    time.sleep(pace)
    took = 1000 * (time.perf_counter() - begun) * claim
    say(f"step:{step}/{steps} train_loss:{7 - step / 10:.4f} train_time:{took:.0f}ms step_avg:{took / step:.2f}ms")
time.sleep(pace)
say(f"step:{steps}/{steps} val_loss:2.4000 val_bpb:1.2000 train_time:{took:.0f}ms step_avg:{took / steps:.2f}ms")
say(f"stopping_early: wallclock_cap train_time:{took:.0f}ms step:{steps}/{steps}")
if how == "crashes":
    sys.exit(7)
for name in ("final_model.int6.ptz", "final_model.int8.ptz"):
    open(name, "wb").write(b"weights of seed %d" % seed)
    time.sleep(0.02)
if how == "reads_late":
    time.sleep(0.8)
    read_training_data()
say(f"Total submission size int8+zlib: {os.path.getsize(__file__) + 17} bytes")
score()
"""


def write_foreign(folder: Path) -> Path:
    """The script in `folder`; returns its path."""
    path = folder / "their_train.py"
    path.write_text(SCRIPT)
    return path
