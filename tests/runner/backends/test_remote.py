"""Addresses of a dashboard, as people give them."""

from __future__ import annotations

import pytest

from runner.backends.dashboard_http import Unanswered, get
from runner.backends.remote import dashboard_url
from runner.errors import UserError


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("10.0.0.1", "http://10.0.0.1:8265"),
        ("host:80", "http://host:80"),
        ("https://host", "https://host:8265"),
        ("http://[::1]:8266", "http://[::1]:8266"),
        ("[fe80::2]", "http://[fe80::2]:8265"),
    ],
)
def test_an_address_with_or_without_scheme_and_port_is_one_url(address: str, url: str) -> None:
    assert dashboard_url(address) == url


@pytest.mark.parametrize("address", ["http://[::1", "http://[::1]:x", "[::1", "host:99999", "ftp://host", "", ":80"])
def test_what_is_no_address_is_refused_with_what_one_is_like(address: str) -> None:
    with pytest.raises(UserError, match="give host:port of the cluster"):
        dashboard_url(address)


def test_a_long_address_is_cut_in_the_message() -> None:
    with pytest.raises(UserError) as told:
        dashboard_url(f"ftp://{'x' * 5_000}")
    assert len(str(told.value)) < 500


@pytest.mark.parametrize("url", ["http://[::1", "http://[::1]:x", "http://host:port", "file:///etc", "http://a b"])
def test_what_is_no_address_of_a_web_server_is_not_answered(url: str) -> None:
    with pytest.raises(Unanswered):
        get(url, "/nodes")
