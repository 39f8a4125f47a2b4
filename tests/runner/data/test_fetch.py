"""Fetching from a stand-in hub on this machine: the real client, the challenge's layout, and every way to fail."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.data.fetch import Source, fetch, read_manifest
from runner.data.shards import read_shard, write_shard
from runner.data.tokenizer import load_tokenizer, train_tokenizer
from runner.errors import DataError

REPOSITORY = "somebody/golf-data"
VOCAB = 300
NAME = "fineweb10B_sp300"
LINES = [f"Page {i} of the web says little, and says it {i % 7} times." for i in range(60)]
MANIFEST: dict[str, Any] = {
    "datasets": [
        {"name": "fineweb10B_byte260", "tokenizer_name": "bytes", "stats": {"files_train": 1, "files_val": 1}},
        {"name": NAME, "tokenizer_name": "fineweb_300_bpe", "stats": {"files_train": 3, "files_val": 1}},
    ],
    "tokenizers": [
        {"name": "bytes", "path": "tokenizers/pure_byte.json"},
        {"name": "fineweb_300_bpe", "model_path": "tokenizers/fineweb_300_bpe.model"},
    ],
}


@dataclass
class StandIn:
    """A repository on a tiny hub: what it serves, how it misbehaves, and what was asked of it."""

    endpoint: str
    files: dict[str, bytes]
    status: dict[str, int] = field(default_factory=dict)
    """Path -> HTTP status to answer with."""
    cut_once: set[str] = field(default_factory=set)
    """Paths whose first download breaks off in the middle."""
    tags: dict[str, str] = field(default_factory=dict)
    """Path -> tag that is stated of it; its SHA-256 where none is given."""
    downloads: list[str] = field(default_factory=list)
    """Paths that were downloaded, with the first byte asked for."""

    @property
    def source(self) -> Source:
        return Source(REPOSITORY, endpoint=self.endpoint)


class Handler(BaseHTTPRequestHandler):
    """The two requests the client makes for a file: its metadata (HEAD) and its content (GET)."""

    hub: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer(send_body=False)

    def do_GET(self) -> None:
        self.answer(send_body=True)

    def answer(self, send_body: bool) -> None:
        prefix = f"/datasets/{REPOSITORY}/resolve/main/"
        name = self.path.removeprefix(prefix)
        status = self.hub.status.get(name, 200)
        if not self.path.startswith(prefix):
            self.refuse(404, "RepoNotFound")
        elif status != 200:
            self.refuse(status, "")
        elif name not in self.hub.files:
            self.refuse(404, "EntryNotFound")
        else:
            self.serve(name, self.hub.files[name], send_body)

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()

    def serve(self, name: str, content: bytes, send_body: bool) -> None:
        wanted = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0]
        first = int(wanted or 0)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", f'"{self.hub.tags.get(name) or hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "c" * 40)
        self.end_headers()
        if not send_body:
            return
        self.hub.downloads.append(f"{name}@{first}" if first else name)
        if name in self.hub.cut_once:
            self.hub.cut_once.remove(name)
            self.wfile.write(content[first : len(content) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content[first:])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small repository laid out as the challenge's."""
    folder = tmp_path_factory.mktemp("published")
    model = train_tokenizer(LINES, VOCAB)
    (folder / "m.model").write_bytes(model)
    rows = load_tokenizer(folder / "m.model").encode(LINES, add_bos=True)
    files = {
        "datasets/manifest.json": json.dumps(MANIFEST).encode(),
        "datasets/tokenizers/fineweb_300_bpe.model": model,
    }
    for number, name in enumerate(("val_000000", "train_000000", "train_000001", "train_000002")):
        tokens = np.array([token for row in rows[15 * number : 15 * number + 15] for token in row])
        write_shard(folder / "shard.bin", tokens)
        files[f"datasets/datasets/{NAME}/fineweb_{name}.bin"] = (folder / "shard.bin").read_bytes()
    return files


