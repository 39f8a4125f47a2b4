"""No secret, and no address's path, in anything that a sink says."""

from __future__ import annotations

from urllib.parse import quote

from runner.sinks.secrets import held, struck

URL = "https://user:passw0rd@hooks.example:8443/services/T0ABCDEFGH/B0ABCDEFGH?key=k3yk3yk3yk3y"
ENVIRONMENT = {"HOOK": URL, "WANDB_API_KEY": "0123456789abcdef", "TOKEN": "a b+c/d", "SHORT": "ab"}


def test_values_parts_of_addresses_and_their_quoted_forms_are_struck_out() -> None:
    secrets = held(["HOOK", "TOKEN", "SHORT"], ENVIRONMENT)
    for said in (
        URL,
        "/services/T0ABCDEFGH/B0ABCDEFGH",
        "T0ABCDEFGH",
        "k3yk3yk3yk3y",
        "passw0rd",
        "0123456789abcdef",
        "a b+c/d",
        quote("a b+c/d", safe=""),
    ):
        assert struck(f"no route to {said}!", secrets) == "no route to ***!", said


def test_what_is_no_secret_stays_and_other_addresses_keep_their_host() -> None:
    secrets = held(["HOOK", "SHORT"], ENVIRONMENT)
    assert struck("a table of abbeys", secrets) == "a table of abbeys"
    told = struck("Max retries at http://me:pw@other.example:80/a/b?c=d now", secrets)
    assert told == "Max retries at http://other.example/*** now"
