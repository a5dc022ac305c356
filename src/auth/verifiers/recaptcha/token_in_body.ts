/**
 * The token in the body of a request: a member of a JSON object, or a field of a form.
 *
 * @module
 */

import { EventBody } from "../../../event/event.ts";
import { JsonPointer } from "../../../json/pointer.ts";
import { formText, parseForm } from "../../parsing/form_body.ts";

/** Longest body that is searched, in bytes: it is done in one go, in which nothing else runs. */
const MAX_SEARCHED_BYTES = 1024 * 1024;

/** Most fields of a form. */
const MAX_FIELDS = 1_000;

/** The names that the Python service looks for. */
const USUAL_NAMES = ["recaptcha_token", "recaptcha", "g-recaptcha-response"];

/** Finds tokens under a name, and under the usual ones after it. */
export class TokenFinder {
  readonly #names: readonly string[];
  readonly #pointers: readonly JsonPointer[];

  constructor(name: string) {
    this.#names = [name, ...USUAL_NAMES];
    this.#pointers = this.#names.map((each) => JsonPointer.of(each));
  }

  /** The first text that is not empty; `undefined` where there is none, or the body cannot be read. */
  find(body: Uint8Array<ArrayBuffer>, isForm: boolean): string | undefined {
    if (body.byteLength > MAX_SEARCHED_BYTES) return undefined;
    return isForm ? this.#inForm(body) : this.#inJson(EventBody.fromBytes(body));
  }

  #inForm(body: Uint8Array<ArrayBuffer>): string | undefined {
    const fields = parseForm(formText(body), MAX_FIELDS) ?? [];
    for (const name of this.#names) {
      const [found, ...others] = fields.filter(([each, value]) => each === name && value !== "");
      if (found !== undefined) return others.length === 0 ? found[1] : undefined;
    }
    return undefined;
  }

  #inJson(document: EventBody): string | undefined {
    for (const pointer of this.#pointers) {
      const found = pointer.scalarIn(document);
      if (found?.type === "string" && found.text !== "") return found.text;
    }
    return undefined;
  }
}
