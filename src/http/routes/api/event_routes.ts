/**
 * The routes of events and dead letters, as programs see them.
 *
 * @module
 */

import { z } from "zod";
import { QUERY_NAMES } from "../../../dead_letters/query.ts";
import { LISTED_STATES, RECORD_QUERY_NAMES } from "../../../records/query.ts";
import { questionSchema } from "../events/described_event.ts";
import { admin, JOURNAL_ERRORS } from "./admin_routes.ts";
import { amount, json, named, type Operation, time } from "./operation.ts";

const contents = {
  event_type: z.string().optional(),
  headers: z.record(z.string(), z.string()).meta({ description: "Without the values of credentials." }),
  body: z.string().optional().meta({ description: "The body, where it is UTF-8." }),
  body_base64: z.string().optional(),
};

const age = (text: string) =>
  z.string().optional().meta({ description: `${text}, such as \`30s\` or \`7d\`.` });

/** What each condition of a filter means. */
const CONDITIONS = {
  id: z.array(z.string()).optional().meta({ description: "Ids of events." }),
  namespace: z.string().optional().meta({ description: "Namespace of the webhook." }),
  webhook: z.string().optional().meta({ description: "The webhook: `ID` or `NAMESPACE/ID`." }),
  connection: z.string().optional().meta({ description: "What could not take the event." }),
  reason: z.string().optional().meta({ description: "The code of the failure." }),
  state: z.array(z.enum(LISTED_STATES)).optional().meta({ description: "Where it stands." }),
  since: time().optional().meta({ description: "Received at this time or later." }),
  until: time().optional().meta({ description: "Received before this time." }),
  "newer-than": age("Less long ago than"),
  "older-than": age("Longer ago than"),
} as const;

function conditions(names: readonly (keyof typeof CONDITIONS)[]): Record<string, z.ZodType> {
  return Object.fromEntries(names.map((name) => [name, CONDITIONS[name]]));
}

const all = z.enum(["true"]).optional().meta({ description: "Needed to mean everything, without a filter." });
const limit = z.int().min(1).max(1000).optional().meta({ description: "Entries of a page. Default: 100." });
const cursor = z.string().optional().meta({ description: "`cursor` of the page before." });
const nextCursor = z.string().nullable().meta({ description: "Of the next page; null on the last one." });

const describedEvent = named("DescribedEvent", questionSchema);

/** Which requests are meant. */
const wanted = {
  namespace: z.string().optional(),
  webhook: z.string().optional().meta({ description: "`NAMESPACE/ID`, which need not exist." }),
  outcome: z.string().optional().meta({ description: "`accepted`, …, or the code of an error." }),
  refused: z.enum(["true"]).optional().meta({ description: "Those with a status from 400 on." }),
};

const letter = {
  id: z.string(),
  namespace: z.string(),
  webhook: z.string(),
  connection: z.string(),
  reason: z.string(),
  message: z.string(),
  attempts: amount(),
  received_at: time(),
  died_at: time(),
  bytes: amount(),
};

const letters = conditions(QUERY_NAMES);

const deadLetterOperations: readonly Operation[] = [
  admin(
    "GET",
    "/admin/dead-letters",
    "listDeadLetters",
    "Events that could not be delivered, the oldest first",
    named(
      "DeadLetters",
      z.object({ dead_letters: z.array(named("DeadLetter", z.object(letter))), cursor: nextCursor }),
    ),
    { query: z.object({ ...letters, limit, cursor }), errors: JOURNAL_ERRORS },
  ),
  admin(
    "GET",
    "/admin/dead-letters/show",
    "getDeadLetter",
    "One of them with headers and body",
    named("DeadLetterDetail", z.object({ ...letter, ...contents })),
    {
      query: z.object({ id: z.string().meta({ description: "The event's id." }) }),
      errors: [...JOURNAL_ERRORS, "not_found"],
    },
  ),
  admin(
    "POST",
    "/admin/dead-letters/replay",
    "replayDeadLetters",
    "Delivers them again",
    named("DeadLettersReplayed", z.object({ replayed: amount() })),
    { query: z.object({ ...letters, all }), errors: JOURNAL_ERRORS },
  ),
  admin(
    "POST",
    "/admin/dead-letters/drop",
    "dropDeadLetters",
    "Removes them for good",
    named("DeadLettersDropped", z.object({ dropped: amount() })),
    { query: z.object({ ...letters, all }), errors: JOURNAL_ERRORS },
  ),
];

