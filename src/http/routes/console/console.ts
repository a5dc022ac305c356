/**
 * `/admin/ui/`: the files of the console. They are read and compressed when the first one is asked for.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import type { Handler, Route } from "../../router.ts";
import { type SessionGuard, sessionRoute } from "./session.ts";

const PATH = "/admin/ui/";

/** Nothing from anywhere else, nothing within the text of a page, and no other page around this one. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
  vary: "accept-encoding",
};

/** The routes of the console. */
export function consoleRoutes(guard: SessionGuard): Route[] {
  const file: Handler = Object.assign(
    (request: Request, _id: string, rest: string) => answer(request, rest),
    { role: "anybody" as const },
  );
  const away: Handler = Object.assign(
    () => new Response(null, { status: 308, headers: { location: PATH } }),
    { role: "anybody" as const },
  );
  return [
    { path: PATH, isPrefix: true, methods: { GET: file } },
    { path: "/admin/ui", methods: { GET: away } },
    sessionRoute(guard),
  ];
}

async function answer(request: Request, name: string): Promise<Response> {
  const { findAsset } = await import("./assets.ts");
  const asset = await findAsset(name === "" ? "index.html" : name);
  if (asset === undefined) throw new GatewayError("not_found");
  const { etag, type, plain, gzip } = asset;
  if (request.headers.get("if-none-match")?.includes(etag) === true) {
    return new Response(null, { status: 304, headers: { ...HEADERS, etag } });
  }
  const isCompressed = /\bgzip\b/i.test(request.headers.get("accept-encoding") ?? "");
  return new Response(isCompressed ? gzip : plain, {
    headers: {
      ...HEADERS,
      etag,
      "content-type": type,
      ...(isCompressed ? { "content-encoding": "gzip" } : {}),
    },
  });
}
