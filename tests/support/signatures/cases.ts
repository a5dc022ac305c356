/** The recorded verdicts of the providers' own libraries. */

import { join } from "@std/path";
import { type CapturedRequest, judgeCaptured } from "../../../src/cli/signatures/captured.ts";
import { signatureSchema } from "../../../src/auth/signature/settings.ts";
import { REPOSITORY } from "../repository.ts";

/** One request with the verdict on it. */
export interface SignatureCase {
  readonly preset: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The clock, in seconds since 1970. */
  readonly now: number;
  readonly request: CapturedRequest;
  readonly valid: boolean;
  readonly why: string;
}

/** All of them. */
export async function signatureCases(): Promise<readonly SignatureCase[]> {
  return JSON.parse(await Deno.readTextFile(join(REPOSITORY, "tests/vectors/signatures.json")));
}

/** Whether the gateway accepts the request of a case. @param now in seconds since 1970. @default the case's clock */
export async function accepts(
  { preset, config }: SignatureCase,
  request: CapturedRequest,
  now: number,
): Promise<boolean> {
  const parsed = signatureSchema.parse({ provider: preset, ...settingsOf(config) });
  return await judgeCaptured(request, parsed, now * 1000) === undefined;
}

/** The settings of a recorded case by their names in configurations. */
export function settingsOf(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
