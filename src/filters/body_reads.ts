/**
 * What the conditions of one webhook read of a document.
 *
 * @module
 */

import type { EventBody } from "../event/event.ts";
import type { Expression } from "../expressions/expressions.ts";
import type { JsonBounds, JsonVerdict } from "../json/scan.ts";
import { MemberPicker, type MemberTree } from "../json/members/picker.ts";

/** What some conditions read of a document together: certain members, or all of it. */
export class BodyReads {
  readonly #expressions: readonly Expression[];
  /** Whether all of it has to be there. */
  readonly isWhole: boolean;
  #picker: MemberPicker | undefined;

  /** @param expressions those that read the body */
  constructor(expressions: readonly Expression[]) {
    this.#expressions = expressions;
    this.isWhole = expressions.some(({ reads }) => reads.whole.has("body"));
  }

  /**
   * What a body that is not large is as a JSON document. Where it is one, what is read of it is found while its bytes are
   * at hand.
   */
  judge(body: EventBody, bounds: JsonBounds): JsonVerdict {
    if (this.isWhole) return body.judgeByValue(bounds);
    const verdict = body.judgeJson(bounds);
    if (verdict === "json") body.pickSmall(this.#ownPicker);
    return verdict;
  }

  /** The value of a small document, as far as it is read. It is kept as the body's own value is. */
  valueOf(body: EventBody): unknown {
    return this.isWhole ? body.value : body.pick(this.#ownPicker);
  }

  /** Made when the first event comes: of a hundred thousand webhooks few may ever get one. */
  get #ownPicker(): MemberPicker {
    return this.#picker ??= new MemberPicker(
      together(this.#expressions.map((expression) => expression.membersOf("body"))),
    );
  }
}

/** All members of several trees. */
function together(trees: readonly MemberTree[]): MemberTree {
  const all = new Map<string, MemberTree | undefined>();
  for (const tree of trees) {
    for (const [name, within] of tree) {
      const known = all.get(name);
      const isNew = !all.has(name);
      if (isNew || within === undefined) all.set(name, within);
      else if (known !== undefined) all.set(name, together([known, within]));
    }
  }
  return all;
}
