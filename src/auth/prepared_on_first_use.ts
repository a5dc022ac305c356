import type { BodyVerifier, HeadVerifier, RequestToVerify } from "./verifier.ts";

/**
 * Puts the dear part of making a verifier off until its first request. Padding keys and hashing secrets
 * takes a few microseconds and a kilobyte a webhook; of hundreds of thousands of webhooks most are idle,
 * and all of them are compiled whenever a gateway starts.
 *
 * @param prepare must not fail: the configuration has been validated
 */
export function preparedOnFirstUse(reads: "head", prepare: () => HeadVerifier): HeadVerifier;
export function preparedOnFirstUse(reads: "body", prepare: () => BodyVerifier): BodyVerifier;
export function preparedOnFirstUse(
  reads: "head" | "body",
  prepare: () => HeadVerifier | BodyVerifier,
): HeadVerifier | BodyVerifier {
  let prepared: HeadVerifier | BodyVerifier | undefined;
  const verify = (request: RequestToVerify) => (prepared ??= prepare()).verify(request);
  return { reads, verify } as HeadVerifier | BodyVerifier;
}
