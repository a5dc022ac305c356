/**
 * `module-config` of `websocket`: its schema, and its compiled form that deliveries work from.
 *
 * @module
 */

import {
  type Destination as AskedDestination,
  fileDestinations,
  guardedDestination,
} from "../../policy/destination.ts";
import { ownFiles } from "../../io/own_files/own_files.ts";
import { z } from "zod";
import type { Header } from "../../event/header_policy.ts";
import { allowedHostsField, parseDestination, parsePolicy, urlField } from "../../io/destination_fields.ts";
import type { Destination } from "../../io/http_client.ts";
import { FileTls } from "../../io/tls.ts";
import { JsonPointer } from "../../json/pointer.ts";
import { timeoutField, tlsSchema } from "../../schema/connection_fields.ts";
import { booleanField, integerField, numberField, reportAt } from "../../schema/fields.ts";
import { HEADER_NAME, KEYS_NAME_HEADERS } from "../../schema/header_names.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { configuredHeaders } from "../configured_headers.ts";

/**
 * What shows that an event has arrived.
 *
 * - `written`: nothing; it was handed to the network.
 * - `pong`: the peer answers a ping that was sent behind it.
 * - `answer`: the peer sends any message.
 * - a pair of places: the peer sends a document that names the event.
 */
export type Confirmation = "written" | "pong" | "answer" | Acknowledgement;

/** Where a document that acknowledges an event has what. */
export interface Acknowledgement {
  /** The event's id. */
  readonly id: JsonPointer;
  /** Something that is there when the event was not taken; `undefined` where nothing says so. */
  readonly error: JsonPointer | undefined;
}

/** A compiled `module-config`. */
export interface WebsocketConfig {
  readonly destination: Destination;
  /** Where it leads and which files it reads, as policies know it. */
  readonly asked: readonly AskedDestination[];
  readonly headers: readonly Header[];
  readonly subprotocols: readonly string[];
  readonly format: "json" | "raw" | "envelope";
  readonly forwardsHeaders: boolean;
  readonly confirmation: Confirmation;
  /** Longest message, in bytes. */
  readonly maxMessageBytes: number;
  readonly pingIntervalMs: number;
  readonly timeoutMs: number;
  readonly isBlob: boolean;
  /** Equal for configurations whose events go over one connection. */
  readonly identity: string;
}

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 300;
const DEFAULT_PING_SECONDS = 20;
const DEFAULT_ID_PLACE = "/event_id";

/** Where credentials for the handshake belong. */
const INSTEAD_OF_CREDENTIALS = "give an Authorization header in headers";

const pointerField = z.string().transform((place, issues) => {
  const pointer = place === "" ? undefined : JsonPointer.parse(place);
  if (pointer !== undefined) return pointer;
  issues.addIssue({ code: "custom", message: "Not a JSON pointer, such as /event_id" });
  return z.NEVER;
});

const subprotocolField = z.string().regex(HEADER_NAME, { error: "Not the name of a subprotocol" });

/** What the client sends by itself: with another value the peer would be right to refuse it. */
const HANDSHAKE_HEADERS = [
  ["sec-websocket-protocol", "subprotocol"],
  ...["key", "version", "extensions", "accept"].map((name) =>
    [`sec-websocket-${name}`, "the gateway, for each handshake"] as const
  ),
] as const;

