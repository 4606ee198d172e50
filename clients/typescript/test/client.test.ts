import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";

import { Client, Problem, ratio, Unreachable, type ClientOptions } from "../src/index.js";

const USER = `{"id": 1, "name": "ann", "passkey": "p", "role": 1, "enabled": true, "download_enabled": true,
 "upload_enabled": true, "uploaded": 9223372036854775807, "downloaded": 2, "uploaded_real": 0, "downloaded_real": 0,
 "bonus": "12.5", "seed_seconds": 0, "announces": 0, "multiplier_up": 1.5, "multiplier_down": 0, "remote_id": null,
 "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z"}`;

type Answer = (response: ServerResponse) => void;

const answer =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

const busy = answer(503, '{"title": "Service Unavailable", "detail": "A store is away."}', { "Retry-After": "0" });

let answers: Answer[] = [];
let asked: { line: string; headers: IncomingMessage["headers"] }[] = [];
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  asked.push({ line: `${request.method} ${request.url} ${body}`.trim(), headers: request.headers });
  answers[Math.min(asked.length, answers.length) - 1]!(response);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Returns a client of a server that gives these answers in turn, the last one again and again. */
function serve(...next: Answer[]): Client {
  answers = next;
  asked = [];
  return new Client({ url, token: "secret" });
}

async function problemOf(what: Promise<unknown>): Promise<Problem> {
  const error = await what.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Problem, String(error));
  return error;
}

for (const [method, times] of Object.entries({ GET: 3, PUT: 3, DELETE: 3, POST: 1, PATCH: 1 })) {
  test(`a busy tracker is asked ${times} times by ${method}`, async () => {
    const sent = serve(busy, busy, answer(200, "{}")).request(method, "/v1/status");
    if (times === 3) await sent;
    else assert.equal((await problemOf(sent)).status, 503);
    assert.equal(asked.length, times);
  });
}

test("patience has an end", async () => {
  assert.equal((await problemOf(serve(busy).user(1))).status, 503);
  assert.equal(asked.length, 4);
  const problem = await problemOf(serve(answer(429, "", { "Retry-After": "3600" })).user(1));
  assert.equal(problem.retryAfter, 3600);
  assert.equal(asked.length, 1);
});

test("waiting ends when it is aborted", async () => {
  const abort = new AbortController();
  const mika = serve((response) => {
    answer(503, "", { "Retry-After": "29" })(response);
    setImmediate(() => abort.abort());
  });
  await assert.rejects(mika.user(1, { signal: abort.signal }), { name: "AbortError" });
});

test("problems name fields", async () => {
  const document = {
    type: "about:blank",
    title: "Unprocessable Content",
    status: 422,
    detail: "item 3: size: too small",
    index: 3,
    errors: [{ index: 3, field: "size", detail: "too small" }],
  };
  const problem = await problemOf(serve(answer(422, JSON.stringify(document))).addTorrents([]));
  assert.deepEqual([problem.index, problem.errors], [3, document.errors]);
  assert.equal(problem.message, "422 Unprocessable Content: item 3: size: too small");
  assert.equal(asked[0]?.line, "POST /v1/torrents []");
});

test("what is not mika is said", async () => {
  assert.equal((await problemOf(serve(answer(502, "<h1>Bad Gateway</h1>")).user(1))).status, 502);
  await assert.rejects(serve(answer(200, "<h1>Welcome</h1>")).user(1), Unreachable);
  await assert.rejects(serve(answer(200, "")).user(1), Unreachable);
  assert.equal((await problemOf(serve(answer(302, "", { Location: "/elsewhere" })).user(1))).status, 302);
  assert.equal(asked.length, 1);
});

test("silence ends", async () => {
  // A server of its own: the request may arrive when nobody waits any more, and is no business of the next test.
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  await once(silent, "listening");
  const port = (silent.address() as AddressInfo).port;
  const mika = new Client({ url: `http://127.0.0.1:${port}`, token: "secret", timeout: 50 });
  await assert.rejects(mika.deleteUser(1), (error: unknown) => {
    assert.ok(error instanceof Unreachable);
    assert.match(error.message, /whether the change was made is not known/);
    return true;
  });
});

test("requests hold token, condition and changes only", async () => {
  const mika = serve(answer(200, USER, { ETag: '"two"' }));
  const user = await mika.changeUser(1, { enabled: false, uploaded: 9223372036854775807n }, { ifMatch: '"one"' });
  assert.equal(asked[0]?.line, 'PATCH /v1/users/1 {"enabled":false,"uploaded":9223372036854775807}');
  assert.equal(asked[0].headers.authorization, "Bearer secret");
  assert.equal(asked[0].headers["if-match"], '"one"');
  assert.equal(user.etag, '"two"');
  assert.equal(user.uploaded, 9223372036854775807n);
  assert.equal(user.created_at.toISOString(), "2026-11-22T10:00:00.000Z");
  assert.equal(ratio(user), 2 ** 62);
  assert.equal(ratio({ uploaded: 5n, downloaded: 0n }), undefined);
});

test("pages are asked for as they are needed", async () => {
  const page = (next: string): Answer => answer(200, `{"items": [${USER}], "next": ${next}}`);
  for await (const user of serve(page('"a b"'), page("null")).users()) {
    assert.equal(user.name, "ann");
    break;
  }
  assert.equal(asked.length, 1);
  let count = 0;
  for await (const _ of serve(page('"a b"'), page("null")).users()) count++;
  assert.deepEqual([count, asked[1]?.line], [2, "GET /v1/users?limit=1000&after=a+b"]);
  await assert.rejects(async () => {
    for await (const _ of serve(page('"1"')).users());
  }, Unreachable);
});

test("configuration that cannot work is refused", () => {
  delete process.env["MIKA_TOKEN"];
  const bad: ClientOptions[] = [
    { url: "https://127.0.0.1:34001" },
    { url: "http://tracker.example", token: "secret" },
    { url: "ftp://127.0.0.1", token: "secret" },
    { url: "127.0.0.1:34001", token: "secret" },
    { token: "two\nlines" },
    { token: "secret", caFile: "/there/is/no/such/file" },
  ];
  for (const options of bad) assert.throws(() => new Client(options), JSON.stringify(options));
});
