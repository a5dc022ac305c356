/**
 * The members at the top of a configuration file: entries, and remarks of the author.
 *
 * @module
 */

import { checkConfigValue, duplicateKey, type ParsedValue, tooLarge } from "./json_value.ts";
import type { ParsedMember } from "./parsed_members.ts";
import { CONNECTION_NAME_RULE, isConnectionName, isWebhookId, WEBHOOK_ID_RULE } from "../../event/names.ts";

/** What the entries of a file are. */
export interface MemberKind {
  readonly isName: (name: string) => boolean;
  /** What a name must look like, for the problem of one that does not. */
  readonly rule: string;
  /** Keys of which every entry has one: by them an entry whose name begins with `x-` differs from a remark. */
  readonly marks: readonly string[];
  /** Whether whatever has the name of an entry is one, and never a remark. @default false */
  readonly namesDecide?: boolean;
}

/** The members of `webhooks.json`. */
export const WEBHOOKS: MemberKind = {
  isName: isWebhookId,
  rule: WEBHOOK_ID_RULE,
  marks: ["module", "chain"],
};

/** The members of `connections.json`. */
export const CONNECTIONS: MemberKind = {
  isName: isConnectionName,
  rule: CONNECTION_NAME_RULE,
  marks: ["type"],
};

/**
 * Whether a member is a remark: `_…`, `//` and `$schema` always, `description` when it is a text, and `x-…` unless
 * it has the marks of an entry. In etcd, where nothing but entries stands, the last two are names like any other.
 */
export function isRemarkMember(
  name: string,
  value: unknown,
  { marks, namesDecide, isName }: MemberKind,
): boolean {
  if (namesDecide === true && isName(name)) return false;
  if (name.startsWith("_") || name === "//" || name === "$schema") return true;
  if (name === "description") return typeof value === "string";
  return name.startsWith("x-") && !hasAnyOf(value, marks);
}

/** The value of an entry, or what the member is instead. */
export function readMember(
  { name, text, value, isRepeated, unparsedBytes }: ParsedMember,
  kind: MemberKind,
): ParsedValue | "remark" | "bad_name" {
  const isName = kind.isName(name);
  // Of two members of one name any may be meant, and the other one may have been the entry.
  const isRepeatedName = isName && isRepeated;
  if (isRemarkMember(name, value, kind) && !isRepeatedName) return "remark";
  if (!isName) return "bad_name";
  if (isRepeated) return { problem: duplicateKey([]) };
  return unparsedBytes === undefined ? checkConfigValue(text, value) : { problem: tooLarge(unparsedBytes) };
}

function hasAnyOf(value: unknown, keys: readonly string[]): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    keys.some((key) => Object.hasOwn(value, key));
}
