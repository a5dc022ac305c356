/**
 * What providers say to a webhook besides their events, and what they want to hear: by the names of their presets.
 *
 * @module
 */

import type { RefusalAnswer } from "../../errors.ts";
import { EMPTY_ANSWER, textAnswer } from "./answers.ts";
import {
  braintreeQuestions,
  ebayQuestions,
  echoQuestions,
  graphQuestions,
  metaQuestions,
  xQuestions,
} from "./by_query.ts";
import type { ProviderAnswer } from "./challenge.ts";
import { asanaHandshake, type Handshake, notionHandshake } from "./handshake.ts";
import {
  discordQuestions,
  slackQuestions,
  twitchQuestions,
  xeroQuestions,
  zoomQuestions,
} from "./in_body.ts";
import type { ProviderQuestions } from "./questions.ts";

/** What one provider says and hears besides events and the gateway's own answers. */
export interface Dialogue {
  readonly questions?: ProviderQuestions;
  /** How its secret comes, where it brings one. */
  readonly handshake?: Handshake;
  /** The answer to an event, unless the webhook has one of its own. @default the gateway's */
  readonly accepted?: ProviderAnswer;
  /** The answer to a request that was refused, where that has to be another one. @default the gateway's */
  readonly refused?: RefusalAnswer;
}

const META: Dialogue = { questions: metaQuestions };
const ECHO: Dialogue = { questions: echoQuestions };

/** All of them. */
export const dialogues: Readonly<Record<string, Dialogue>> = {
  adyen: { accepted: textAnswer("[accepted]") },
  asana: { handshake: asanaHandshake },
  braintree: { questions: braintreeQuestions },
  discord: { questions: discordQuestions },
  dropbox: ECHO,
  "dropbox-sign": { accepted: textAnswer("Hello API Event Received") },
  ebay: { questions: ebayQuestions, refused: { status: 412, isEmpty: false } },
  figma: { refused: { status: 400, isEmpty: false } },
  instagram: META,
  messenger: META,
  meta: META,
  msgraph: { questions: graphQuestions },
  notion: { handshake: notionHandshake },
  nylas: ECHO,
  slack: { questions: slackQuestions, accepted: EMPTY_ANSWER },
  twilio: { accepted: { status: 200, body: "<Response/>", contentType: "text/xml; charset=utf-8" } },
  twitch: { questions: twitchQuestions },
  whatsapp: META,
  x: { questions: xQuestions },
  xero: { questions: xeroQuestions, accepted: EMPTY_ANSWER, refused: { status: 401, isEmpty: true } },
  zoom: { questions: zoomQuestions },
};
