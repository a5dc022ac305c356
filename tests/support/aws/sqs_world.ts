/** An output of `aws_sqs`, and everything from there to a queue. */

import { DeliveryError } from "../../../src/errors.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import { awsSqsModule } from "../../../src/modules/aws/sqs/aws_sqs.ts";
import { OpenOutput } from "../open_output.ts";
import { verifiedEvent } from "../verified_event.ts";
import { type FoundMessage, QueueDesk } from "./queue_desk.ts";
import { startQueues } from "./queues.ts";
import { ServiceFront } from "./service_front.ts";

/** What the gateway signs with. Servers of tests take any. */
export const KEYS = { aws_access_key_id: "AKIA", aws_secret_access_key: "s3cret" } as const;

/** A server, what stands before it, a queue, and an output. */
export interface SqsWorld extends AsyncDisposable {
  readonly port: number;
  readonly desk: QueueDesk;
  readonly front: ServiceFront;
  /** Name and URL of the queue. */
  readonly name: string;
  readonly url: string;
  readonly output: OpenOutput;
  /** A `module-config` for the queue. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Takes all messages out of the queue. */
  take(): Promise<readonly FoundMessage[]>;
}

/** @param attributes of the queue. @param end of its name */
export async function openSqs(attributes: Record<string, string> = {}, end = ""): Promise<SqsWorld> {
  await using undo = new AsyncDisposableStack();
  const { port } = undo.use(await startQueues());
  const desk = undo.use(new QueueDesk(port));
  const front = undo.use(await ServiceFront.start(port));
  const name = QueueDesk.name(end);
  const url = await desk.make(name, attributes);
  const output = undo.use(await OpenOutput.open(awsSqsModule, { endpoint_url: front.url, ...KEYS }));
  const resources = undo.move();
  return {
    ...{ port, desk, front, name, url, output },
    config: { queue_name: name, timeout: 60 },
    take: () => desk.take(url),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Events of one webhook. @param body of each, by its number */
export function eventsOf(
  count: number,
  body: (index: number) => string = (index) => `{"number":${index}}`,
): VerifiedEvent[] {
  return Array.from({ length: count }, (_, index) => verifiedEvent({ body: body(index) }));
}

/** `delivered`, or the code of the failure, of each. */
export function codesOf(results: readonly unknown[]): string[] {
  return results.map((result) => result instanceof DeliveryError ? result.code : String(result));
}
