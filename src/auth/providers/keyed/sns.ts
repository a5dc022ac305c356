/**
 * The verifier of Amazon SNS: its keys are published, and there is no secret.
 *
 * @module
 */

import { snsChallenge } from "../../challenges/sns_subscription.ts";
import { keyOfId, type ReplayTtl } from "../../signature/signed_key.ts";
import type { BodyCheck, BodyVerdict, BodyVerifier, Refusal, RequestToVerify } from "../../verifier.ts";
import type { KeyedSettings } from "./keyed.ts";
import { PublishedKeys } from "./published_keys.ts";
import { isSignedBy, readSnsMessage } from "./sns_message.ts";

/** Takes messages of the topics that the webhook lists, or of any (sns-validator 0.3.5). */
export class SnsVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #keys: PublishedKeys;
  readonly #topics: readonly string[] | undefined;
  readonly #replayTtlMs: ReplayTtl;

  constructor({ certificates = {}, topics, replayTtlMs }: KeyedSettings) {
    this.#replayTtlMs = replayTtlMs;
    this.#keys = new PublishedKeys(certificates);
    this.#topics = topics;
  }

  verify({ servers }: RequestToVerify): BodyCheck {
    return async (body): Promise<BodyVerdict> => {
      const message = readSnsMessage(body);
      if (message === undefined) return refusal("The body is not a signed message of SNS");
      if (this.#topics?.includes(message.topic) === false) {
        return refusal("The topic is not one that is listed");
      }
      const certificate = await this.#keys.at(message.certificateUrl, servers);
      if (certificate === undefined) return refusal("There is no certificate where the message says");
      if (!isSignedBy(message, certificate)) return refusal("The signature does not match the message");
      if (message.type !== "Notification") return snsChallenge(message, this.#topics, servers);
      return this.#replayTtlMs === undefined ? undefined : keyOfId(message.id, this.#replayTtlMs);
    };
  }
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