@pytest.fixture
def hub(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    class BoundHandler(Handler):
        """One class for each test, so that tests share no hub."""

    with ThreadingHTTPServer(("127.0.0.1", 0), BoundHandler) as server:
        BoundHandler.hub = StandIn(f"http://127.0.0.1:{server.server_port}", dict(published))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield BoundHandler.hub
        server.shutdown()
        thread.join()


def shard_name(split: str, index: int) -> str:
    return f"datasets/datasets/{NAME}/fineweb_{split}_{index:06d}.bin"


def files_under(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {".fetch.lock"}


def test_validation_first_training_shards_and_tokenizer_are_fetched_and_nothing_else(
    hub: StandIn, tmp_path: Path, published: dict[str, bytes]
) -> None:
    fetched = fetch("sp300", 2, tmp_path, hub.source)
    wanted = {
        f"datasets/{NAME}/fineweb_val_000000.bin",
        f"datasets/{NAME}/fineweb_train_000000.bin",
        f"datasets/{NAME}/fineweb_train_000001.bin",
        "tokenizers/fineweb_300_bpe.model",
    }
    assert files_under(tmp_path) == wanted
    assert {name: (tmp_path / name).read_bytes() for name in wanted} == {
        name: published[f"datasets/{name}"] for name in wanted
    }
    assert fetched.dataset.name == NAME
    assert fetched.dataset.vocab_size == VOCAB
    assert len(fetched.dataset.train_files) == 2
    assert len(fetched.downloaded) == 4
    assert "4 files fetched, 0 were whole already" in str(fetched)


def test_all_training_shards_are_fetched_when_no_number_is_given(hub: StandIn, tmp_path: Path) -> None:
    assert len(fetch("sp300", None, tmp_path, hub.source).dataset.train_files) == 3


def test_of_rewritten_text_what_tells_its_bytes_is_fetched_too(hub: StandIn, tmp_path: Path) -> None:
    name = "fineweb10B_sp8192_lossless_caps_caseops_v1_reserved"
    for path in [path for path in hub.files if path.endswith(".bin")]:
        hub.files[path.replace(NAME, name)] = hub.files.pop(path)
    validation = f"datasets/datasets/{name}/fineweb_val_000000.bin"
    hub.files[validation.replace("val_", "val_bytes_")] = hub.files[validation]
    hub.files["datasets/manifest.json"] = json.dumps(MANIFEST).replace(NAME, name).encode()
    fetched = fetch("caseops", 1, tmp_path, hub.source)
    assert [path.name for path in fetched.dataset.sidecars] == ["fineweb_val_bytes_000000.bin"]
    assert (fetched.dataset.name, len(fetched.downloaded)) == (name, 4)


@pytest.mark.parametrize(
    ("variant", "repository"),
    [
        ("sp1024", "willdepueoai/parameter-golf"),
        ("sp4096", "kevclark/parameter-golf"),
        ("sp8192", "kevclark/parameter-golf"),
        ("caseops", "romeerp/parameter-golf-caseops-v1"),
    ],
)
def test_each_variant_is_looked_for_where_it_lies(
    hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str, repository: str
) -> None:
    monkeypatch.setattr("runner.data.fetch.Source", lambda name: Source(name, endpoint=hub.endpoint))
    with pytest.raises(DataError, match=rf"^{repository}: cannot fetch datasets/manifest\.json"):
        fetch(variant, 1, tmp_path)


def test_a_second_fetch_brings_only_what_is_not_there_yet(hub: StandIn, tmp_path: Path) -> None:
    fetch("sp300", 1, tmp_path, hub.source)
    hub.downloads.clear()
    said: list[str] = []
    again = fetch("sp300", 2, tmp_path, hub.source, said.append)
    assert hub.downloads == ["datasets/manifest.json", shard_name("train", 1)]
    assert (len(again.downloaded), len(again.kept)) == (1, 3)
    assert said[0] == "[1/4] tokenizers/fineweb_300_bpe.model: already whole"
    assert said[3] == f"[4/4] datasets/{NAME}/fineweb_train_000001.bin: fetching"


def test_a_local_shard_that_is_not_whole_is_fetched_again(
    hub: StandIn, tmp_path: Path, published: dict[str, bytes]
) -> None:
    fetch("sp300", 1, tmp_path, hub.source)
    shard = tmp_path / "datasets" / NAME / "fineweb_train_000000.bin"
    shard.write_bytes(shard.read_bytes()[:-8])
    hub.downloads.clear()
    fetch("sp300", 1, tmp_path, hub.source)
    assert hub.downloads == ["datasets/manifest.json", shard_name("train", 0)]
    assert shard.read_bytes() == published[shard_name("train", 0)]


def test_a_fetch_that_failed_continues_with_what_it_had(hub: StandIn, tmp_path: Path) -> None:
    missing = hub.files.pop(shard_name("train", 1))
    with pytest.raises(DataError, match="the repository has no such file"):
        fetch("sp300", 3, tmp_path, hub.source)
    assert len(files_under(tmp_path)) == 3
    hub.files[shard_name("train", 1)] = missing
    fetched = fetch("sp300", 3, tmp_path, hub.source)
    assert (len(fetched.downloaded), len(fetched.kept)) == (2, 3)


def test_what_a_killed_fetch_left_behind_is_removed(hub: StandIn, tmp_path: Path) -> None:
    (tmp_path / ".fetch" / "datasets").mkdir(parents=True)
    (tmp_path / ".fetch" / "datasets" / "manifest.json").write_text("half")
    fetch("sp300", 1, tmp_path, hub.source)
    assert not (tmp_path / ".fetch").exists()


def test_two_fetches_into_one_folder_bring_each_file_once(hub: StandIn, tmp_path: Path) -> None:
    both = [threading.Thread(target=fetch, args=("sp300", 3, tmp_path, hub.source)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    shards = [name for name in hub.downloads if name.endswith(".bin")]
    assert sorted(shards) == sorted(name for name in hub.files if name.endswith(".bin"))


def test_a_connection_cut_in_the_middle_is_taken_up_again(
    hub: StandIn, tmp_path: Path, published: dict[str, bytes]
) -> None:
    hub.cut_once.add(shard_name("train", 0))
    fetch("sp300", 1, tmp_path, hub.source)
    assert [name.split("@")[0] for name in hub.downloads].count(shard_name("train", 0)) == 2
    shard = tmp_path / "datasets" / NAME / "fineweb_train_000000.bin"
    assert shard.read_bytes() == published[shard_name("train", 0)]


def test_a_truncated_file_on_the_hub_is_refused_and_not_kept(hub: StandIn, tmp_path: Path) -> None:
    hub.files[shard_name("train", 0)] = hub.files[shard_name("train", 0)][:-6]
    with pytest.raises(DataError, match=r"fineweb_train_000000\.bin arrived damaged: 6 bytes are missing"):
        fetch("sp300", 1, tmp_path, hub.source)
    assert f"datasets/{NAME}/fineweb_train_000000.bin" not in files_under(tmp_path)
    assert not (tmp_path / ".fetch").exists()


def test_a_page_in_place_of_a_shard_is_refused(hub: StandIn, tmp_path: Path) -> None:
    hub.files[shard_name("val", 0)] = b"<html>sign in to this network</html>" * 100
    with pytest.raises(DataError, match=r"fineweb_val_000000\.bin arrived damaged: not a token shard"):
        fetch("sp300", 1, tmp_path, hub.source)


def test_something_else_in_place_of_the_tokenizer_is_refused(hub: StandIn, tmp_path: Path) -> None:
    hub.files["datasets/tokenizers/fineweb_300_bpe.model"] = b"<html></html>"
    with pytest.raises(DataError, match=r"fineweb_300_bpe\.model arrived damaged: not a SentencePiece model"):
        fetch("sp300", 1, tmp_path, hub.source)


def test_shards_that_do_not_belong_to_the_tokenizer_are_refused(hub: StandIn, tmp_path: Path) -> None:
    write_shard(tmp_path / "other.bin", np.array([1, 999, 5]))
    hub.files[shard_name("train", 0)] = (tmp_path / "other.bin").read_bytes()
    with pytest.raises(DataError, match="token id 999 does not exist in a vocabulary of 300"):
        fetch("sp300", 1, tmp_path / "data", hub.source)


def test_an_unknown_variant_lists_what_the_manifest_has(hub: StandIn, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=rf"no 'fineweb10B_sp301' under datasets; it lists: fineweb10B_byte260, {NAME}"
    ):
        fetch("sp301", 1, tmp_path, hub.source)


@pytest.mark.parametrize("shards", [0, -1, 4])
def test_more_shards_than_there_are_is_told(hub: StandIn, tmp_path: Path, shards: int) -> None:
    with pytest.raises(DataError, match=rf"--shards {shards}: {REPOSITORY} has 1 to 3 training shards"):
        fetch("sp300", shards, tmp_path, hub.source)
    assert hub.downloads == ["datasets/manifest.json"]


def test_a_repository_without_a_manifest_is_told(hub: StandIn, tmp_path: Path) -> None:
    del hub.files["datasets/manifest.json"]
    with pytest.raises(DataError, match=r"cannot fetch datasets/manifest\.json: the repository has no such file"):
        fetch("sp300", 1, tmp_path, hub.source)


def test_an_unknown_repository_is_told(hub: StandIn, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nobody/nothing: cannot fetch .* the hub answered 404; check"):
        fetch("sp300", 1, tmp_path, Source("nobody/nothing", endpoint=hub.endpoint))


def test_a_hub_in_trouble_is_told(hub: StandIn, tmp_path: Path) -> None:
    hub.status["datasets/manifest.json"] = 503
    with pytest.raises(DataError, match=r"the hub answered 503; .*try again later"):
        fetch("sp300", 1, tmp_path, hub.source)


def test_a_machine_without_network_is_told_what_to_do(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(DataError, match=r"Connection refused.* check the network .* then run the same command again"):
        fetch("sp300", 1, tmp_path, Source(REPOSITORY, endpoint=f"http://127.0.0.1:{port}"))
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["datasets"][1].pop("stats"), "stats.files_train = None"),
        (lambda m: m["datasets"][1]["stats"].update(files_val="1"), "stats.files_val = '1'"),
        (lambda m: m["datasets"][1]["stats"].update(files_val=True), "stats.files_val = True"),
        (lambda m: m["datasets"][1]["stats"].update(files_train=10**9), "stats.files_train = 1000000000"),
        (lambda m: m["datasets"][1].update(tokenizer_name="gone"), "no 'gone' under tokenizers"),
        (lambda m: m["tokenizers"][1].pop("model_path"), "has no SentencePiece model; golf cannot read sp300"),
        (lambda m: m["tokenizers"][1].update(model_path="../../evil"), "leads out of the repository"),
        (lambda m: m["tokenizers"][1].update(model_path="/etc/passwd"), "leads out of the repository"),
        (lambda m: m.update(datasets={"a": 1}), f"no '{NAME}' under datasets; it lists: none"),
    ],
)
def test_a_manifest_that_is_not_as_expected_says_where(tmp_path: Path, change: Any, message: str) -> None:
    manifest = json.loads(json.dumps(MANIFEST))
    change(manifest)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    with pytest.raises(DataError) as told:
        read_manifest(path, "sp300")
    assert message in str(told.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b'"text"'])
def test_a_manifest_that_is_no_manifest_is_a_data_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.json: "):
        read_manifest(path, "sp300")


def test_a_local_shard_that_was_cut_with_its_header_is_fetched_again(
    hub: StandIn, tmp_path: Path, published: dict[str, bytes]
) -> None:
    fetch("sp300", 1, tmp_path, hub.source)
    shard = tmp_path / "datasets" / NAME / "fineweb_val_000000.bin"
    write_shard(shard, np.array(read_shard(shard))[:40])
    hub.downloads.clear()
    said: list[str] = []
    fetched = fetch("sp300", 1, tmp_path, hub.source, said.append)
    assert hub.downloads == ["datasets/manifest.json", shard_name("val", 0)]
    assert shard.read_bytes() == published[shard_name("val", 0)]
    size = len(published[shard_name("val", 0)])
    assert said[1] == (
        f"[2/3] datasets/{NAME}/fineweb_val_000000.bin: fetching again: here it is 1,104 bytes, the hub has {size:,}"
    )
    assert (len(fetched.downloaded), len(fetched.kept)) == (1, 2)


def test_a_local_shard_of_other_text_is_fetched_again(
    hub: StandIn, tmp_path: Path, published: dict[str, bytes]
) -> None:
    fetch("sp300", 1, tmp_path, hub.source)
    shard = tmp_path / "datasets" / NAME / "fineweb_train_000000.bin"
    write_shard(shard, np.array(read_shard(shard))[::-1])
    said: list[str] = []
    fetch("sp300", 1, tmp_path, hub.source, said.append)
    assert shard.read_bytes() == published[shard_name("train", 0)]
    assert said[2].endswith("fetching again: here it is another content than the hub's")


def test_a_small_file_is_held_against_the_hash_that_git_gives_it(
    hub: StandIn, tmp_path: Path, published: dict[str, bytes]
) -> None:
    name = "datasets/tokenizers/fineweb_300_bpe.model"
    hub.tags[name] = hashlib.sha1(b"blob %d\0" % len(published[name]) + published[name]).hexdigest()
    fetch("sp300", 1, tmp_path, hub.source)
    model = tmp_path / "tokenizers" / "fineweb_300_bpe.model"
    model.write_bytes(train_tokenizer([*LINES, "Another page."], VOCAB)[: len(published[name])])
    hub.downloads.clear()
    fetch("sp300", 1, tmp_path, hub.source)
    assert name in hub.downloads
    assert model.read_bytes() == published[name]
    hub.downloads.clear()
    fetch("sp300", 1, tmp_path, hub.source)
    assert hub.downloads == ["datasets/manifest.json"]


def test_what_arrives_otherwise_than_the_hub_states_is_refused(hub: StandIn, tmp_path: Path) -> None:
    hub.tags[shard_name("train", 0)] = "0" * 64
    with pytest.raises(DataError, match=r"fineweb_train_000000\.bin arrived damaged: another content than the hub's"):
        fetch("sp300", 1, tmp_path, hub.source)


def test_a_hub_that_states_neither_leaves_the_header_to_decide(hub: StandIn, tmp_path: Path) -> None:
    hub.tags[shard_name("train", 0)] = "opaque"
    fetch("sp300", 1, tmp_path, hub.source)
    hub.downloads.clear()
    assert len(fetch("sp300", 1, tmp_path, hub.source).kept) == 3
    assert hub.downloads == ["datasets/manifest.json"]


def test_a_hub_that_fails_while_a_file_is_looked_up_is_told(hub: StandIn, tmp_path: Path) -> None:
    hub.status[shard_name("val", 0)] = 403
    with pytest.raises(DataError, match=r"cannot look up .*fineweb_val_000000\.bin: the hub answered 403"):
        fetch("sp300", 1, tmp_path, hub.source)
