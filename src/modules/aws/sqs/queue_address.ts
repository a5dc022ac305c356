/**
 * How a webhook names its queue: by name, which SQS is asked for its URL, or by URL.
 *
 * @module
 */

import { ANY_TEXT, type Destination, hostDestination } from "../../../policy/destination.ts";
import { parseHttpBase } from "../../../schema/addresses.ts";

/** A queue as it is configured. */
export interface QueueAddress {
  readonly name: string;
  /** `undefined`: SQS is asked for it. */
  readonly url: string | undefined;
  /** Where the URL is one of AWS: the region that it names. */
  readonly region: string | undefined;
  /** Whether it keeps the order of messages: the name of such a queue ends so, and no other one does. */
  readonly isFifo: boolean;
}

const FIFO_END = ".fifo";

/** A name of SQS has 1 to 80 letters, digits, `-` and `_`, with `.fifo` at its end in them. */
const NAME = /^(?=.{1,80}$)[A-Za-z0-9_-]+(?:\.fifo)?$/;

/** Hosts of URLs of queues in AWS, also as they were called before. */
const AWS_HOST =
  /^(?:sqs(?:-fips)?\.([a-z0-9-]+)|([a-z0-9-]+)\.queue|queue)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;

/** The region of the host that names none. */
const FIRST_REGION = "us-east-1";

/** A queue by its name; `undefined` for what is none. */
export function queueByName(name: string): QueueAddress | undefined {
  return NAME.test(name)
    ? { name, url: undefined, region: undefined, isFifo: name.endsWith(FIFO_END) }
    : undefined;
}

/** A queue by its URL, such as `https://sqs.eu-central-1.amazonaws.com/123456789012/orders`; `undefined` for others. */
export function queueByUrl(url: string): QueueAddress | undefined {
  const address = parseHttpBase(url);
  if (typeof address === "string") return undefined;
  const queue = queueByName(address.path.split("/").at(-1)!);
  return queue && { ...queue, url, region: regionOf(address.hostname) };
}

function regionOf(hostname: string): string | undefined {
  const [isOfAws, region, formerRegion] = AWS_HOST.exec(hostname) ?? [];
  return isOfAws === undefined ? undefined : region ?? formerRegion ?? FIRST_REGION;
}

/** Where a queue is: by its URL, in an account and at a host. */
export function queueDestinations({ name, url }: QueueAddress): readonly Destination[] {
  if (url === undefined) return [{ kind: "queues", name, key: "queue_name" }];
  const address = parseHttpBase(url);
  if (typeof address === "string") return [{ kind: "hosts", name: ANY_TEXT, key: "queue_url" }];
  return [
    { kind: "queues", name: address.path.replace(/^\/+/, ""), key: "queue_url" },
    hostDestination(address.hostname, address.port, "queue_url"),
  ];
}
