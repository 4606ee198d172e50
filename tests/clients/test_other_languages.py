"""The Go, PHP and TypeScript clients: what their own tools say, their own tests, and a day's work with a tracker."""

from __future__ import annotations

import re

from clients.programs import CLIENTS, environment, run

GO, PHP = CLIENTS / "go", CLIENTS / "php"


def test_go_client_is_written_as_go_is():
    """Gofmt and vet find nothing; it depends on nothing."""
    assert run("gofmt", "-l", ".", cwd=GO, env=environment()) == ""
    run("go", "vet", "./...", cwd=GO, env=environment())
    assert "require" not in (GO / "go.mod").read_text()


def test_go_client_passes_its_tests_and_does_a_day_with_a_tracker(tracker, deleted):
    """All of them: none is skipped."""
    env = environment(tracker, MIKA_TEST_BASE="3000")
    output = run("go", "test", "-count=1", "-v", "./...", cwd=GO, env=env)
    assert "--- PASS: TestDaily" in output
    assert "SKIP" not in output
    deleted(3000)


def test_php_client_has_no_syntax_errors():
    """In any file."""
    files = sorted(str(file) for file in PHP.rglob("*.php"))
    assert len(files) > 10
    for file in files:
        run("php", "-l", file, cwd=PHP, env=environment())


def test_php_client_passes_its_tests(tmp_path):
    """Each function of its test program."""
    output = run("php", "tests/test.php", cwd=PHP, env=environment(TMPDIR=str(tmp_path)))
    tests = re.findall(r"^function (test_\w+)", (PHP / "tests" / "test.php").read_text(), re.MULTILINE)
    assert tests
    assert output.splitlines() == [f"ok {test}" for test in tests]


def test_php_client_does_a_day_with_a_tracker(tracker, deleted):
    """Roles, passkeys, totals of 63 bits, pages, all or nothing, conditions, the whitelist."""
    assert run("php", "tests/daily.php", "4000", cwd=PHP, env=environment(tracker)) == "ok\n"
    deleted(4000)


def test_typescript_client_passes_its_tests_and_does_a_day_with_a_tracker(typescript, tracker, deleted):
    """All of them: none is skipped; they were compiled from strict TypeScript."""
    env = environment(tracker, MIKA_TEST_BASE="5000", MIKA_TESTDATA=str(CLIENTS / "testdata"))
    output = run("node", "--test", "--test-reporter=tap", "dist/test/", cwd=typescript, env=env)
    assert "users get a role, a new passkey, and are disabled" in output
    assert re.findall(r"^# (?:fail|skipped|todo|cancelled) (\d+)$", output, re.MULTILINE) == ["0"] * 4

    deleted(5000)
