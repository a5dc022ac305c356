/**
 * The routes of operators but for those of events, as programs see them.
 *
 * @module
 */

import { z } from "zod";
import type { ErrorCode } from "../../../errors.ts";
import { HEALTH_PARTS, TROUBLE_STATES } from "../../../health/trouble.ts";
import { TRANSPORT_NAMES } from "../../../relay/protocol/messages.ts";
import { WINDOW_NAMES } from "../../statistics/figures.ts";
import { amount, json, named, type Operation, time } from "./operation.ts";

/** An operation behind the admin token. */
export function admin(
  method: "GET" | "POST",
  path: string,
  id: string,
  summary: string,
  answer: z.ZodType,
  more: Partial<Operation> = {},
): Operation {
  return { method, path, id, summary, security: "admin", answers: { 200: json("Done.", answer) }, ...more };
}

/** What a route that reads or writes the journal may meet. */
export const JOURNAL_ERRORS: readonly ErrorCode[] = ["invalid_query", "journal_unavailable"];

/** What is left out for those who are no admins. */
function ofAdmins<Schema extends z.ZodType>(schema: Schema): z.ZodOptional<Schema> {
  return schema.optional().meta({ description: "Left out unless the token is an admin's." });
}

/** `NAMESPACE/ID` in a query. */
export const webhookName = z.string().meta({ description: "The webhook: `NAMESPACE/ID`." });

const finding = {
  key: z.string().meta({ description: "`webhook team-a/orders`, `connection kafka_main`, or a file." }),
  revision: z.string(),
  code: z.string(),
  path: z.string().meta({ description: "Where in the value; empty for the value as a whole." }),
  message: z.string(),
};

const problem = named(
  "Problem",
  z.object({
    ...finding,
    serving: z.enum(["last_good", "nothing"]),
    place: z.string().optional().meta({ description: "File and line, where there are several files." }),
    since: time(),
    age_seconds: amount(),
  }),
);

const warning = named("Warning", z.object(finding));
const size = { webhooks: amount(), connections: amount() };

const configuration = named(
  "Configuration",
  z.object({
    backend: z.enum(["file", "etcd"]),
    connected: z.boolean(),
    degraded: z.boolean(),
    revision: z.string(),
    missing: z.string().optional(),
    last_sync_at: time().nullable(),
    outage: z.object({ reason: z.string(), message: z.string(), since: time() }).nullable(),
    ...size,
    keys: z.object({ ok: amount(), stale: amount(), invalid: amount() }),
    snapshot: z.object({
      file: z.string(),
      state: z.enum(["written", "waiting", "failing"]),
      since: time().nullable(),
      reason: z.string().nullable(),
    }).nullable().meta({
      description: "The copy of the last good configuration; `null` where none is kept.",
    }),
    unserved: z.object({ count: amount(), keys: z.array(z.string()) }).meta({
      description: "Keys that this instance has no good value of, and others may have.",
    }),
    problem_count: amount(),
    problems: z.array(problem),
    warning_count: amount(),
    warnings: z.array(warning),
    vault: z.object({
      state: z.enum(["unused", "working", "token_ending", "failing"]),
      since: time(),
      reason: z.string().nullable(),
      token_expires_at: time().nullable(),
    }).optional(),
  }),
);

const output = named(
  "OutputState",
  z.object({
    module: z.string(),
    state: z.enum(["idle", "open", "failing", "throttled", "out_of_reach"]),
    active: amount(),
    failure: z.object({ code: z.string(), message: z.string() }).optional(),
  }),
);

const connections = named(
  "Connections",
  z.object({
    connections: z.array(z.object({
      name: z.string(),
      type: z.string(),
      in_webhook: z.literal(true).optional(),
      outputs: z.array(output),
    })),
    other_outputs: z.array(output),
  }),
);

const stop = {
  state: z.string(),
  since: time(),
  cause: z.string(),
  next_try_at: time().optional(),
};

const webhook = named(
  "WebhookState",
  z.object({
    namespace: z.string(),
    webhook: z.string(),
    state: z.enum(["ok", "stale", "invalid", "disabled"]),
    problems: z.array(problem),
    warnings: z.array(warning),
    modules: z.array(z.string()),
    accept: z.enum(["delivered", "durable"]).nullable(),
    deliveries: z.object({
      state: z.string(),
      since: time().optional(),
      cause: z.string().optional(),
      next_try_at: time().optional(),
    }),
    requests: z.record(z.string(), amount()).meta({ description: "How many requests had which outcome." }),
    refusals: z.array(z.object({
      time: time(),
      status: z.int(),
      code: z.string(),
      reason: z.string(),
      client: z.string(),
      request_id: z.string(),
    })),
  }),
);

const trouble = named(
  "Trouble",
  z.object({
    part: z.string(),
    name: z.string(),
    kind: z.string(),
    state: z.enum(TROUBLE_STATES),
    cause: z.string().meta({ description: "What is wrong, and what to do." }),
    count: amount().optional(),
    since: time(),
  }),
);

const part = z.object({ state: z.enum(["well", ...TROUBLE_STATES]), count: amount() });

