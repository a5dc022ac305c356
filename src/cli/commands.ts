/**
 * The commands of `cwm` and their options: what is read of a command line, and what a shell completes.
 *
 * @module
 */

import { ROLES } from "../access/caller.ts";
import { QUERY_NAMES } from "../dead_letters/query.ts";
import { LISTED_STATES, RECORD_QUERY_NAMES } from "../records/query.ts";

/** An option of a command, without its dashes. */
export interface CommandOption {
  readonly name: string;
  /** What its value is: any text, a file, the name of a provider, or one of these words. Left out: it has none. */
  readonly value?: "text" | "file" | "provider" | readonly string[];
  /** One letter that stands for it. */
  readonly letter?: string;
  /** Whether it is read as a list, since it may be given several times. @default false */
  readonly isList?: boolean;
}

/** A command as `cwm --help` and the completion of a shell show it. */
export interface Command {
  readonly name: string;
  /** In one line. */
  readonly description: string;
  /** The words of which one follows the name. @default none */
  readonly actions?: readonly string[];
  /** What the words that follow the name stand for, in their order. @default none */
  readonly operands?: readonly ("provider" | "output" | "webhook")[];
  /** Whether a file follows the action; without actions, whether files follow the name. @default false */
  readonly takesFile?: boolean;
  readonly options: readonly CommandOption[];
}

/** What completion is printed for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const HELP: CommandOption = { name: "help" };

/** Where one webhook or connection is, and as whom it is reached. */
const PLACE: readonly CommandOption[] = [
  { name: "file", value: "file" },
  { name: "user", value: "text" },
  { name: "password-file", value: "file" },
  HELP,
];

/** What is changed of it. */
const EDITS: readonly CommandOption[] = [
  { name: "set", value: "text", isList: true },
  { name: "unset", value: "text", isList: true },
];

/** Whether it is written. */
const WRITES: readonly CommandOption[] = [{ name: "dry-run" }, { name: "yes" }];

