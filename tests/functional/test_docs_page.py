"""`/docs` in a real browser, over the real TLS server: the routes are there, and nothing is asked of anybody else."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from functional.tracker_process import TrackerProcess
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from mika.admin.routes import ROUTES

SHOWN = [route for route in ROUTES if route.documented]

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1300,900"),
)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    """Start a tracker."""
    process = TrackerProcess(tmp_path_factory.mktemp("docs"))
    process.start()
    yield process
    process.stop()
    process.check_log()


@pytest.fixture(scope="module")
def browser(tracker, tmp_path_factory):
    """Open /docs in a browser that trusts the tracker's certificate, and no other, and tells what it does."""
    certificate = load_pem_x509_certificate((tracker.state / "api-certificate.pem").read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    options = ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
    options.add_argument(f"--ignore-certificate-errors-spki-list={pin}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.binary_location = "/usr/bin/chromium"
    driver = Chrome(options=options, service=ChromeService("/usr/bin/chromedriver"))
    driver.get(url(tracker) + "/docs")
    yield driver
    driver.quit()


def url(tracker) -> str:
    """Return where the API is."""
    return (tracker.state / "api-url").read_text().strip()


def test_every_route_is_shown(browser):
    """With its method, its path and a title, and a link to it in the contents."""
    shown = {
        article.get_attribute("id"): article.text for article in browser.find_elements(By.CSS_SELECTOR, "main article")
    }
    links = {
        each.get_attribute("href").rpartition("#")[2] for each in browser.find_elements(By.CSS_SELECTOR, "nav li a")
    }
    for route in SHOWN:
        assert f"{route.method} {route.path}" in shown[route.operation]
        assert route.operation in links


def test_page_is_dressed(browser):
    """The style sheet was not refused by the page's own policy."""
    assert browser.find_element(By.TAG_NAME, "nav").value_of_css_property("position") == "sticky"


def test_contents_are_filtered_as_one_types(browser):
    """By words of the title, the method or the path."""
    field = browser.find_element(By.ID, "filter")
    field.send_keys("passkey post")
    shown = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "nav li a") if each.is_displayed()]
    assert len(shown) == 1
    assert "new passkey" in shown[0]
    field.clear()
    field.send_keys(" ")
    assert len([1 for each in browser.find_elements(By.CSS_SELECTOR, "nav li a") if each.is_displayed()]) == len(SHOWN)


def test_links_inside_the_page_lead_somewhere(browser):
    """Schemas of bodies and answers, and the contents."""
    targets = {each.get_attribute("id") for each in browser.find_elements(By.CSS_SELECTOR, "[id]")}
    links = {each.get_dom_attribute("href") for each in browser.find_elements(By.CSS_SELECTOR, "a[href^='#']")}
    assert {link.removeprefix("#") for link in links} <= targets


def test_nothing_is_asked_of_others_and_nothing_is_wrong(browser, tracker):
    """Every request goes to the tracker and is answered 200; the console is silent."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    answered = {
        each["params"]["response"]["url"]: each["params"]["response"]["status"]
        for each in events
        if each["method"] == "Network.responseReceived"
    }
    asked = [each for each in asked if urlsplit(each).scheme not in ("chrome", "chrome-untrusted", "data")]  # its own
    answered = {each: answered[each] for each in asked}
    assert {urlsplit(each).netloc for each in asked} == {urlsplit(url(tracker)).netloc}
    assert {Path(urlsplit(each).path).name for each in asked} >= {"docs", "docs.css", "docs.js"}
    assert set(answered.values()) == {200}, answered
    assert browser.get_log("browser") == []
