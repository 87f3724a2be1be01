"""Who may ask for what."""

import re
from pathlib import Path

import pytest
from served import ADDRESS, OURS, over

from bakeoff.app import guard
from bakeoff.app.guard import Door, is_loopback

STUDY = "/studies/0123456789abcdef"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory):
    return over(tmp_path_factory.mktemp("nothing"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.8.9.1", "localhost."]
)
def test_names_of_this_machine_are_known(page, host: str):
    assert page.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "evil.example:127.0.0.1",
        "10.0.0.1",
        "[::1].evil.example]",
        "",
        "0.0.0.0",
        "[::ffff:10.0.0.1]",
        "127.1",
    ],
)
@pytest.mark.parametrize("path", ["/", "/events", "/assets/app.js", f"{STUDY}/report"])
def test_other_names_are_refused_whatever_they_ask_for(page, host: str, path: str):
    assert page.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OURS, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:8000"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": f"{ADDRESS}.evil.example"}, 403),
        ({**OURS, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**OURS, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
    ],
)
def test_only_our_own_pages_may_send_an_image(page, headers: dict[str, str], status: int):
    answer = page.post(f"{STUDY}/answers", content=b"x", headers=headers)
    assert answer.status_code == (422 if status == 404 else status)


@pytest.mark.parametrize("path", ["/compare", "/events", f"{STUDY}/report", "/assets/app.js", f"{STUDY}/ask"])
def test_other_sites_may_open_the_first_page_alone(page, path: str):
    for mode in ("navigate", "no-cors", "cors"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        assert page.get(path, headers=headers).status_code == 403
        assert page.get("/", headers=headers).status_code == (200 if mode == "navigate" else 403)
    assert page.get(path, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("path", ["/", "/nothing", "/compare?run=x", f"{STUDY}/report", "/assets/app.js"])
def test_every_answer_has_a_policy_without_inline_scripts(page, path: str):
    for answer in (page.get(path), page.get(path, headers={"Host": "evil.example"}), page.request("DELETE", path)):
        policy = answer.headers["content-security-policy"]
        assert re.search(r"default-src 'none'; script-src 'self';", policy)
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        *("/../etc/passwd", "/assets/../web.py", "/assets/..%2fweb.py", "/assets/%2e%2e/%2e%2e/etc/passwd"),
        *(
            "/assets/",
            "/assets/%00",
            "/studies/",
            "/studies/..%2f..%2fetc",
            "/studies/%2fetc%2fpasswd",
        ),
        *(f"{STUDY}/wrong/..%2f..%2fstudy.json", "//etc/passwd", "/studies/small", "/small/study.json", "/.git/config"),
        *("/studies/\\..\\..", "/assets/app.js/..", "/assets/app.js%00.css", f"{STUDY}/../../../etc/passwd"),
    ],
)
def test_no_path_leads_to_a_file_or_a_listing(page, path: str):
    answer = page.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_others_need_the_token_once(tmp_path: Path):
    page = over(tmp_path, Door("0.0.0.0", token := "secret-token"))
    remote = {"Host": "192.168.1.5:8000"}
    for path in ("/", "/?token=", "/?token=secret", "/?token=sécret-token", "/assets/app.js", f"{STUDY}?token=x"):
        assert page.get(path, headers=remote).status_code == 401, path
    for wrong in ("bakeoff=", "bakeoff=secret", 'bakeoff="', "other=secret-token", "\x00"):
        assert page.get("/", headers={**remote, "Cookie": wrong}).status_code == 401, wrong
    assert page.post("/?token=secret-token", headers={**remote, "Origin": "http://192.168.1.5:8000"}).status_code == 401
    welcome = page.get(f"/?token={token}", headers=remote)
    assert welcome.status_code == 200
    cookie = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.get("/", headers={**remote, "Cookie": f"bakeoff={token}"}).status_code == 200
    assert page.get("/", headers={"Host": "evil.example", "Cookie": f"bakeoff={token}"}).status_code == 421


def test_a_name_server_is_asked_once_whatever_names_strangers_send(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr("socket.getfqdn", lambda: asked.append("own name") or "box.example")
    guard._own_names.cache_clear()
    door = Door("0.0.0.0", "token")
    assert [door.knows(name) for name in ("evil.example", "other.example", "Box.example:8000")] == [False, False, True]
    assert len(asked) == 1
    guard._own_names.cache_clear()


def test_a_token_is_made_where_other_machines_reach_the_page():
    assert [bool(Door.at(host).token) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.1")] == [
        *[False] * 3,
        *[True] * 3,
    ]
    assert Door.at("0.0.0.0").token != Door.at("0.0.0.0").token
    assert not is_loopback("localhost.evil.example")
