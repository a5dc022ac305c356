/**
 * The settings of a webhook's `signature` as a command line gives them.
 *
 * @module
 */

import { nearestHint } from "../../schema/nearest_name.ts";
import { providers } from "../../auth/providers/providers.ts";
import { usageError } from "../command_line.ts";

/** What options say of a file that cannot be read. */
export async function readFileOf(command: string, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw usageError(command, `${path} cannot be read: ${(error as Error).message}`);
  }
}

/** The name of a provider that there is. @throws {StartupError} `usage` */
export function providerNamed(command: string, given: unknown): string {
  if (typeof given !== "string" || given === "") throw usageError(command, "--provider is missing");
  if (Object.hasOwn(providers, given)) return given;
  const hint = nearestHint(given, Object.keys(providers));
  throw usageError(command, `There is no provider '${given}'${hint}: see cwm providers`);
}

/**
 * The settings of `--set NAME=VALUE`. A value is text, JSON where it is an object or a list, and read from a file where
 * it begins with `@`.
 */
export async function settingsIn(command: string, given: unknown): Promise<Record<string, unknown>> {
  const settings: Record<string, unknown> = {};
  for (const each of Array.isArray(given) ? given.map(String) : []) {
    const at = each.indexOf("=");
    if (at < 1) throw usageError(command, `--set takes NAME=VALUE, such as --set tolerance=60`);
    settings[each.slice(0, at)] = await valueOf(command, each.slice(at + 1));
  }
  return settings;
}

async function valueOf(command: string, text: string): Promise<unknown> {
  const value = text.startsWith("@")
    ? new TextDecoder().decode(await readFileOf(command, text.slice(1))).trimEnd()
    : text;
  if (!/^[{[]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // A text that looks like JSON: whoever reads the setting says what is wrong.
    return value;
  }
}

/** The secrets of `--secret` and `--secret-file`; none where neither is given. */
export async function secretsIn(
  command: string,
  options: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const given = [options["secret"] ?? []].flat().map(String);
  const files = [options["secret-file"] ?? []].flat().map(String);
  const texts = await Promise.all(files.map((path) => readFileOf(command, path)));
  // The line end of a file is no part of the secret.
  return [...given, ...texts.map((bytes) => new TextDecoder().decode(bytes).replace(/\r?\n$/, ""))];
}
