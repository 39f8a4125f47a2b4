"""What a plan and a passport say of the text, before anything runs."""

from __future__ import annotations

from runner.plan.data_tables import passport, text_notes
from tests.fixtures.results import challenge_facts, data_facts, no_overlap

CUT = challenge_facts(val_tokens=60_000, val_bytes=145_120, val_documents=51)
CUT_SAID = (
    "The challenge's validation text? No: fineweb10B_sp1024: 60,000 tokens, 145,120 B (a cut or another text: 60,000 "
    "tokens, sp1024 has 62,021,846; 51 documents, the text has 50,000; 145,120 bytes, the text has 151,080,891)"
)


def test_a_plan_says_before_it_runs_what_the_text_makes_of_its_verdict() -> None:
    assert text_notes(challenge_facts(), "10min_16mb") == []
    assert text_notes(CUT, "10min_16mb") == [f"{CUT_SAID}; a run here ends rejected"]
    assert text_notes(CUT, "local") == []
    (unknown,) = text_notes(data_facts(), "non_record_16mb")
    assert unknown.endswith("nothing is known); a run here ends unverified")


def test_shared_documents_are_told_on_every_track() -> None:
    shared = data_facts(overlap=no_overlap(shared=481, shared_tokens=136_000, where=["fineweb_train_000000.bin"]))
    (note,) = text_notes(shared, "local")
    assert note == (
        "Text kept out of training? No: 481 of 481 documents, 99.76 % of it (in fineweb_train_000000.bin); "
        "a run here ends rejected"
    )


def test_a_passport_says_whose_text_it_is_and_where_nobody_looked() -> None:
    assert passport(CUT) == [CUT_SAID, "Text kept out of training? Yes: none of 481 documents"]
    assert passport(data_facts(overlap=None))[1] == (
        "Text kept out of training? Unknown: not measured (golf data info --overlap looks)"
    )


def test_a_passport_names_sidecars_and_whether_they_fit() -> None:
    files = {**data_facts().files, "fineweb_val_bytes_000000.bin": "0" * 64}
    begin = "Beside the shards, for scripts that ask for it: fineweb_val_bytes_000000.bin"
    assert passport(data_facts(files=files, sidecar_bytes=411_831))[2] == (
        f"{begin} (one number for each validation token, 411,831 bytes in all)"
    )
    assert passport(data_facts(files=files))[2] == f"{begin} (does not fit the shards)"
