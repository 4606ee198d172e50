/** The API of one tracker, a method for each thing that a site does. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { parse, stringify } from "./json.js";
import {
  readTorrent,
  readUser,
  type NewTorrent,
  type NewUser,
  type Role,
  type RoleFields,
  type Status,
  type Torrent,
  type TorrentFields,
  type User,
  type UserFields,
  type WhitelistedClient,
} from "./models.js";
import { Problem, Unreachable } from "./problem.js";
import { fetchTrusting, type Fetch } from "./trust.js";

const PAGE = 1000;
const LONGEST_WAIT = 30;
const IDEMPOTENT = new Set(["GET", "PUT", "DELETE"]);

/** Where the tracker is. What is not given comes from the environment, or has the default that is named. */
export interface ClientOptions {
  /** Else MIKA_URL, else https://127.0.0.1:34001. */
  url?: string;
  /** Else MIKA_TOKEN. */
  token?: string;
  /** Else MIKA_CA: a PEM file of what alone is trusted; else what Node trusts, with NODE_EXTRA_CA_CERTS. */
  caFile?: string;
  /** Milliseconds of each exchange: 30,000. */
  timeout?: number;
  /** At an idempotent request that is answered 429 or 503: 4. */
  attempts?: number;
  /** Instead of the global fetch: one with a dispatcher of undici's, or a fake. */
  fetch?: Fetch;
}

/** Options of each method. */
export interface CallOptions {
  /** The `etag` of what was read: somebody else's change in between is a `Problem` of status 412. */
  ifMatch?: string;
  /** With `putUser` and `putTorrent`: creates and never replaces; what is there already is a `Problem` of status 412. */
  onlyNew?: boolean;
  /** Gives up when it aborts. */
  signal?: AbortSignal;
}

/** Every method rejects with `Problem` when the tracker refuses, and with `Unreachable` when it does not answer. */
export class Client {
  readonly url: string;
  readonly #token: string;
  readonly #timeout: number;
  readonly #attempts: number;
  readonly #fetch: Fetch;

