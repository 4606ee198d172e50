import assert from "node:assert/strict";
import { test } from "node:test";

import { parse, stringify } from "../src/json.js";

for (const [text, expected] of [
  ["9223372036854775807", 9223372036854775807n],
  ["-9223372036854775808", -9223372036854775808n],
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", 9007199254740992n],
  ["0.12345678901234567", 0.12345678901234567],
  ["1234567890123456.5", 1234567890123456.5],
  ["1e-12345678901234567", 0],
  ['"12345678901234567890"', "12345678901234567890"],
  [String.raw`"a \" 12345678901234567890 \\"`, String.raw`a " 12345678901234567890 \ `.trimEnd()],
  ['{"12345678901234567": [1, null, true, 12345678901234567]}', { "12345678901234567": [1, null, true, 12345678901234567n] }],
] as const) {
  test(`parses ${text}`, () => assert.deepEqual(parse(text), expected));
}

test("what is no JSON is refused", () => assert.throws(() => parse("<h1>12345678901234567</h1>"), SyntaxError));

test("bigints are written as they are, and what is undefined is left out", () => {
  const value = { a: 9223372036854775807n, b: undefined, c: [1.5, null, "ü\"\n", { d: false }], "e\"": 0n };
  assert.equal(stringify(value), '{"a":9223372036854775807,"c":[1.5,null,"ü\\"\\n",{"d":false}],"e\\"":0}');
});
