/**
 * The service that knows tokens: one request of a form, and an answer in JSON, which Google, hCaptcha and Turnstile have
 * in common.
 *
 * @module
 */

import { forbiddenKind } from "../../../io/destination_policy.ts";
import type { WholeAnswer } from "../../../io/http_exchange.ts";
import type { Address } from "../../../io/address.ts";
import type { Question } from "../../servers/auth_servers.ts";
import { ServerUnavailableError } from "../../servers/unavailable.ts";
import type { Secrets } from "../../several_secrets.ts";
import type { Refusal } from "../../verifier.ts";
import type { RecaptchaConfig } from "./config.ts";

/** What is known of a token once the service has judged it. */
interface TokenAnswer {
  readonly success: boolean;
  readonly score?: unknown;
  readonly hostname?: unknown;
  readonly action?: unknown;
  readonly "error-codes"?: unknown;
}

/** Asks a server, as `AuthServers` does. */
export type Ask = (question: Question) => Promise<WholeAnswer>;

const NOT_TAKEN = refusal("The service does not take the token: it is wrong, too old, or was used");
const NO_SCORE = refusal("The token has no score: it is none of 'v3'");
const LOW_SCORE = refusal("The token's score is less than 'min_score'");
const OTHER_SITE = refusal("The token comes from a site that is not in 'hostnames'");
const OTHER_ACTION = refusal("The token was made for another action than 'action'");

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}

/** Asks the service of one webhook about tokens. */
export class SiteVerify {
  readonly #config: RecaptchaConfig;
  readonly #secrets: readonly string[];

  constructor(config: RecaptchaConfig) {
    this.#config = config;
    this.#secrets = listOf(config.secret_key);
  }

  /**
   * Why a token is refused; `undefined` when it is good. With several secrets the service is asked with one after the
   * other, as a token belongs to one of them.
   *
   * @param client the sender's address, where it is known
   * @throws {ServerUnavailableError} when the service cannot be asked, or does not know the secrets
   */
  async refuse(token: string, client: Address | undefined, ask: Ask): Promise<Refusal | undefined> {
    let isRefused = false;
    for (const [position, secret] of this.#secrets.entries()) {
      const answer = await this.#ask(secret, token, client, ask);
      if (answer.success) return this.#refuseAnswer(answer, position);
      isRefused ||= !isOfSecret(answer);
    }
    if (isRefused) return NOT_TAKEN;
    throw new ServerUnavailableError("The service does not know 'secret_key' of the webhook's 'recaptcha'");
  }

  async #ask(
    secret: string,
    token: string,
    client: Address | undefined,
    ask: Ask,
  ): Promise<TokenAnswer> {
    const form = new URLSearchParams({ secret, response: token });
    const address = client?.toString();
    // An address of a network of one's own says nothing to a service on the internet.
    if (address !== undefined && forbiddenKind(address) === undefined) form.set("remoteip", address);
    const { status, body } = await ask({
      destination: this.#config.server!,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new TextEncoder().encode(form.toString()),
    });
    const answer = status < 500 ? parseAnswer(body) : undefined;
    if (answer !== undefined) return answer;
    throw new ServerUnavailableError(`The service answers ${status} without saying whether a token is good`);
  }

  #refuseAnswer({ score, hostname, action }: TokenAnswer, position: number): Refusal | undefined {
    const { secret_key, version, min_score = 0, hostnames, action: wanted } = this.#config;
    if (typeof secret_key !== "string") secret_key.matched(position);
    if (version === "v3") {
      if (typeof score !== "number") return NO_SCORE;
      if (!(score >= min_score)) return LOW_SCORE;
    }
    const site = typeof hostname === "string" ? hostname.toLowerCase() : "";
    if (hostnames !== undefined && !hostnames.includes(site)) return OTHER_SITE;
    return wanted === undefined || action === wanted ? undefined : OTHER_ACTION;
  }
}

function listOf(secrets: Secrets): readonly string[] {
  return typeof secrets === "string" ? [secrets] : secrets.map((secret) => secret);
}

/** Whether the service has refused the secret, and said nothing of the token. */
function isOfSecret({ "error-codes": codes }: TokenAnswer): boolean {
  return Array.isArray(codes) && codes.some((code) => String(code).endsWith("input-secret"));
}

function parseAnswer(body: Uint8Array): TokenAnswer | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  const isAnswer = typeof answer === "object" && answer !== null && "success" in answer &&
    typeof answer.success === "boolean";
  return isAnswer ? answer as TokenAnswer : undefined;
}