const fields = z.strictObject({
  url: urlField().meta({ description: "Where events are sent to: a `ws` or `wss` address." }),
  format: z.enum(["json", "raw", "envelope"]).default("json").meta({
    description:
      '`json`: a text `{"payload":…}`, with `headers` where `include_headers` says so, and with `event_id` where ' +
      "`acknowledgement` asks for it; of webhooks with `data_type: blob`, `payload_base64`. `raw`: the body alone, as a " +
      "text, and with `data_type: blob` as a binary message. `envelope`: a text with `event_id`, `namespace`, `webhook`, " +
      "`received_at`, `headers` and `payload` (or `body_base64`).",
  }),
  include_headers: booleanField().optional().meta({
    description: "Sends the received headers along, except for credentials and signatures. Default: `false`.",
  }),
  forward_headers: booleanField().optional().meta({ description: "The same as `include_headers`." }),
  wait_for_response: booleanField().default(false).meta({
    description:
      "`true`: an event is delivered when the peer has sent a message after it, whatever it says. One event " +
      "is under way at a time.",
  }),
  acknowledgement: z.strictObject({
    id: pointerField.prefault(DEFAULT_ID_PLACE).meta({
      description: `Where the event's id stands. Default: \`${DEFAULT_ID_PLACE}\`.`,
    }),
    error: pointerField.optional().meta({
      description: "A place that has a value other than `null` and `false` when the event was not taken.",
    }),
  }).optional().meta({
    description:
      "Instead of `wait_for_response`: an event is delivered when the peer has sent a JSON document with the event's id in " +
      "it, in any order: `{}`, or an object with `id`, a JSON pointer (default `/event_id`), and `error`, a place that " +
      "has a value other than `null` and `false` when the event was not taken; it is tried again then.",
  }),
  unconfirmed: booleanField().default(false).meta({
    description:
      "`true`: an event is delivered when it was handed to the network. What is on its way when the connection breaks, " +
      "or the peer hangs, is lost.",
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description: "Headers of the handshake, such as those with credentials.",
    ...KEYS_NAME_HEADERS,
  }),
  subprotocol: z.union([
    subprotocolField,
    z.array(subprotocolField).min(1).refine((names) => new Set(names).size === names.length, {
      error: "A subprotocol is named twice",
    }),
  ]).optional().meta({
    description: "The subprotocol that the peer has to choose, or several of which it chooses one.",
  }),
  allowed_hosts: allowedHostsField(),
  tls: tlsSchema.optional().meta({
    description: "TLS of a `wss` address: `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
  ping_interval: numberField(0.1, 300).default(DEFAULT_PING_SECONDS).meta({
    description:
      "Seconds after which the peer is asked whether it is still there (ping). One that has not answered after as " +
      "many more is given up.",
  }),
  max_message_bytes: integerField(1, 1_073_741_824).default(1_073_741_824).meta({
    description: "Longest message that the peer takes. An event with a longer one is a dead letter.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that connecting may take, and sending an event with what confirms it.",
  }),
  max_retries: integerField(0, 1000).optional().meta({
    description:
      "Is read and has no effect: how often an event is tried again is said by `retry` of the webhook.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const websocketConfigSchema: z.ZodType<WebsocketConfig> = fields.transform((input, issues) => {
  const destination = destinationOf(input, issues);
  const headers = configuredHeaders(input.headers, new Map(HANDSHAKE_HEADERS), issues);
  const confirmation = confirmationOf(input, issues);
  if (destination === undefined) return z.NEVER;
  const { subprotocol } = input;
  const subprotocols = subprotocol === undefined ? [] : [subprotocol].flat();
  return {
    destination,
    asked: [
      guardedDestination(destination, "url"),
      ...fileDestinations(input.tls ?? {}, (key) => `tls.${key}`),
    ],
    headers,
    subprotocols,
    format: input.format,
    forwardsHeaders: eitherOf(input, "include_headers", "forward_headers", issues) ?? false,
    confirmation,
    maxMessageBytes: input.max_message_bytes,
    pingIntervalMs: input.ping_interval * 1000,
    timeoutMs: input.timeout * 1000,
    isBlob: false,
    identity: JSON.stringify([
      input.url,
      headers,
      subprotocols,
      destination.policy.key,
      destination.tls?.key,
      input.wait_for_response,
      [input.acknowledgement?.id.keys, input.acknowledgement?.error?.keys],
      input.unconfirmed,
      input.ping_interval,
      input.timeout,
    ]),
  };
});

/** The address with the scheme of the handshake, which is a request of HTTP. */
function destinationOf(input: Fields, issues: z.RefinementCtx): Destination | undefined {
  const policy = parsePolicy(input.allowed_hosts, issues);
  const address = /^\s*ws(s?):(.*)$/is.exec(input.url);
  if (address === null) {
    reportAt(issues, "url", "Not a complete ws or wss address, such as wss://example.com/path");
    return undefined;
  }
  if (policy === undefined) return undefined;
  const [, secure = "", rest = ""] = address;
  const url = `http${secure.toLowerCase()}:${rest}`;
  const destination = parseDestination(url, policy, issues, "url", INSTEAD_OF_CREDENTIALS);
  if (destination === undefined || input.tls === undefined) return destination;
  if (destination.protocol === "https:") {
    return {
      ...destination,
      tls: new FileTls(input.tls, (path) => ownFiles.refuse(path)),
    };
  }
  reportAt(issues, "tls", "Is of no use without TLS: url begins with ws:");
  return undefined;
}

function confirmationOf(input: Fields, issues: z.RefinementCtx): Confirmation {
  const { wait_for_response, acknowledgement, unconfirmed, format } = input;
  if (acknowledgement !== undefined) {
    if (wait_for_response) {
      reportAt(issues, "wait_for_response", "acknowledgement says which answer counts: leave this out");
    }
    if (format === "raw") {
      reportAt(
        issues,
        "acknowledgement",
        "A body alone does not tell the peer the event's id: use json or envelope",
      );
    }
  }
  if (unconfirmed && (wait_for_response || acknowledgement !== undefined)) {
    reportAt(issues, "unconfirmed", "Contradicts what waits for an answer: leave one of them out");
  }
  if (acknowledgement !== undefined) return { id: acknowledgement.id, error: acknowledgement.error };
  if (wait_for_response) return "answer";
  return unconfirmed ? "written" : "pong";
}
