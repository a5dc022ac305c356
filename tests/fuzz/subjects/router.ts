/**
 * Any method, host, path and query, to webhooks and to every other route.
 *
 * @module
 */

import type { SeededRandom } from "../../faults/random.ts";
import { SocketlessGateway } from "../../support/socketless_gateway.ts";
import { discardingModule } from "../discarding_module.ts";
import { anyText, mutateText } from "../mutation.ts";
import { FuzzRequest, headersOf } from "../requests.ts";
import type { FuzzSubject } from "../subject.ts";

type Random = SeededRandom;

const ADMIN_TOKEN = "only-for-the-fuzzing";

const METHODS = [
  "POST",
  "POST",
  "POST",
  "PUT",
  "GET",
  "HEAD",
  "OPTIONS",
  "DELETE",
  "PATCH",
  "post",
  "PROPFIND",
  "M-SEARCH",
  "_",
];

const HOSTS = ["localhost", "127.0.0.1:8000", "[::1]:80", "example.com.", "HOST", "a_b", "%41", ":1"];

const ODD_HOSTS = [
  "",
  "a b",
  "a/b",
  "a/webhook/guarded",
  "user@host",
  "[::1",
  "h:99999",
  "h:-1",
  "é",
  "\u0000",
  "a?b",
  "a#b",
];

const PATHS = [
  "/webhook/open",
  "/webhook/default/open",
  "/webhook/default/open/",
  "/webhook/guarded",
  "/webhook/broken",
  "/webhook/off",
  "/webhook/",
  "/webhook//",
  "/webhook/_unknown/_unknown",
  "/livez",
  "/readyz",
  "/health",
  "/metrics",
  "/",
  "/admin/config",
  "/admin/webhooks/default/guarded",
  "/admin/webhooks?limit=1",
  "/admin/dead-letters?limit=2&before=0",
  "/admin/dead-letters/0",
  "/admin/dead-letters/replay",
  "/admin/outputs",
  "/admin/reload",
  "/connect/stream/orders",
  "/connect/ack",
];

const PARTS = [
  "/",
  "//",
  "..",
  "/../",
  ".",
  "%2e%2e",
  "%2F",
  "%5c",
  "\\",
  ";",
  "?",
  "??",
  "#",
  "&",
  "=",
  "*",
  "a".repeat(64),
  "a".repeat(65),
];

const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["content-type", ["application/json", "text/plain", ""]],
  ["content-length", ["2", "0", "-1", "2, 2", "2,3", "1e3", "99999999999999999999", "0x2", " 2"]],
  ["expect", ["100-continue", "x"]],
  ["x-forwarded-for", ["127.0.0.1", "::ffff:1.2.3.4, x", ",,,", "1.2.3.4:5, [::1]:7"]],
  ["accept", ["text/event-stream", "*/*", ";q=2"]],
  ["traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0"]],
  ["range", ["bytes=0-"]],
  ["last-event-id", ["1", "é"]],
];

/** The router and everything behind it. */
export const routerSubject: FuzzSubject = {
  name: "router",
  share: 2,
  open: async () => {
    const gateway = await SocketlessGateway.start({
      webhooks: {
        open: { module: "discarding", data_type: "blob" },
        guarded: { module: "discarding", data_type: "blob", authorization: "Bearer of-the-fuzzing" },
        broken: { module: "discarding", unknown_key: 1 },
        off: { module: "discarding", enabled: false },
      },
      modules: [discardingModule],
      environment: { ADMIN_TOKEN },
    });
    return {
      next: (random) => nextOf(gateway, random),
      [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
    };
  },
};

function nextOf(gateway: SocketlessGateway, random: Random): FuzzRequest {
  const given = random.next() < 0.9
    ? random.pick(HOSTS)
    : random.pick([...ODD_HOSTS, mutateText(random, "localhost:80")]);
  // The parser takes white space from both ends of a header's value.
  const host = given.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  const target = asSent(targetOf(random));
  const guarded = target.startsWith("/webhook/guarded");
  const headers = [...headersOf(pickHeaders(random, host))];
  const body = random.next() < 0.5 ? new Uint8Array([0x7b, 0x7d]) : undefined;
  const request = {
    method: random.next() < 0.95 ? random.pick(METHODS) : anyText(random, 8) || "X",
    url: `http://${host}${target}`,
    headers: new Headers(headers),
    body,
  };
  return new FuzzRequest(gateway, request, ({ outcome }) => {
    if (guarded && outcome === "accepted") throw new Error("Let in without credentials");
  });
}

/** A target that a parser lets through: it begins with a slash, and holds no white space and no fragment. */
function asSent(target: string): string {
  return target.replaceAll(/[\0- \x7f#]/g, "").replace(/^(?!\/)/, "/");
}

function targetOf(random: Random): string {
  const path = random.pick(PATHS);
  switch (random.between(0, 4)) {
    case 0:
      return path;
    case 1:
      return mutateText(random, path);
    case 2:
      return path + random.pick(PARTS) + random.pick(PARTS) + anyText(random, 10);
    default:
      return `/${
        Array.from({ length: random.between(0, 6) }, () => random.pick(PARTS)).join(anyText(random, 4))
      }`;
  }
}

function* pickHeaders(random: Random, host: string): Iterable<readonly [string, string]> {
  yield ["host", host];
  if (random.next() < 0.3) {
    yield ["authorization", `Bearer ${random.next() < 0.7 ? ADMIN_TOKEN : anyText(random)}`];
  }
  while (random.next() < 0.4) {
    const [name, values] = random.pick(HEADERS);
    yield [name, random.next() < 0.7 ? random.pick(values) : mutateText(random, random.pick(values))];
  }
}