  constructor(options: ClientOptions = {}) {
    const { env } = process;
    this.url = (options.url ?? (env["MIKA_URL"] || "https://127.0.0.1:34001")).replace(/\/+$/, "");
    this.#token = (options.token ?? env["MIKA_TOKEN"] ?? "").trim();
    this.#timeout = options.timeout ?? 30_000;
    this.#attempts = options.attempts ?? 4;
    const { protocol, hostname } = new URL(this.url);
    if (protocol !== "https:" && protocol !== "http:") {
      throw new TypeError(`${this.url} is no URL of an API, such as https://127.0.0.1:34001`);
    }
    if (protocol === "http:" && !["127.0.0.1", "[::1]", "localhost"].includes(hostname)) {
      throw new TypeError(`${this.url} would show the token to the network: use https`);
    }
    if (!/^[!-~]+$/.test(this.#token)) {
      throw new TypeError("there is no token: give one, or set MIKA_TOKEN");
    }
    const caFile = options.caFile ?? (env["MIKA_CA"] || undefined);
    const trusting = caFile !== undefined && protocol === "https:";
    this.#fetch = options.fetch ?? (trusting ? fetchTrusting(readFileSync(caFile, "utf8")) : fetch);
  }

  // ---- users

  /** Yields all users in order of id, a page at a time as they are needed. */
  users(options?: CallOptions & { page?: number }): AsyncGenerator<User> {
    return this.#pages("/v1/users", readUser, options);
  }

  async user(id: number, options?: CallOptions): Promise<User> {
    return readUser(...(await this.#send("GET", `/v1/users/${id}`, undefined, options)));
  }

  /** Adds a user: only `name` is needed. */
  async addUser(user: NewUser, options?: CallOptions): Promise<User> {
    return readUser(...(await this.#send("POST", "/v1/users", user, options)));
  }

  /** Adds all of these users (20,000 at most) or none; `Problem.index` names the bad one. */
  async addUsers(users: Iterable<NewUser>, options?: CallOptions): Promise<User[]> {
    const [added] = await this.#send("POST", "/v1/users", [...users], options);
    return (added as unknown[]).map((each) => readUser(each));
  }

  /** Creates a user under an id of yours, or sets all but passkey and counters to `fields` and their defaults. */
  async putUser(id: number, fields: UserFields, options?: CallOptions): Promise<User> {
    return readUser(...(await this.#send("PUT", `/v1/users/${id}`, fields, options)));
  }

  /** Changes what is named: `{ role: 2 }`, `{ enabled: false }`. */
  async changeUser(id: number, fields: UserFields, options?: CallOptions): Promise<User> {
    return readUser(...(await this.#send("PATCH", `/v1/users/${id}`, fields, options)));
  }

  /** Changes what is named of all of these users (20,000 at most, none twice) or none; `Problem.index` names the bad one. */
  async changeUsers(changes: Iterable<UserFields & { id: number }>, options?: CallOptions): Promise<User[]> {
    const [changed] = await this.#send("PATCH", "/v1/users", [...changes], options);
    return (changed as unknown[]).map((each) => readUser(each));
  }

  /** Gives a user a new passkey; the old one stops at once. */
  async renewPasskey(id: number, options?: CallOptions): Promise<User> {
    return readUser(...(await this.#send("POST", `/v1/users/${id}/passkey`, undefined, options)));
  }

  /** Resolves to what announces this torrent alone in the passkey's place: `/KEY/announce`. */
  async torrentKey(id: number, infoHash: string, options?: CallOptions): Promise<string> {
    return ((await this.request("GET", torrentKeyPath(id, infoHash), undefined, options)) as { key: string }).key;
  }

  /** Replaces it; the old one stops at once, and the user's other torrents go on. */
  async renewTorrentKey(id: number, infoHash: string, options?: CallOptions): Promise<string> {
    return ((await this.request("POST", torrentKeyPath(id, infoHash), undefined, options)) as { key: string }).key;
  }

  /** Deletes an account, and its peers from their swarms. */
  async deleteUser(id: number, options?: CallOptions): Promise<void> {
    await this.#send("DELETE", `/v1/users/${id}`, undefined, options);
  }

  /**
   * Gives points, a decimal such as "12.5", or (a negative amount) spends them; resolves to what the user then has. More than
   * there is cannot be spent: a `Problem` of status 409. What is sent again with the same `key`, a name of yours for it, counts
   * once.
   */
  async addBonus(id: number, entry: { amount: string; reason?: string; key?: string }, options?: CallOptions): Promise<string> {
    return ((await this.request("POST", `/v1/users/${id}/bonus`, entry, options)) as { balance: string }).balance;
  }

  /** Lets a user download a torrent for free until then. */
  async grantFreeleech(id: number, infoHash: string, until: Date, options?: CallOptions): Promise<void> {
    const time = `${until.toISOString().slice(0, 19)}Z`;
    await this.#send("PUT", freeleechPath(id, infoHash), { until: time }, options);
  }

  /** Takes a freeleech token away. */
  async revokeFreeleech(id: number, infoHash: string, options?: CallOptions): Promise<void> {
    await this.#send("DELETE", freeleechPath(id, infoHash), undefined, options);
  }

  // ---- torrents

  /** Yields all torrents in order of info hash, a page at a time as they are needed. */
  torrents(options?: CallOptions & { page?: number }): AsyncGenerator<Torrent> {
    return this.#pages("/v1/torrents", readTorrent, options);
  }

  async torrent(infoHash: string, options?: CallOptions): Promise<Torrent> {
    return readTorrent(...(await this.#send("GET", torrentPath(infoHash), undefined, options)));
  }

  /** Adds a torrent: only `info_hash` is needed. */
  async addTorrent(torrent: NewTorrent, options?: CallOptions): Promise<Torrent> {
    return readTorrent(...(await this.#send("POST", "/v1/torrents", torrent, options)));
  }

  /** Adds all of these torrents (20,000 at most) or none; `Problem.index` names the bad one. */
  async addTorrents(torrents: Iterable<NewTorrent>, options?: CallOptions): Promise<Torrent[]> {
    const [added] = await this.#send("POST", "/v1/torrents", [...torrents], options);
    return (added as unknown[]).map((each) => readTorrent(each));
  }

  /** Creates a torrent, or sets all but its counters to `fields` and their defaults. */
  async putTorrent(infoHash: string, fields: TorrentFields, options?: CallOptions): Promise<Torrent> {
    return readTorrent(...(await this.#send("PUT", torrentPath(infoHash), fields, options)));
  }

  /** Changes what is named: `{ multiplier_down: 0 }` is freeleech. */
  async changeTorrent(infoHash: string, fields: TorrentFields, options?: CallOptions): Promise<Torrent> {
    return readTorrent(...(await this.#send("PATCH", torrentPath(infoHash), fields, options)));
  }

  /** Changes what is named of all of these torrents, as `changeUsers` does. */
  async changeTorrents(changes: Iterable<TorrentFields & { info_hash: string }>, options?: CallOptions): Promise<Torrent[]> {
    const [changed] = await this.#send("PATCH", "/v1/torrents", [...changes], options);
    return (changed as unknown[]).map((each) => readTorrent(each));
  }

  /** Deletes a torrent; `reason` is what those who still announce it read. */
  async deleteTorrent(infoHash: string, reason = "", options?: CallOptions): Promise<void> {
    const query = reason === "" ? "" : `?reason=${encodeURIComponent(reason)}`;
    await this.#send("DELETE", torrentPath(infoHash) + query, undefined, options);
  }

  // ---- roles, the whitelist, and the rest

  /** Yields all roles in order of id. */
  roles(options?: CallOptions): AsyncGenerator<Role> {
    return this.#pages("/v1/roles", (shown) => shown as Role, options);
  }

  /** Adds a role: only `name` is needed. */
  async addRole(role: RoleFields & { name: string }, options?: CallOptions): Promise<Role> {
    return (await this.#send("POST", "/v1/roles", role, options))[0] as Role;
  }

  /** Changes what is named; it counts from its users' next announces. */
  async changeRole(id: number, fields: RoleFields, options?: CallOptions): Promise<Role> {
    return (await this.#send("PATCH", `/v1/roles/${id}`, fields, options))[0] as Role;
  }

  /** Deletes a role; its users count as having the default one. */
  async deleteRole(id: number, options?: CallOptions): Promise<void> {
    await this.#send("DELETE", `/v1/roles/${id}`, undefined, options);
  }

  /** Yields the whitelisted clients in order of prefix. */
  whitelist(options?: CallOptions): AsyncGenerator<WhitelistedClient> {
    return this.#pages("/v1/whitelist", (shown) => shown as WhitelistedClient, options);
  }

  /** Whitelists the clients whose peer id begins with `prefix`. */
  async allowClient(prefix: string, name: string, options?: CallOptions): Promise<void> {
    await this.#send("PUT", `/v1/whitelist/${encodeURIComponent(prefix)}`, { name }, options);
  }

  /** Takes a prefix off the whitelist. */
  async disallowClient(prefix: string, options?: CallOptions): Promise<void> {
    await this.#send("DELETE", `/v1/whitelist/${encodeURIComponent(prefix)}`, undefined, options);
  }

  async status(options?: CallOptions): Promise<Status> {
    return (await this.request("GET", "/v1/status", undefined, options)) as Status;
  }

  /** Sends any other request of the API; resolves to decoded JSON, in which integers beyond 2^53 are bigints. */
  async request(method: string, path: string, body?: unknown, options?: CallOptions): Promise<unknown> {
    return (await this.#send(method, path, body, options))[0];
  }

  // ---- how

  async *#pages<T>(
    path: string,
    read: (shown: unknown) => T,
    options: CallOptions & { page?: number } = {},
  ): AsyncGenerator<T> {
    let after: string | null = null;
    do {
      const query = new URLSearchParams({ limit: String(options.page ?? PAGE), ...(after === null ? {} : { after }) });
      const [shown] = await this.#send("GET", `${path}?${query}`, undefined, options);
      const page = shown as { items: unknown[]; next: string | null };
      for (const item of page.items) yield read(item);
      if (page.next !== null && page.next === after) {
        throw new Unreachable(`${this.url}${path} answers the same page again and again`);
      }
      after = page.next;
    } while (after !== null);
  }

  async #send(
    method: string,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<[unknown, string | undefined]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(method, path, body, options);
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        const wait = problem.retryAfter ?? 0.5 * 2 ** (attempt - 1);
        const temporary = problem.status === 429 || problem.status === 503;
        if (!temporary || !IDEMPOTENT.has(method) || attempt >= this.#attempts || wait > LONGEST_WAIT) throw problem;
        await sleep(wait * 1000, undefined, options.signal === undefined ? {} : { signal: options.signal });
      }
    }
  }

  async #sendOnce(
    method: string,
    path: string,
    body: unknown,
    { ifMatch, onlyNew, signal }: CallOptions,
  ): Promise<[unknown, string | undefined]> {
    const limit = AbortSignal.timeout(this.#timeout);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.url + path, {
        method,
        headers: {
          Authorization: `Bearer ${this.#token}`,
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(ifMatch === undefined ? {} : { "If-Match": ifMatch }),
          ...(onlyNew === true ? { "If-None-Match": "*" } : {}),
        },
        ...(body === undefined ? {} : { body: stringify(body) }),
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
        redirect: "manual", // the token is for this address
      });
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      const unknown = method === "GET" ? "" : " (whether the change was made is not known)";
      throw new Unreachable(`${this.url} does not answer: ${why(cause)}${unknown}`, { cause });
    }
    let decoded: unknown;
    try {
      decoded = text === "" ? undefined : parse(text);
    } catch {
      decoded = undefined;
    }
    if (!response.ok) throw Problem.read(response.status, decoded, response.headers.get("Retry-After"));
    if (decoded === undefined && response.status !== 204) {
      throw new Unreachable(`${this.url}${path} does not answer as mika does: is the URL right?`);
    }
    return [decoded, response.headers.get("ETag") ?? undefined];
  }
}

function torrentPath(infoHash: string): string {
  return `/v1/torrents/${encodeURIComponent(infoHash)}`;
}

function torrentKeyPath(id: number, infoHash: string): string {
  return `/v1/users/${id}/torrents/${encodeURIComponent(infoHash)}/key`;
}

function freeleechPath(id: number, infoHash: string): string {
  return `/v1/users/${id}/freeleech/${encodeURIComponent(infoHash)}`;
}

/** Returns the words of an error; those of fetch are "fetch failed", and its cause says why. */
function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return why(error.cause);
  return error.message || error.name;
}