/** How each part is. */
export const parts = z.record(z.enum(HEALTH_PARTS), part).meta({
  description: "How each part is: as its worst trouble, and how many it has.",
});

/** What is wrong, the worst first. */
export const troubles = z.array(trouble);

const status = named(
  "Status",
  z.object({
    status: z.enum(["well", "impaired", "down"]),
    counts: z.object({ down: amount(), impaired: amount(), off: amount() }),
    unlisted: amount(),
    parts,
    subjects: z.array(z.object({
      part: z.enum(HEALTH_PARTS),
      name: z.string(),
      state: z.enum(["well", ...TROUBLE_STATES]),
    })).optional().meta({ description: "Of one webhook: itself and what it depends on." }),
    troubles,
  }),
);

const stateOperations: readonly Operation[] = [
  admin("GET", "/admin/config", "getConfiguration", "What is served, and every problem", configuration),
  admin("GET", "/admin/connections", "getConnections", "Every connection and its outputs", connections),
  admin(
    "GET",
    "/admin/webhooks/{namespace}/{webhook_id}",
    "getWebhook",
    "One webhook: its state, its requests, its last refusals",
    webhook,
    { errors: ["webhook_not_found"] },
  ),
  admin(
    "GET",
    "/admin/webhooks",
    "listWebhooks",
    "The webhooks by their names",
    named(
      "WebhookPage",
      z.object({
        webhooks: z.array(z.object({
          namespace: z.string(),
          webhook: z.string(),
          state: z.enum(["ok", "stale", "invalid", "disabled"]),
          modules: z.array(z.string()),
          accept: z.enum(["delivered", "durable"]).nullable(),
        })),
        count: amount().meta({ description: "How many have the text in their names." }),
        after: z.string().nullable().meta({ description: "Of the next page; null on the last one." }),
      }),
    ),
    {
      query: z.object({
        search: z.string().optional().meta({ description: "A part of `NAMESPACE/ID`." }),
        after: z.string().optional().meta({ description: "`after` of the page before." }),
        limit: z.int().min(1).max(1000).optional().meta({ description: "Entries of a page. Default: 100." }),
      }),
      errors: ["invalid_query"],
    },
  ),
  admin(
    "GET",
    "/admin/changes",
    "listChanges",
    "Who has changed what lately, the newest first; a restart forgets them, and the log does not",
    named(
      "ChangeList",
      z.object({
        changes: z.array(z.looseObject({
          time: time(),
          level: z.enum(["info", "warning"]).meta({ description: "`warning`: it was refused." }),
          action: z.string().meta({ description: "The kind of line, as in the log." }),
          key: z.string().optional(),
          revision: z.string().optional(),
          who: z.string().optional(),
        })),
      }),
    ),
    {
      query: z.object({
        limit: z.int().min(1).max(1000).optional().meta({ description: "Most entries. Default: 100." }),
      }),
      errors: ["invalid_query"],
    },
  ),
  admin("GET", "/admin/status", "getStatus", "What is wrong, the worst first", status, {
    query: z.object({
      of: z.string().optional().meta({ description: "A namespace, or a webhook such as `team-a/orders`." }),
    }),
    errors: ["webhook_not_found"],
  }),
  admin(
    "GET",
    "/admin/stats",
    "getProcessStats",
    "Uptime, requests under way, sizes",
    named(
      "ProcessStats",
      z.object({
        uptime_seconds: amount(),
        inflight_requests: ofAdmins(amount()),
        inflight_bytes: ofAdmins(amount()),
        requests: ofAdmins(z.object({ accepted: amount(), refused: amount(), failed: amount() })),
        ...size,
      }),
    ),
  ),
  admin(
    "POST",
    "/admin/reload",
    "reload",
    "Looks for changed configuration now",
    named("Reloaded", z.object({ message: z.string(), ...size })),
  ),
];

const figures = named(
  "Figures",
  z.object(Object.fromEntries(["total", ...WINDOW_NAMES].map((name) => [name, amount()]))),
);

const statisticsOperations: readonly Operation[] = [
  admin(
    "GET",
    "/stats",
    "getStatistics",
    "How many requests each webhook has accepted",
    named(
      "Statistics",
      z.record(z.string(), figures).meta({
        description: "By webhook: `ID` in the default namespace, otherwise `NAMESPACE/ID`.",
      }),
    ),
  ),
];

const WEBHOOK_QUERY = z.object({ webhook: webhookName });

const stopOperations: readonly Operation[] = [
  admin(
    "GET",
    "/admin/stops",
    "getStops",
    "Webhooks whose deliveries are stopped",
    named(
      "Stops",
      z.object({ webhooks: z.array(z.object({ namespace: z.string(), webhook: z.string(), ...stop })) }),
    ),
  ),
  admin(
    "POST",
    "/admin/stops/pause",
    "pauseWebhook",
    "Pauses the deliveries of a webhook",
    named("Stopped", z.object({ namespace: z.string(), webhook: z.string(), ...stop })),
    { query: WEBHOOK_QUERY, errors: [...JOURNAL_ERRORS, "webhook_not_found"] },
  ),
  admin(
    "POST",
    "/admin/stops/resume",
    "resumeWebhook",
    "Has a webhook deliver again, whatever has stopped it",
    named("Resumed", z.object({ namespace: z.string(), webhook: z.string(), resumed: z.boolean() })),
    { query: WEBHOOK_QUERY, errors: [...JOURNAL_ERRORS, "webhook_not_found"] },
  ),
];

