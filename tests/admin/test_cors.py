"""Pages of other sites: kept out unless configured, and then told just what they may."""

from __future__ import annotations

import pytest

SITE = "https://site.example"
ASK = {"origin": SITE, "access_control_request_method": "PATCH"}


@pytest.fixture
def admin(make_admin):
    """Make a tracker whose API the pages of one site may use."""
    return make_admin(origins=[SITE])


def test_nothing_is_said_unless_configured(make_admin):
    """A browser keeps the answer from the page then."""
    admin = make_admin()
    reply = admin.send("GET", "/v1/users", origin=SITE)
    assert [name for name in reply.headers if name.startswith(("Access", "Vary"))] == []
    assert admin.send("OPTIONS", "/v1/users/1", **ASK).status == 405


def test_browser_asks_first_and_is_told(admin):
    """Without a token, which a browser does not send with this question."""
    reply = admin.send("OPTIONS", "/v1/users/1", token=None, **ASK)
    assert (reply.status, reply.json) == (204, None)
    assert reply.headers == {
        "Access-Control-Allow-Origin": SITE,
        "Access-Control-Allow-Methods": "DELETE, GET, PATCH, PUT",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


@pytest.mark.parametrize(
    ("path", "token", "status"), [("/v1/users", "reader", 200), ("/v1/users", None, 401), ("/x", None, 404)]
)
def test_page_of_the_site_may_read_answers_and_problems(admin, path, token, status):
    """ETag too, which it needs for If-Match."""
    reply = admin.send("GET", path, token=token, origin=SITE)
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, SITE)
    assert "ETag" in reply.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://other.example", "http://site.example", "https://site.example.org", "null", ""]
)
def test_other_origin_is_told_nothing(admin, origin):
    """But that the answer depends on it, for caches."""
    reply = admin.send("GET", "/v1/users", origin=origin)
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert reply.headers["Vary"] == "Origin"
    assert admin.send("OPTIONS", "/v1/users", origin=origin, access_control_request_method="POST").status == 405


def test_any_origin_can_be_allowed(make_admin):
    """By a star; tokens are no cookies, so that a page has to know one."""
    reply = make_admin(origins=["*"]).send("GET", "/v1/users", origin="https://anywhere.example")
    assert reply.headers["Access-Control-Allow-Origin"] == "https://anywhere.example"


def test_options_without_the_question_is_as_ever(admin):
    """405 with what there is."""
    assert admin.send("OPTIONS", "/v1/users", origin=SITE).status == 405
    assert admin.send("OPTIONS", "/nothing", **ASK).status == 404
