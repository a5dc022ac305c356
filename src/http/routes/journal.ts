/**
 * The journal for operators: how full it is and by whom, its file is held while `cwm journal backup` copies it, and
 * files that were set aside are taken over.
 *
 * @module
 */

import type { Caller } from "../../access/caller.ts";
import type { JournalStats } from "../../journal/journal.ts";
import type { JournalFile } from "../../journal/journal_store.ts";
import { GatewayError } from "../../errors.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import type { AdminHandler, Guard } from "./access/guard.ts";

/** The journal as the routes need it. */
export interface JournalSource {
  /** Nothing is appended while the store is larger than this, in bytes. */
  readonly maxBytes: number;
  stats(): JournalStats;
  /** What can be done with a journal that is a file; `undefined` for one that is none. */
  readonly file: Pick<JournalFile, "hold" | "release" | "salvageSetAside"> | undefined;
}

/** The routes below `/admin/journal`. */
export function journalRoutes(source: JournalSource, guard: Guard): Route[] {
  const post = (path: string, handler: AdminHandler): Route => ({
    path,
    methods: { POST: guard("admin", handler) },
  });
  return [
    {
      path: "/admin/journal",
      methods: { GET: guard("viewer", (_request, id, _rest, { caller }) => describe(source, id, caller)) },
    },
    post("/admin/journal/hold", async (_request, id) => {
      return jsonResponse(200, await fileOf(source).hold(), id);
    }),
    post("/admin/journal/release", async (request, id) => {
      await fileOf(source).release(Number(parameter(request, "hold")));
      return jsonResponse(200, { released: true }, id);
    }),
    post("/admin/journal/salvage", async (request, id) => {
      const name = parameter(request, "file");
      const { deadLetters, isDamaged, ...salvaged } = await fileOf(source).salvageSetAside(name);
      return jsonResponse(200, { ...salvaged, dead_letters: deadLetters, is_damaged: isDamaged }, id);
    }),
  ];
}

function fileOf({ file }: JournalSource): NonNullable<JournalSource["file"]> {
  if (file === undefined) throw new GatewayError("not_found", "The journal is no file: it is in PostgreSQL");
  return file;
}

/** What belongs to no webhook is an admin's to know. */
function describe({ maxBytes, stats }: JournalSource, requestId: string, caller: Caller): Response {
  const { pending, oldestAgeMs, deadLetters, bytes, holders } = stats();
  const webhooks = holders.filter(({ namespace }) => caller.sees(namespace))
    .toSorted((a, b) => b.bytes - a.bytes);
  if (!caller.isAdmin) return jsonResponse(200, { webhooks }, requestId);
  return jsonResponse(200, {
    bytes,
    max_bytes: maxBytes,
    pending: pending ?? null,
    oldest_pending_seconds: oldestAgeMs === undefined ? null : Math.round(oldestAgeMs / 1000),
    dead_letters: deadLetters,
    webhooks,
  }, requestId);
}

/** The only parameter that the route has. */
function parameter(request: Request, name: string): string {
  const query = new URL(request.url).searchParams;
  const value = query.get(name);
  if (value === null || query.size !== 1) throw new GatewayError("invalid_query", `Name one '${name}'`);
  return value;
}
