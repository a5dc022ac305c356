/** The lists of what providers ask, and of what they are answered, in the page on challenges. */

import type { ProviderAnswer } from "../../../src/auth/challenges/challenge.ts";
import { dialogues } from "../../../src/auth/challenges/dialogues.ts";
import { list } from "./schema_list.ts";

/** What providers ask that neither questions nor handshakes say: of those whose verifier answers itself. */
const FURTHER: readonly (readonly [string, undefined, string])[] = [[
  "sns",
  undefined,
  "A signed `SubscriptionConfirmation` of a topic in `topics` is confirmed; messages of other topics get 401, and " +
  "without `topics` it gets 403. A signed `UnsubscribeConfirmation` gets an empty 200.",
]];

/** A line a provider that asks something. */
export function challengeList(): string {
  const lines = Object.entries(dialogues).flatMap(([name, { questions, handshake }]) => {
    if (handshake !== undefined) {
      return [
        [
          name,
          undefined,
          `Brings its secret: ${handshake.description} See [handshakes](#handshakes).`,
        ] as const,
      ];
    }
    if (questions === undefined) return [];
    const takes = questions.takesToken === true ? " Takes `verify_token`." : "";
    return [[name, undefined, questions.description + takes] as const];
  });
  return list([...lines, ...FURTHER].toSorted(([one], [other]) => one < other ? -1 : 1));
}

/** A line a provider that wants answers of its own. */
export function answerList(): string {
  return list(
    Object.entries(dialogues).flatMap(([name, { accepted, refused }]) => {
      const texts = [
        ...accepted === undefined ? [] : [`Accepted: ${describe(accepted)}.`],
        ...refused === undefined
          ? []
          : [`Refused: ${refused.status}${refused.isEmpty ? " without a body" : ""}.`],
      ];
      return texts.length === 0 ? [] : [[name, undefined, texts.join(" ")] as const];
    }),
  );
}

function describe({ status, body }: ProviderAnswer): string {
  return body === null ? `${status} without a body` : `${status} with \`${body}\``;
}
