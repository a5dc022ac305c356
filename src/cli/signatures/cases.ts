/**
 * Files with cases: requests that were captured, each with its provider, its settings and its clock.
 *
 * @module
 */

import { z } from "zod";
import { type SignatureConfig, signatureSchema } from "../../auth/signature/settings.ts";
import { StartupError } from "../../errors.ts";
import { capturedSchema, judgeCaptured } from "./captured.ts";

const caseSchema = z.object({
  preset: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  /** In seconds since 1970. */
  now: z.number(),
  request: capturedSchema,
});

/** The verdict on a case, as a line says it. */
interface CaseVerdict {
  readonly index: number;
  /** `null` where the case names none. */
  readonly preset: string | null;
  readonly accepted: boolean;
  /** `null` for a case that is accepted. */
  readonly reason: string | null;
}

/**
 * The cases in a file.
 *
 * @param text the file's
 * @throws {StartupError} `usage` when it is not a JSON array
 */
export function readCases(path: string, text: string): readonly unknown[] {
  let cases: unknown;
  try {
    cases = JSON.parse(text);
  } catch (error) {
    throw new StartupError("usage", [`${path} cannot be read: ${(error as Error).message}`]);
  }
  if (Array.isArray(cases)) return cases;
  throw new StartupError("usage", [`${path} cannot be read: it holds no JSON array of cases`]);
}

/** The verdict on a case, whatever it is. */
export async function judgeCase(given: unknown, index: number): Promise<CaseVerdict> {
  const preset = presetOf(given);
  const parsed = caseSchema.safeParse(given);
  if (!parsed.success) {
    return { index, preset, accepted: false, reason: `The case cannot be read: ${describe(parsed.error)}` };
  }
  const { config, now, request } = parsed.data;
  const settings = configOf(parsed.data.preset, config);
  if (typeof settings === "string") return { index, preset, accepted: false, reason: settings };
  const reason = await judgeCaptured(request, settings, now * 1000) ?? null;
  return { index, preset, accepted: reason === null, reason };
}

function presetOf(given: unknown): string | null {
  const preset = (given as { readonly preset?: unknown } | null | undefined)?.preset;
  return typeof preset === "string" ? preset : null;
}

/** The settings of a webhook, or what is wrong with them. @param settings may be named as JavaScript names things */
export function configOf(
  provider: string,
  settings: Readonly<Record<string, unknown>>,
): SignatureConfig | string {
  const named = Object.entries(settings).map(([name, value]) => [snakeCase(name), value]);
  const parsed = signatureSchema.safeParse({ ...Object.fromEntries(named), provider });
  return parsed.success ? parsed.data : describe(parsed.error, "signature");
}

/** Every issue with its place; no value is in it. */
function describe(error: z.ZodError, ...before: readonly string[]): string {
  return error.issues.map(({ path, message }) => {
    const place = [...before, ...path].join(".");
    return place === "" ? message : `${place}: ${message}`;
  }).join("; ");
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
