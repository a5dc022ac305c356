/**
 * The destinations of `http_webhook` while cases are run: what they would be sent, and what they answer.
 *
 * @module
 */

import type { ReceivedAnswer } from "../../io/http_client.ts";
import { judgeAnswer } from "../../modules/http_webhook/answers.ts";
import type { HttpWebhookConfig } from "../../modules/http_webhook/config.ts";
import { httpWebhookModule } from "../../modules/http_webhook/http_webhook.ts";
import { outgoingHeaders } from "../../modules/http_webhook/outgoing_headers.ts";
import { answerForSender } from "../../modules/http_webhook/passed_answer.ts";
import type { Delivery, DeliveryResult } from "../../modules/module.ts";
import type { TargetAnswer } from "./case_file.ts";
import { canonicalText } from "./exact_json.ts";

/** Whether the events of a module go to such destinations. */
export function goesToHttpTarget(module: string): boolean {
  return module === httpWebhookModule.name;
}

/** The headers that a destination would be sent, by their names in lower case: those of a signature among them. */
export function headersToTarget({ event, config }: Delivery, attempt: number): ReadonlyMap<string, string> {
  const headers = outgoingHeaders(event, config as HttpWebhookConfig, attempt, event.body.bytes);
  return new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value ?? ""].flat().join(", ")]),
  );
}

/** What an answer means for an event, whose sender gets it where the webhook says so. */
export function resultOf({ event, config }: Delivery, answer: TargetAnswer): DeliveryResult {
  const { destination, statusRules } = config as HttpWebhookConfig;
  const received = receivedFrom(answer);
  if (event.answer !== undefined) event.answer.answer = answerForSender(received, destination);
  return judgeAnswer(received, destination, statusRules);
}

function receivedFrom(answer: TargetAnswer): ReceivedAnswer {
  const isJson = "json" in answer;
  const text = isJson ? canonicalText(answer.json) : answer.text ?? "";
  const type = isJson ? "application/json" : "text/plain; charset=utf-8";
  return {
    status: answer.status,
    headers: text === "" ? {} : { "content-type": type },
    body: new TextEncoder().encode(text),
    isWhole: true,
    isSent: true,
  };
}
