/** A client of the mika tracker's admin API: `new Client()` takes MIKA_URL, MIKA_TOKEN and MIKA_CA from the environment. */
export { Client, type CallOptions, type ClientOptions } from "./client.js";
export { Metainfo, BadTorrent } from "./metainfo.js";
export {
  ratio,
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
export { Problem, Unreachable, type FieldError } from "./problem.js";
export { fetchTrusting, type Fetch } from "./trust.js";