/** Every command, in the order in which they are listed. */
export const COMMANDS: readonly Command[] = [
  { name: "serve", description: "Start the gateway (default)", options: [] },
  {
    name: "check",
    description: "Validate the configured webhooks and connections: see cwm check --help",
    takesFile: true,
    options: [{ name: "probe" }, { name: "print" }, { name: "json" }, HELP],
  },
  {
    name: "test",
    description: "Run the cases of a configuration without a network: see cwm test --help",
    takesFile: true,
    options: [{ name: "json" }, HELP],
  },
  {
    name: "filter",
    description: "Show what a webhook would do with an event: see cwm filter --help",
    operands: ["webhook"],
    options: [
      { name: "event", value: "file" },
      { name: "header", value: "text", letter: "H", isList: true },
      { name: "query", value: "text" },
      { name: "json" },
      HELP,
    ],
  },
  {
    name: "get",
    description: "Print one webhook or connection as it is written: see cwm get --help",
    operands: ["webhook"],
    options: [{ name: "revision", value: "text" }, ...PLACE],
  },
  {
    name: "diff",
    description: "Show what cwm put or cwm rollback would change: see cwm diff --help",
    operands: ["webhook"],
    takesFile: true,
    options: [...EDITS, { name: "to", value: "text" }, ...PLACE],
  },
  {
    name: "put",
    description: "Write one webhook or connection, validated, over nobody's change: see cwm put --help",
    operands: ["webhook"],
    takesFile: true,
    options: [...EDITS, ...WRITES, ...PLACE],
  },
  {
    name: "history",
    description: "List what one webhook or connection has been: see cwm history --help",
    operands: ["webhook"],
    options: PLACE,
  },
  {
    name: "rollback",
    description: "Write again what one webhook or connection has been: see cwm rollback --help",
    operands: ["webhook"],
    options: [{ name: "to", value: "text" }, ...WRITES, ...PLACE],
  },
  {
    name: "migrate",
    description: "Carry webhooks and connections from files to etcd or back: see cwm migrate --help",
    options: [
      { name: "from", value: ["file", "etcd"] },
      { name: "to", value: ["file", "etcd"] },
      { name: "namespace", value: "text" },
      { name: "all-namespaces" },
      { name: "backup", value: "file" },
      { name: "connections" },
      { name: "dry-run" },
      { name: "prune" },
      HELP,
    ],
  },
  {
    name: "dead-letters",
    description: "List, show, replay and drop undeliverable events: see cwm dead-letters --help",
    actions: ["list", "show", "replay", "drop"],
    options: [
      // Lists, to notice a filter that was given twice.
      ...QUERY_NAMES.map((name): CommandOption => ({ name, value: "text", isList: true })),
      { name: "all" },
      { name: "limit", value: "text" },
      { name: "json" },
      HELP,
    ],
  },
  {
    name: "events",
    description: "Export the journal's events, deliver them again, or drop them: see cwm events --help",
    actions: ["export", "replay", "drop"],
    options: [
      // Lists, to notice a filter that was given twice.
      ...RECORD_QUERY_NAMES.map((name): CommandOption => ({
        name,
        value: name === "state" ? LISTED_STATES : "text",
        isList: true,
      })),
      { name: "cursor", value: "text" },
      { name: "to", value: "text" },
      { name: "all" },
      { name: "rate", value: "text" },
      { name: "resume", value: "file" },
      { name: "keep-going" },
      { name: "yes" },
      HELP,
    ],
  },
  {
    name: "journal",
    description: "Copy the journal, take events over, look after its tables: see cwm journal --help",
    actions: ["backup", "salvage", "migrate", "status", "copy"],
    takesFile: true,
    options: [
      { name: "from", value: ["sqlite", "postgres"] },
      { name: "to", value: ["sqlite", "postgres"] },
      HELP,
    ],
  },
  {
    name: "status",
    description: "Show what is wrong with the gateway, since when and why: see cwm status --help",
    operands: ["webhook"],
    options: [{ name: "json" }, HELP],
  },
  {
    name: "handshake",
    description:
      "Take the secret that a provider brings by itself, and show it once: see cwm handshake --help",
    operands: ["webhook"],
    options: [{ name: "open", value: "text" }, { name: "show" }, { name: "forget" }, HELP],
  },
  {
    name: "pause",
    description: "Stop the deliveries of a webhook, or list those that are stopped: see cwm pause --help",
    operands: ["webhook"],
    options: [{ name: "list" }, HELP],
  },
  {
    name: "resume",
    description: "Have a webhook deliver again that was paused or switched off: see cwm resume --help",
    operands: ["webhook"],
    options: [HELP],
  },
  {
    name: "retry",
    description: "Try again at once what waits for its next attempt: see cwm retry --help",
    operands: ["webhook"],
    options: [{ name: "all" }, HELP],
  },
  {
    name: "tail",
    description: "Show requests as they are answered, and why they are refused: see cwm tail --help",
    operands: ["webhook"],
    options: [{ name: "refused" }, { name: "outcome", value: "text" }, { name: "json" }, HELP],
  },
  {
    name: "send",
    description: "Send a test event through a webhook, and say how it has ended: see cwm send --help",
    operands: ["webhook"],
    options: [
      { name: "data", value: "text" },
      { name: "header", value: "text", letter: "H", isList: true },
      { name: "query", value: "text" },
      { name: "wait", value: "text" },
      { name: "curl" },
      { name: "json" },
      HELP,
    ],
  },
  {
    name: "requests",
    description: "List the last requests of each webhook, and why they were refused: see cwm requests --help",
    operands: ["webhook"],
    options: [
      { name: "refused" },
      { name: "outcome", value: "text" },
      { name: "limit", value: "text" },
      { name: "json" },
      HELP,
    ],
  },
  {
    name: "connectors",
    description: "List the connectors of channels, or end the connection of one: see cwm connectors --help",
    actions: ["list", "end"],
    options: [{ name: "channel", value: "text" }, { name: "json" }, HELP],
  },
  {
    name: "token",
    description: "Make an admin token with a role, and its entry for ADMIN_TOKENS_FILE: see cwm token --help",
    options: [
      { name: "name", value: "text" },
      { name: "role", value: ROLES },
      { name: "namespaces", value: "text", isList: true },
      { name: "days", value: "text" },
      HELP,
    ],
  },
  {
    name: "healthcheck",
    description: "Ask the gateway on this machine whether it is ready; exit status 0 if it is",
    options: [],
  },
  {
    name: "connector",
    description: "Take events from a gateway into a private network: see cwm connector --help",
    options: [{ name: "config", value: "file" }, HELP],
  },
  {
    name: "providers",
    description: "List the providers whose signatures are known, and what each was compared with",
    options: [{ name: "name", value: "provider" }, HELP],
  },
  {
    name: "new",
    description: "Write a configuration for a provider and an output, and first cases: see cwm new --help",
    operands: ["provider", "output"],
    options: [HELP],
  },
  {
    name: "sign",
    description: "Sign a body as a provider would, to try a webhook without it: see cwm sign --help",
    options: [
      { name: "provider", value: "provider" },
      // Lists, to notice a secret that was given twice.
      { name: "secret", value: "text", isList: true },
      { name: "secret-file", value: "file", isList: true },
      { name: "private-key", value: "file" },
      { name: "key", value: "text" },
      { name: "set", value: "text", isList: true },
      { name: "event", value: "text" },
      { name: "method", value: "text" },
      { name: "url", value: "text" },
      { name: "raw" },
      { name: "send", value: "text" },
      HELP,
    ],
  },
  {
    name: "verify",
    description: "Judge captured requests, and say what is wrong with one: see cwm verify --help",
    options: [
      { name: "provider", value: "provider" },
      { name: "secret", value: "text", isList: true },
      { name: "secret-file", value: "file", isList: true },
      { name: "set", value: "text", isList: true },
      { name: "request", value: "file" },
      { name: "header", value: "text", letter: "H", isList: true },
      { name: "headers", value: "file" },
      { name: "body", value: "file" },
      { name: "method", value: "text" },
      { name: "url", value: "text" },
      { name: "now", value: "text" },
      { name: "cases", value: "file" },
      { name: "json" },
      HELP,
    ],
  },
  {
    name: "schema",
    description: "Print the JSON Schema of a file of the configuration, for editors: see cwm schema --help",
    actions: ["webhooks", "connections", "connector", "policy"],
    options: [HELP],
  },
  {
    name: "completion",
    description: "Print the completion script of a shell: cwm completion bash, zsh or fish",
    actions: SHELLS,
    options: [],
  },
];
