/**
 * Verifies requests by a scheme in code.
 *
 * @module
 */

import { noMatch } from "../../signature/no_match.ts";
import { keyOfContent, keyOfId, type ReplayTtl } from "../../signature/signed_key.ts";
import { judgeTime } from "../../signature/timestamp.ts";
import { type Secrets, secretsCheck } from "../../several_secrets.ts";
import type { BodyCheck, BodyVerdict, BodyVerifier, Refusal, RequestToVerify } from "../../verifier.ts";
import type { CodedScheme, CodedSettings } from "./coded_scheme.ts";

/** What a coded scheme verifies with. */
export interface CodedOptions extends CodedSettings {
  readonly scheme: CodedScheme;
  readonly secrets: Secrets;
  /** @default what the request says */
  readonly publicUrl?: string | undefined;
  /** In seconds. @default the scheme's own */
  readonly tolerance?: number | undefined;
  readonly replayTtlMs?: ReplayTtl;
  /** In milliseconds since 1970. */
  readonly now: () => number;
}

/** The verifier of one webhook whose provider signs in a way that only code can say. */
export class CodedVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #options: CodedOptions;
  readonly #matches: (read: unknown) => boolean;

  constructor(options: CodedOptions) {
    this.#options = options;
    this.#matches = secretsCheck(options.secrets, (secret) => {
      const check = options.scheme.prepare(secret, options);
      if (check === undefined) {
        throw new TypeError("The secret is no key: it should not have been configured");
      }
      return check;
    });
  }

  verify(request: RequestToVerify): Refusal | BodyCheck {
    const { scheme, publicUrl } = this.#options;
    const { headers, method } = request;
    for (const name of scheme.headers) {
      if ((headers.get(name) ?? "") === "") return refusal(`The header '${name}' is missing`);
    }
    const stale = this.#judgeTime(headers);
    if (stale !== undefined) return stale;
    const url = scheme.needsUrl ? publicUrl ?? request.publicUrls.resolve(request) : "";
    if (url === undefined) {
      return refusal("The URL that is signed is not known: set public_url, or PUBLIC_URL of the gateway");
    }
    return (body) => {
      const read = scheme.read({ headers, method, url, body }, this.#options.now());
      return read instanceof Promise ? read.then((later) => this.#judge(later)) : this.#judge(read);
    };
  }

  #judgeTime(headers: Headers): Refusal | undefined {
    const rule = this.#options.scheme.timestamp;
    if (rule === undefined) return undefined;
    const text = rule.in(headers) ?? "";
    if (text === "") return refusal("The time of the request is missing");
    const problem = judgeTime(
      text,
      { ...rule, window: this.#options.tolerance ?? rule.window },
      this.#options.now(),
    );
    return problem === undefined ? undefined : refusal(`The time of the request ${problem}`);
  }

  #judge(read: unknown): BodyVerdict {
    if (read === undefined) return refusal("The request has not the form that this provider's have");
    if (!this.#matches(read)) return noMatch(this.#options.scheme.needsUrl);
    const { scheme, replayTtlMs } = this.#options;
    if (replayTtlMs === undefined) return undefined;
    const id = scheme.idOf?.(read);
    return id === undefined ? keyOfContent(scheme.signed(read), replayTtlMs) : keyOfId(id, replayTtlMs);
  }
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
