"""What a script asks of its surroundings: environment variables, and addresses outside."""

from __future__ import annotations

import ast
import re

from runner.review.labels.expressions import Expressions
from runner.review.labels.machine import labels_of_text
from runner.review.labels.values import NOTHING, VAL, Value

ONLINE = re.compile(
    r"^(?:urllib\.request\.|urllib3\.|requests\.(?:get|post|Session|request)|httpx\.|aiohttp\.|http\.client\.|ftplib\."
    r"|socket\.(?:create_connection|socket$)|huggingface_hub\.(?:\w*download|HfApi|HfFileSystem|login|list_repo)"
    r"|datasets\.load_dataset|wandb\.init|torch\.hub\.|boto3\.|gdown\.|kagglehub\.|modelscope\.)"
)
FETCHES = re.compile(r"\b(?:pip3?|uv|curl|wget|git clone|git pull|apt|apt-get|conda|huggingface-cli|aria2c)\b")
RANKS = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


class Surroundings(Expressions):
    """Settings, and calls that leave the machine."""

    def _environment(self, name: str, tail: str, args: list[Value], keywords: dict[str, Value]) -> Value | None:
        if not (
            name.endswith(("environ.get", "getenv", "environ.setdefault", "environ.pop")) and args and args[0].known
        ):
            return None
        return self.setting(
            str(args[0].const), args[1] if len(args) > 1 else keywords.get("default", Value(const=None))
        )

    def setting(self, name: str, default: Value) -> Value:
        """What an environment variable holds: what the run says, else its default."""
        if name in ("RANK", "LOCAL_RANK"):  # every rank runs
            return NOTHING
        said = self.settings.value_of(name)
        low = name.lower()
        labels = default.labels
        if re.search(r"(?:^|_)val(?:id)?_.*(?:file|path|glob|pattern|bin|tokens_path)", low) and "loss" not in low:
            labels |= {VAL}
        if said is not None and said[0] in ("True", "False"):
            return Value(labels, str(int(said[0] == "True")), frozenset({name}))
        if said is not None:
            return Value(labels | labels_of_text(said[0]), said[0], frozenset({name}))
        if name in RANKS:
            return NOTHING
        if not default.known:
            return Value(labels, settings=default.settings | {name}, thing=default.thing)
        return Value(labels, default.const, default.settings | {name})

    def _online(self, name: str, tail: str, args: list[Value], keywords: dict[str, Value], node: ast.AST) -> None:
        """Calls that leave the machine."""
        top = name.split(".")[0]
        if ONLINE.search(name):
            self.emit("network", node, about=name)
        elif top in ("subprocess", "os") and tail in (
            "run",
            "call",
            "check_call",
            "check_output",
            "Popen",
            "system",
            "popen",
        ):
            words = " ".join(
                str(one.value)
                for one in ast.walk(node)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            if FETCHES.search(words):
                self.emit("network", node, about=f"{name}: {words[:60]}")
