import type { FuzzSubject } from "./subject.ts";
import { bodySubject } from "./subjects/body.ts";
import { configurationSubject } from "./subjects/configuration.ts";
import { routerSubject } from "./subjects/router.ts";
import { verifierSubjects } from "./subjects/verifiers.ts";
import { zmtpSubject } from "./subjects/zmtp.ts";

/** Every part of the program that is fuzzed. */
export async function allSubjects(): Promise<readonly FuzzSubject[]> {
  return [routerSubject, bodySubject, configurationSubject, zmtpSubject, ...await verifierSubjects()];
}

/** How many of so many inputs are a subject's. */
export function inputsOf(subject: FuzzSubject, all: readonly FuzzSubject[], inputs: number): number {
  const shares = all.reduce((sum, { share }) => sum + share, 0);
  return Math.ceil(inputs * subject.share / shares);
}
