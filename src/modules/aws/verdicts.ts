/**
 * What the errors that services of AWS have in common mean for events. Each service adds its own.
 *
 * @module
 */

import { DeliveryError, type DeliveryErrorOptions } from "../../errors.ts";
import { pause, retry, type Verdict, verdictError, VerdictTable } from "../verdicts.ts";
import type { AwsRefusal } from "./refusal.ts";

/** Past this difference a clock is said to be wrong, in seconds. Services refuse from 5 or 15 minutes on. */
const MAX_SKEW_SECONDS = 240;

const CREDENTIALS = pause("does not take the credentials of the connection");
const RIGHT = pause("does not permit it to the credentials of the connection");
const CLOCK = pause("does not take requests of that time");
const BUSY = retry("asks for fewer requests", { asksForFewer: true });
const FAILED = retry("has failed");

/** By codes of the services' common errors, and of S3's, which older services share. */
const COMMON: Readonly<Record<string, Verdict>> = {
  "InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException InvalidSecurity AuthFailure":
    CREDENTIALS,
  "SignatureDoesNotMatch InvalidSignatureException IncompleteSignature IncompleteSignatureException":
    CREDENTIALS,
  "MissingAuthenticationToken MissingAuthenticationTokenException InvalidToken InvalidTokenId": CREDENTIALS,
  "MissingSecurityHeader OptInRequired NotSignedUp AccountProblem InactiveAccount": CREDENTIALS,
  "ExpiredToken ExpiredTokenException TokenRefreshRequired": pause("says that the session token has expired"),
  "AccessDenied AccessDeniedException AllAccessDisabled UnauthorizedAccess NotAuthorized UnauthorizedOperation":
    RIGHT,
  "RequestTimeTooSkewed RequestExpired RequestInTheFuture": CLOCK,
  AuthorizationHeaderMalformed: pause("is in another region: set region"),
  "KmsDisabled KmsInvalidState KmsNotFound KmsOptInRequired KmsInvalidKeyUsage KmsAccessDenied": pause(
    "cannot use the key of KMS",
  ),
  "KMS.*": pause("cannot use the key of KMS"),
  "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException KmsThrottled":
    BUSY,
  "SlowDown TooManyRequests TooManyRequestsException RequestLimitExceeded PriorRequestNotComplete": BUSY,
  "InternalError InternalFailure InternalServerError InternalFailureException ServiceFailure": FAILED,
  "ServiceUnavailable ServiceUnavailableException ServiceUnavailableError": FAILED,
  "RequestTimeout RequestTimeoutException": retry("has not received the request in time"),
};

/** By statuses, where no code says more, as with what stands in front of a service. */
const STATUSES: Readonly<Record<string, Verdict>> = {
  "3*": pause("wants to be asked elsewhere: set region and endpoint_url"),
  "401 403": RIGHT,
  407: pause("is behind a proxy that refuses the request"),
  429: BUSY,
  "5*": FAILED,
};

const UNKNOWN = retry("refused the request");

/** Verdicts on refusals of one service. */
export class AwsVerdicts {
  readonly #codes: VerdictTable;
  readonly #statuses: VerdictTable;

  /**
   * @param codes of the service's own; several may stand together, separated by spaces
   * @param statuses where the answer names no code, besides those of all services
   */
  constructor(
    codes: Readonly<Record<string, Verdict>>,
    statuses: Readonly<Record<string, Verdict>> = {},
  ) {
    this.#codes = new VerdictTable({ ...COMMON, ...codes }, UNKNOWN);
    this.#statuses = new VerdictTable({ ...STATUSES, ...statuses }, UNKNOWN);
  }

  /** The verdict on a refusal: that of its code, and where that is not known the one of its status. */
  find({ code, status }: AwsRefusal): Verdict {
    const known = code === undefined ? UNKNOWN : this.#codes.find(code);
    return known === UNKNOWN ? this.#statuses.find(status) : known;
  }

  /**
   * The error of the deliveries that met a refusal.
   *
   * @param server begins the sentence
   * @param what ends it, such as `the object`: nothing of an event
   */
  judge(refusal: AwsRefusal, server: string, what: string, options?: DeliveryErrorOptions): DeliveryError {
    const verdict = this.find(refusal);
    const { code, status, retryAfterSeconds } = refusal;
    const reason = code === undefined ? String(status) : `${code}, ${status}`;
    const message = `${server} ${verdict.text}: ${what} (${reason})${clockText(refusal)}`;
    const more = { ...options, retryAfterSeconds };
    if ("asksForFewer" in verdict) return new DeliveryError("output_throttled", message, more);
    return verdictError(verdict, message, more);
  }
}

/** What is said of a clock that may be the reason. */
function clockText({ status, aheadSeconds }: AwsRefusal): string {
  if (
    aheadSeconds === undefined || Math.abs(aheadSeconds) < MAX_SKEW_SECONDS || status < 400 || status > 403
  ) return "";
  const direction = aheadSeconds > 0 ? "ahead of" : "behind";
  return `; the clock of this machine is ${Math.abs(aheadSeconds)} seconds ${direction} the service's`;
}
