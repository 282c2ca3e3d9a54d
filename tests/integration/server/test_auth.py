"""Who gets in: the token, the Host, the Origin."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import httpx
import pytest

from nbflow.exceptions import ConfigurationError
from nbflow.server.auth import hosts_of
from nbflow.server.token import token_of
from nbflow.settings import Settings

from .conftest import TOKEN, Served

BEARER = {"Authorization": f"Bearer {TOKEN}"}
ANYTHING = "/api/flow_runs"


@pytest.mark.parametrize("path", ["/", ANYTHING, "/api/docs", "/api/openapi.json", "/api/events",
                                  "/api/metrics", "/api/store", "/api/nothing", "/api/health/ready"])  # fmt: skip
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \u00e9".encode("latin-1")},
        {"Cookie": "nbflow-80=x"},
    ],
    ids=lambda headers: str(next(iter(headers.values()), "none")),
)
def test_nothing_answers_without_the_token(
    served: Served, path: str, headers: dict[str, str]
) -> None:
    answer = served.stranger.get(path, headers=headers)
    told = served.problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "token" in str(told["detail"])


def test_a_sign_of_life_needs_no_token(served: Served) -> None:
    answer = served.stranger.get("/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("[::1]:{port}", 200),
        ("127.0.0.1", 403),
        ("127.0.0.1:1", 403),
        ("evil.example:{port}", 403),
        ("localhost.evil.example:{port}", 403),
        ("127.0.0.1:{port}@evil.example", 403),
        ("", 403),
    ],
)
@pytest.mark.parametrize("path", [ANYTHING, "/api/health", "/?token=" + TOKEN])
def test_only_its_own_names_count_as_host(
    served: Served, host: str, status: int, path: str
) -> None:
    given = {**BEARER, "Host": host.format(port=httpx.URL(served.url).port)}
    answer = served.stranger.get(path, headers=given)
    served.stranger.cookies.clear()
    if status == 403:
        served.problem(answer, 403)
        assert "set-cookie" not in answer.headers
    else:
        assert answer.status_code < 400


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("{url}", 200),
        ("http://evil.example", 403),
        ("http://127.0.0.1:1", 403),
        ("http://localhost:{port}", 403),  # another name is another site
        ("null", 403),
        ("", 403),
        ("{url}.evil.example", 403),
        ("http://[", 403),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ANYTHING), ("GET", "/api/events/list"), ("POST", "/api/flow_runs/filter")],
)
def test_pages_of_other_origins_get_nothing(
    served: Served, origin: str, status: int, method: str, path: str
) -> None:
    origin = origin.format(url=served.url, port=httpx.URL(served.url).port)
    body = {"json": {}} if method == "POST" else {}
    answer = served.client.request(method, path, headers={"Origin": origin}, **body)
    assert answer.status_code == status, answer.text


def test_a_browser_trades_the_token_for_a_cookie(served: Served) -> None:
    with httpx.Client(base_url=served.url) as browser:
        answer = browser.get("/", params={"token": TOKEN, "run": "latest"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/?run=latest")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert TOKEN not in cookie
        assert browser.get(ANYTHING).status_code == 200
        assert browser.get("/").headers["content-security-policy"].startswith("default-src 'none'")
        for name, value in (("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")):
            assert browser.get(ANYTHING).headers[name] == value
    served.problem(served.stranger.get("/?token=wrong"), 401)
    served.problem(served.stranger.get("/?token=%C3%A9"), 401)


def test_the_token_in_an_address_is_for_pages_alone(served: Served) -> None:
    served.problem(served.stranger.get(f"{ANYTHING}?token={TOKEN}"), 401)
    served.problem(served.stranger.post(f"/?token={TOKEN}"), 401)


def test_the_way_on_stays_on_this_server(served: Served) -> None:
    answer = httpx.get(f"{served.url}//evil.example/?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/evil.example/"


def test_a_cookie_is_of_one_server(served: Served) -> None:
    with httpx.Client(base_url=served.url) as browser:
        browser.get("/", params={"token": TOKEN})
        port = httpx.URL(served.url).port
        assert list(browser.cookies) == [f"nbflow-{port}"]


def test_further_names_are_allowed_with_and_without_a_port() -> None:
    hosts = hosts_of("10.0.0.5", 4200, ["Flows.example", "proxy:443"])
    assert {"10.0.0.5:4200", "localhost:4200", "flows.example", "proxy:443"} <= hosts
    assert "[fe80::1]:80" in hosts_of("fe80::1", 80)


# ── the token's file ─────────────────────────────────────────────────────────────────────


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    found: list[str] = []
    makers = [threading.Thread(target=lambda: found.append(token_of(settings))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) >= 40
    file = settings.home / "token"
    assert [each.name for each in settings.home.iterdir()] == ["token"]
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)
        token_of(settings)
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_settings_token_wins(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, api_token="given-by-the-environment")
    assert token_of(settings) == "given-by-the-environment"
    assert not (tmp_path / "token").exists()


@pytest.mark.parametrize("token", ["short", "with space in the middle", "nön-ascii-ist-nicht-gut"])
def test_a_token_that_cannot_be_used_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        token_of(Settings(home=tmp_path, api_token=token))
    (tmp_path / "token").write_text(token)
    with pytest.raises(ConfigurationError, match="token"):
        token_of(Settings(home=tmp_path))
