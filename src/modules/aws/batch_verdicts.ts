/**
 * What refusals mean for batches that go to one place of a service, such as a queue: whether the place is at fault, or
 * what was sent there.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";
import { reject, type Verdict, verdictError } from "../verdicts.ts";
import type { AwsRefusal } from "./refusal.ts";
import { AwsVerdicts } from "./verdicts.ts";

/** A refusal, as far as a verdict needs it. */
type Refused = Pick<AwsRefusal, "code" | "status">;

/** Where a batch goes. */
export interface BatchPlace {
  /** Begins sentences, such as `SQS at sqs.eu-central-1.amazonaws.com`. */
  readonly server: string;
  /** Ends them, such as `queue 'orders'`: nothing of an event. */
  readonly title: string;
  /** The right that sending there needs, such as `sqs:SendMessage`. */
  readonly right: string;
}

/** As codes of SQS are called in its older protocol. */
const PREFIX = /^AWS\.SimpleQueueService\./;

const NO_MORE = { retryAfterSeconds: undefined, aheadSeconds: undefined };

const NOT_TAKEN = reject("does not take what was sent");

/** Verdicts on refusals of one service. */
export class BatchVerdicts extends AwsVerdicts {
  readonly #ofPlace: ReadonlySet<Verdict>;
  readonly #denied: Verdict;
  /** On a code that is not listed, and on none: it may be for what was sent. */
  readonly #unknown: Verdict;

  /**
   * @param codes of the service's own
   * @param ofPlace those codes that are about one place, while others may be well
   */
  constructor(codes: Readonly<Record<string, Verdict>>, ofPlace: readonly string[]) {
    super(codes, { 413: reject("takes nothing of this size") });
    this.#denied = this.#on("AccessDenied");
    this.#unknown = this.#on(undefined);
    const about = ["KmsDisabled", "KMS.Disabled", ...ofPlace].map((code) => this.#on(code));
    this.#ofPlace = new Set([this.#denied, ...about]);
  }

  override find(refusal: AwsRefusal): Verdict {
    return super.find(named(refusal));
  }

  /** Whether it may be what was sent that the service refuses, so that something else would be taken. */
  isOfContents(refusal: Refused): boolean {
    const verdict = this.find({ ...NO_MORE, ...refusal });
    return verdict.kind === "reject" || verdict === this.#unknown;
  }

  /** Whether the credentials lack the right to it. */
  isDenied(refusal: AwsRefusal): boolean {
    return this.find(refusal) === this.#denied;
  }

  /** The error of the deliveries that met a refusal. @param right that was needed. @default that of sending */
  judgeBatch(
    refusal: AwsRefusal,
    { server, title, right: toSend }: BatchPlace,
    right = toSend,
  ): DeliveryError {
    const verdict = this.find(refusal);
    const what = verdict === this.#denied ? `${right} at ${title}` : title;
    return this.judge(named(refusal), server, what, { isPartial: this.#ofPlace.has(verdict) });
  }

  /**
   * The error of one event that the service has not taken, though it has taken its batch.
   *
   * @param isOfSender whether the service says that what was sent is to blame: it need not be tried again then
   */
  judgeOne(code: string, isOfSender: boolean, place: BatchPlace): DeliveryError {
    const refusal = { ...NO_MORE, code, status: isOfSender ? 400 : 500 };
    if (!isOfSender || this.find(refusal) !== this.#unknown) return this.judgeBatch(refusal, place);
    return verdictError(NOT_TAKEN, `${place.server} ${NOT_TAKEN.text}: ${place.title} (${code})`);
  }

  #on(code: string | undefined): Verdict {
    return this.find({ ...NO_MORE, code, status: 400 });
  }
}

function named(refusal: AwsRefusal): AwsRefusal {
  return { ...refusal, code: refusal.code?.replace(PREFIX, "") };
}
