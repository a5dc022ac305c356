/**
 * File names with placeholders, for `save_to_disk`. A pattern is checked when the configuration is
 * compiled, so that no event can turn it into a name that leaves its directory, replaces another event's
 * file or is too long for the file system.
 *
 * @module
 */

import type { Event } from "../../event/event.ts";
import { receivedAtText } from "../../event/event_headers.ts";
import { fillPattern, splitPattern, unknownPlaceholder } from "../name_pattern.ts";

/** Longest file name of the usual file systems, in bytes. */
const MAX_NAME = 255;

/** Longest value of each placeholder, in characters, all of which are ASCII. */
const PLACEHOLDERS = { timestamp: 24, uuid: 36, event_id: 40, webhook_id: 64, namespace: 64 } as const;

type Placeholder = keyof typeof PLACEHOLDERS;

/** What a name may consist of beside placeholders: everything but separators, control characters and braces. */
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const FORBIDDEN_LITERAL = /[/\\{}\x00-\x1f\x7f]/;

/** A checked pattern. */
export interface FilenamePattern {
  /** Whether an event always gets the same name, so that a file of that name is the event's own. */
  readonly isStable: boolean;
  /** The file name for an event. */
  render(event: Event): string;
}

/** The pattern, or one sentence about what is wrong with it. */
export function parseFilenamePattern(text: string): FilenamePattern | { readonly problem: string } {
  const pattern = splitPattern(text);
  const { literals, names } = pattern;
  const unknown = names.find((name) => !Object.hasOwn(PLACEHOLDERS, name));
  if (unknown !== undefined) return { problem: unknownPlaceholder(unknown, PLACEHOLDERS) };
  if (literals.some((literal) => FORBIDDEN_LITERAL.test(literal))) {
    return {
      problem: "A file name cannot contain slashes, backslashes, single braces or control characters",
    };
  }
  if (text.startsWith(".")) return { problem: "Names that begin with a dot are kept for unfinished files" };
  if (!names.includes("uuid") && !names.includes("event_id")) {
    return { problem: "Without {event_id} or {uuid} one event would replace the file of another" };
  }
  const placeholders = names as readonly Placeholder[];
  if (longestName(literals, placeholders) > MAX_NAME) {
    return { problem: `The file name could become longer than ${MAX_NAME} bytes` };
  }
  return {
    isStable: !names.includes("uuid"),
    render: (event) => fillPattern(pattern, (index) => valueOf(placeholders[index]!, event)),
  };
}

function longestName(literals: readonly string[], placeholders: readonly Placeholder[]): number {
  const fixed = new TextEncoder().encode(literals.join("")).byteLength;
  return placeholders.reduce((length, placeholder) => length + PLACEHOLDERS[placeholder], fixed);
}

function valueOf(placeholder: Placeholder, event: Event): string {
  switch (placeholder) {
    case "timestamp":
      // Without colons, which Windows and some network file systems do not take. It sorts by time.
      return receivedAtText(event).replaceAll(":", "-");
    case "uuid":
      return crypto.randomUUID();
    case "event_id":
      return harmless(event.id, placeholder);
    case "webhook_id":
      return harmless(event.webhook, placeholder);
    case "namespace":
      return harmless(event.namespace, placeholder);
  }
}

/** What no name of the gateway's has: a dot is a part of some, but neither begins nor ends one, nor follows another. */
const UNUSUAL = /[^A-Za-z0-9_.-]|^\.|\.(?=\.|$)/g;

/** They were checked long before this, but a name that got through would write anywhere on the disk. */
function harmless(value: string, placeholder: Placeholder): string {
  return value.slice(0, PLACEHOLDERS[placeholder]).replaceAll(UNUSUAL, "_");
}