const connectorOperations: readonly Operation[] = [
  admin(
    "GET",
    "/admin/connectors",
    "listConnectors",
    "The connectors of this gateway, and those that it waits for to resume",
    named(
      "Connectors",
      z.object({
        connectors: z.array(z.object({
          id: z.string(),
          channel: z.string(),
          name: z.string().meta({ description: "As the connector has named itself; may be empty." }),
          address: z.string(),
          transport: z.enum(TRANSPORT_NAMES),
          connected: z.boolean(),
          since: time(),
          window: amount().meta({ description: "Messages that it may have unacknowledged." }),
          in_flight: amount(),
          silent_ms: amount().meta({ description: "Since when nothing was heard of it." }),
          acknowledged_at: time().nullable(),
        })),
        unlisted: amount(),
      }),
    ),
    { query: z.object({ channel: z.string().optional() }), errors: ["invalid_query"] },
  ),
  admin(
    "POST",
    "/admin/connectors/end",
    "endConnector",
    "Ends a connector's connection: what it holds is handed out again, and it may come again",
    named("ConnectorEnded", z.object({ ended: z.literal(true), channel: z.string() })),
    { query: z.object({ id: z.string() }), errors: ["invalid_query", "not_found"] },
  ),
];

const handshake = named(
  "Handshake",
  z.object({
    webhook: z.string(),
    secret_named: z.boolean(),
    open_until: time().nullable(),
    taken_at: time().nullable(),
    shown: z.boolean(),
  }),
);

const HANDSHAKE_ERRORS: readonly ErrorCode[] = [...JOURNAL_ERRORS, "webhook_not_found"];

const handshakeOperations: readonly Operation[] = [
  admin("GET", "/admin/handshakes", "getHandshake", "Whether a secret is waited for", handshake, {
    query: WEBHOOK_QUERY,
    errors: HANDSHAKE_ERRORS,
  }),
  admin("POST", "/admin/handshakes/open", "openHandshake", "Waits for a secret", handshake, {
    query: z.object({
      webhook: webhookName,
      seconds: z.int().min(1).max(24 * 3600).meta({ description: "For how long." }),
    }),
    errors: HANDSHAKE_ERRORS,
  }),
  admin(
    "POST",
    "/admin/handshakes/show",
    "showHandshake",
    "The secret that was brought, once",
    named("HandshakeSecret", z.object({ webhook: z.string(), secret: z.string() })),
    { query: WEBHOOK_QUERY, errors: HANDSHAKE_ERRORS },
  ),
  admin(
    "POST",
    "/admin/handshakes/forget",
    "forgetHandshake",
    "Drops the secret",
    named("HandshakeForgotten", z.object({ webhook: z.string(), forgotten: z.boolean() })),
    { query: WEBHOOK_QUERY, errors: HANDSHAKE_ERRORS },
  ),
];

const journal = named(
  "Journal",
  z.object({
    bytes: ofAdmins(amount()),
    max_bytes: ofAdmins(amount()),
    pending: ofAdmins(amount().nullable()),
    oldest_pending_seconds: ofAdmins(amount().nullable()),
    dead_letters: ofAdmins(amount()),
    webhooks: z.array(z.object({ namespace: z.string(), webhook: z.string(), bytes: amount() })),
  }),
);

const journalOperations: readonly Operation[] = [
  admin("GET", "/admin/journal", "getJournal", "Size of the journal, and who holds it", journal),
  admin(
    "POST",
    "/admin/journal/hold",
    "holdJournal",
    "Keeps the journal's file as it is, for half an hour at most",
    named("JournalHold", z.object({ hold: z.int(), inode: z.int() })),
    { errors: ["not_found", "journal_unavailable"] },
  ),
  admin(
    "POST",
    "/admin/journal/release",
    "releaseJournal",
    "Ends that",
    named("JournalReleased", z.object({ released: z.literal(true) })),
    {
      query: z.object({ hold: z.int().meta({ description: "The number of the hold." }) }),
      errors: [...JOURNAL_ERRORS, "not_found"],
    },
  ),
  admin(
    "POST",
    "/admin/journal/salvage",
    "salvageJournal",
    "Takes over what can be read of a file that was set aside",
    named(
      "JournalSalvaged",
      z.object({ pending: amount(), messages: amount(), dead_letters: amount(), is_damaged: z.boolean() }),
    ),
    {
      query: z.object({ file: z.string().meta({ description: "Its name in the journal's directory." }) }),
      errors: [...JOURNAL_ERRORS, "not_found"],
    },
  ),
];

/** The routes below `/admin/`, but for events and dead letters. */
export const adminOperations: readonly Operation[] = [
  ...stateOperations,
  ...statisticsOperations,
  ...stopOperations,
  ...connectorOperations,
  ...handshakeOperations,
  ...journalOperations,
];
