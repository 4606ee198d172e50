/** `fetch` with a certificate of one's own: Node's has no option for it without the undici package. */
import { Agent, request as requestHttps } from "node:https";

/** What the client needs of `fetch`; the global one is such a function. */
export type Fetch = (
  url: string,
  init: {
    method: string;
    headers: Record<string, string>;
    body?: string;
    signal: AbortSignal;
    redirect: "manual";
  },
) => Promise<Response>;

/** Returns a fetch, for https only, that trusts the certificates of this PEM text and no others. */
export function fetchTrusting(pem: string): Fetch {
  const agent = new Agent({ ca: pem, keepAlive: true, minVersion: "TLSv1.2" });
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const sent = requestHttps(url, { agent, method, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          const answered = new Headers();
          for (const [name, value] of Object.entries(response.headers)) {
            if (value !== undefined) answered.set(name, String(value));
          }
          const content = status === 204 || status === 304 ? null : Buffer.concat(chunks);
          resolve(new Response(content, { status, headers: answered }));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
}
