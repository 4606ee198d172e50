/** JSON whose integers are exact: those that a `number` cannot hold become a `bigint`, and a `bigint` is written as it is. */

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARKED = /^\0(-?\d+)$/;

/** Parses JSON. Integers beyond 2^53 - 1 become bigints: `JSON.parse` alone would round them. */
export function parse(text: string): unknown {
  const marked = text.replace(TOKEN, (token) => (/^-?\d{16,}$/.test(token) ? `"\\u0000${token}"` : token));
  return JSON.parse(marked, (_key, value: unknown) => {
    const digits = typeof value === "string" ? MARKED.exec(value)?.[1] : undefined;
    if (digits === undefined) return value;
    return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
  });
}

/** Writes JSON; `JSON.stringify` alone refuses bigints. */
export function stringify(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${stringify(each)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
