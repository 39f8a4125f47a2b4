"""Requests that are let in, and all kinds that are not: decided before anything is looked up."""

from __future__ import annotations

import pytest

from runner.errors import UserError
from runner.serving.guard import Asked, Refusal, host_of, parts_of, require_port, wanted

TOKEN = "a-secret_of_ours"


def asked(target: str = f"/{TOKEN}/", **changes: object) -> tuple[str, ...] | Refusal:
    known = {"method": "GET", "target": target, "hosts": ["127.0.0.1:8765"], **changes}
    return wanted(Asked(**known), TOKEN)  # type: ignore[arg-type]


def code(found: tuple[str, ...] | Refusal) -> int:
    assert isinstance(found, Refusal)
    return found.code


def test_the_address_with_its_token_is_let_in_by_either_method_and_name() -> None:
    assert asked() == ()
    assert asked(f"/{TOKEN}") == ()
    assert asked(f"/{TOKEN}/run/quickstart-0123abcd/") == ("run", "quickstart-0123abcd")
    assert asked(f"/{TOKEN}/run/a%20b%2Fc/?x=1") == ("run", "a b/c")
    assert asked(method="HEAD") == ()
    for host in ("localhost", "localhost:9", "[::1]:9", "LOCALHOST:8765"):
        assert asked(hosts=[host]) == ()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", ""])
def test_nothing_but_get_and_head_is_let_in(method: str) -> None:
    assert code(asked(method=method)) == 405


def test_a_name_that_somebodys_dns_leads_here_is_refused() -> None:
    bad = [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "evil.example#localhost",
        "",
        "127.0.0.2",
    ]
    for host in bad:
        assert code(asked(hosts=[host])) == 421, host
    assert code(asked(hosts=[])) == 421
    assert code(asked(hosts=["127.0.0.1", "127.0.0.1"])) == 421
    assert host_of("[::1") == ""


def test_a_wrong_or_missing_token_is_refused_alike() -> None:
    for target in ("/", "/x/", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", f"/x/{TOKEN}/", f"//{TOKEN}/", "/\xe4/", "", "*"):
        found = asked(target)
        assert isinstance(found, Refusal), target
        assert (found.code, TOKEN in found.why) == (403, False)


def test_a_page_of_somewhere_else_cannot_make_a_browser_ask() -> None:
    assert code(asked(fetch_site="cross-site")) == 403
    assert code(asked(fetch_site="same-site")) == 403
    assert asked(fetch_site="same-origin") == ()
    assert asked(fetch_site="none") == ()


def test_a_request_that_brings_a_body_is_refused() -> None:
    assert code(asked(body=True)) == 400


@pytest.mark.parametrize(
    "path",
    [
        "/t/../x",
        "/t/%2e%2e/x",
        "/t/./x",
        "/t//x",
        "/t/%00",
        "/t/%ff",
        "t/x",
        "http://h/t",
        "/a/b/c/d/e/f",
        "/" + "x" * 3000,
    ],
)
def test_a_path_that_no_address_of_ours_has_is_none(path: str) -> None:
    assert parts_of(path) is None


def test_a_part_is_decoded_once() -> None:
    assert parts_of("/t/%252e%252e") == ("t", "%2e%2e")


def test_a_port_that_is_none_is_refused_with_what_to_do() -> None:
    assert require_port(0) == 0
    for port in (-1, 65_536):
        with pytest.raises(UserError, match="ports go from 1 to 65535"):
            require_port(port)