const event = named(
  "Event",
  z.object({
    id: z.string(),
    namespace: z.string(),
    webhook: z.string(),
    state: z.enum(LISTED_STATES),
    received_at: time(),
    cursor: z.string().meta({
      description: "Has a list of the same filter and order go on behind this one.",
    }),
    bytes: amount().optional(),
    attempts: amount().optional(),
    next_attempt_at: time().optional(),
    delivered_at: time().optional(),
    died_at: time().optional(),
    channel: z.string().optional(),
    reason: z.string().optional().meta({ description: "The code of the last failure, or of the refusal." }),
    message: z.string().optional(),
    connection: z.string().optional(),
    status: z.int().optional().meta({
      description: "Of the answer to a request that is not in the journal.",
    }),
    lost_at_restart: z.literal(true).optional().meta({
      description: "Of requests that are not in the journal: the last ones of each webhook are in memory.",
    }),
    client: z.string().optional(),
    ...contents,
    headers: contents.headers.optional(),
  }),
);

const records = conditions(RECORD_QUERY_NAMES);

const condition = named(
  "ExplainedCondition",
  z.object({
    expression: z.string(),
    result: z.enum(["true", "false", "missing_field", "error", "budget"]),
    reason: z.string().optional(),
    clauses: z.array(z.object({
      text: z.string(),
      line: z.int(),
      column: z.int(),
      value: z.union([z.boolean(), z.string()]),
      absent: z.array(z.object({ path: z.string(), members: z.array(z.string()), others: amount() })),
    })),
    steps: amount(),
    budget: amount(),
  }),
);

const explained = named(
  "ExplainedEvent",
  z.object({
    webhook: z.string(),
    outcome: z.enum(["passes", "filtered", "error"]),
    events: z.boolean().optional(),
    filter: condition.optional(),
    steps: z.array(z.object({
      name: z.string(),
      runs: z.boolean(),
      when: condition.optional(),
      otherwise: z.literal(true).optional(),
      payload: z.string().optional(),
      payload_base64: z.string().optional(),
      error: z.string().optional(),
    })),
  }),
);

