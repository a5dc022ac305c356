/**
 * Amazon SNS asks whether a subscription is wanted before it sends anything, and says when one has ended. Anybody can
 * have it ask on behalf of a topic of their own, so only topics that the webhook lists are confirmed.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
 * @module
 */

import { DestinationPolicy } from "../../io/destination_policy.ts";
import { parseHttpAddress } from "../../schema/addresses.ts";
import type { Refusal } from "../refusal.ts";
import type { AuthServers } from "../servers/auth_servers.ts";
import { ServerUnavailableError } from "../servers/unavailable.ts";
import type { Finding } from "../verifier.ts";
import { EMPTY_ANSWER } from "./answers.ts";
import { Challenge, type ProviderAnswer } from "./challenge.ts";

/** A signed message that is no event. */
export interface SnsSubscription {
  readonly type: string;
  readonly topic: string;
  readonly subscribeUrl: string | undefined;
}

/** Subscriptions are confirmed nowhere else. */
const SUBSCRIBE_URL = /^https:\/\/sns\.[a-z0-9-]{3,}\.amazonaws\.com(?:\.cn)?\/\?[\x21-\x7e]{1,2000}$/;

/** No webhook says where else subscriptions may be confirmed. */
const PUBLIC_ONLY = new DestinationPolicy([]);

/**
 * What is done about a message whose signature was verified.
 *
 * @param topics of the webhook; `undefined` where it lists none
 */
export function snsChallenge(
  message: SnsSubscription,
  topics: readonly string[] | undefined,
  servers: AuthServers,
): Finding {
  switch (message.type) {
    case "SubscriptionConfirmation":
      return new Challenge(() =>
        topics?.includes(message.topic) === true ? confirm(message, servers) : NOT_LISTED
      );
    case "UnsubscribeConfirmation":
      // Its link would subscribe again. Whoever ended the subscription meant it.
      return new Challenge(() => EMPTY_ANSWER);
    default:
      return UNKNOWN_TYPE;
  }
}

async function confirm(
  { topic, subscribeUrl = "" }: SnsSubscription,
  servers: AuthServers,
): Promise<ProviderAnswer | Refusal> {
  const address = SUBSCRIBE_URL.test(subscribeUrl) ? parseHttpAddress(subscribeUrl) : "";
  if (typeof address === "string" || !confirmsTopic(subscribeUrl, topic)) return NO_SUBSCRIBE_URL;
  const { status } = await servers.ask({
    destination: { ...address, policy: PUBLIC_ONLY },
    method: "GET",
    about: "unknown",
  });
  if (status === 200) return EMPTY_ANSWER;
  throw new ServerUnavailableError(`The subscription could not be confirmed: SNS answered ${status}`);
}

function confirmsTopic(url: string, topic: string): boolean {
  const query = new URL(url).searchParams;
  return query.get("Action") === "ConfirmSubscription" && query.get("TopicArn") === topic;
}

const NOT_LISTED: Refusal = {
  code: "forbidden",
  reason: "The subscription is of a topic that 'topics' of the webhook does not list, and is not confirmed",
};

const UNKNOWN_TYPE: Refusal = { code: "unauthorized", reason: "The type of the message is not known" };

const NO_SUBSCRIBE_URL: Refusal = {
  code: "invalid_challenge",
  reason: "The SubscribeURL does not confirm the message's topic at Amazon SNS",
};
