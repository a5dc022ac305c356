import type { Buffer } from "node:buffer";
import { hashBytes } from "./etcd_hash.ts";
import { parseConfigValue } from "./json_value.ts";
import type { ConfigPut } from "./provider.ts";

/** A value as it stands in etcd. */
export interface EtcdValue {
  /** `null` when it is not UTF-8. */
  readonly text: string | null;
  /** {@linkcode hashBytes} of its bytes. */
  readonly hash: number;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a value from its bytes, or from a part of a larger buffer. */
export function readEtcdValue(bytes: Buffer, start = 0, end: number = bytes.length): EtcdValue {
  return { text: decodeText(bytes, start, end), hash: hashBytes(bytes, start, end) };
}

/** Parses the value as a configuration. */
export function parseEtcdValue({ text }: EtcdValue): ConfigPut["value"] {
  if (text !== null) return parseConfigValue(text);
  return { problem: { code: "invalid_json", path: "", message: "The value is not valid UTF-8 text" } };
}

function decodeText(bytes: Buffer, start: number, end: number): string | null {
  const text = bytes.toString("utf8", start, end);
  // The fast decoder replaces what it cannot read by U+FFFD, which may also have been written on purpose.
  if (!text.includes("\ufffd")) return text;
  try {
    strictUtf8.decode(bytes.subarray(start, end));
    return text;
  } catch {
    return null;
  }
}
