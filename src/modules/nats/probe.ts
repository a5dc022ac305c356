/**
 * Asks a server whether it would take the events of a webhook, by a message that no stream stores: it names a last
 * message that there never was.
 *
 * @module
 */

import type { Msg } from "@nats-io/nats-core/internal";
import { DeliveryError } from "../../errors.ts";
import type { DeliveryResult } from "../module.ts";
import { errorCodeOf, judgeAnswer } from "./link/answer.ts";
import type { NatsLink } from "./link/client.ts";
import type { NatsConfig } from "./config.ts";
import { subjectFailure } from "./errors.ts";
import { EncodedHeaders, type NatsMessage } from "./message.ts";

/** "Wrong last message id": the stream would have stored the message. */
const WRONG_LAST_ID = 10071;
const WRONG_LAST_MESSAGE = 10070;

/** "Stream not found". */
const NO_STREAM = 10059;

/**
 * Resolves when the server would take the events, as far as that can be known.
 *
 * @throws {DeliveryError} when it would not
 */
export async function probeConfig({ sender, server }: NatsLink, config: NatsConfig): Promise<void> {
  const { subject, stream, isConfirmed } = config;
  await sender.ask();
  // Whoever listens would get a message of core NATS.
  if (!isConfirmed) return;
  if (subject.isConstant) {
    const message = probeMessage(subject.text, stream);
    const judge = (answer: Msg): DeliveryResult =>
      [WRONG_LAST_ID, WRONG_LAST_MESSAGE].includes(errorCodeOf(answer) ?? 0)
        ? "delivered"
        : judgeAnswer(answer, message, server);
    await ask(message, judge);
  } else if (stream !== undefined) {
    const message = {
      ...probeMessage(`$JS.API.STREAM.INFO.${stream}`, undefined),
      headers: new EncodedHeaders(""),
    };
    let isMissing = false;
    const judge = (answer: Msg): DeliveryResult => {
      isMissing = errorCodeOf(answer) === NO_STREAM;
      return "delivered";
    };
    // Who may not ask may publish all the same.
    await sender.send([{ message, judge, result: undefined }]);
    if (isMissing) throw subjectFailure(`${server} has no stream '${stream}'`);
  }

  async function ask(message: NatsMessage, judge: (answer: Msg) => DeliveryResult): Promise<void> {
    const ticket = { message, judge, result: undefined as DeliveryResult | undefined };
    await sender.send([ticket]);
    if (ticket.result instanceof DeliveryError) throw ticket.result;
  }
}

function probeMessage(subject: string, stream: string | undefined): NatsMessage {
  const expected = stream === undefined ? "" : `Nats-Expected-Stream: ${stream}\r\n`;
  const id = `cwm-probe-${crypto.randomUUID()}`;
  return {
    subject,
    body: new Uint8Array(),
    headers: new EncodedHeaders(`${expected}Nats-Expected-Last-Msg-Id: ${id}\r\n`),
    isConfirmed: true,
    stream,
  };
}
