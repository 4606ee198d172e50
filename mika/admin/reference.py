"""The OpenAPI document as one HTML page, for people: `/docs`. No library, and nothing from elsewhere.

All of it is in the page as it comes: it is read without JavaScript too, found by the browser's search, and printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from importlib import resources
from typing import Any

from mika.admin.call import Answer, Call
from mika.admin.openapi import example
from mika.errors import NotFoundError

Schema = dict[str, Any]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: nothing that is not ours, and nothing that is written into the page."""

ASSETS = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}


async def show_asset(call: Call) -> Answer:
    """Show what the reference is dressed with."""
    name = call.parameters["asset"]
    if name not in ASSETS:
        raise NotFoundError("There is no such file.")
    content = resources.files("mika.admin").joinpath("assets", name).read_bytes()
    return Answer(200, content, dict(HEADERS), ASSETS[name])


def page(document: Schema) -> str:
    """Return the reference as HTML."""
    info = document["info"]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])} API</title>
<link rel="icon" href="/docs/icon.svg">
<link rel="stylesheet" href="/docs/docs.css">
<script src="/docs/docs.js" defer></script>
</head>
<body>
<nav aria-label="Contents">
<a class="brand" href="#top">{escape(info["title"])} <small>{escape(info["version"])}</small></a>
<input id="filter" type="search" placeholder="Find" aria-label="Find an operation" autocomplete="off" hidden>
{"".join(_contents(document))}
</nav>
<main id="top">
<h1>{escape(info["summary"])}</h1>
{_prose(info["description"])}
<p><a href="/v1/openapi.json">openapi.json</a> is the same for tools: generators of clients read it.</p>
{"".join(_groups(document))}
<section id="schemas"><h2>Schemas</h2>
{"".join(_schemas(document))}
</section>
</main>
</body>
</html>
"""


def _operations(document: Schema, group: str) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if group in operation["tags"]:
                yield method, path, operation


def _contents(document: Schema) -> Iterator[str]:
    for tag in document["tags"]:
        name = tag["name"]
        yield f'<h2><a href="#{name}">{escape(name)}</a></h2>\n<ul>\n'
        for method, path, operation in _operations(document, name):
            words = escape(f"{method} {path} {operation['summary']}".lower())
            yield (
                f'<li data-words="{words}"><a href="#{operation["operationId"]}">{_badge(method)}'
                f"{escape(operation['summary'])}</a></li>\n"
            )
        yield "</ul>\n"
    yield '<h2><a href="#schemas">schemas</a></h2>\n'


def _groups(document: Schema) -> Iterator[str]:
    for tag in document["tags"]:
        yield f'<section id="{tag["name"]}"><h2>{escape(tag["name"])}</h2>\n{_prose(tag["description"])}\n'
        for method, path, operation in _operations(document, tag["name"]):
            yield from _operation(document, method, path, operation)
        yield "</section>\n"


def _operation(document: Schema, method: str, path: str, operation: Schema) -> Iterator[str]:
    shown = re.sub(r"{(\w+)}", r"<var>{\1}</var>", escape(path))
    yield f'<article id="{operation["operationId"]}">\n<h3>{escape(operation["summary"])}</h3>\n'
    yield f'<p class="route">{_badge(method)}<code>{shown}</code></p>\n{_prose(operation["description"])}\n'
    parameters = operation.get("parameters", ())
    if parameters:
        yield "<h4>Parameters</h4>\n<table>\n"
        for each in parameters:
            where = f"{each['in']}{', required' if each['required'] else ''}"
            yield _row(each["name"], f"{where}: {_kind(each['schema'])}", each["description"], each["schema"])
        yield "</table>\n"
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield f"<h4>Body</h4>\n<p>{_kind(schema)}</p>\n"
    yield f"<h4>Example</h4>\n<pre>{escape(_curl(document, method, path, operation))}</pre>\n"
    yield "<h4>Answers</h4>\n<table>\n"
    for status, answer in operation["responses"].items():
        yield _answer(document, status, answer)
    yield "</table>\n</article>\n"


def _answer(document: Schema, status: str, answer: Schema) -> str:
    if "$ref" in answer:
        answer = document["components"]["responses"][status]
    kinds = [
        _kind(content["schema"]) if media.endswith("json") else escape(media)
        for media, content in answer.get("content", {}).items()
    ]
    headers = "".join(f" <code>{escape(name)}</code>" for name in answer.get("headers", ()))
    with_headers = f"<br><small>with{headers}</small>" if headers else ""
    return (
        f'<tr class="s{status[0]}"><th scope="row">{status}</th><td>{", ".join(kinds) or "nothing"}{with_headers}</td>'
        f"<td>{_inline(answer['description'])}</td></tr>\n"
    )


def _curl(document: Schema, method: str, path: str, operation: Schema) -> str:
    """Return a command that does it, for who has TOKEN and URL in the environment."""
    for each in operation.get("parameters", ()):
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", str(example(document, each["schema"], each["name"])))
    lines = [f'curl --cacert mika-state/api-certificate.pem "$URL{path}"']
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if "requestBody" in operation:
        body = example(document, operation["requestBody"]["content"]["application/json"]["schema"])
        lines += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    if method.upper() != ("POST" if "requestBody" in operation else "GET"):
        lines.insert(1, f"-X {method.upper()}")
    return " \\\n  ".join(lines)


def _schemas(document: Schema) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield f'<article id="schema-{name}">\n<h3>{name}</h3>\n{_prose(schema.get("description", ""))}\n'
        fields = schema.get("properties", {})
        if fields:
            yield "<table>\n"
            for field, described in fields.items():
                required = " (required)" if field in schema.get("required", ()) else ""
                yield _row(field, _kind(described) + required, described.get("description", ""), described)
            yield "</table>\n"
        yield "</article>\n"


def _row(name: str, kind: str, words: str, schema: Schema) -> str:
    limits = "".join(f" <small>{limit}</small>" for limit in _limits(schema))
    return (
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{kind}{limits}</td><td>{_inline(words)}</td></tr>\n'
    )


def _limits(schema: Schema) -> Iterator[str]:
    for key, sign in (("minimum", "\u2265"), ("maximum", "\u2264"), ("maxLength", "length \u2264"), ("pattern", "")):
        if key in schema:
            yield f"{sign} <code>{escape(str(schema[key]))}</code>"
    if schema.get("default") is not None:
        yield f"default <code>{escape(json.dumps(schema['default']))}</code>"


def _kind(schema: Schema) -> str:
    """Name a schema in HTML, with a link to what it is of."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{name}">{name}</a>'
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return " or ".join(_kind(each) for each in schema[several])
    if schema.get("type") == "array":
        return f"array of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(each))}</code>" for each in schema["enum"])
    return escape(" ".join(str(schema[key]) for key in ("type", "format") if key in schema) or "anything")


def _badge(method: str) -> str:
    return f'<b class="{method}">{method.upper()}</b> '


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph.strip())


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