const recordOperations: readonly Operation[] = [
  admin(
    "GET",
    "/admin/events",
    "listEvents",
    "The events of the journal, and the last requests that have left none there",
    named("Events", z.object({ events: z.array(event), cursor: nextCursor })),
    {
      query: z.object({
        ...records,
        order: z.enum(["newest", "oldest"]).optional().meta({ description: "Default: `newest`." }),
        contents: z.enum(["false", "true"]).optional().meta({ description: "Whether with bodies." }),
        limit,
        cursor,
      }),
      errors: JOURNAL_ERRORS,
    },
  ),
  admin(
    "POST",
    "/admin/events/replay",
    "replayEvents",
    "Delivers events again: one step of it",
    named("EventsReplayed", z.object({ replayed: amount(), skipped: amount(), cursor: nextCursor })),
    {
      query: z.object({
        ...records,
        all,
        to: z.string().optional().meta({ description: "`NAMESPACE/ID` of the webhook that gets copies." }),
        limit,
        cursor,
      }),
      errors: [
        ...JOURNAL_ERRORS,
        "journal_share_full",
        "webhook_not_found",
        "webhook_disabled",
        "webhook_misconfigured",
        "secret_unavailable",
        "connection_unresolved",
      ],
    },
  ),
  admin(
    "POST",
    "/admin/events/drop",
    "dropEvents",
    "Removes events that wait or are dead letters for good, or says how many those are: one step of it",
    named(
      "EventsDropped",
      z.object({ matching: amount(), dropped: amount(), kept: amount(), cursor: nextCursor }),
    ),
    {
      query: z.object({
        ...records,
        state: z.array(z.enum(["waiting", "dead_letter"])).optional().meta({ description: "Default: both." }),
        all,
        confirm: z.enum(["false", "true"]).optional().meta({
          description: "`true` drops them. Default: `false`, which counts them.",
        }),
        limit,
        cursor,
      }),
      errors: JOURNAL_ERRORS,
    },
  ),
  admin(
    "POST",
    "/admin/events/retry",
    "retryEvents",
    "Tries again at once what waits for its next attempt, and asks outputs that are left alone whether they are back",
    named("EventsRetried", z.object({ webhooks: amount(), events: amount() })),
    {
      query: z.object({
        webhook: z.string().optional().meta({ description: "`NAMESPACE/ID`." }),
        namespace: z.string().optional(),
        all,
      }),
      errors: ["invalid_query"],
    },
  ),
  admin(
    "POST",
    "/admin/send",
    "sendTestEvent",
    "Sends a test event through a webhook, marked as such to its outputs; the role stands for the sender's credentials",
    named(
      "TestSent",
      z.object({
        webhook: z.string(),
        event_id: z.string().meta({ description: "It begins with `test-`." }),
        accept: z.enum(["delivered", "durable"]),
        outcome: z.string().nullable().meta({ description: "`accepted`, …, or the code of an error." }),
        verified_by: z.string().meta({ description: "Whose role stands for the sender's credentials." }),
        status: z.int().meta({ description: "What its sender would have got." }),
        content_type: z.string().nullable(),
        answer: z.string(),
      }),
    ),
    {
      body: json("The event.", describedEvent),
      errors: [
        "invalid_query",
        "invalid_json",
        "webhook_not_found",
        "body_too_large",
        "body_incomplete",
        "invalid_content_length",
      ],
    },
  ),
  admin(
    "GET",
    "/admin/requests",
    "listRequests",
    "The last requests of each webhook, accepted and refused ones, the newest first; a restart forgets them",
    named(
      "RequestPage",
      z.object({
        since: time().meta({
          description: "When the gateway has started: of what was before nothing is known.",
        }),
        requests: z.array(named(
          "AnsweredRequest",
          z.object({
            time: time(),
            namespace: z.string(),
            webhook: z.string(),
            outcome: z.string().meta({ description: "`accepted`, …, or the code of an error." }),
            status: z.int(),
            id: z.string().meta({ description: "The request's id, and the event's where there is one." }),
            ms: amount().nullable().meta({ description: "How long it took; null where it was refused." }),
            bytes: amount().nullable().meta({ description: "Its body as sent; null where it was refused." }),
            client: z.string().nullable().meta({ description: "The address of whoever was refused." }),
            reason: z.string().nullable(),
          }),
        )),
        others: amount().meta({ description: "How many more there are than `limit`." }),
      }),
    ),
    { query: z.object({ ...wanted, limit }), errors: ["invalid_query"] },
  ),
  {
    method: "GET",
    path: "/admin/tail",
    id: "tailRequests",
    summary: "Requests as they are answered",
    security: "admin",
    query: z.object(wanted),
    answers: {
      200: {
        description:
          "Each `data` is a request with `at`, `namespace`, `webhook`, `outcome`, `status`, `id`, `ms`, `bytes`, " +
          "`client` and `reason`, or with `event: dropped` the number of `requests` that were too fast.",
        type: "text/event-stream",
      },
    },
    errors: ["invalid_query", "overloaded"],
  },
  admin("POST", "/admin/filter", "explainEvent", "What a webhook would do with an event", explained, {
    body: json("The event that is asked about.", describedEvent),
    errors: [
      "invalid_query",
      "invalid_json",
      "webhook_not_found",
      "body_too_large",
      "body_incomplete",
      "invalid_content_length",
    ],
  }),
];

/** `/admin/dead-letters…`, `/admin/events…`, `/admin/filter`. */
export const eventOperations: readonly Operation[] = [...deadLetterOperations, ...recordOperations];
